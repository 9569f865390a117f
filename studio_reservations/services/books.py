"""What every change shares: the lock on the pass, the punch ledger, the seats.

One lock order everywhere: registrations ascending by id, then reservations, then counters, then class sessions ascending by id,
each once per transaction with the net change. Nobody takes a registration after a session. Source: rules.md §3, Concurrency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound, SessionCancelled, SessionFull, StudioError, TryAgain
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    LedgerReason,
    PunchLedgerEntry,
    SessionReservation,
)
from studio_reservations.services.actors import Actor

if TYPE_CHECKING:
    from sqlalchemy import CursorResult

OWN_TRANSACTION = "studio_reservations.own_transaction"
"""Set in ``Session.info`` by whoever rolls the whole transaction back on an error; then no savepoint is needed."""

LOCK_REGISTRATIONS = (
    select(ClassRegistration)
    .where(ClassRegistration.id.in_(bindparam("ids", expanding=True)))
    .order_by(ClassRegistration.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_CHANGE_SEATS = (
    update(ClassSession)
    .where(ClassSession.id == bindparam("session"))
    .values(seats_taken=ClassSession.seats_taken + bindparam("change"))
    .execution_options(synchronize_session=False)
)
_TAKE_SEATS = _CHANGE_SEATS.where(
    ClassSession.status == "SCHEDULED", ClassSession.seats_taken + bindparam("change") <= ClassSession.capacity
)


def atomic(db_session: Session) -> AbstractContextManager[Any]:
    """Return a savepoint where a portal put us into a transaction of its own, so that a refusal leaves nothing half-done."""
    return nullcontext() if db_session.info.get(OWN_TRANSACTION) else db_session.begin_nested()


def lock_registrations(db_session: Session, ids: Iterable[UUID]) -> dict[UUID, ClassRegistration]:
    """Lock the passes in ascending order and read them fresh; unknown ids are missing in the answer."""
    rows = db_session.scalars(LOCK_REGISTRATIONS, {"ids": sorted(set(ids))})
    return {row.id: row for row in rows}


def lock_registration(db_session: Session, registration_id: UUID) -> ClassRegistration:
    """Lock one pass and read it fresh. :raises NotFound:"""
    try:
        return lock_registrations(db_session, [registration_id])[registration_id]
    except KeyError:
        raise NotFound() from None


def lock_reservation(db_session: Session, reservation_id: UUID) -> tuple[ClassRegistration, SessionReservation]:
    """Lock a reservation's pass, then the reservation, and read both fresh. :raises NotFound:"""
    registration_id = db_session.scalar(
        select(SessionReservation.registration_id).where(SessionReservation.id == reservation_id)
    )
    if registration_id is None:
        raise NotFound()
    registration = lock_registration(db_session, registration_id)
    reservation = db_session.scalars(
        select(SessionReservation)
        .where(SessionReservation.id == reservation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    return registration, reservation


def change_punches(
    db_session: Session,
    *,
    registration: ClassRegistration,
    delta: int,
    entry_type: LedgerReason,
    actor: Actor,
    now: datetime,
    reservation: SessionReservation | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write ``delta`` into the ledger and the balance of a locked, counted pass; zero writes nothing.

    With a reservation, its net charge ``punches_used`` follows. The caller has seen to it that the balance suffices.
    """
    if delta == 0 or registration.sessions_remaining is None:
        return
    registration.sessions_remaining += delta
    if reservation is not None:
        reservation.punches_used -= delta
    db_session.add(
        PunchLedgerEntry(
            studio_id=registration.studio_id,
            registration_id=registration.id,
            reservation_id=reservation.id if reservation is not None else None,
            entry_type=entry_type.value,
            delta=delta,
            balance=registration.sessions_remaining,
            performed_by=actor.id,
            reason=reason,
            details=dict(details) if details else None,
            created_at=now,
        )
    )


def refund(
    db_session: Session,
    *,
    registration: ClassRegistration,
    reservation: SessionReservation,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> int:
    """Give back whatever the reservation was charged; return how many punches that was."""
    punches = reservation.punches_used
    change_punches(
        db_session,
        registration=registration,
        reservation=reservation,
        delta=punches,
        entry_type=LedgerReason.REFUND,
        actor=actor,
        now=now,
        reason=reason,
    )
    return punches


def charge_up_to(
    db_session: Session,
    *,
    registration: ClassRegistration,
    reservation: SessionReservation,
    due: int,
    entry_type: LedgerReason,
    actor: Actor,
    now: datetime,
) -> int:
    """Charge min(due, left) and return it; a shortfall is noted in the ledger row and flagged, the caller tells it to history.

    Source: rules.md §4, punch_pass.
    """
    left = registration.sessions_remaining
    if left is None or due == 0:
        return 0
    charged = min(due, left)
    change_punches(
        db_session,
        registration=registration,
        reservation=reservation,
        delta=-charged,
        entry_type=entry_type,
        actor=actor,
        now=now,
        details=shortfall(due=due, charged=charged),
    )
    if charged < due:
        add_flag(reservation, "charge_shortfall")
    return charged


def shortfall(*, due: int, charged: int) -> dict[str, int]:
    """Return what the history says of a charge that the balance did not cover."""
    return {"due": due, "shortfall": due - charged} if charged < due else {}


def add_flag(reservation: SessionReservation, flag: str) -> None:
    """Mark a reservation for staff; once."""
    if flag not in reservation.flags:
        reservation.flags = [*reservation.flags, flag]


def change_seats(
    db_session: Session, changes: Mapping[UUID, int], *, seen_starts_at: Mapping[UUID, datetime] | None = None
) -> None:
    """Change ``seats_taken`` of the sessions by their net change, ascending by id: the last act before the commit.

    With ``seen_starts_at`` a seat is taken only where the session still starts then.

    :raises SessionFull, SessionCancelled: where there is no seat any more.
    :raises TryAgain: where the session was moved, so that what was judged is no longer so.
    """
    db_session.flush()
    for session_id in sorted(changes):
        change = changes[session_id]
        if change == 0:
            continue
        statement = _TAKE_SEATS if change > 0 else _CHANGE_SEATS
        if change > 0 and seen_starts_at is not None and session_id in seen_starts_at:
            statement = statement.where(ClassSession.starts_at == seen_starts_at[session_id])
        result = db_session.execute(statement, {"session": session_id, "change": change})
        if cast("CursorResult[Any]", result).rowcount != 1:
            raise _why_no_seat(db_session, session_id)


def _why_no_seat(db_session: Session, session_id: UUID) -> StudioError:
    capacity, taken, status = db_session.execute(
        select(ClassSession.capacity, ClassSession.seats_taken, ClassSession.status).where(
            ClassSession.id == session_id
        )
    ).one()
    if status != "SCHEDULED":
        return SessionCancelled()
    return SessionFull(capacity=capacity) if taken >= capacity else TryAgain()


def seat_changes(*changes: tuple[UUID, int]) -> Mapping[UUID, int]:
    """Add up seat changes by session."""
    total: Counter[UUID] = Counter()
    for session_id, change in changes:
        total[session_id] += change
    return total
