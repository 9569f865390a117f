"""Classes, parts and sessions as managers look at them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassSession,
    ClassStep,
    Customer,
    Role,
    SessionReservation,
    SessionStatus,
    Studio,
    StudioClass,
    StudioStaff,
)
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import Actor

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who a change of a session concerns: names of those with a seat, and what cancelling gives back."""

    coming: Sequence[str]
    missed: Sequence[str]
    punches: int


def classes_of_studio(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    query: str,
    active: bool,
    after: str | None,
    now: datetime,
) -> tuple[Sequence[Any], bool]:
    """Return 50 classes by title from ``after`` on, with their coming sessions counted and the next, and whether more follow.

    :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.MANAGER)
    coming = (
        (ClassSession.class_id == StudioClass.id)
        & (ClassSession.status == SessionStatus.SCHEDULED.value)
        & (ClassSession.starts_at > now)
    )
    page = select(StudioClass.id).where(StudioClass.studio_id == studio.id, StudioClass.active.is_(active))
    if query:
        pattern = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        page = page.where(StudioClass.title.ilike(f"%{pattern}%", escape="\\"))
    if after is not None:
        title, _, row_id = after.partition("\t")
        with suppress(ValueError):  # nonsense begins at the first
            page = page.where(tuple_(StudioClass.title, StudioClass.id) > (title, UUID(row_id)))
    page = page.order_by(StudioClass.title, StudioClass.id).limit(PAGE + 1)
    rows = db_session.execute(
        select(
            StudioClass.id,
            StudioClass.title,
            StudioClass.instructor,
            StudioClass.default_capacity,
            StudioClass.default_duration_minutes,
            func.count(ClassSession.id).label("coming"),
            func.min(ClassSession.starts_at).label("next_at"),
        )
        .outerjoin(ClassSession, coming)
        .where(StudioClass.id.in_(page))
        .group_by(StudioClass.id)
        .order_by(StudioClass.title, StudioClass.id)
    ).all()
    return rows[:PAGE], len(rows) > PAGE


def steps_of(db_session: Session, class_id: UUID) -> Sequence[ClassStep]:
    """Return the parts of a class by position."""
    return db_session.scalars(
        select(ClassStep).where(ClassStep.class_id == class_id).order_by(ClassStep.position)
    ).all()


def teachers_of(db_session: Session, studio_id: UUID) -> Mapping[UUID, str]:
    """Return those who work in a studio, by name."""
    rows = db_session.execute(
        select(StudioStaff.id, StudioStaff.name, StudioStaff.user_id)
        .where(StudioStaff.studio_id == studio_id, StudioStaff.active.is_(True))
        .order_by(StudioStaff.name, StudioStaff.id)
    )
    return {row.id: row.name or f"User {row.user_id}" for row in rows}


def coming_sessions(
    db_session: Session, *, class_id: UUID, now: datetime, after: tuple[datetime, UUID] | None
) -> tuple[Sequence[Any], bool]:
    """Return 50 sessions of a class that have not ended, cancelled ones too, and whether more follow."""
    wanted = (
        select(
            ClassSession.id,
            ClassSession.starts_at,
            ClassSession.ends_at,
            ClassSession.capacity,
            ClassSession.seats_taken,
            ClassSession.location,
            ClassSession.instructor,
            ClassSession.status,
            ClassStep.title.label("step_title"),
        )
        .outerjoin(ClassStep, ClassStep.id == ClassSession.step_id)
        .where(ClassSession.class_id == class_id, ClassSession.ends_at > now)
    )
    if after is not None:
        wanted = wanted.where(tuple_(ClassSession.starts_at, ClassSession.id) > after)
    rows = db_session.execute(wanted.order_by(ClassSession.starts_at, ClassSession.id).limit(PAGE + 1)).all()
    return rows[:PAGE], len(rows) > PAGE


def who_is_in(db_session: Session, session_id: UUID) -> Room:
    """Return who holds a seat in a session or missed it, and the punches that cancelling would give back."""
    rows = db_session.execute(
        select(
            SessionReservation.status,
            SessionReservation.guest_name,
            SessionReservation.punches_used,
            SessionReservation.waived_at,
            Customer.name,
        )
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .where(
            SessionReservation.session_id == session_id,
            SessionReservation.status.in_((Status.PENDING.value, Status.CHECKED_IN.value, Status.NO_SHOW.value)),
        )
        .order_by(Customer.name, SessionReservation.id)
    ).all()
    missed = [row for row in rows if row.status == Status.NO_SHOW and row.waived_at is None]
    coming = [row for row in rows if row.status != Status.NO_SHOW]
    return Room(
        coming=[row.guest_name or row.name for row in coming],
        missed=[row.guest_name or row.name for row in missed],
        punches=sum(row.punches_used for row in (*coming, *missed)),
    )
