"""``make bench``: what a reservation costs over HTTP, as a ratio to floors measured in the same run.

The *bare* floor is a Flask view with a psycopg pool and three statements: lock the pass, insert, take the seat. The *fair* floor
is our edge with its login, CSRF check, parsing and transaction, and nothing in it. Rates are medians of the rounds; beside them
stands the time on the processors that an answer took, portal and database together, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

import psycopg
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import make_url

from benchmarks import loading
from benchmarks.clients import Request, http, rate
from benchmarks.loading import HOT, HOT_SESSIONS, PASS, SPREAD, SPREAD_SESSIONS, Size, row_id, token_of
from benchmarks.portal import DATABASE, SECRET, signing_serializer
from tests.servers import postgres_server

POST, LIST = "POST /reservations", "GET /reservations/available, 200 sessions"
BARE, BARE_LIST, FAIR = "floor: bare", "floor: bare list", "floor: fair"
SHOWN = ("server_version", "fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One row of the table; ``hot`` is one session for all, else the calls are spread over 1,000."""

    what: str
    path: str
    login: str = ""
    hot: bool = False

    @property
    def is_list(self) -> bool:
        """Whether it reads; else it reserves."""
        return self.what in (LIST, BARE_LIST)

    @property
    def floor(self) -> Shape:
        """The bare floor of its kind."""
        return next(one for one in SHAPES if not one.login and (one.is_list, one.hot) == (self.is_list, self.hot))


SHAPES = (
    Shape(what=BARE, path="/floor/bare"),
    Shape(what=BARE, path="/floor/bare", hot=True),
    *(Shape(what=FAIR, path="/floor/fair", login=login) for login in ("cookie", "bearer")),
    *(
        Shape(what=POST, path="/api/reservations", login=login, hot=hot)
        for hot in (False, True)
        for login in ("cookie", "bearer")
    ),
    Shape(what=BARE_LIST, path="/floor/list"),
    Shape(what=LIST, path="/api/reservations/available?studio=benchmark&limit=200", login="bearer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement: answers a second, and milliseconds on the processors for each."""

    rate: float
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """A running portal: its socket, and the processes that work for it."""

    address: str
    process: int
    database: str

    def cpu_seconds(self) -> float:
        """Return what the portal's and the database's processes have used so far; 0 where there is no /proc."""
        with psycopg.connect(self.database) as connection:
            pids = [
                row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity WHERE pid != pg_backend_pid()")
            ]
        children = Path(f"/proc/{self.process}/task/{self.process}/children")
        pids += map(int, children.read_text().split()) if children.exists() else []
        return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Load, measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000, help="each with 10 past reservations (default 20000)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default 3)")
    parser.add_argument("--clients", type=int, default=8, help="default 8")
    given = parser.parse_args()
    with postgres_server(durable=True) as server:
        url = server.create_database()
        size, begun = Size(customers=given.customers), perf_counter()
        loading.load(url, size)
        _print_setting(url, size, seconds=perf_counter() - begun, clients=given.clients)
        with _portal(url) as portal:
            found = _measured(portal, size, rounds=given.rounds, seconds=given.seconds, clients=given.clients)
        server.drop_database(url)
    _print_table(found)
    return 0


def _measured(portal: Portal, size: Size, *, rounds: int, seconds: float, clients: int) -> dict[Shape, list[Sample]]:
    samples: dict[Shape, list[Sample]] = {shape: [] for shape in SHAPES}
    number, hot_session = 0, 0
    for turn in range(rounds + 1):
        for shape in SHAPES:
            hot_session += shape.hot
            request = _requests(shape, size, hot_session=hot_session % HOT_SESSIONS + 1)
            span = 1.0 if turn == 0 else seconds  # the first turn warms up
            before = portal.cpu_seconds()
            found, statuses, number = rate(portal.address, request, clients=clients, seconds=span, first=number)
            if wrong := {status: times for status, times in statuses.items() if status not in (200, 201)}:
                print(f"! {shape.what} {shape.login}: {wrong}")
            if turn:
                used = portal.cpu_seconds() - before
                samples[shape].append(Sample(rate=found, cpu_ms=1000 * used / statuses.total()))
    return samples


def _ticks(pid: int) -> int:
    try:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:  # it is gone, or this is not Linux
        return 0
    return int(user) + int(system)


def _requests(shape: Shape, size: Size, *, hot_session: int) -> Request:
    """Return the bytes of the n-th request; nobody reserves the same session twice."""

    def request(number: int) -> bytes:
        customer = number % size.customers + 1
        login = _LOGINS[shape.login](customer)
        if shape.is_list:
            return http("GET", shape.path, *login)
        spread = (number // size.customers + number) % SPREAD_SESSIONS + 1
        session_id = row_id(HOT, hot_session) if shape.hot else row_id(SPREAD, spread)
        body = {"session_id": str(session_id), "registration_id": str(row_id(PASS, customer))}
        return http("POST", shape.path, *login, body=json.dumps(body).encode())

    return request


def _cookie(customer: int) -> list[str]:
    # Not fresh, so that Flask-Login leaves the cookie as it is.
    session = {"_user_id": str(customer), "_fresh": False, "csrf_token": "raw"}
    return [f"Cookie: session={_SESSIONS.dumps(session)}", f"X-CSRFToken: {_CSRF}"]


_SESSIONS = signing_serializer()
_CSRF = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps("raw")
_LOGINS: dict[str, Callable[[int], list[str]]] = {
    "": lambda _: [],
    "cookie": _cookie,
    "bearer": lambda one: [f"Authorization: Bearer {token_of(one)}"],
}


@contextmanager
def _portal(url: str) -> Iterator[Portal]:
    """Run the portal under gunicorn, 2 workers with 4 threads."""
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as directory:
        address = Path(directory) / "socket"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--workers=2",
            "--threads=4",
            "--keep-alive=30",
            "--log-level=error",
        ]
        process = subprocess.Popen(
            [*command, f"--bind=unix:{address}", "benchmarks.portal:create_portal()"],
            env={**os.environ, DATABASE: url},
            cwd=Path(__file__).parents[1],
        )
        try:
            _wait_for(address)
            yield Portal(address=str(address), process=process.pid, database=_conninfo(url))
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(address: Path, *, patience: float = 30.0) -> None:
    until = monotonic() + patience
    while True:
        try:
            rate(str(address), lambda _: http("GET", "/"), clients=1, seconds=0.1, first=0)
            return
        except OSError:
            if monotonic() > until:
                raise
            sleep(0.1)


def _print_setting(url: str, size: Size, *, seconds: float, clients: int) -> None:
    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone() for name in SHOWN}
    print(f"PostgreSQL {', '.join(f'{name} {value[0]}' for name, value in shown.items() if value)}")
    print(f"{size.customers:,} customers, {size.reservations:,} reservations, loaded in {seconds:.0f} s")
    print(
        f"gunicorn 2 workers x 4 threads, {clients} clients, all on one machine with {os.cpu_count()} cores; "
        f"Python {platform.python_version()}"
    )


def _conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _print_table(samples: dict[Shape, list[Sample]]) -> None:
    rates = {shape: median(one.rate for one in found) for shape, found in samples.items()}
    costs = {shape: median(one.cpu_ms for one in found) for shape, found in samples.items()}
    print(f"\n{'':<44} {'':<6} {'':<6} {'answers a second':^22}   {'CPU ms an answer':^22}")
    print(
        f"{'':<44} {'login':<6} {'where':<6} {'':>6} {'of bare':>7} {'of fair':>7}   {'':>6} {'of bare':>7} {'of fair':>7}"
    )
    for shape in samples:
        fair = next(
            (one for one in SHAPES if one.what == FAIR and one.login == shape.login and not shape.is_list), None
        )
        where = "" if shape.is_list else "hot" if shape.hot else "spread"
        told = [f"{shape.what:<44} {shape.login:<6} {where:<6} {rates[shape]:>6.0f}"]
        told += [_ratio(rates, shape, floor) for floor in (shape.floor, fair)]
        told += [f"  {costs[shape]:>6.2f}", *(_ratio(costs, shape, floor) for floor in (shape.floor, fair))]
        print(" ".join(told))


def _ratio(of: dict[Shape, float], shape: Shape, floor: Shape | None) -> str:
    return f"{of[shape] / of[floor]:>7.2f}" if floor is not None and of[floor] else f"{'':>7}"


if __name__ == "__main__":
    sys.exit(main())
