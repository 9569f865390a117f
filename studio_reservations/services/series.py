"""A recurring schedule made into class sessions, after it was looked at.

Source: rules.md §10 (manager); `policies.recurring` gives the starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import ClassSession, Role, SessionStatus, Studio, StudioClass
from studio_reservations.policies.recurring import Recurrence, RuleError, Start, starts
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic
from studio_reservations.services.class_sessions import ClassSessionService

ALREADY_THERE, OVER = "already_there", "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One session of a series: ``left_out`` says why it is not made, ``clashes`` which class has the place at that time."""

    start: Start
    ends_at: datetime
    left_out: str | None = None
    clashes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTerms:
    """What the sessions of a series have in common; None is the class's own."""

    class_id: UUID
    recurrence: Recurrence
    minutes: int | None = None
    capacity: int | None = None
    location: str | None = None
    instructor: str | None = None
    instructor_id: UUID | None = None
    step_id: UUID | None = None


class SeriesService:
    """Recurring schedules. It lives for one request; it flushes and never commits."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: object = None) -> None:
        self.db_session = db_session
        self.now = read(clock)

    def preview(self, *, terms: SeriesTerms, actor: Actor) -> Sequence[Planned]:
        """Return what `create` would make, in order, and what it would leave out, and why; nothing is written.

        Three queries, whatever the number of sessions. :raises NotFound, Forbidden: :raises InvalidRequest: for a wrong rule.
        """
        studio_class, timezone = self._class(terms.class_id, actor)
        minutes = terms.minutes or studio_class.default_duration_minutes
        try:
            found = starts(terms.recurrence, timezone=timezone)
        except RuleError as error:
            raise InvalidRequest(errors={"rule": str(error)}) from error
        if not found:
            raise InvalidRequest(errors={"rule": "This gives no session at all. Look at the days and the end."})
        length = timedelta(minutes=minutes)
        there = self._others(studio_class, first=found[0].at, last=found[-1].at + length)
        return [self._planned(start, length, studio_class, there, terms.location) for start in found]

    def create(self, *, terms: SeriesTerms, actor: Actor) -> Sequence[ClassSession]:
        """Make the sessions that are not left out, all or none; done twice, the second time makes none.

        :raises NotFound, Forbidden: :raises InvalidRequest: naming each wrong field.
        """
        with atomic(self.db_session):
            service = ClassSessionService(self.db_session, clock=lambda: self.now)
            return [
                service.create_session(
                    class_id=terms.class_id,
                    starts_at=one.start.at,
                    ends_at=one.ends_at,
                    capacity=terms.capacity,
                    location=terms.location,
                    instructor=terms.instructor,
                    instructor_id=terms.instructor_id,
                    step_id=terms.step_id,
                    actor=actor,
                )
                for one in self.preview(terms=terms, actor=actor)
                if one.left_out is None
            ]

    def _class(self, class_id: UUID, actor: Actor) -> tuple[StudioClass, str]:
        row = self.db_session.execute(
            select(StudioClass, Studio.timezone)
            .join(Studio, Studio.id == StudioClass.studio_id)
            .where(StudioClass.id == class_id)
        ).one_or_none()
        if row is None:
            raise NotFound()
        actor.require(row.StudioClass.studio_id, Role.MANAGER)
        return row.StudioClass, row.timezone

    def _others(self, studio_class: StudioClass, *, first: datetime, last: datetime) -> Sequence[_Other]:
        rows = self.db_session.execute(
            select(
                ClassSession.class_id,
                ClassSession.starts_at,
                ClassSession.ends_at,
                ClassSession.location,
                StudioClass.title,
            )
            .join(StudioClass, StudioClass.id == ClassSession.class_id)
            .where(
                ClassSession.studio_id == studio_class.studio_id,
                ClassSession.status == SessionStatus.SCHEDULED.value,
                ClassSession.starts_at <= last,
                ClassSession.ends_at >= first,
            )
        )
        return [_Other(*row) for row in rows]

    def _planned(
        self,
        start: Start,
        length: timedelta,
        studio_class: StudioClass,
        there: Sequence[_Other],
        location: str | None,
    ) -> Planned:
        ends_at = start.at + length
        left_out = None
        if start.at <= self.now:
            left_out = OVER
        elif any(one.class_id == studio_class.id and one.starts_at == start.at for one in there):
            left_out = ALREADY_THERE
        clashes = next(
            (
                one.title
                for one in there
                if location and one.location == location and one.starts_at < ends_at and one.ends_at > start.at
            ),
            None,
        )
        return Planned(start=start, ends_at=ends_at, left_out=left_out, clashes=None if left_out else clashes)


@dataclass(frozen=True, slots=True)
class _Other:
    class_id: UUID
    starts_at: datetime
    ends_at: datetime
    location: str | None
    title: str
