"""What has been done with a customer or a pass, and every punch with the class it was for. Reads only.

Source: rules.md §1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    PunchLedgerEntry,
    ReservationHistory,
    SessionReservation,
    StudioClass,
)
from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.pass_words import held_pass_of

_PASS = {column.key: column.label(f"pass_{column.key}") for column in ClassRegistration.__table__.columns}
PASS = tuple(_PASS.values())
"""The columns of `pass_of`."""
IS_PASS: Any = ClassRegistration.id == func.coalesce(SessionReservation.registration_id, ReservationHistory.subject_id)
"""The condition that a pass is the one of an act, its own or that of its reservation."""
_ACTS: Any = (
    select(
        ReservationHistory.id,
        ReservationHistory.action,
        ReservationHistory.to_status,
        ReservationHistory.performed_by_kind,
        ReservationHistory.performed_by,
        ReservationHistory.reason,
        ReservationHistory.details,
        ReservationHistory.created_at,
        ReservationHistory.reservation_id,
        SessionReservation.session_id,
        SessionReservation.guest_name,
        ClassSession.starts_at,
        StudioClass.title.label("class_title"),
        Customer.id.label("customer_id"),
        Customer.name.label("customer_name"),
        *PASS,
    )
    .outerjoin(SessionReservation, SessionReservation.id == ReservationHistory.reservation_id)
    .outerjoin(ClassRegistration, IS_PASS)
    .outerjoin(ClassSession, ClassSession.id == SessionReservation.session_id)
    .outerjoin(StudioClass, StudioClass.id == ClassSession.class_id)
    .outerjoin(Customer, Customer.id == ReservationHistory.customer_id)
    .order_by(ReservationHistory.created_at.desc(), ReservationHistory.id.desc())
)
_PUNCHES: Any = (
    select(
        PunchLedgerEntry.id,
        PunchLedgerEntry.entry_type,
        PunchLedgerEntry.delta,
        PunchLedgerEntry.balance,
        PunchLedgerEntry.performed_by,
        PunchLedgerEntry.reason,
        PunchLedgerEntry.created_at,
        SessionReservation.session_id,
        ClassSession.starts_at,
        StudioClass.title.label("class_title"),
        Customer.name.label("customer_name"),
    )
    .outerjoin(SessionReservation, SessionReservation.id == PunchLedgerEntry.reservation_id)
    .outerjoin(ClassSession, ClassSession.id == SessionReservation.session_id)
    .outerjoin(StudioClass, StudioClass.id == ClassSession.class_id)
    .outerjoin(Customer, Customer.id == SessionReservation.customer_id)
    .order_by(PunchLedgerEntry.id.desc())
)


def story_of_customer(
    db_session: Session, *, customer_id: UUID, studio_id: UUID, limit: int, skip: int = 0
) -> Sequence[Any]:
    """Return what was done with a customer at a studio, the latest first; also with those merged into them."""
    people = select(Customer.id).where(or_(Customer.id == customer_id, Customer.merged_into_id == customer_id))
    wanted = _ACTS.where(
        ReservationHistory.customer_id.in_(people),
        or_(ReservationHistory.studio_id == studio_id, ReservationHistory.studio_id.is_(None)),
    )
    return db_session.execute(wanted.limit(limit).offset(skip)).all()


def story_of_pass(db_session: Session, *, registration_id: UUID, limit: int, skip: int = 0) -> Sequence[Any]:
    """Return what was done with a pass and with what was reserved on it, the latest first."""
    reservations = select(SessionReservation.id).where(SessionReservation.registration_id == registration_id)
    wanted = _ACTS.where(
        or_(ReservationHistory.subject_id == registration_id, ReservationHistory.reservation_id.in_(reservations))
    )
    return db_session.execute(wanted.limit(limit).offset(skip)).all()


def punches_of_pass(db_session: Session, *, registration_id: UUID, limit: int, skip: int = 0) -> Sequence[Any]:
    """Return the pass's ledger with the class of each entry, the latest first."""
    wanted = _PUNCHES.where(PunchLedgerEntry.registration_id == registration_id)
    return db_session.execute(wanted.limit(limit).offset(skip)).all()


def pass_of(row: Any, *, now: datetime, timezone: str) -> HeldPass | None:
    """Return the pass of an act whose row has `PASS`, enough for words; None where the act is of none."""
    if row.pass_id is None:
        return None
    columns = SimpleNamespace(**{name: getattr(row, label.name) for name, label in _PASS.items()})
    return held_pass_of(columns, now=now, timezone=timezone)
