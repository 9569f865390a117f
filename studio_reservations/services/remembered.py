"""Answers to writes, remembered for callers who send one again. Source: api.md, Errors."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.orm import Session

from studio_reservations.models import IdempotencyRecord
from studio_reservations.models.connection import connection

KEPT = timedelta(hours=24)
FORGOTTEN_AT_ONCE = 100

_RECORD: Table = IdempotencyRecord.__table__  # type: ignore[assignment]
_FORGET_OLD = delete(_RECORD).where(
    _RECORD.c.id.in_(
        select(_RECORD.c.id)
        .where(_RECORD.c.created_at <= bindparam("before"))
        .order_by(_RECORD.c.created_at)
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)  # whoever else is at it takes the next ones
    )
)


def forget_answers(db_session: Session, *, now: datetime) -> bool:
    """Forget some answers that are older than 24 hours; return whether there may be more."""
    return connection(db_session).execute(_FORGET_OLD, {"before": now - KEPT}).rowcount == FORGOTTEN_AT_ONCE
