"""Reservations as they are shown: one joined query for one or for two hundred.

Source: api.md, A reservation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, select, tuple_
from sqlalchemy.orm import Session, aliased

from studio_reservations.errors import NotFound
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ClassStep,
    NoShowPolicy,
    RegistrationMember,
    ReservationHistory,
    Role,
    SessionReservation,
    Studio,
    StudioClass,
    UTCDateTime,
)
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import Status
from studio_reservations.policies.checking_in import Window, check_in_window
from studio_reservations.policies.missing import cancelled_at
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor

of_studio = aliased(NoShowPolicy, name="of_studio")
of_class = aliased(NoShowPolicy, name="of_class")
missed = aliased(SessionReservation, name="missed")

# A missed class of the same pass that is neither forgiven nor acted on cancels what starts after its night. rules.md §6, §8.
_THREATENED_AT = (
    select(func.min(missed.auto_cancel_at))
    .where(
        missed.registration_id == SessionReservation.registration_id,
        missed.status == "NO_SHOW",
        missed.waived_at.is_(None),
        missed.futures_cancelled_at.is_(None),
        missed.auto_cancel_at < ClassSession.starts_at,
    )
    .correlate(SessionReservation, ClassSession)
    .scalar_subquery()
)
OPENS_MINUTES = func.coalesce(of_class.check_in_opens_minutes_before, of_studio.check_in_opens_minutes_before)
CLOSES_MINUTES = func.coalesce(of_class.check_in_closes_minutes_after, of_studio.check_in_closes_minutes_after)


def join_policies(wanted: Any, *, studio_id: Any, class_id: Any) -> Any:
    """Join what the studio's policy and the class's say of the check-in window."""
    return wanted.outerjoin(of_studio, and_(of_studio.studio_id == studio_id, of_studio.class_id.is_(None))).outerjoin(
        of_class, of_class.class_id == class_id
    )


RESERVATIONS: Any = join_policies(
    select(
        SessionReservation.id,
        SessionReservation.studio_id,
        SessionReservation.registration_id,
        SessionReservation.session_id,
        SessionReservation.customer_id,
        SessionReservation.guest_name,
        SessionReservation.status,
        SessionReservation.makeup_for_id,
        SessionReservation.replaces_id,
        SessionReservation.reserved_at,
        SessionReservation.checked_in_at,
        SessionReservation.check_in_method,
        SessionReservation.punches_held,
        SessionReservation.punches_used,
        SessionReservation.free_cancellation_until,
        SessionReservation.undo_until,
        SessionReservation.grace_ends_at,
        SessionReservation.auto_cancel_at,
        SessionReservation.waived_at,
        _THREATENED_AT.label("threatened_at"),
        ClassSession.class_id,
        ClassSession.starts_at,
        ClassSession.ends_at,
        ClassSession.location,
        StudioClass.title.label("class_title"),
        ClassStep.title.label("step_title"),
        Studio.timezone,
        ClassRegistration.customer_id.label("holder_id"),
        OPENS_MINUTES.label("check_in_opens_minutes_before"),
        CLOSES_MINUTES.label("check_in_closes_minutes_after"),
    )
    .join(ClassSession, ClassSession.id == SessionReservation.session_id)
    .join(StudioClass, StudioClass.id == ClassSession.class_id)
    .join(Studio, Studio.id == SessionReservation.studio_id)
    .join(ClassRegistration, ClassRegistration.id == SessionReservation.registration_id)
    .outerjoin(ClassStep, ClassStep.id == SessionReservation.step_id),
    studio_id=SessionReservation.studio_id,
    class_id=ClassSession.class_id,
)
RESERVATION = RESERVATIONS.where(SessionReservation.id == bindparam("id"))
_WITH_EXPLANATION = RESERVATION.add_columns(
    SessionReservation.explanation,
    SessionReservation.explained_at,
    SessionReservation.explanation_answer,
    SessionReservation.explanation_answered_at,
)
RESERVATIONS_BY_ID = RESERVATIONS.where(SessionReservation.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """At most ``limit`` rows behind the sort key ``after``, a value and an id."""

    limit: int
    after: tuple[Any, UUID] | None = None


class When(StrEnum):
    """Which reservations, by the time of their session. Source: api.md."""

    PAST = "past"
    CURRENT = "current"
    FUTURE = "future"
    ALL = "all"


def reservation_view(db_session: Session, reservation_id: UUID) -> Any:
    """Return one reservation with its session, class, step and zone. :raises NotFound:"""
    row = connection(db_session).execute(RESERVATION, {"id": reservation_id}).one_or_none()
    if row is None:
        raise NotFound()
    return row


def reservation_views(db_session: Session, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Return the reservations of these ids by id, in one query."""
    return {row.id: row for row in db_session.execute(RESERVATIONS_BY_ID, {"ids": sorted(set(ids))})} if ids else {}


def reservation_for(db_session: Session, *, actor: Actor, reservation_id: UUID) -> Any:
    """Return a reservation with its explanation, for whoever may see it: its people, the holder of the pass, the desk.

    :raises NotFound: where it is unknown or somebody else's.
    """
    row = db_session.execute(_WITH_EXPLANATION, {"id": reservation_id}).one_or_none()
    if row is None:
        raise NotFound()
    if not actor.acts_for(row.holder_id):
        actor.require_customer_or_staff(customer_id=row.customer_id, studio_id=row.studio_id)
    return row


def history_of(db_session: Session, reservation_id: UUID) -> Sequence[Any]:
    """Return a reservation's history, the oldest act first."""
    return db_session.execute(
        select(
            ReservationHistory.action,
            ReservationHistory.from_status,
            ReservationHistory.to_status,
            ReservationHistory.performed_by_kind,
            ReservationHistory.reason,
            ReservationHistory.created_at,
        )
        .where(ReservationHistory.reservation_id == reservation_id)
        .order_by(ReservationHistory.created_at, ReservationHistory.id)
    ).all()


def reservations_of_pass(
    db_session: Session, *, actor: Actor, registration_id: UUID, when: When, now: datetime, page: Page
) -> Sequence[Any]:
    """Return a page of a pass's reservations and one row more where there is a next page.

    The coming ones stand soonest first, all others latest first; a member sees those of the people they act for.
    """
    registration, customer_id = pass_for(db_session, actor=actor, registration_id=registration_id)
    wanted = RESERVATIONS.where(SessionReservation.registration_id == registration.id)
    if customer_id != registration.customer_id:
        wanted = wanted.where(SessionReservation.customer_id.in_(sorted(actor.customer_ids)))
    wanted = wanted.where(*_during(db_session, registration.studio_id, when=when, now=now))
    return db_session.execute(_paged(wanted, page, soonest_first=when is When.FUTURE)).all()


def pass_for(db_session: Session, *, actor: Actor, registration_id: UUID) -> tuple[ClassRegistration, UUID]:
    """Return a pass that ``actor`` may see, and for whom they look at it: its holder, or the member they act for.

    :raises NotFound: where it is unknown or somebody else's.
    """
    registration = db_session.get(ClassRegistration, registration_id)
    if registration is None:
        raise NotFound()
    if actor.acts_for(registration.customer_id) or actor.has_role(registration.studio_id, Role.FRONT_DESK):
        return registration, registration.customer_id
    member_id = db_session.scalar(
        select(RegistrationMember.customer_id)
        .where(
            RegistrationMember.registration_id == registration_id,
            RegistrationMember.customer_id.in_(sorted(actor.customer_ids)),
        )
        .order_by(RegistrationMember.customer_id != actor.own_customer_id, RegistrationMember.customer_id)
    )
    if member_id is None:
        actor.require(registration.studio_id, Role.FRONT_DESK)
        raise NotFound()
    return registration, member_id


def window_of(row: Any) -> Window:
    """Return the check-in window of a row with ``starts_at``, ``ends_at`` and the policy's two minutes."""
    policy = Policy.in_force(
        {
            "check_in_opens_minutes_before": row.check_in_opens_minutes_before,
            "check_in_closes_minutes_after": row.check_in_closes_minutes_after,
        }
    )
    return check_in_window(starts_at=row.starts_at, ends_at=row.ends_at, policy=policy)


def cancellable_until(row: Any) -> datetime | None:
    """Return until when the customer may cancel: PENDING until the start, CHECKED_IN while early. Source: rules.md §5."""
    if row.status == Status.PENDING:
        return row.starts_at  # type: ignore[no-any-return]
    return row.free_cancellation_until if row.status == Status.CHECKED_IN else None


def auto_cancel_at(row: Any) -> datetime | None:
    """Return the night that cancels: for PENDING the earliest that threatens it, for NO_SHOW its own unless it is waived.

    Source: rules.md §6.
    """
    if row.status == Status.PENDING:
        return row.threatened_at  # type: ignore[no-any-return]
    return row.auto_cancel_at if row.waived_at is None else None


def at_risk(row: Any, *, now: datetime) -> datetime | None:
    """Return the night that cancels a PENDING reservation for a class that was missed, or None."""
    if row.status != Status.PENDING:
        return None
    return cancelled_at(row.threatened_at, starts_at=row.starts_at, now=now, timezone=row.timezone)


def _during(db_session: Session, studio_id: UUID, *, when: When, now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions on a session; current is begun or open for check-in, and not ended."""
    if when is When.ALL:
        return []
    if when is When.PAST:
        return [ClassSession.ends_at <= now]
    opened = ClassSession.starts_at <= _opens_for(db_session, studio_id, now=now)
    return [ClassSession.ends_at > now, opened if when is When.CURRENT else ~opened]


def _opens_for(db_session: Session, studio_id: UUID, *, now: datetime) -> ColumnElement[datetime]:
    """Return, by class, the latest start for which check-in is open at ``now``."""
    rows = db_session.execute(
        select(NoShowPolicy.class_id, NoShowPolicy.check_in_opens_minutes_before).where(
            NoShowPolicy.studio_id == studio_id, NoShowPolicy.check_in_opens_minutes_before.is_not(None)
        )
    )
    minutes = {row.class_id: row.check_in_opens_minutes_before for row in rows}
    studios = minutes.pop(None, Policy().check_in_opens_minutes_before)

    def latest(before: int | None) -> ColumnElement[datetime]:
        return literal(now + timedelta(minutes=before or 0), UTCDateTime())

    if not minutes:
        return latest(studios)
    return case(
        *((ClassSession.class_id == class_id, latest(before)) for class_id, before in minutes.items()),
        else_=latest(studios),
    )


def _paged(wanted: Any, page: Page, *, soonest_first: bool) -> Any:
    key = tuple_(ClassSession.starts_at, SessionReservation.id)
    if page.after is not None:
        wanted = wanted.where(key > page.after if soonest_first else key < page.after)
    order = (ClassSession.starts_at, SessionReservation.id)
    ordered = wanted.order_by(*order) if soonest_first else wanted.order_by(*(one.desc() for one in order))
    return ordered.limit(page.limit + 1)
