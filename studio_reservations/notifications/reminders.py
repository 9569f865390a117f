"""The job that reminds: a day, two hours and half an hour before a session, and a week before a pass ends.

It writes messages only, each under a key that makes telling it twice impossible; `delivery` sends them.
Source: rules.md §8 (`send_reminders`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    OutboxMessage,
    RegistrationStatus,
    SessionReservation,
    SessionStatus,
    Studio,
    new_id,
)
from studio_reservations.notifications.delivery import Transactions
from studio_reservations.notifications.expanding import insert_new
from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import hours_before, instant_of, local_date
from studio_reservations.policies.messages import Message

BATCH = 500
DAY_BEFORE_HOURS = 24
CHECK_IN_BEFORE = timedelta(hours=2)
LAST_CALL_BEFORE = timedelta(minutes=30)
EXPIRING_DAYS = 7
EXPIRING_AT = time(10)
FARTHEST = timedelta(hours=50)
"""A day before by the wall clock is at most this long before: a zone may leave a whole day out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A reminder whose time has come: of one session, for those who had reserved by ``due_at``."""

    message: Message
    session_id: UUID
    starts_at: datetime
    due_at: datetime


def send_reminders(
    transactions: Transactions,
    *,
    as_of: datetime,
    now: datetime | None = None,
    studio_id: UUID | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Write the reminders that are due and not written yet, of all studios or of one; return how many of each kind.

    A run that comes late still reminds, never after the start, and never those who reserved or got the pass later than its
    time. ``now``, where it is later than ``as_of``: what has begun or ended by then is not told of either.
    """
    latest = as_of if now is None else max(as_of, now)
    written: dict[str, int] = {one.value: 0 for one in (Message.REMINDER, Message.SMS_CHECK_IN, Message.SMS_LAST_CALL)}
    written[Message.PASS_EXPIRING.value] = 0

    def count(message: str, number: int) -> None:
        written[message] += number
        if number and on_batch is not None:
            on_batch(number)

    for due in transactions(partial(_due_sessions, as_of=as_of, latest=latest, studio_id=studio_id)):
        after: UUID | None = None
        while True:
            after, number = transactions(partial(_remind, due=due, after=after, as_of=as_of))
            count(due.message.value, number)
            if after is None:
                break
    for studio in transactions(partial(_studios, studio_id=studio_id)):
        after = None
        while True:
            after, number = transactions(
                partial(_tell_expiring, studio=studio, after=after, as_of=as_of, latest=latest)
            )
            count(Message.PASS_EXPIRING.value, number)
            if after is None:
                break
    return written


def due_messages(
    starts_at: datetime, *, timezone: str, as_of: datetime, sms: bool
) -> Iterable[tuple[Message, datetime]]:
    """Return the reminders of a session whose time has come at ``as_of``, with that time; none after the start.

    24 h are counted on the studio's clock, the others as they elapse. The last call takes the place of the SMS before it.
    """
    if as_of >= starts_at:
        return
    day_before = hours_before(starts_at, DAY_BEFORE_HOURS, timezone=timezone)
    if day_before <= as_of:
        yield Message.REMINDER, day_before
    if sms and as_of >= starts_at - LAST_CALL_BEFORE:
        yield Message.SMS_LAST_CALL, starts_at - LAST_CALL_BEFORE
    elif sms and as_of >= starts_at - CHECK_IN_BEFORE:
        yield Message.SMS_CHECK_IN, starts_at - CHECK_IN_BEFORE


def _due_sessions(db_session: Session, *, as_of: datetime, latest: datetime, studio_id: UUID | None) -> list[Due]:
    rows = db_session.execute(
        select(ClassSession.id, ClassSession.starts_at, Studio.timezone, Studio.sms_enabled)
        .join(Studio, Studio.id == ClassSession.studio_id)
        .where(
            ClassSession.status == SessionStatus.SCHEDULED.value,
            ClassSession.starts_at > latest,
            ClassSession.starts_at <= as_of + FARTHEST,
            ClassSession.seats_taken > 0,
            *_of_studio(studio_id),
        )
        .order_by(ClassSession.starts_at, ClassSession.id)
    )
    return [
        Due(message=message, session_id=row.id, starts_at=row.starts_at, due_at=due_at)
        for row in rows
        for message, due_at in due_messages(row.starts_at, timezone=row.timezone, as_of=as_of, sms=row.sms_enabled)
    ]


def _remind(db_session: Session, *, due: Due, after: UUID | None, as_of: datetime) -> tuple[UUID | None, int]:
    rows = db_session.execute(
        select(SessionReservation.id, SessionReservation.studio_id, SessionReservation.customer_id)
        .where(
            SessionReservation.session_id == due.session_id,
            SessionReservation.status == Status.PENDING.value,
            SessionReservation.reserved_at <= due.due_at,
            *_behind(SessionReservation.id, after),
        )
        .order_by(SessionReservation.id)
        .limit(BATCH)
    ).all()
    start = f"{due.starts_at.timestamp():.0f}"  # a session moved to another time is reminded of again
    number = _write_new(
        db_session,
        [
            {
                "studio_id": row.studio_id,
                "customer_id": row.customer_id,
                "reservation_id": row.id,
                "event": due.message.value,
                "payload": {"reservation_id": str(row.id), "starts_at": due.starts_at.isoformat()},
                "dedupe_key": f"{due.message.value}:{row.id}:{start}",
            }
            for row in rows
        ],
        as_of=as_of,
    )
    return (rows[-1].id if len(rows) == BATCH else None), number


def _studios(db_session: Session, *, studio_id: UUID | None) -> Sequence[Any]:
    return db_session.execute(select(Studio.id, Studio.timezone).where(*_of_studio(studio_id))).all()


def _tell_expiring(
    db_session: Session, *, studio: Any, after: UUID | None, as_of: datetime, latest: datetime
) -> tuple[UUID | None, int]:
    first, today = (local_date(one, timezone=studio.timezone) for one in (latest, as_of))
    rows = db_session.execute(
        select(
            ClassRegistration.id,
            ClassRegistration.customer_id,
            ClassRegistration.valid_until,
            ClassRegistration.issued_at,
        )
        .where(
            ClassRegistration.studio_id == studio.id,
            ClassRegistration.status == RegistrationStatus.ACTIVE.value,
            ClassRegistration.valid_until.between(first, today + timedelta(days=EXPIRING_DAYS)),
            *_behind(ClassRegistration.id, after),
        )
        .order_by(ClassRegistration.id)
        .limit(BATCH)
    ).all()
    number = _write_new(
        db_session,
        [
            {
                "studio_id": studio.id,
                "customer_id": row.customer_id,
                "reservation_id": None,
                "event": Message.PASS_EXPIRING.value,
                "payload": {"registration_id": str(row.id), "valid_until": row.valid_until.isoformat()},
                "dedupe_key": f"{Message.PASS_EXPIRING.value}:{row.id}:{row.valid_until}",
            }
            for row in rows
            if row.issued_at <= expiring_at(row.valid_until, timezone=studio.timezone) <= as_of
        ],
        as_of=as_of,
    )
    return (rows[-1].id if len(rows) == BATCH else None), number


def expiring_at(valid_until: date, *, timezone: str) -> datetime:
    """Return when the end of a pass is told: 7 days before its last day, 10:00 local."""
    return instant_of(datetime.combine(valid_until - timedelta(days=EXPIRING_DAYS), EXPIRING_AT), timezone=timezone)


def _of_studio(studio_id: UUID | None) -> Sequence[ColumnElement[bool]]:
    return () if studio_id is None else (Studio.id == studio_id,)


def _behind(column: Any, after: UUID | None) -> Sequence[ColumnElement[bool]]:
    return () if after is None else (column > after,)


def _write_new(db_session: Session, rows: list[dict[str, Any]], *, as_of: datetime) -> int:
    """Write the messages that are not there yet; two workers at once write each once."""
    keys = {row["dedupe_key"] for row in rows}
    known = set(db_session.scalars(select(OutboxMessage.dedupe_key).where(OutboxMessage.dedupe_key.in_(keys))))
    new = [
        {"id": new_id(), "expanded_at": None, "created_at": as_of, **row}
        for row in rows
        if row["dedupe_key"] not in known
    ]
    if new:
        insert_new(db_session, OutboxMessage, new)
    return len(new)
