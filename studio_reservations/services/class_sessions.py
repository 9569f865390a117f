"""The schedule: class sessions made, changed, moved and cancelled.

Source: rules.md §1, §5, §10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    InvalidRequest,
    NotFound,
    SessionCancelled,
    SessionEnded,
    TryAgain,
)
from studio_reservations.models import (
    ClassSession,
    ClassStep,
    Role,
    SessionStatus,
    Studio,
    StudioClass,
    StudioStaff,
    SubjectType,
)
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic, change_seats
from studio_reservations.services.emptying import empty
from studio_reservations.services.events import record
from studio_reservations.services.moving import Move
from studio_reservations.services.rosters import Roster, take_roster
from studio_reservations.services.session_terms import (
    SessionChanges,
    changed_values,
    check_session,
    end_after,
    is_move,
    json_value,
)

ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChange:
    """A session, whether it was moved, and what that did: check-ins taken back, conflicts flagged."""

    class_session: ClassSession
    moved: bool = False
    holders_told: int = 0
    check_ins_undone: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCancellation:
    """A cancelled session, and how many reservations were cancelled, no-shows waived and punches refunded this time."""

    class_session: ClassSession
    cancelled: int = 0
    waived: int = 0
    punches_refunded: int = 0


class ClassSessionService:
    """What managers do to the schedule. It lives for one request; it flushes and never commits."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: PassTypes | None = None) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = pass_types or installed_pass_types()

    def create_session(
        self,
        *,
        class_id: UUID,
        starts_at: datetime,
        actor: Actor,
        ends_at: datetime | None = None,
        capacity: int | None = None,
        step_id: UUID | None = None,
        location: str | None = None,
        instructor: str | None = None,
        instructor_id: UUID | None = None,
        external_ref: str | None = None,
    ) -> ClassSession:
        """Add a session; end, capacity and instructor not given are the class's own.

        :raises NotFound: for a class, step or instructor that is not this studio's.
        :raises InvalidRequest: naming each wrong field.
        """
        studio_class = self.db_session.get(StudioClass, class_id)
        if studio_class is None:
            raise NotFound()
        actor.require(studio_class.studio_id, Role.MANAGER)
        if step_id is not None:
            step = self.db_session.get(ClassStep, step_id)
            if step is None or step.class_id != class_id:
                raise NotFound()
        class_session = ClassSession(
            studio_id=studio_class.studio_id,
            class_id=class_id,
            step_id=step_id,
            starts_at=starts_at,
            ends_at=ends_at or end_after(starts_at, timedelta(minutes=studio_class.default_duration_minutes)),
            capacity=studio_class.default_capacity if capacity is None else capacity,
            seats_taken=0,
            location=location,
            instructor=studio_class.instructor if instructor is None else instructor,
            instructor_id=instructor_id,
            status=SessionStatus.SCHEDULED.value,
            external_ref=external_ref,
            created_at=self.now,
        )
        check_session(
            now=self.now,
            starts_at=starts_at,
            ends_at=class_session.ends_at,
            capacity=class_session.capacity,
            texts={"location": location, "instructor": instructor, "external_ref": external_ref},
        )
        self._check_instructor(instructor_id, studio_id=studio_class.studio_id)
        with atomic(self.db_session):
            try:
                with self.db_session.begin_nested():
                    self.db_session.add(class_session)
            except IntegrityError:
                raise InvalidRequest(errors={"external_ref": "There is a session of this reference already."}) from None
            self._record(class_session, "session.created", actor=actor, to_status=class_session.status)
        return class_session

    def update_session(
        self,
        *,
        session_id: UUID,
        changes: SessionChanges,
        actor: Actor,
        reason: str | None = None,
        seen: SessionChanges | None = None,
    ) -> SessionChange:
        """Change a session; another time is a move, which its holders are told of.

        Moved with ``starts_at`` alone, it stays as long as it was. Checked-in customers are PENDING again, giving up is free
        until the new start, and what the new time breaks is flagged on each reservation. With ``seen`` it is changed only
        while it still has these values.

        :raises TryAgain: where it has them no longer; nothing is changed, and it is read anew.
        :raises SessionStarted: for a move after the start.
        :raises SessionCancelled, CapacityBelowTaken, NotFound:
        :raises InvalidRequest: naming each wrong field.
        """
        with atomic(self.db_session):
            for _ in range(ATTEMPTS):
                class_session = self._class_session(session_id, actor)
                guard: dict[str, Any] = {**(seen or {})}
                if any(getattr(class_session, name) != value for name, value in guard.items()):
                    raise TryAgain()
                guard |= {"starts_at": class_session.starts_at, "ends_at": class_session.ends_at}
                values = changed_values(class_session, changes, now=self.now)
                self._check_instructor(values.get("instructor_id"), studio_id=class_session.studio_id)
                if not values:
                    return SessionChange(class_session=class_session)
                if class_session.status != SessionStatus.SCHEDULED:
                    raise SessionCancelled()
                before = {name: getattr(class_session, name) for name in values}
                change = (
                    update(ClassSession)
                    .where(
                        ClassSession.id == session_id,
                        ClassSession.status == "SCHEDULED",
                        *(getattr(ClassSession, name).is_not_distinct_from(value) for name, value in guard.items()),
                        ClassSession.seats_taken <= values.get("capacity", class_session.capacity),
                    )
                    .values(values)
                    .execution_options(synchronize_session=False)
                )
                roster = take_roster(self.db_session, session_id=session_id, change=change)
                if roster is not None:
                    self.db_session.refresh(class_session)
                    return self._tell_changed(class_session, before, roster, actor=actor, reason=reason)
                # It was filled, moved or cancelled in between: judge again and answer what is so now.
            raise TryAgain()

    def cancel_session(self, *, session_id: UUID, actor: Actor, reason: str | None = None) -> SessionCancellation:
        """Cancel a session until it ends: everybody's reservation free, no-shows waived; cancelled already, unchanged.

        :raises SessionEnded, NotFound:
        """
        with atomic(self.db_session):
            for _ in range(ATTEMPTS):
                class_session = self._class_session(session_id, actor)
                if class_session.status == SessionStatus.CANCELLED:
                    return SessionCancellation(class_session=class_session)
                if self.now >= class_session.ends_at:
                    raise SessionEnded(ends_at=class_session.ends_at)
                change = (
                    update(ClassSession)
                    .where(
                        ClassSession.id == session_id,
                        ClassSession.status == "SCHEDULED",
                        ClassSession.ends_at == class_session.ends_at,
                    )
                    .values(status="CANCELLED", cancelled_at=self.now, cancellation_reason=reason)
                    .execution_options(synchronize_session=False)
                )
                roster = take_roster(self.db_session, session_id=session_id, change=change)
                if roster is not None:
                    return self._emptied(class_session, roster, actor=actor, reason=reason)
            raise TryAgain()

    def _emptied(
        self, class_session: ClassSession, roster: Roster, *, actor: Actor, reason: str | None
    ) -> SessionCancellation:
        counts = empty(
            self.db_session,
            roster=roster,
            timezone=self._timezone(class_session),
            pass_types=self.pass_types,
            actor=actor,
            now=self.now,
            reason=reason,
        )
        self._record(
            class_session,
            "session.cancelled",
            actor=actor,
            from_status=SessionStatus.SCHEDULED.value,
            to_status=SessionStatus.CANCELLED.value,
            reason=reason,
            details={"starts_at": class_session.starts_at.isoformat(), **counts},
        )
        change_seats(self.db_session, {class_session.id: -counts["cancelled"]})
        self.db_session.refresh(class_session)
        return SessionCancellation(class_session=class_session, **counts)

    def _tell_changed(
        self,
        class_session: ClassSession,
        before: dict[str, Any],
        roster: Roster,
        *,
        actor: Actor,
        reason: str | None,
    ) -> SessionChange:
        details = {
            "changes": {
                name: [json_value(old), json_value(getattr(class_session, name))] for name, old in before.items()
            },
            "starts_at": class_session.starts_at.isoformat(),
            "ends_at": class_session.ends_at.isoformat(),
        }
        if not is_move(before):
            self._record(class_session, "session.changed", actor=actor, reason=reason, details=details)
            return SessionChange(class_session=class_session)
        move = Move(
            self.db_session,
            class_session=class_session,
            roster=roster,
            timezone=self._timezone(class_session),
            pass_types=self.pass_types,
            actor=actor,
            now=self.now,
        )
        undone = move.undo_check_ins(reason=reason)
        conflicts = move.judge_anew()
        move.tell(reason=reason, details=details)
        self._record(
            class_session,
            "session.moved",
            actor=actor,
            reason=reason,
            details={**details, "holders": len(move.holders), "check_ins_undone": undone, "conflicts": conflicts},
        )
        return SessionChange(
            class_session=class_session,
            moved=True,
            holders_told=len(move.holders),
            check_ins_undone=undone,
            conflicts=conflicts,
        )

    def _check_instructor(self, instructor_id: UUID | None, *, studio_id: UUID) -> None:
        if instructor_id is not None:
            staff = self.db_session.get(StudioStaff, instructor_id)
            if staff is None or staff.studio_id != studio_id:
                raise NotFound()

    def _class_session(self, session_id: UUID, actor: Actor) -> ClassSession:
        class_session = self.db_session.get(ClassSession, session_id, populate_existing=True)
        if class_session is None:
            raise NotFound()
        actor.require(class_session.studio_id, Role.MANAGER)
        return class_session

    def _timezone(self, class_session: ClassSession) -> str:
        return self.db_session.scalars(select(Studio.timezone).where(Studio.id == class_session.studio_id)).one()

    def _record(self, class_session: ClassSession, action: str, *, actor: Actor, **act: Any) -> None:
        record(
            self.db_session,
            action=action,
            subject_type=SubjectType.SESSION,
            subject_id=class_session.id,
            studio_id=class_session.studio_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            **act,
        )
