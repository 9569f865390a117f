"""Passes as they are shown: lists, the status of one, its ledger, its month. Reads only.

Source: api.md, Endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound, PassTypeUnavailable
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    CustomerSuspension,
    RegistrationMember,
    Role,
    SessionReservation,
    Studio,
    StudioClass,
)
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import LIVE, Figure, HeldPass, Remaining
from studio_reservations.policies.reserving import upcoming
from studio_reservations.services.actors import Actor
from studio_reservations.services.customers import require_known
from studio_reservations.services.directory import Days
from studio_reservations.services.listings import RESERVATIONS, Page, pass_for
from studio_reservations.services.seen import load_held_passes
from studio_reservations.services.suspensions import current_suspension

REGISTRATIONS: Any = (
    select(
        *(column for column in ClassRegistration.__table__.columns),
        StudioClass.title.label("class_title"),
        Studio.slug.label("studio_slug"),
        Studio.timezone,
    )
    .join(Studio, Studio.id == ClassRegistration.studio_id)
    .outerjoin(StudioClass, StudioClass.id == ClassRegistration.class_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassStatus:
    """What a pass gives and how it stands; ``remaining`` is the plugin's word, or the bare balance where it has none.

    ``figures`` are those that the reader may see; ``fault`` is what is wrong with the pass type, for staff alone;
    ``usable`` whether it could answer.
    """

    row: Any
    held: HeldPass
    remaining: Remaining
    upcoming: int
    suspension: CustomerSuspension | None
    details: dict[str, Any]
    figures: tuple[Figure, ...]
    usable: bool
    fault: str | None


def registration_view(db_session: Session, registration_id: UUID) -> Any:
    """Return one pass with its class, studio and zone. :raises NotFound:"""
    db_session.flush()
    row = db_session.execute(REGISTRATIONS.where(ClassRegistration.id == registration_id)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def registrations_for(
    db_session: Session, *, actor: Actor, customer_id: UUID | None, studio: Studio | None, page: Page
) -> Sequence[Any]:
    """Return a page of passes, the latest first, and one row more where there is a next page.

    Without a customer: of all whom the actor acts for, also as members. A customer of the desk's is asked for by name, with
    the studio. :raises NotFound:
    """
    if customer_id is not None and not actor.acts_for(customer_id):
        if studio is None:
            raise NotFound()
        actor.require(studio.id, Role.FRONT_DESK)
        require_known(db_session, customer_id=customer_id, studio_id=studio.id)
    people = sorted(actor.customer_ids) if customer_id is None else [customer_id]
    as_member = select(RegistrationMember.registration_id).where(RegistrationMember.customer_id.in_(people))
    wanted = REGISTRATIONS.where(
        or_(ClassRegistration.customer_id.in_(people), ClassRegistration.id.in_(as_member)),
    )
    if studio is not None:
        wanted = wanted.where(ClassRegistration.studio_id == studio.id)
    if page.after is not None:
        wanted = wanted.where(tuple_(ClassRegistration.issued_at, ClassRegistration.id) < page.after)
    ordered = wanted.order_by(ClassRegistration.issued_at.desc(), ClassRegistration.id.desc())
    return db_session.execute(ordered.limit(page.limit + 1)).all()


def status_of(
    db_session: Session,
    *,
    actor: Actor,
    registration_id: UUID,
    now: datetime,
    pass_types: PassTypes,
    language: str | None = None,
) -> PassStatus:
    """Return how a pass stands, also where its plugin is missing; its figures in ``language``. :raises NotFound:"""
    registration, customer_id = pass_for(db_session, actor=actor, registration_id=registration_id)
    row = registration_view(db_session, registration_id)
    held = load_held_passes(db_session, [registration], now=now, timezone=row.timezone)[registration_id]
    as_staff = actor.has_role(registration.studio_id, Role.FRONT_DESK)
    usable = True
    figures: tuple[Figure, ...] = ()
    details: dict[str, Any] = {}
    try:
        pass_type = pass_types.get(registration.pass_type)
        remaining, details = pass_type.remaining(held), pass_type.status_fields(held)
        figures = tuple(one for one in pass_type.figures(held, language=language) if as_staff or not one.staff_only)
    except PassTypeUnavailable:
        usable, remaining = False, bare_balance(held)
    return PassStatus(
        row=row,
        held=held,
        remaining=remaining,
        upcoming=upcoming(held),
        suspension=current_suspension(db_session, customer_id=customer_id, studio_id=registration.studio_id, now=now),
        details=details,
        figures=figures,
        usable=usable,
        fault=pass_types.fault_of(registration.pass_type) if as_staff else None,
    )


def bare_balance(held: HeldPass) -> Remaining:
    """Return what a pass still gives by its counters alone, where its plugin cannot say."""
    left = held.sessions_remaining
    available = None if left is None else max(0, left - held.punches_held)
    return Remaining(available=available, included=held.sessions_included, unit="session" if left is None else "punch")


def month_of(db_session: Session, *, registration_id: UUID, customer_id: UUID | None, days: Days) -> Sequence[Any]:
    """Return what the pass has in a span of days and is not cancelled, by start; for one customer, or for all."""
    wanted = RESERVATIONS.where(
        SessionReservation.registration_id == registration_id,
        ClassSession.starts_at >= days.starts_from,
        ClassSession.starts_at < days.starts_before,
        SessionReservation.status.not_in(("CANCELLED", "AUTO_CANCELLED")),
    )
    if customer_id is not None:
        wanted = wanted.where(SessionReservation.customer_id == customer_id)
    return db_session.execute(wanted.order_by(ClassSession.starts_at, SessionReservation.id)).all()


def reservations_between(
    db_session: Session, *, customer_id: UUID, studio_id: UUID, starts_from: datetime, starts_before: datetime
) -> dict[UUID, Any]:
    """Return a customer's own reservations at a studio by session, in whatever state: the live one, else the latest."""
    rows = db_session.execute(
        RESERVATIONS.where(
            SessionReservation.customer_id == customer_id,
            SessionReservation.studio_id == studio_id,
            SessionReservation.guest_name.is_(None),
            ClassSession.starts_at >= starts_from,
            ClassSession.starts_at < starts_before,
        ).order_by(SessionReservation.reserved_at, SessionReservation.id)
    ).all()
    return {row.session_id: row for row in sorted(rows, key=lambda row: row.status in LIVE)}


def feed_of(db_session: Session, *, customer_id: UUID, since: datetime, at_most: int) -> Sequence[Any]:
    """Return what stands in a customer's calendar, from ``since`` on, by start."""
    return db_session.execute(
        RESERVATIONS.where(
            SessionReservation.customer_id == customer_id,
            SessionReservation.status.in_(("PENDING", "CHECKED_IN", "ATTENDED")),
            ClassSession.starts_at >= since,
        )
        .order_by(ClassSession.starts_at, SessionReservation.id)
        .limit(at_most)
    ).all()
