"""Customers by the hundred, each with a pass and a token, and what the books must say after a race."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, and_, exists, func, literal_column, or_, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ApiToken,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerStudio,
    PunchLedgerEntry,
    ReservationHistory,
    SessionReservation,
    Studio,
    new_id,
)
from studio_reservations.services.tokens import create_token, token_hash
from tests.factories import NOW

LIVE = ("PENDING", "CHECKED_IN", "ATTENDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer with an unlimited pass and a token of their own."""

    customer_id: UUID
    registration_id: UUID
    token: str


def make_crowd(db_session: Session, studio: Studio, size: int) -> list[Person]:
    """Add so many customers whom the studio knows."""
    crowd = [Person(customer_id=new_id(), registration_id=new_id(), token=f"st_{new_id()}") for _ in range(size)]
    db_session.add_all(
        Customer(id=one.customer_id, name=f"Customer {number}", email=f"{number}@crowd.example", created_at=NOW)
        for number, one in enumerate(crowd)
    )
    db_session.flush()
    for one in crowd:
        db_session.add_all(
            (
                CustomerStudio(studio_id=studio.id, customer_id=one.customer_id, created_at=NOW),
                ClassRegistration(
                    id=one.registration_id,
                    studio_id=studio.id,
                    customer_id=one.customer_id,
                    pass_type="unlimited_series",
                    pass_options={},
                    max_advance_reservations=3,
                    issued_at=NOW,
                ),
                ApiToken(name="race", token_hash=token_hash(one.token), customer_id=one.customer_id, created_at=NOW),
            )
        )
    db_session.flush()
    return crowd


def token_for(db_session: Session, customer: Customer) -> str:
    """Return a token of the customer's own."""
    return create_token(db_session, name="race", customer_id=customer.id, now=NOW)


def live_count(db_session: Session, *conditions: Any) -> int:
    """Count the live reservations that meet ``conditions``."""
    counted = select(func.count()).select_from(SessionReservation).where(SessionReservation.status.in_(LIVE))
    return db_session.scalar(counted.where(*conditions)) or 0


def book_faults(db_session: Session) -> dict[str, list[Any]]:
    """Return what is wrong in the tables, by the law that is broken; an empty answer is a good one."""
    found = {law: [tuple(row) for row in db_session.execute(broken)] for law, broken in _LAWS.items()}
    return {law: rows for law, rows in found.items() if rows}


_in_session = (
    select(func.count())
    .where(
        SessionReservation.session_id == ClassSession.id,
        or_(
            SessionReservation.status.in_(LIVE),
            and_(SessionReservation.status == "NO_SHOW", SessionReservation.seat_released_at.is_(None)),
        ),
    )
    .scalar_subquery()
)
_of_ledger = (
    select(func.coalesce(func.sum(PunchLedgerEntry.delta), 0))
    .where(PunchLedgerEntry.registration_id == ClassRegistration.id)
    .scalar_subquery()
)
_charged = (
    select(func.coalesce(-func.sum(PunchLedgerEntry.delta), 0))
    .where(PunchLedgerEntry.reservation_id == SessionReservation.id)
    .scalar_subquery()
)
_pending = (
    select(func.count())
    .where(SessionReservation.registration_id == ClassRegistration.id, SessionReservation.status == "PENDING")
    .scalar_subquery()
)
_held = (
    select(func.coalesce(func.sum(SessionReservation.punches_held), 0))
    .where(SessionReservation.registration_id == ClassRegistration.id, SessionReservation.status == "PENDING")
    .scalar_subquery()
)
_undone = exists().where(
    ReservationHistory.reservation_id == SessionReservation.id,
    SessionReservation.registration_id == ClassRegistration.id,
    ReservationHistory.action == "reservation.check_in_undone",
)
_LAWS: dict[str, Executable] = {
    "seats_taken is the number of reservations that hold a seat": select(
        ClassSession.id, ClassSession.seats_taken, _in_session
    ).where(ClassSession.seats_taken != _in_session),
    "the balance is the sum of the ledger": select(
        ClassRegistration.id, ClassRegistration.sessions_remaining, _of_ledger
    ).where(ClassRegistration.sessions_remaining.is_not(None), ClassRegistration.sessions_remaining != _of_ledger),
    "what a reservation was charged is in the ledger": select(
        SessionReservation.id, SessionReservation.punches_used, _charged
    ).where(SessionReservation.punches_used != _charged),
    "nobody holds more punches than there are": select(
        ClassRegistration.id, ClassRegistration.sessions_remaining, _held
    ).where(ClassRegistration.sessions_remaining < _held),
    # Staff who take a check-in back may put somebody over it.
    "nobody is over the limit": select(ClassRegistration.id, _pending).where(
        ClassRegistration.max_advance_reservations < _pending, ~_undone
    ),
    "nobody waits for a cancelled session": select(SessionReservation.id)
    .join(ClassSession, ClassSession.id == SessionReservation.session_id)
    .where(ClassSession.status == "CANCELLED", SessionReservation.status.in_(("PENDING", "CHECKED_IN"))),
    "nobody is in a session twice": select(SessionReservation.customer_id, SessionReservation.session_id)
    .where(SessionReservation.status.in_(LIVE))
    .group_by(SessionReservation.customer_id, SessionReservation.session_id)
    .having(func.count() > 1),
    "each reservation has begun once in the history": select(SessionReservation.id).where(
        select(func.count())
        .where(
            ReservationHistory.reservation_id == SessionReservation.id,
            ReservationHistory.action.in_(("reservation.created", "reservation.rescheduled")),
        )
        .scalar_subquery()
        != literal_column("1")
    ),
}
