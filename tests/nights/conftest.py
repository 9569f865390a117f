"""Nights on a database of their own, without Flask: each batch in a transaction of a fresh session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.nights.night import Night


@pytest.fixture
def night(engine: Engine) -> Iterator[Night]:
    """Return the nights of a studio in Toronto, its customers, passes and sessions."""
    with Night(engine) as night:
        yield night
