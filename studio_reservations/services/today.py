"""The day at the door: today's and tomorrow's sessions of the studios in which somebody works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from studio_reservations.models import ClassSession, Role, SessionReservation, Studio, StudioClass
from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.services.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioDay:
    """One studio's local today, with the rows of its sessions and those of tomorrow, by start."""

    studio: Studio
    day: date
    sessions: Sequence[Any]
    tomorrow: Sequence[Any]

    @property
    def reserved(self) -> int:
        """How many seats of today are held, by those who came and those to come."""
        return sum(row.to_come + row.here for row in self.sessions)


def _count(*states: Status) -> Any:
    return func.count(SessionReservation.id).filter(SessionReservation.status.in_([one.value for one in states]))


def days_of_staff(db_session: Session, *, actor: Actor, now: datetime) -> list[StudioDay]:
    """Return today and tomorrow of each studio the actor works in, by name; an instructor's only their own sessions.

    Two queries, whatever the number of studios and sessions.
    """
    studios = db_session.scalars(select(Studio).where(Studio.id.in_(sorted(actor.roles))).order_by(Studio.name)).all()
    if not studios:
        return []
    days = {studio.id: local_date(now, timezone=studio.timezone) for studio in studios}
    rows = db_session.execute(
        select(
            ClassSession.studio_id,
            ClassSession.id,
            StudioClass.title,
            ClassSession.starts_at,
            ClassSession.ends_at,
            ClassSession.capacity,
            ClassSession.seats_taken,
            ClassSession.location,
            ClassSession.instructor,
            ClassSession.status,
            _count(Status.PENDING).label("to_come"),
            _count(Status.CHECKED_IN, Status.ATTENDED).label("here"),
            _count(Status.NO_SHOW).label("missing"),
        )
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .outerjoin(SessionReservation, SessionReservation.session_id == ClassSession.id)
        .where(or_(*(_window(actor, studio, days[studio.id]) for studio in studios)))
        .group_by(ClassSession.id, StudioClass.title)
        .order_by(ClassSession.starts_at, ClassSession.id)
    ).all()
    return [
        StudioDay(
            studio=studio,
            day=days[studio.id],
            sessions=[row for row in rows if _on(row, studio, days[studio.id])],
            tomorrow=[row for row in rows if _on(row, studio, days[studio.id] + timedelta(days=1))],
        )
        for studio in studios
    ]


def _window(actor: Actor, studio: Studio, day: date) -> Any:
    conditions = [
        ClassSession.studio_id == studio.id,
        ClassSession.starts_at >= day_start(day, timezone=studio.timezone),
        ClassSession.starts_at < day_start(day + timedelta(days=2), timezone=studio.timezone),
    ]
    if not actor.has_role(studio.id, Role.FRONT_DESK):
        conditions.append(ClassSession.instructor_id == actor.staff_ids.get(studio.id))
    return and_(*conditions)


def _on(row: Any, studio: Studio, day: date) -> bool:
    return row.studio_id == studio.id and local_date(row.starts_at, timezone=studio.timezone) == day
