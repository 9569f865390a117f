"""Rows turned into the frozen values over which policies and pass types decide; loaded once, whatever the number of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, or_, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ClassStep,
    Customer,
    CustomerStudio,
    SessionReservation,
)
from studio_reservations.pass_types import Candidate, HeldPass, HeldReservation, Status, Step
from studio_reservations.policies.pass_words import held_pass_of

# Of all that a pass ever had, in one statement and a later snapshot than the lock: so it is current.
HELD = (
    select(
        SessionReservation.registration_id,
        SessionReservation.id,
        SessionReservation.customer_id,
        SessionReservation.session_id,
        ClassSession.class_id,
        SessionReservation.step_id,
        SessionReservation.status,
        ClassSession.starts_at,
        ClassSession.ends_at,
        SessionReservation.reserved_at,
        SessionReservation.punches_held,
        SessionReservation.punches_used,
        SessionReservation.waived_at,
        SessionReservation.makeup_for_id,
        SessionReservation.guest_name,
        # A missed class that is neither forgiven nor acted on: when the night cancels what comes after it. rules.md §6, §8.
        case(
            (
                (SessionReservation.status == "NO_SHOW")
                & SessionReservation.waived_at.is_(None)
                & SessionReservation.futures_cancelled_at.is_(None),
                SessionReservation.auto_cancel_at,
            )
        ).label("threatens_at"),
    )
    .join(ClassSession, ClassSession.id == SessionReservation.session_id)
    .order_by(ClassSession.starts_at, SessionReservation.id)
)
HELD_BY_PASSES = HELD.where(SessionReservation.registration_id.in_(bindparam("registrations", expanding=True)))
HELD_BY_PASS_OR_IN_SESSION = HELD.where(
    or_(
        SessionReservation.registration_id == bindparam("registration"),
        (SessionReservation.session_id == bindparam("session"))
        & (SessionReservation.customer_id == bindparam("customer")),
    )
)
STEPS = (
    select(
        ClassStep.class_id,
        ClassStep.id,
        ClassStep.position,
        ClassStep.title,
        ClassStep.requires_sequence,
        ClassStep.allow_makeup,
    )
    .where(ClassStep.class_id.in_(bindparam("classes", expanding=True)))
    .order_by(ClassStep.class_id, ClassStep.position)
)


def knows(studio_id: Any) -> ColumnElement[bool]:
    """Return the condition on which a `CustomerStudio` says that the studio knows ``:customer``, who is still somebody."""
    somebody = select(Customer.id).where(
        Customer.id == bindparam("customer"), Customer.erased_at.is_(None), Customer.merged_into_id.is_(None)
    )
    return and_(CustomerStudio.studio_id == studio_id, CustomerStudio.customer_id.in_(somebody))


def held_reservation(row: Any, session: Any = None) -> HeldReservation:
    """Return the frozen value of a row of `HELD`; with ``session``, of one that has neither its session's columns nor a night."""
    of = row if session is None else session
    return HeldReservation(
        id=row.id,
        customer_id=row.customer_id,
        session_id=row.session_id,
        class_id=of.class_id,
        step_id=row.step_id,
        status=Status(row.status),
        starts_at=of.starts_at,
        ends_at=of.ends_at,
        reserved_at=row.reserved_at,
        punches_held=row.punches_held,
        punches_used=row.punches_used,
        waived=row.waived_at is not None,
        makeup_for_id=row.makeup_for_id,
        threatens_at=row.threatens_at if session is None else None,
    )


def steps_of(db_session: Session, class_ids: Iterable[UUID]) -> dict[UUID, tuple[Step, ...]]:
    """Read the steps of these classes by class, each in the order of position, in one query."""
    found: dict[UUID, list[Step]] = {}
    for class_id, step_id, position, title, requires_sequence, allow_makeup in db_session.execute(
        STEPS, {"classes": sorted(set(class_ids))}
    ):
        found.setdefault(class_id, []).append(
            Step(
                id=step_id,
                class_id=class_id,
                position=position,
                title=title,
                requires_sequence=requires_sequence,
                allow_makeup=allow_makeup,
            )
        )
    return {class_id: tuple(steps) for class_id, steps in found.items()}


def held_pass(
    registration: ClassRegistration | Any,
    *,
    now: datetime,
    timezone: str,
    reservations: Iterable[HeldReservation] = (),
    steps: Iterable[Step] = (),
) -> HeldPass:
    """Return the frozen value of a pass (an entity, or a row with its columns) with what it holds."""
    held = held_pass_of(registration, now=now, timezone=timezone)
    return replace(held, reservations=tuple(reservations), steps=tuple(steps))


def load_held_passes(
    db_session: Session, registrations: Iterable[ClassRegistration | Any], *, now: datetime, timezone: str
) -> dict[UUID, HeldPass]:
    """Load the passes of one studio with all that they hold and the steps of their classes: two queries for any number."""
    passes = list(registrations)
    if not passes:
        return {}
    held: dict[UUID, list[HeldReservation]] = {one.id: [] for one in passes}
    for row in db_session.execute(HELD_BY_PASSES, {"registrations": sorted(held)}):
        held[row.registration_id].append(held_reservation(row))
    return held_passes(db_session, passes, held, now=now, timezone=timezone)


def held_passes(
    db_session: Session,
    passes: Iterable[ClassRegistration | Any],
    held: Mapping[UUID, Sequence[HeldReservation]],
    *,
    now: datetime,
    timezone: str,
) -> dict[UUID, HeldPass]:
    """Return the frozen values of passes whose reservations are read already, with the steps of their classes: one query."""
    passes = list(passes)
    class_ids = {one.class_id for one in passes if one.class_id is not None}
    class_ids |= {one.class_id for rows in held.values() for one in rows if one.step_id is not None}
    steps = steps_of(db_session, class_ids) if class_ids else {}
    return {
        one.id: held_pass(
            one,
            now=now,
            timezone=timezone,
            reservations=held[one.id],
            steps=[step for class_id in _classes_of(one, held[one.id]) for step in steps.get(class_id, ())],
        )
        for one in passes
    }


def candidate(
    class_session: ClassSession | Any,
    *,
    class_title: str,
    timezone: str,
    step: Step | None,
    customer_id: UUID | None = None,
    makeup_for_id: UUID | None = None,
    by_staff: bool = False,
) -> Candidate:
    """Return the frozen value of a class session (an entity, or a row with its columns)."""
    return Candidate(
        id=class_session.id,
        class_id=class_session.class_id,
        class_title=class_title,
        starts_at=class_session.starts_at,
        ends_at=class_session.ends_at,
        timezone=timezone,
        step=step,
        location=class_session.location,
        customer_id=customer_id,
        makeup_for_id=makeup_for_id,
        by_staff=by_staff,
    )


def _classes_of(registration: ClassRegistration, held: Iterable[HeldReservation]) -> list[UUID]:
    if registration.class_id is not None:
        return [registration.class_id]
    return sorted({one.class_id for one in held})
