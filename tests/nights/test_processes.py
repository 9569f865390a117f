"""A scheduler, two workers, a real Redis: the night is as if nothing had happened, whatever dies."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from rq import Queue
from sqlalchemy import create_engine

from config.processes import valkey
from tests.nights import killing
from tests.servers import Postgres


@pytest.mark.slow
@pytest.mark.concurrency
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_workers_killed_in_three_jobs_leave_the_tables_of_an_undisturbed_night(
    database_url: str, postgres: Postgres, redis_url: str, tmp_path: Path
):
    engine = create_engine(database_url)
    studio_id = killing.populate(engine, customers=300)
    engine.dispose()
    clean = postgres.create_database(template=database_url)
    killing.run_clean(clean, studio_id)

    killing.run_killed(
        database_url,
        redis_url=redis_url,
        directory=tmp_path,
        kills=[("detect_no_shows", 1), ("cancel_futures", 1), ("enforce_suspensions", 1)],
    )

    begun = killing.attempts(database_url)
    assert begun.keys() == killing.DONE.keys()
    assert sum(begun.values()) > len(begun)
    assert killing.timeless(database_url) == killing.timeless(clean)
    postgres.drop_database(clean)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_scheduler_waits_while_redis_is_away_and_goes_on_with_an_empty_one(database_url: str, tmp_path: Path):
    with ExitStack() as stack:
        with valkey(tmp_path) as redis_url:
            environ = killing.environment(database_url, redis_url=redis_url, directory=tmp_path)
            log = tmp_path / "scheduler.log"
            process = stack.enter_context(killing.running("scheduler", "--interval", "1", environ=environ, log=log))
            killing.wait(lambda: _has_ticked(redis_url), tmp_path)
        killing.wait(lambda: "Redis does not answer" in log.read_text(), tmp_path)
        with valkey(tmp_path):
            killing.wait(lambda: _has_ticked(redis_url), tmp_path)
            assert process.poll() is None
            process.terminate()
            assert process.wait(timeout=30) == 0


def _has_ticked(redis_url: str) -> bool:
    with redis.Redis.from_url(redis_url) as client:
        return Queue("studio", connection=client).job_ids == ["studio-nights"]
