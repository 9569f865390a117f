"""A night in real processes, a scheduler and two workers, whose workers are killed with -9 where one likes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import Engine, Table, create_engine, text
from sqlalchemy.orm import Session

from config.clock import FILE, move
from studio_reservations.models import ClassRegistration, Customer, SessionReservation, new_id
from studio_reservations.models.bulk import insert_rows
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies.due import NIGHTLY
from studio_reservations.services.nights.running import run_due
from tests import factories
from tests.host import Clock
from tests.nights.night import NIGHT, Night, tables

ROOT = Path(__file__).parents[2]
FOUR = NIGHT + timedelta(hours=3)
"""04:00 in Toronto, when all four jobs are due."""

DEADLINE_SECONDS = 90.0
CLOCK = "clock"
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?\+00:00")
DONE = {
    "detect_no_shows": "SELECT count(*) FROM studio_session_reservation WHERE no_show_at >= '2026-12-02'",
    "cancel_futures": "SELECT count(*) FROM studio_session_reservation WHERE futures_cancelled_at IS NOT NULL",
    "enforce_suspensions": "SELECT count(*) FROM studio_customer_suspension WHERE created_by_kind = 'SYSTEM'",
    "lift_suspensions": "SELECT count(*) FROM studio_customer_suspension WHERE ended_at IS NOT NULL",
}
"""How far each job has come, in rows."""


def populate(engine: Engine, *, customers: int) -> UUID:
    """Add a studio with work for every job; return its id. Each pass has 4 to miss, 1 missed and 1 to come."""
    with Night(engine) as night:
        studio = night.studio
        factories.make_policy(night.db_session, studio, deduct_punch_on_no_show=True, max_no_shows=1)
        over = [night.over(hours=5 + number, capacity=customers, seats_taken=customers) for number in range(4)]
        missed = night.over(hours=60, capacity=customers, seats_taken=customers)
        coming = night.coming(capacity=customers, seats_taken=customers)
        for _ in range(customers // 10):
            factories.make_suspension(
                night.db_session,
                night.customer(),
                studio,
                now=NIGHT - timedelta(days=9),
                ends_on=(NIGHT - timedelta(days=3)).date(),
            )
        database = night.db_session.connection()
        people = [new_id() for _ in range(customers)]
        passes = [new_id() for _ in range(customers)]
        at = {"studio_id": studio.id}
        long_ago = NIGHT - timedelta(days=30)
        insert_rows(
            database,
            _table(Customer),
            [{"id": one, "name": "Ada", "preferences": {}, "created_at": long_ago} for one in people],
        )
        insert_rows(
            database,
            _table(ClassRegistration),
            [
                {
                    **at,
                    "id": one,
                    "customer_id": person,
                    "pass_type": "punch_pass",
                    "pass_options": {},
                    "sessions_included": 3,
                    "sessions_remaining": 3,
                    "sessions_attended": 0,
                    "requires_sequential_attendance": False,
                    "status": "ACTIVE",
                    "issued_at": long_ago,
                }
                for one, person in zip(passes, people, strict=True)
            ],
        )
        terms = {
            **at,
            **dict.fromkeys(("reserved_at", "first_reserved_at", "undo_until", "free_cancellation_until"), long_ago),
            "punches_held": 1,
            "punches_used": 0,
            "late_cancel_punches": 0,
            "late_cancel_counts": False,
            "late": False,
            "flags": [],
        }
        fate = {
            "status": "NO_SHOW",
            "counts_as_no_show": True,
            "missed_at": missed.ends_at,
            "grace_ends_at": NIGHT - timedelta(hours=1),
            "auto_cancel_at": NIGHT,
        }
        pending = {
            "status": "PENDING",
            "counts_as_no_show": False,
            **dict.fromkeys(("missed_at", "grace_ends_at", "auto_cancel_at")),
        }
        rows = [
            {**terms, **state, "id": new_id(), "session_id": session.id, "registration_id": one, "customer_id": person}
            for session, state in (*((session, pending) for session in over), (missed, fate), (coming, pending))
            for one, person in zip(passes, people, strict=True)
        ]
        insert_rows(database, _table(SessionReservation), rows)
        night.db_session.commit()
        return studio.id


def run_clean(url: str, studio_id: UUID) -> None:
    """Run the night in this process, undisturbed."""
    engine = create_engine(url)

    def opened(work: Callable[[Session], Any]) -> Any:
        with Session(engine) as session, session.begin():
            return work(session)

    run_due(opened=opened, studio_id=studio_id, clock=Clock(FOUR), pass_types=installed_pass_types())
    engine.dispose()


def run_killed(url: str, *, redis_url: str, directory: Path, kills: Sequence[tuple[str, int]]) -> None:
    """Run the night with a scheduler and two workers; at each of ``kills``, (job, rows it has done), the workers die.

    With them goes all that Redis knew. Ten minutes later by the portal's clock, two new workers come.
    """
    clock = directory / CLOCK
    environ = environment(url, redis_url=redis_url, directory=directory)
    now = FOUR
    engine = create_engine(url)
    try:
        with running("scheduler", "--interval", "1", environ=environ, log=directory / "scheduler.log"):
            for place, (job, rows) in enumerate(kills):
                with _two_workers(environ, directory, place):
                    wait(partial(_has_come_to, engine, job, rows), directory)
                with redis.Redis.from_url(redis_url) as client:
                    client.flushall()
                now += timedelta(minutes=11)
                move(clock, now)
            with _two_workers(environ, directory, len(kills)):
                wait(lambda: _is_over(engine), directory)
    finally:
        engine.dispose()


def environment(url: str, *, redis_url: str, directory: Path) -> dict[str, str]:
    """Return the environment of a portal whose clock, in ``directory``, shows `FOUR`."""
    move(directory / CLOCK, FOUR)
    own = {"DATABASE_URL": url, "REDIS_URL": redis_url, FILE: str(directory / CLOCK), "FLASK_SKIP_DOTENV": "1"}
    return {**os.environ, **own}


def attempts(url: str) -> dict[str, int]:
    """Return how often each job was begun."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT job, attempts FROM studio_job_run")).all()
    engine.dispose()
    return {row.job: row.attempts for row in rows}


def timeless(url: str) -> dict[str, list[str]]:
    """Return the tables without ids that a run makes and without instants."""
    engine = create_engine(url)
    found = {name: sorted(INSTANT.sub("…", row) for row in rows) for name, rows in tables(engine).items()}
    engine.dispose()
    return found


@contextmanager
def _two_workers(environ: dict[str, str], directory: Path, place: int) -> Iterator[None]:
    with ExitStack() as stack:
        for one in (1, 2):
            stack.enter_context(running("worker", environ=environ, log=directory / f"worker-{place}-{one}.log"))
        yield


@contextmanager
def running(*command: str, environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``flask studio …``; in the end it is killed with all that it forked."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "tests.nights.portal", "studio", *command],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGSTOP)  # it forks nobody between our look and the kill
        for child in _children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()


def _children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [pid for pid, ppid in pairs if ppid == parent]


def _count(engine: Engine, statement: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def _has_come_to(engine: Engine, job: str, rows: int) -> bool:
    return _count(engine, DONE[job]) >= rows or _is_over(engine)


def _is_over(engine: Engine) -> bool:
    done = "SELECT count(DISTINCT job) FROM studio_job_run WHERE state = 'SUCCEEDED' AND business_date = '2026-12-02'"
    return _count(engine, done) == len(NIGHTLY)


def wait(condition: Callable[[], bool], directory: Path, *, every: float = 0.005) -> None:
    """Wait until ``condition`` is true, looking ``every`` so many seconds.

    :raises TimeoutError: with the ends of the logs in ``directory``.
    """
    deadline = monotonic() + DEADLINE_SECONDS
    while not condition():
        if monotonic() > deadline:
            logs = "\n".join(f"{log.name}:\n{log.read_text()[-2_000:]}" for log in sorted(directory.glob("*.log")))
            raise TimeoutError(f"The night is not over.\n{logs}")
        sleep(every)


def _table(model: type) -> Table:
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found
