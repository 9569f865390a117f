"""A customer's passes at one studio beside its class sessions: loaded once, judged for any number of sessions.

Source: rules.md §3, §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ClassStep,
    CustomerStudio,
    CustomerSuspension,
    RegistrationMember,
    SessionReservation,
    Studio,
    StudioClass,
)
from studio_reservations.models.reservations import LIVE_SQL
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass, Step
from studio_reservations.policies.reserving import Case, Door, Offer, Suspension
from studio_reservations.services.seen import candidate, knows, load_held_passes, steps_of

OFFERED: Any = (
    select(
        ClassSession.id,
        ClassSession.studio_id,
        ClassSession.class_id,
        ClassSession.step_id,
        ClassSession.starts_at,
        ClassSession.ends_at,
        ClassSession.capacity,
        ClassSession.seats_taken,
        ClassSession.location,
        ClassSession.instructor,
        ClassSession.status,
        StudioClass.title.label("class_title"),
        StudioClass.active.label("class_active"),
        StudioClass.allowed_pass_types,
        ClassStep.title.label("step_title"),
        ClassStep.position.label("step_position"),
    )
    .join(StudioClass, StudioClass.id == ClassSession.class_id)
    .outerjoin(ClassStep, ClassStep.id == ClassSession.step_id)
    .order_by(ClassSession.starts_at, ClassSession.id)
)
_DOOR = (
    select(
        Studio.rollout,
        Studio.timezone,
        CustomerStudio.id.label("link_id"),
        CustomerStudio.internal,
        CustomerSuspension.starts_at,
        CustomerSuspension.ends_at,
        CustomerSuspension.ends_on,
        CustomerSuspension.no_show_count,
    )
    .select_from(Studio)
    .outerjoin(CustomerStudio, knows(Studio.id))
    .outerjoin(
        CustomerSuspension,
        (CustomerSuspension.studio_id == Studio.id)
        & (CustomerSuspension.customer_id == bindparam("customer"))
        & CustomerSuspension.ended_at.is_(None),
    )
    .where(Studio.id == bindparam("studio"))
)
_MEMBERSHIPS = select(RegistrationMember.registration_id).where(RegistrationMember.customer_id == bindparam("customer"))
_LIVE_IN_SESSIONS = select(SessionReservation.session_id, SessionReservation.id).where(
    SessionReservation.customer_id == bindparam("customer"),
    SessionReservation.session_id.in_(bindparam("sessions", expanding=True)),
    SessionReservation.guest_name.is_(None),
    text(f"studio_session_reservation.{LIVE_SQL}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPass:
    """A pass with its place: whose it is, and whether the customer may use it."""

    held: HeldPass
    studio_id: UUID
    is_member: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One customer at one studio: the door, the zone, the passes (also those they are a member of)."""

    customer_id: UUID
    studio_id: UUID
    timezone: str
    known: bool
    door: Door
    passes: tuple[BoardPass, ...]
    pass_types: PassTypes

    def cases(self, offer: Offer, *, steps: Sequence[Step] = (), reserved_id: UUID | None = None) -> list[Case]:
        """Return one case for each pass; ``steps`` are those of the session's class."""
        of_class = tuple(steps)
        return [
            Case(
                customer_id=self.customer_id,
                door=self.door,
                pass_studio_id=one.studio_id,
                held=one.held if one.held.steps == of_class else replace(one.held, steps=of_class),
                is_member=one.is_member,
                pass_type=self.pass_types.find(one.held.pass_type),
                offer=offer,
                reserved_id=reserved_id,
            )
            for one in self.passes
        ]


def load_board(
    db_session: Session,
    *,
    customer_id: UUID,
    studio_id: UUID,
    now: datetime,
    pass_types: PassTypes,
    registration_id: UUID | None = None,
    lock: bool = False,
) -> Board:
    """Load a customer's passes at a studio, or the one named, whosever it is: four queries for any number.

    With ``lock`` the passes are locked, ascending by id, and what they hold is read behind the lock.
    :raises NotFound: for an unknown studio or pass.
    """
    door = db_session.execute(_DOOR, {"customer": customer_id, "studio": studio_id}).one_or_none()
    if door is None:
        raise NotFound()
    theirs = or_(ClassRegistration.customer_id == bindparam("customer"), ClassRegistration.id.in_(_MEMBERSHIPS))
    passes = select(ClassRegistration, theirs.label("is_member")).order_by(ClassRegistration.id)
    if registration_id is not None:
        passes = passes.where(ClassRegistration.id == registration_id)
    else:
        passes = passes.where(ClassRegistration.studio_id == studio_id, theirs)
    if lock:
        passes = passes.with_for_update(key_share=True, of=ClassRegistration)
        passes = passes.execution_options(populate_existing=True)
    rows = db_session.execute(passes, {"customer": customer_id}).all()
    if registration_id is not None and not rows:
        raise NotFound()
    suspension = None
    if door.starts_at is not None:
        suspension = Suspension(
            starts_at=door.starts_at, ends_at=door.ends_at, ends_on=door.ends_on, no_shows=door.no_show_count
        )
    held = load_held_passes(db_session, [one for one, _ in rows], now=now, timezone=door.timezone)
    return Board(
        customer_id=customer_id,
        studio_id=studio_id,
        timezone=door.timezone,
        known=door.link_id is not None,
        door=Door(rollout=door.rollout, internal=bool(door.internal), suspension=suspension),
        passes=tuple(
            BoardPass(held=held[one.id], studio_id=one.studio_id, is_member=bool(is_member)) for one, is_member in rows
        ),
        pass_types=pass_types,
    )


def offer_of(
    row: Any, *, timezone: str, steps: Sequence[Step], customer_id: UUID, makeup_for_id: UUID | None, by_staff: bool
) -> Offer:
    """Return the frozen value of a row of `OFFERED`."""
    return Offer(
        studio_id=row.studio_id,
        candidate=candidate(
            row,
            class_title=row.class_title,
            timezone=timezone,
            step=next((step for step in steps if step.id == row.step_id), None),
            customer_id=customer_id,
            makeup_for_id=makeup_for_id,
            by_staff=by_staff,
        ),
        class_active=row.class_active,
        allowed_pass_types=None if row.allowed_pass_types is None else frozenset(row.allowed_pass_types),
        status=row.status,
        capacity=row.capacity,
        seats_taken=row.seats_taken,
    )


def live_reservations(db_session: Session, *, customer_id: UUID, session_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the customer's live reservations by session, whatever pass they are held with."""
    rows = db_session.execute(_LIVE_IN_SESSIONS, {"customer": customer_id, "sessions": sorted(set(session_ids))})
    return {row.session_id: row.id for row in rows}


def steps_of_offers(db_session: Session, rows: Iterable[Any]) -> dict[UUID, tuple[Step, ...]]:
    """Return the steps of the classes that are offered in steps, by class."""
    classes = {row.class_id for row in rows if row.step_id is not None}
    return steps_of(db_session, classes) if classes else {}
