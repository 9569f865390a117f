"""A scheduler, two workers, a real Redis: the night is as if nothing had happened, whatever dies."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from config.processes import valkey
from tests import host
from tests.host import Clock
from tests.nights import killing
from tests.nights.crowd import populate
from tests.servers import Postgres


@pytest.mark.slow
@pytest.mark.concurrency
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_five_nights_missed_and_workers_killed_in_three_jobs_leave_the_tables_of_one_undisturbed_sweep(
    database_url: str, postgres: Postgres, redis_url: str, tmp_path: Path
):
    engine = create_engine(database_url)
    studio_id = populate(engine, customers=300, suspended=30, nights=5)
    engine.dispose()
    clean = postgres.create_database(template=database_url)
    killing.run_clean(clean, studio_id)

    killing.run_killed(
        database_url,
        redis_url=redis_url,
        directory=tmp_path,
        kills=[("detect_no_shows", 1), ("cancel_futures", 0), ("enforce_suspensions", 0)],
    )

    begun = killing.attempts(database_url)
    assert begun.keys() == killing.WATCHED.keys()
    assert sum(begun.values()) > len(begun)
    assert killing.timeless(database_url) == killing.timeless(clean)
    marks = killing.marked(database_url)
    assert marks == killing.marked(clean)
    dates = ("2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02")
    assert Counter((job, date, state) for job, date, state, _ in marks) == Counter(
        (job, date, "SUCCEEDED") for job in killing.WATCHED for date in dates
    )
    assert [by for _, date, _, by in marks if date != "2026-12-02"] == [{"swept_on": "2026-12-02"}] * 16
    postgres.drop_database(clean)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_scheduler_and_worker_wait_while_redis_is_away_and_go_on_with_an_empty_one(database_url: str, tmp_path: Path):
    environ = killing.environment(database_url, redis_url=f"unix://{tmp_path / 'valkey.sock'}", directory=tmp_path)
    logs = [tmp_path / "scheduler.log", tmp_path / "worker.log"]

    def done() -> int:
        return logs[1].read_text().count("Job OK")

    with ExitStack() as stack:
        commands = [("scheduler", "--interval", "1"), ("worker",)]
        processes = [
            stack.enter_context(killing.running(*command, environ=environ, log=log))
            for command, log in zip(commands, logs, strict=True)
        ]
        killing.wait(lambda: all("Redis does not answer" in log.read_text() for log in logs), tmp_path)
        with valkey(tmp_path):
            killing.wait(lambda: done() > 0, tmp_path)
        killing.wait(lambda: "could not connect to Redis" in logs[1].read_text(), tmp_path)
        before = done()
        with valkey(tmp_path):
            killing.wait(lambda: done() > before, tmp_path)
            for process in processes:
                process.terminate()
            assert [process.wait(timeout=30) for process in processes] == [0, 0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_burst_without_redis_ends_with_a_sentence(database_url: str, tmp_path: Path):
    app = host.create_app(
        database_url, clock=Clock(), config={"STUDIO_REDIS_URL": f"unix://{tmp_path / 'valkey.sock'}"}
    )
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    result = app.test_cli_runner().invoke(args=["studio", "worker", "--burst"])

    for one, handler in before.items():
        signal.signal(one, handler)
    assert result.exit_code == 1
    assert "Error: Redis does not answer: " in result.output
    host.dispose_engines(app)
