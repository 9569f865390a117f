"""What the races share: the rows before and after, seen by the test's own process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from studio_reservations.database import prepare_engine


@pytest.fixture
def db_session(database_url: str) -> Iterator[Session]:
    """Return a session; what a race is to find must be committed, for others look at it."""
    engine = create_engine(database_url)
    prepare_engine(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
