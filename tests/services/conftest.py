"""What the tests of the services share: a database session of their own, as a portal's transaction would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from studio_reservations.database import BEGIN_OPTION, prepare_engine


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Return an engine whose transactions are of our kind: the write lock first on SQLite."""
    engine = create_engine(database_url, execution_options={BEGIN_OPTION: "IMMEDIATE"})
    prepare_engine(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def db_session(engine: Engine) -> Iterator[Session]:
    """Return a session in a transaction that nobody commits unless the test does."""
    with Session(engine) as session:
        yield session
