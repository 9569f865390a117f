"""A scheduler, two workers, a real Redis: the night is as if nothing had happened, whatever dies."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

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
