"""One reservation with all that its own page tells of it. Reads only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from studio_reservations.errors import NotFound
from studio_reservations.models import ClassRegistration, ClassSession, ClassStep, SessionReservation, StudioClass
from studio_reservations.services.actors import Actor
from studio_reservations.services.listings import RESERVATIONS

_BECAUSE, _BECAUSE_SESSION = aliased(SessionReservation, name="because"), aliased(ClassSession, name="because_session")
_BECAUSE_CLASS, _PASS_CLASS = aliased(StudioClass, name="because_class"), aliased(StudioClass, name="pass_class")

_DETAILS = (
    RESERVATIONS.add_columns(
        SessionReservation.step_id,
        SessionReservation.late,
        SessionReservation.counts_as_no_show,
        SessionReservation.missed_at,
        SessionReservation.cancelled_at,
        SessionReservation.auto_cancelled_at,
        SessionReservation.futures_cancelled_at,
        SessionReservation.first_reserved_at,
        ClassSession.instructor,
        ClassSession.status.label("session_status"),
        ClassStep.position.label("step_position"),
        ClassRegistration.pass_type,
        ClassRegistration.class_id.label("pass_class_id"),
        _PASS_CLASS.title.label("pass_class_title"),
        _BECAUSE.status.label("because_status"),
        _BECAUSE_SESSION.starts_at.label("because_starts_at"),
        _BECAUSE_CLASS.title.label("because_title"),
    )
    .outerjoin(_PASS_CLASS, _PASS_CLASS.id == ClassRegistration.class_id)
    .outerjoin(_BECAUSE, _BECAUSE.id == SessionReservation.auto_cancelled_for_id)
    .outerjoin(_BECAUSE_SESSION, _BECAUSE_SESSION.id == _BECAUSE.session_id)
    .outerjoin(_BECAUSE_CLASS, _BECAUSE_CLASS.id == _BECAUSE_SESSION.class_id)
    .where(SessionReservation.id == bindparam("id"))
)


def reservation_details(db_session: Session, *, actor: Actor, reservation_id: UUID) -> Any:
    """Return a reservation of somebody for whom ``actor`` acts. :raises NotFound:"""
    row = db_session.execute(_DETAILS, {"id": reservation_id}).one_or_none()
    if row is None or not actor.acts_for(row.customer_id):
        raise NotFound()
    return row


def moved_to(db_session: Session, reservation_id: UUID) -> Any:
    """Return id and start of the reservation that took this one's place, or None."""
    return db_session.execute(
        select(SessionReservation.id, ClassSession.starts_at)
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .where(SessionReservation.replaces_id == reservation_id)
    ).first()


def session_of(db_session: Session, reservation_id: UUID) -> Any:
    """Return the session and class of a reservation that another makes up for or replaces, or None."""
    return db_session.execute(
        select(SessionReservation.id, ClassSession.starts_at, StudioClass.title.label("class_title"))
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .where(SessionReservation.id == reservation_id)
    ).one_or_none()
