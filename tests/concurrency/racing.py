"""Eight portals on one database, each in a process of its own, that begin at the same instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW
from tests.host import Clock, create_app, dispose_engines

PROCESSES = 8
SECONDS = 120.0

Given = TypeVar("Given")
Told = TypeVar("Told")

# Forked from a process that has imported everything and opened nothing: 8 processes start in a second on two cores.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "studio_reservations.extension",
        "studio_pass_types",
        "tests.concurrency.acts",
        "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
    ]
)
_start: Barrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The portal of one process; ``together`` waits until every process has come so far."""

    app: Flask
    client: FlaskClient
    clock: Clock
    together: Callable[[], object]

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, token: str, method: str = "POST") -> str:
        """Call the API and return the problem's code, or the status of a success. A 5xx is told with its status."""
        headers = {"Authorization": f"Bearer {token}"}
        response = self.client.open(f"/api{path}", method=method, json=dict(body or {}), headers=headers)
        if response.status_code < 300:
            return str(response.status_code)
        code: str = response.get_json()["code"]
        return code if response.status_code < 500 else f"{response.status_code} {code}"


def race(
    work: Callable[[Portal, Given], Told], each: Sequence[Given], *, database_url: str, now: datetime = NOW
) -> list[Told]:
    """Run ``work(portal, one)`` for each at once, in a process each, and return what they return.

    ``work`` is a function of a module, for it is looked up by its name in the new process.
    """
    start = _CONTEXT.Barrier(len(each), timeout=SECONDS)
    with ProcessPoolExecutor(len(each), mp_context=_CONTEXT, initializer=_meet_at, initargs=(start,)) as pool:
        futures = [pool.submit(_run, work, one, database_url, now) for one in each]
        return [future.result() for future in futures]


def tally(outcomes: Sequence[Sequence[str]]) -> Counter[str]:
    """Count the outcomes of all processes."""
    return Counter(chain.from_iterable(outcomes))


def _meet_at(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - a barrier can only be inherited, not sent with the work
    _start = start


def _run(work: Callable[[Portal, Given], Told], given: Given, database_url: str, now: datetime) -> Told:
    clock = Clock(now)
    app = create_app(database_url, clock=clock)
    try:
        # Nobody has two tasks: each waits here until all have one.
        _start.wait()
        return work(Portal(app=app, client=app.test_client(), clock=clock, together=_start.wait), given)
    except BaseException:
        _start.abort()
        raise
    finally:
        dispose_engines(app)
