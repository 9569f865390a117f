"""What a studio teaches: its classes and their parts, made and changed by managers.

Source: rules.md §1, §10.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import ClassSession, ClassStep, Role, SessionReservation, StudioClass, SubjectType
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic
from studio_reservations.services.events import record
from studio_reservations.services.session_terms import LONGEST_TEXT, MOST_SEATS

LONGEST_DESCRIPTION = 10_000
LONGEST_MINUTES = 31 * 24 * 60
MOST_STEPS = 100


class ClassTerms(TypedDict, total=False):
    """What can be said of a class; ``allowed_pass_types`` None allows every one. A key that is missing stays."""

    title: str
    description: str | None
    instructor: str | None
    default_capacity: int
    default_duration_minutes: int
    allowed_pass_types: list[str] | None
    active: bool


class StepTerms(TypedDict, total=False):
    """What can be said of a part; a key that is missing stays."""

    title: str
    requires_sequence: bool
    allow_makeup: bool


class ClassService:
    """What managers do to classes. It lives for one request; it flushes and never commits."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: Any = None) -> None:
        self.db_session = db_session
        self.now = read(clock)

    def create(self, *, studio_id: UUID, actor: Actor, terms: ClassTerms) -> StudioClass:
        """Add a class. :raises NotFound, Forbidden: :raises InvalidRequest: naming each wrong field."""
        actor.require(studio_id, Role.MANAGER)
        _check(terms, needed=("title",))
        with atomic(self.db_session):
            studio_class = StudioClass(studio_id=studio_id, created_at=self.now, **{"active": True, **terms})
            self.db_session.add(studio_class)
            self.db_session.flush()
            self._record(studio_class, "class.created", actor, {"title": studio_class.title})
        return studio_class

    def change(self, *, class_id: UUID, actor: Actor, terms: ClassTerms) -> StudioClass:
        """Change what is said of a class; sessions and reservations that are there stay as they are.

        :raises NotFound, Forbidden: :raises InvalidRequest: naming each wrong field.
        """
        studio_class = self._class(class_id, actor)
        _check(terms)
        values = {name: value for name, value in terms.items() if getattr(studio_class, name) != value}
        if values:
            with atomic(self.db_session):
                changes = {name: [getattr(studio_class, name), value] for name, value in values.items()}
                for name, value in values.items():
                    setattr(studio_class, name, value)
                self.db_session.flush()
                self._record(studio_class, "class.changed", actor, {"changes": changes})
        return studio_class

    def add_step(self, *, class_id: UUID, actor: Actor, terms: StepTerms) -> ClassStep:
        """Add a part behind the last one. :raises NotFound, Forbidden, InvalidRequest:"""
        studio_class = self._class(class_id, actor)
        _check_step(terms, needed=True)
        with atomic(self.db_session):
            last = self.db_session.scalar(select(func.max(ClassStep.position)).where(ClassStep.class_id == class_id))
            position = (last or 0) + 1
            if position > MOST_STEPS:
                raise InvalidRequest(errors={"title": f"A class has at most {MOST_STEPS} parts."})
            step = ClassStep(studio_id=studio_class.studio_id, class_id=class_id, position=position, **terms)
            self.db_session.add(step)
            self.db_session.flush()
            self._record(studio_class, "class.step_added", actor, {"position": position, "title": step.title})
        return step

    def change_step(self, *, step_id: UUID, actor: Actor, terms: StepTerms) -> ClassStep:
        """Change what is said of a part. :raises NotFound, Forbidden, InvalidRequest:"""
        step, studio_class = self._step(step_id, actor)
        _check_step(terms)
        values = {name: value for name, value in terms.items() if getattr(step, name) != value}
        if values:
            with atomic(self.db_session):
                changes = {name: [getattr(step, name), value] for name, value in values.items()}
                for name, value in values.items():
                    setattr(step, name, value)
                self.db_session.flush()
                self._record(studio_class, "class.step_changed", actor, {"position": step.position, "changes": changes})
        return step

    def remove_step(self, *, step_id: UUID, actor: Actor) -> None:
        """Remove the last part of a class, as long as nothing was ever held or reserved of it.

        :raises NotFound, Forbidden: :raises InvalidRequest: for a part that is used, or is not the last.
        """
        step, studio_class = self._step(step_id, actor)
        with atomic(self.db_session):
            last = self.db_session.scalar(
                select(func.max(ClassStep.position)).where(ClassStep.class_id == step.class_id)
            )
            if step.position != last:
                raise InvalidRequest(errors={"step": "Only the last part can be removed."})
            for model, column in (
                (ClassSession, ClassSession.step_id),
                (SessionReservation, SessionReservation.step_id),
            ):
                if self.db_session.scalar(select(model.id).where(column == step_id).limit(1)) is not None:
                    raise InvalidRequest(errors={"step": "This part has sessions. It can be renamed, not removed."})
            self.db_session.delete(step)
            self.db_session.flush()
            self._record(studio_class, "class.step_removed", actor, {"position": step.position, "title": step.title})

    def _class(self, class_id: UUID, actor: Actor) -> StudioClass:
        studio_class = self.db_session.get(StudioClass, class_id, populate_existing=True)
        if studio_class is None:
            raise NotFound()
        actor.require(studio_class.studio_id, Role.MANAGER)
        return studio_class

    def _step(self, step_id: UUID, actor: Actor) -> tuple[ClassStep, StudioClass]:
        step = self.db_session.get(ClassStep, step_id, populate_existing=True)
        if step is None:
            raise NotFound()
        return step, self._class(step.class_id, actor)

    def _record(self, studio_class: StudioClass, action: str, actor: Actor, details: dict[str, Any]) -> None:
        record(
            self.db_session,
            action=action,
            subject_type=SubjectType.CLASS,
            subject_id=studio_class.id,
            studio_id=studio_class.studio_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            details={"class_title": studio_class.title, **details},
        )


def _check(terms: ClassTerms, *, needed: Collection[str] = ()) -> None:
    errors: dict[str, str] = {}
    if ("title" in terms or "title" in needed) and not (terms.get("title") or "").strip():
        errors["title"] = "Write what the class is called."
    for name, longest in (("title", LONGEST_TEXT), ("instructor", LONGEST_TEXT), ("description", LONGEST_DESCRIPTION)):
        if len(str(terms.get(name) or "")) > longest:
            errors[name] = f"Write at most {longest:,} characters."
    if not 0 <= terms.get("default_capacity", 0) <= MOST_SEATS:
        errors["default_capacity"] = f"Write a number of seats from 0 to {MOST_SEATS:,}."
    if not 1 <= terms.get("default_duration_minutes", 1) <= LONGEST_MINUTES:
        errors["default_duration_minutes"] = f"Write minutes from 1 to {LONGEST_MINUTES:,}."
    if errors:
        raise InvalidRequest(errors=errors)


def _check_step(terms: StepTerms, *, needed: bool = False) -> None:
    title = (terms.get("title") or "").strip()
    if (needed or "title" in terms) and not 0 < len(title) <= LONGEST_TEXT:
        raise InvalidRequest(errors={"title": f"Write what the part is called, in at most {LONGEST_TEXT} characters."})
