"""The reservation transaction: lock the pass, read fresh, judge, write with one guarded statement.

The lock and what it protects are two statements: a count in the statement that waits for the lock would be from before the wait.
Source: rules.md §3, Concurrency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ClassStep,
    CustomerStudio,
    CustomerSuspension,
    NoShowPolicy,
    RegistrationMember,
    Studio,
    StudioClass,
)
from studio_reservations.models.connection import connection
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldReservation, Step
from studio_reservations.policies.policy import Policy
from studio_reservations.policies.reserving import Case, Door, Offer, Suspension
from studio_reservations.services.seen import (
    HELD_BY_PASS_OR_IN_SESSION,
    candidate,
    held_pass,
    held_reservation,
    knows,
    steps_of,
)

TERMS = (
    *("cancellation_cutoff_hours", "undo_minutes", "deduct_punch_on_late_cancel", "late_cancel_counts_as_no_show"),
    *("check_in_opens_minutes_before", "check_in_closes_minutes_after"),
)
"""What a new reservation keeps or shows of the policy in force. Source: rules.md §5, §7."""

_OF_STUDIO = aliased(NoShowPolicy, name="of_studio")
_OF_CLASS = aliased(NoShowPolicy, name="of_class")

_CONTEXT = (
    select(
        *(
            column.label(f"pass_{column.key}")
            for column in ClassRegistration.__table__.columns
            if column.key not in ("external_ref", "frozen_on")
        ),
        ClassSession.id,
        ClassSession.studio_id,
        ClassSession.class_id,
        ClassSession.step_id,
        ClassSession.starts_at,
        ClassSession.ends_at,
        ClassSession.capacity,
        ClassSession.seats_taken,
        ClassSession.location,
        ClassSession.status,
        StudioClass.title.label("class_title"),
        StudioClass.active.label("class_active"),
        StudioClass.allowed_pass_types,
        Studio.rollout,
        Studio.timezone,
        CustomerStudio.id.label("link_id"),
        CustomerStudio.internal,
        ClassStep.position.label("step_position"),
        ClassStep.title.label("step_title"),
        ClassStep.requires_sequence.label("step_requires_sequence"),
        ClassStep.allow_makeup.label("step_allow_makeup"),
        CustomerSuspension.starts_at.label("suspended_from"),
        CustomerSuspension.ends_at.label("suspended_until"),
        CustomerSuspension.ends_on.label("suspended_on"),
        CustomerSuspension.no_show_count,
        RegistrationMember.id.label("member_id"),
        *(getattr(_OF_STUDIO, name).label(f"studio_{name}") for name in TERMS),
        *(getattr(_OF_CLASS, name).label(f"class_{name}") for name in TERMS),
    )
    .select_from(ClassRegistration)
    .join(ClassSession, ClassSession.id == bindparam("session"))
    .join(StudioClass, StudioClass.id == ClassSession.class_id)
    .join(Studio, Studio.id == ClassSession.studio_id)
    .outerjoin(CustomerStudio, knows(ClassSession.studio_id))
    .outerjoin(ClassStep, ClassStep.id == ClassSession.step_id)
    .outerjoin(
        CustomerSuspension,
        (CustomerSuspension.customer_id == bindparam("customer"))
        & (CustomerSuspension.studio_id == ClassSession.studio_id)
        & CustomerSuspension.ended_at.is_(None),
    )
    .outerjoin(
        RegistrationMember,
        (RegistrationMember.registration_id == ClassRegistration.id)
        & (RegistrationMember.customer_id == bindparam("customer")),
    )
    .outerjoin(_OF_STUDIO, (_OF_STUDIO.studio_id == ClassSession.studio_id) & _OF_STUDIO.class_id.is_(None))
    .outerjoin(_OF_CLASS, _OF_CLASS.class_id == ClassSession.class_id)
    .where(ClassRegistration.id == bindparam("registration"))
)
_CONTEXT_LOCKING = _CONTEXT.with_for_update(key_share=True, of=ClassRegistration)


class _Pass:
    """The columns ``pass_*`` of a row under the names of the entity."""

    __slots__ = ("_row",)

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"pass_{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A case with what is needed to write it; ``known`` tells whether the session's studio knows the customer.

    ``policy`` is in force in its `TERMS`; nothing else of it has been read. ``threatened_at`` is when a missed class of the
    pass would take the new reservation with it.
    """

    case: Case
    policy: Policy
    known: bool
    holder_id: UUID
    threatened_at: datetime | None


def load_context(
    db_session: Session,
    *,
    registration_id: UUID | None,
    session_id: UUID,
    customer_id: UUID,
    now: datetime,
    pass_types: PassTypes,
    lock: bool,
    makeup_for_id: UUID | None = None,
    by_staff: bool = False,
) -> Context | None:
    """Read one case, with ``lock`` behind the pass's lock; None where the pass or the session is unknown."""
    database = connection(db_session)
    asked = {"registration": registration_id, "session": session_id, "customer": customer_id}
    row = database.execute(_CONTEXT_LOCKING if lock else _CONTEXT, asked).one_or_none()
    if row is None:
        return None
    mine, threats, reserved_id = [], [], None
    for one in database.execute(HELD_BY_PASS_OR_IN_SESSION, asked):
        held_one = held_reservation(one)
        if one.registration_id == registration_id:
            mine.append(held_one)
            if one.threatens_at is not None and one.threatens_at < row.starts_at:
                threats.append(one.threatens_at)
        if held_one.live and one.session_id == session_id and one.customer_id == customer_id and one.guest_name is None:
            reserved_id = held_one.id
    steps = steps_of(db_session, [row.class_id]).get(row.class_id, ()) if row.step_id is not None else ()
    step = next((one for one in steps if one.id == row.step_id), None)
    return _context(
        row,
        customer_id=customer_id,
        mine=mine,
        threatened_at=min(threats, default=None),
        steps=steps,
        step=step,
        reserved_id=reserved_id,
        now=now,
        pass_types=pass_types,
        makeup_for_id=makeup_for_id,
        by_staff=by_staff,
    )


def _context(
    row: Any,
    *,
    customer_id: UUID,
    mine: list[HeldReservation],
    threatened_at: datetime | None,
    steps: tuple[Step, ...],
    step: Step | None,
    reserved_id: UUID | None,
    now: datetime,
    pass_types: PassTypes,
    makeup_for_id: UUID | None,
    by_staff: bool,
) -> Context:
    suspension = None
    if row.suspended_from is not None:
        suspension = Suspension(
            starts_at=row.suspended_from,
            ends_at=row.suspended_until,
            ends_on=row.suspended_on,
            no_shows=row.no_show_count,
        )
    case = Case(
        customer_id=customer_id,
        door=Door(rollout=row.rollout, internal=bool(row.internal), suspension=suspension),
        pass_studio_id=row.pass_studio_id,
        held=held_pass(_Pass(row), now=now, timezone=row.timezone, reservations=mine, steps=steps),
        is_member=customer_id == row.pass_customer_id or row.member_id is not None,
        pass_type=pass_types.find(row.pass_pass_type),
        offer=Offer(
            studio_id=row.studio_id,
            candidate=candidate(
                row,
                class_title=row.class_title,
                timezone=row.timezone,
                step=step,
                customer_id=customer_id,
                makeup_for_id=makeup_for_id,
                by_staff=by_staff,
            ),
            class_active=row.class_active,
            allowed_pass_types=None if row.allowed_pass_types is None else frozenset(row.allowed_pass_types),
            status=row.status,
            capacity=row.capacity,
            seats_taken=row.seats_taken,
        ),
        reserved_id=reserved_id,
    )
    values = row._mapping
    return Context(
        case=case,
        policy=Policy.in_force(
            {name: values[f"studio_{name}"] for name in TERMS},
            {name: values[f"class_{name}"] for name in TERMS},
        ),
        known=row.link_id is not None,
        holder_id=row.pass_customer_id,
        threatened_at=threatened_at,
    )


def without(case: Case, reservation_id: UUID, *, charge: int) -> Case:
    """Return the case as if that reservation were cancelled, and its late charge made."""
    left = case.held.sessions_remaining
    held = replace(
        case.held,
        sessions_remaining=None if left is None else left - charge,
        reservations=tuple(one for one in case.held.reservations if one.id != reservation_id),
    )
    return replace(case, held=held)
