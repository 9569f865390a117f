"""Nights on a database of their own, without Flask: each batch in a transaction of a fresh session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from studio_reservations.database import BEGIN_OPTION, prepare_engine
from tests.nights.night import Night


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Return an engine whose transactions are of our kind: the write lock first on SQLite."""
    engine = create_engine(database_url, execution_options={BEGIN_OPTION: "IMMEDIATE"})
    prepare_engine(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def night(engine: Engine) -> Iterator[Night]:
    """Return the nights of a studio in Toronto, its customers, passes and sessions."""
    with Night(engine) as night:
        yield night
