"""Wrong ways to do it, for the negative controls: each differs from the product in the one thing under test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import sleep
from typing import Any
from unittest.mock import patch
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from studio_reservations.models import ClassRegistration, ClassSession
from studio_reservations.services import reserving, seats
from studio_reservations.services.seen import HELD_BY_PASS_OR_IN_SESSION

HESITATION_SECONDS = 0.005
_SESSION: Any = ClassSession.__table__
_LOCKED = (
    select(ClassRegistration.id)
    .where(ClassRegistration.id == bindparam("registration"))
    .with_for_update(key_share=True)
    .cte("locked")
)


@contextmanager
def unguarded_seats() -> Iterator[None]:
    """Count the seats in a transaction, and take the next one in another."""
    with patch.object(seats, "write_with_seat", _write_with_seat_seen_before):
        yield


@contextmanager
def lock_and_count_at_once() -> Iterator[None]:
    """Read what the pass holds in the statement that locks it, from the snapshot of before the wait."""
    at_once = HELD_BY_PASS_OR_IN_SESSION.where(exists(select(_LOCKED.c.id)))
    with (
        patch.object(reserving, "_CONTEXT_LOCKING", reserving._CONTEXT),
        patch.object(reserving, "HELD_BY_PASS_OR_IN_SESSION", at_once),
    ):
        yield


def _write_with_seat_seen_before(
    database: Connection, *, session_id: UUID, seen_starts_at: datetime, rows: seats.Rows
) -> bool:
    """Stand in for `seats.write_with_seat`; as there, ``database`` is in a transaction before and after."""
    # By the driver, for the session goes on believing in the one transaction it opened.
    database.exec_driver_sql("COMMIT")
    seen, capacity = database.execute(
        select(_SESSION.c.seats_taken, _SESSION.c.capacity).where(_SESSION.c.id == session_id)
    ).one()
    if database.dialect.name == "postgresql":
        database.exec_driver_sql("COMMIT")
    else:
        sleep(HESITATION_SECONDS)  # or now and then nobody else comes between, and the control shows nothing
        database.exec_driver_sql("BEGIN IMMEDIATE")
    if seen >= capacity:
        return False
    for table, values in rows:
        database.execute(insert(table), seats._by_column(table, values))
    database.execute(update(_SESSION).where(_SESSION.c.id == session_id).values(seats_taken=seen + 1))
    return True
