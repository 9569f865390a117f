"""A reservation with all that the rules of its day look at, and the row that history gets when it changes state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ExplanationAnswer,
    Role,
    SessionReservation,
    SessionStatus,
    Studio,
    SubjectType,
)
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.services.books import lock_reservation
from studio_reservations.services.events import record
from studio_reservations.services.policies import policy_of

NOT_CHARGED = "no_show_not_charged"
SHORTFALL = "charge_shortfall"
UNCHARGED = "uncharged_check_in"
"""Flags that staff should look at; each is dropped when what it tells of is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """To whom a reservation belongs, and who teaches it: what permissions look at."""

    studio_id: UUID
    customer_id: UUID
    instructor_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A reservation, its pass and session as they stand, the studio's zone and the policy in force."""

    reservation: SessionReservation
    registration: ClassRegistration
    class_session: ClassSession
    timezone: str
    policy: Policy

    @property
    def session_cancelled(self) -> bool:
        """Whether the studio has called the session off."""
        return self.class_session.status == SessionStatus.CANCELLED


def whose_is(db_session: Session, reservation_id: UUID) -> Whose:
    """Read what permissions look at, without a lock. :raises NotFound:"""
    row = db_session.execute(
        select(SessionReservation.studio_id, SessionReservation.customer_id, ClassSession.instructor_id)
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .where(SessionReservation.id == reservation_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return Whose(studio_id=row.studio_id, customer_id=row.customer_id, instructor_id=row.instructor_id)


def standing_of(db_session: Session, reservation_id: UUID, *, lock: bool) -> Standing:
    """Read a reservation, with ``lock`` behind the lock on its pass, so that all of it is current. :raises NotFound:"""
    if lock:
        registration, reservation = lock_reservation(db_session, reservation_id)
    else:
        found = db_session.get(SessionReservation, reservation_id)
        if found is None:
            raise NotFound()
        reservation = found
        registration = db_session.get_one(ClassRegistration, reservation.registration_id)
    row = db_session.execute(
        select(ClassSession, Studio.timezone)
        .join(Studio, Studio.id == ClassSession.studio_id)
        .where(ClassSession.id == reservation.session_id)
        .execution_options(populate_existing=True)
    ).one()
    class_session: ClassSession = row.ClassSession
    return Standing(
        reservation=reservation,
        registration=registration,
        class_session=class_session,
        timezone=row.timezone,
        policy=policy_of(db_session, studio_id=class_session.studio_id, class_id=class_session.class_id),
    )


def let_check_in(actor: Actor, whose: Whose) -> bool:
    """Let pass whoever may check this reservation in, and return whether they do it as staff.

    The kiosk is no staff: it stands in for the customer before it. Source: rules.md §7, §10.

    :raises NotFound, Forbidden:
    """
    if actor.acts_for(whose.customer_id):
        return False
    if actor.kind is ActorKind.KIOSK:
        actor.require(whose.studio_id, Role.INSTRUCTOR)
        return False
    require_front_desk_or_teacher(actor, studio_id=whose.studio_id, instructor_id=whose.instructor_id)
    return True


def require_front_desk_or_teacher(actor: Actor, *, studio_id: UUID, instructor_id: UUID | None) -> None:
    """Let pass the front desk, and the instructor whose session it is. :raises NotFound, Forbidden:"""
    actor.require(studio_id, Role.INSTRUCTOR)
    if actor.has_role(studio_id, Role.FRONT_DESK):
        return
    if instructor_id is None or instructor_id != actor.staff_ids.get(studio_id):
        raise Forbidden(role=Role.FRONT_DESK.value)


def record_act(
    db_session: Session,
    reservation: SessionReservation,
    *,
    action: str,
    from_status: str,
    actor: Actor,
    as_staff: bool,
    now: datetime,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write the history row of an act upon ``reservation``, which has its new state already."""
    record(
        db_session,
        action=action,
        subject_type=SubjectType.RESERVATION,
        subject_id=reservation.id,
        reservation_id=reservation.id,
        studio_id=reservation.studio_id,
        customer_id=reservation.customer_id,
        actor=actor,
        as_staff=as_staff,
        now=now,
        from_status=from_status,
        to_status=reservation.status,
        reason=reason,
        details=details,
    )


def forget_check_in(reservation: SessionReservation) -> None:
    """Take back that the customer was there."""
    reservation.checked_in_at = reservation.check_in_method = reservation.checked_in_by = None
    reservation.attended_at = None
    drop_flags(reservation, UNCHARGED)


def forget_no_show(reservation: SessionReservation) -> None:
    """Take back that the customer was missing, and whatever was to follow from it; the seat is the caller's."""
    reservation.counts_as_no_show = False
    reservation.no_show_at = reservation.missed_at = None
    reservation.grace_ends_at = reservation.auto_cancel_at = reservation.futures_cancelled_at = None
    reservation.waived_at = reservation.waived_by = None
    forget_answer(reservation)
    drop_flags(reservation, NOT_CHARGED, SHORTFALL)


def answer_explanation(
    reservation: SessionReservation, answer: ExplanationAnswer, *, actor: Actor, now: datetime
) -> None:
    """Answer the customer's explanation, where there is one."""
    if reservation.explained_at is not None:
        reservation.explanation_answer = answer.value
        reservation.explanation_answered_at = now
        reservation.explanation_answered_by = actor.id


def forget_answer(reservation: SessionReservation) -> None:
    """Leave the explanation without an answer."""
    reservation.explanation_answer = None
    reservation.explanation_answered_at = reservation.explanation_answered_by = None


def drop_flags(reservation: SessionReservation, *flags: str) -> None:
    """Take marks off that no longer hold."""
    if not set(flags).isdisjoint(reservation.flags):
        reservation.flags = [one for one in reservation.flags if one not in flags]
