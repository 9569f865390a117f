"""A night in real processes, a scheduler and two workers, whose workers are killed with -9 where one likes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session

from config.clock import FILE, move
from studio_reservations.models import JobRun
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies.due import NIGHTLY
from studio_reservations.services.nights.running import run_due
from tests.host import Clock
from tests.nights.night import NIGHT, tables

ROOT = Path(__file__).parents[2]
FOUR = NIGHT + timedelta(hours=3)
"""04:00 in Toronto, when all four jobs are due."""

DEADLINE_SECONDS = 240.0
CLOCK = "clock"
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?\+00:00")
LAST = "business_date = '2026-12-02'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How far a job has come, in rows, and how much of it is under way: statements that count."""

    done: str
    under_way: str


def _nightly(job: str, done: str) -> Watched:
    running = f"SELECT count(*) FROM studio_job_run WHERE job = '{job}' AND state = 'RUNNING'"
    return Watched(done=done, under_way=running)


_DONE = {
    "detect_no_shows": "SELECT count(*) FROM studio_session_reservation WHERE no_show_at >= '2026-12-02'",
    "cancel_futures": "SELECT count(*) FROM studio_session_reservation WHERE futures_cancelled_at IS NOT NULL",
    "enforce_suspensions": "SELECT count(*) FROM studio_customer_suspension WHERE created_by_kind = 'SYSTEM'",
    "lift_suspensions": "SELECT count(*) FROM studio_customer_suspension WHERE ended_at IS NOT NULL",
}
WATCHED: Mapping[str, Watched] = {job: _nightly(job, done) for job, done in _DONE.items()}


def run_clean(url: str, studio_id: UUID) -> None:
    """Run the night in this process, undisturbed."""
    engine = create_engine(url)

    def opened(work: Callable[[Session], Any]) -> Any:
        with Session(engine) as session, session.begin():
            return work(session)

    run_due(opened=opened, studio_id=studio_id, clock=Clock(FOUR), pass_types=installed_pass_types())
    engine.dispose()


def run_killed(
    url: str,
    *,
    redis_url: str,
    directory: Path,
    kills: Sequence[tuple[str, int]],
    watched: Mapping[str, Watched] = WATCHED,
    waiting: str = "SELECT 0",
    config: Mapping[str, Any] = MappingProxyType({}),
) -> list[str]:
    """Run the night with a scheduler and two workers; at each of ``kills``, (job, rows it has done), the workers die.

    With them goes all that Redis knew. Ten minutes later by the portal's clock, two new workers come. The night is over when its
    four jobs have succeeded and ``waiting`` counts nothing. ``config`` is the portal's. Return the jobs that were under way
    when their workers died.
    """
    clock = directory / CLOCK
    environ = environment(url, redis_url=redis_url, directory=directory) | {"PORTAL_CONFIG": json.dumps(dict(config))}
    now, hit = FOUR, []
    engine = create_engine(url)
    _forget(redis_url)

    def is_over() -> bool:
        succeeded = f"SELECT count(DISTINCT job) FROM studio_job_run WHERE state = 'SUCCEEDED' AND {LAST}"
        return _count(engine, succeeded) == len(NIGHTLY) and _count(engine, waiting) == 0

    def has_come_to(job: str, rows: int) -> bool:
        done = _count(engine, watched[job].done)
        return (done >= rows and (done > 0 or _count(engine, watched[job].under_way) > 0)) or is_over()

    try:
        with running("scheduler", "--interval", "1", environ=environ, log=directory / "scheduler.log"):
            for place, (job, rows) in enumerate(kills):
                with _two_workers(environ, directory, place):
                    wait(partial(has_come_to, job, rows), directory)
                if _count(engine, watched[job].under_way):
                    hit.append(job)
                _forget(redis_url)
                now += timedelta(minutes=11)
                move(clock, now)
            with _two_workers(environ, directory, len(kills)):
                for late in range(9, -1, -1):  # what was tried in vain is tried again later
                    try:
                        wait(is_over, directory, seconds=DEADLINE_SECONDS / 10)
                        break
                    except TimeoutError:
                        if not late:
                            raise
                        now += timedelta(minutes=11)
                        move(clock, now)
    finally:
        engine.dispose()
    return hit


def environment(url: str, *, redis_url: str, directory: Path) -> dict[str, str]:
    """Return the environment of a portal whose clock, in ``directory``, shows `FOUR`."""
    move(directory / CLOCK, FOUR)
    own = {"DATABASE_URL": url, "REDIS_URL": redis_url, FILE: str(directory / CLOCK), "FLASK_SKIP_DOTENV": "1"}
    return {**os.environ, **own}


def marked(url: str) -> list[tuple[str, str, str, dict[str, int | str]]]:
    """Return each job's mark for each date: its state, and what was done or by which date's sweep."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(JobRun.job, JobRun.business_date, JobRun.state, JobRun.counts)).all()
    engine.dispose()
    return sorted((row.job, row.business_date.isoformat(), row.state, dict(row.counts)) for row in rows)


def attempts(url: str) -> dict[str, int]:
    """Return how often each job was begun."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT job, attempts FROM studio_job_run WHERE {LAST}")).all()
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
            with suppress(ProcessLookupError):  # it had ended, and was buried just before the stop
                os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()


def _forget(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()


def _children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [pid for pid, ppid in pairs if ppid == parent]


def _count(engine: Engine, statement: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def wait(
    condition: Callable[[], bool], directory: Path, *, every: float = 0.005, seconds: float = DEADLINE_SECONDS
) -> None:
    """Wait until ``condition`` is true, looking ``every`` so many seconds, for so many at the most.

    :raises TimeoutError: with the ends of the logs in ``directory``.
    """
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            logs = "\n".join(f"{log.name}:\n{log.read_text()[-2_000:]}" for log in sorted(directory.glob("*.log")))
            raise TimeoutError(f"The night is not over.\n{logs}")
        sleep(every)
