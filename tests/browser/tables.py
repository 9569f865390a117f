"""What the tables hold, by the names of people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ClassStep,
    Customer,
    SessionReservation,
    StudioClass,
)
from tests.browser.conftest import Portal

_RESERVATIONS = (
    select(
        *(one for one in SessionReservation.__table__.columns if one.name != "registration_id"),
        ClassRegistration.id.label("registration_id"),
        ClassRegistration.pass_type,
        ClassRegistration.sessions_remaining.label("left"),
        ClassSession.starts_at,
        ClassSession.seats_taken,
        StudioClass.title,
        ClassStep.position,
    )
    .join(ClassRegistration, ClassRegistration.id == SessionReservation.registration_id)
    .join(ClassSession, ClassSession.id == SessionReservation.session_id)
    .join(StudioClass, StudioClass.id == ClassSession.class_id)
    .outerjoin(ClassStep, ClassStep.id == ClassSession.step_id)
    .join(Customer, Customer.id == SessionReservation.customer_id)
)


def reservations_of(portal: Portal, name: str) -> list[Any]:
    """Return somebody's reservations, each with its session, class and pass (``left`` is what is on it), the latest first."""
    wanted = _RESERVATIONS.where(Customer.name == name).order_by(
        SessionReservation.reserved_at.desc(), SessionReservation.id.desc()
    )
    return list(portal.stored(lambda db_session: db_session.execute(wanted).all()))


def reservation(portal: Portal, reservation_id: UUID) -> Any:
    """Return one reservation, likewise."""
    wanted = _RESERVATIONS.where(SessionReservation.id == reservation_id)
    return portal.stored(lambda db_session: db_session.execute(wanted).one())


def session(portal: Portal, session_id: UUID) -> Any:
    """Return one session with the title of its class."""
    wanted = (
        select(*ClassSession.__table__.columns, StudioClass.title)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .where(ClassSession.id == session_id)
    )
    return portal.stored(lambda db_session: db_session.execute(wanted).one())


def customer(portal: Portal, customer_id: UUID) -> Any:
    """Return one customer."""
    wanted = select(*Customer.__table__.columns).where(Customer.id == customer_id)
    return portal.stored(lambda db_session: db_session.execute(wanted).one())


def customer_named(portal: Portal, name: str) -> Any:
    """Return the one customer of that name."""

    def read(db_session: Session) -> Any:
        return db_session.execute(select(*Customer.__table__.columns).where(Customer.name == name)).one()

    return portal.stored(read)
