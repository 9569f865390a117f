"""Acts of one instant that a customer is told of in one message: a night that cancels four reservations writes one e-mail.

Source: rules.md §8 (`cancel_futures`: one message).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.models import OutboxMessage

GROUPED = ("reservation.auto_cancelled", "reservation.cancelled", "reservation.restored")
_COLUMNS = (
    OutboxMessage.id,
    OutboxMessage.event,
    OutboxMessage.customer_id,
    OutboxMessage.reservation_id,
    OutboxMessage.created_at,
    OutboxMessage.payload,
)


class _Key(NamedTuple):
    event: str
    customer_id: UUID
    created_at: datetime
    cause: str


def groups_of(db_session: Session, messages: Iterable[Any]) -> dict[UUID, tuple[Any, ...]]:
    """Return, for each message that stands in a group, all messages of the group, by id; one query for all."""
    keys = {message.id: key for message in messages if (key := _key(message)) is not None}
    if not keys:
        return {}
    found: dict[_Key, list[Any]] = {}
    for row in db_session.execute(
        select(*_COLUMNS)
        .where(
            OutboxMessage.event.in_(GROUPED),
            OutboxMessage.customer_id.in_({key.customer_id for key in keys.values()}),
            OutboxMessage.created_at.in_({key.created_at for key in keys.values()}),
        )
        .order_by(OutboxMessage.id)
    ):
        if (key := _key(row)) is not None:
            found.setdefault(key, []).append(row)
    return {message_id: tuple(found.get(key, ())) for message_id, key in keys.items()}


def leaders_of(db_session: Session, messages: Iterable[Any]) -> dict[UUID, UUID]:
    """Return, for each message that stands in a group, the one message of it by which the customer is told."""
    return {message_id: rows[0].id for message_id, rows in groups_of(db_session, messages).items() if rows}


def _key(message: Any) -> _Key | None:
    if message.event not in GROUPED or message.customer_id is None or message.payload is None:
        return None
    cause = message.payload.get("because_of") or message.payload.get("reason_code")
    if cause is None and message.event == "reservation.cancelled":
        return None  # given up one by one
    return _Key(message.event, message.customer_id, message.created_at, cause or "")
