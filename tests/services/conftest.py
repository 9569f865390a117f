"""What the tests of the services share: a database session of their own, as a portal's transaction would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session


@pytest.fixture
def db_session(engine: Engine) -> Iterator[Session]:
    """Return a session in a transaction that nobody commits unless the test does."""
    with Session(engine) as session:
        yield session
