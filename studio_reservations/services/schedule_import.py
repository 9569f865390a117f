"""Bring the classes and sessions of a schedule file into a studio, again and again without doing anything twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from studio_reservations.models import ClassSession, SessionStatus, Studio, StudioClass, new_id
from studio_reservations.models.connection import connection
from studio_reservations.services.schedule_files import BadRow, ScheduledSession
from studio_reservations.services.schedule_mapping import ScheduleMapping, ScheduleUnusable

BATCH = 1_000
LOCK_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A row that was left aside because people hold seats in its session."""

    line: int
    session_id: UUID
    external_ref: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A coming session of an earlier import that the file no longer has; it stays as it is."""

    session_id: UUID
    external_ref: str
    starts_at: datetime
    seats_taken: int


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What an import did, or would do.

    ``unchanged`` counts sessions that agree with the file and those the studio has cancelled, which an import never revives.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    classes_created: int = 0
    classes_updated: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    vanished: list[Vanished] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def good_rows(self) -> int:
        """How many rows of the file could be read."""
        return self.created + self.updated + self.unchanged + len(self.conflicts)


_SESSION_FIELDS = ("class_id", "step_id", "starts_at", "ends_at", "capacity", "location", "instructor")
_CLASS_FIELDS = ("title", "description")
_KNOWN_CLASSES = select(StudioClass.id, StudioClass.title, StudioClass.description, StudioClass.external_ref)
_KNOWN_SESSIONS = select(
    ClassSession.id,
    *(getattr(ClassSession, name) for name in _SESSION_FIELDS),
    ClassSession.seats_taken,
    ClassSession.status,
    ClassSession.external_ref,
)
_READ_AGAIN = _KNOWN_SESSIONS.where(ClassSession.id.in_(bindparam("ids", expanding=True))).order_by(ClassSession.id)
_LOCK = _READ_AGAIN.with_for_update(key_share=True)
_LOCK_STUDIO = select(Studio.id).where(Studio.id == bindparam("studio_id")).with_for_update(key_share=True)
_UPDATE_SESSION = (
    update(ClassSession)
    .where(ClassSession.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}") for name in _SESSION_FIELDS})
)
_UPDATE_CLASS = (
    update(StudioClass)
    .where(StudioClass.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}") for name in _CLASS_FIELDS})
)


def import_schedule(
    db_session: Session,
    *,
    studio: Studio,
    source: str,
    rows: Iterable[ScheduledSession | BadRow],
    now: datetime,
    dry_run: bool = False,
) -> ImportReport:
    """Create and update what ``rows`` say about ``studio``; with ``dry_run`` only tell what would be done.

    Classes and sessions are known by the references that begin with ``source``; all else in the studio is left alone, and
    nothing is ever deleted. An empty cell changes nothing. Where people hold seats, a session is neither given another time
    or class nor fewer seats than are taken: its row is a conflict. It runs a fixed number of statements a thousand rows.

    Source: rules.md §1 (``external_ref``), §5.
    """
    db_session.flush()
    run = _Import(connection(db_session), studio.id, f"{source}:", now, dry_run)
    report = run.take(rows)
    if not dry_run:
        db_session.expire_all()
    return report


class _Import:
    """One run over one file: what the studio has, what is still to be written, and the report."""

    def __init__(self, db: Connection, studio_id: UUID, prefix: str, now: datetime, dry_run: bool) -> None:
        self.db = db
        self.studio_id = studio_id
        self.now = now
        self.dry_run = dry_run
        self.report = ImportReport()
        if not dry_run:
            db.execute(_LOCK_STUDIO, {"studio_id": studio_id})  # two imports at once: one after the other
        self.classes = {row.external_ref: row for row in self._known(_KNOWN_CLASSES, StudioClass, prefix)}
        self.sessions = {row.external_ref: row for row in self._known(_KNOWN_SESSIONS, ClassSession, prefix)}
        self.class_ids: dict[str, UUID] = {}
        self.new_classes: list[dict[str, Any]] = []
        self.new_sessions: list[dict[str, Any]] = []
        self.changed_classes: list[dict[str, Any]] = []
        self.changed_sessions: list[tuple[UUID, ScheduledSession]] = []

    def take(self, rows: Iterable[ScheduledSession | BadRow]) -> ImportReport:
        """Go through the file once."""
        for row in rows:
            if isinstance(row, BadRow):
                self.report.bad_rows.append(row)
                self.sessions.pop(row.external_ref, None)  # it is in the file, so it has not vanished
            else:
                self._take(row)
            if len(self.new_sessions) >= BATCH:
                self._insert()
        self._insert()
        self._settle()
        self.report.vanished = sorted(
            (
                Vanished(
                    session_id=gone.id,
                    external_ref=gone.external_ref,
                    starts_at=gone.starts_at,
                    seats_taken=gone.seats_taken,
                )
                for gone in self.sessions.values()
                if gone.starts_at > self.now and gone.status == SessionStatus.SCHEDULED
            ),
            key=lambda gone: (gone.starts_at, gone.external_ref),
        )
        return self.report

    def _known(self, query: Any, model: type[StudioClass] | type[ClassSession], prefix: str) -> Iterator[Row[Any]]:
        of_source = model.external_ref.startswith(prefix, autoescape=True)
        found = self.db.execute(query.where(model.studio_id == self.studio_id, of_source)).yield_per(BATCH)
        # SQLite's LIKE does not tell upper from lower case.
        return (row for row in found if row.external_ref.startswith(prefix))

    def _take(self, row: ScheduledSession) -> None:
        class_id = self._class_of(row)
        known = self.sessions.pop(row.external_ref, None)
        if known is None:
            self.report.created += 1
            self.new_sessions.append(self._new_session(row, class_id))
        elif known.status == SessionStatus.SCHEDULED and _changes(known, row, class_id):
            self.changed_sessions.append((known.id, row))
        else:
            self.report.unchanged += 1

    def _class_of(self, row: ScheduledSession) -> UUID:
        """Return the row's class; the file's first row about a class says what it is called."""
        if (class_id := self.class_ids.get(row.class_ref)) is not None:
            return class_id
        known = self.classes.get(row.class_ref)
        class_id = self.class_ids[row.class_ref] = new_id() if known is None else known.id
        if known is None:
            self.report.classes_created += 1
            self.new_classes.append(self._new_class(row, class_id))
        else:
            new = {"title": row.class_title, "description": row.description or known.description}
            if new != {name: getattr(known, name) for name in _CLASS_FIELDS}:
                self.report.classes_updated += 1
                self.changed_classes.append(_bound(class_id, new))
        return class_id

    def _new_class(self, row: ScheduledSession, class_id: UUID) -> dict[str, Any]:
        return {
            "id": class_id,
            "studio_id": self.studio_id,
            "title": row.class_title,
            "description": row.description,
            "instructor": row.instructor,
            "default_capacity": row.capacity,
            "default_duration_minutes": (row.ends_at - row.starts_at) // timedelta(minutes=1),
            "active": True,
            "external_ref": row.class_ref,
            "created_at": self.now,
        }

    def _new_session(self, row: ScheduledSession, class_id: UUID) -> dict[str, Any]:
        return {
            "id": new_id(),
            "studio_id": self.studio_id,
            "class_id": class_id,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "capacity": row.capacity,
            "seats_taken": 0,
            "location": row.location,
            "instructor": row.instructor,
            "status": SessionStatus.SCHEDULED.value,
            "external_ref": row.external_ref,
            "created_at": self.now,
        }

    def _insert(self) -> None:
        for statement, values in (
            (insert(StudioClass), self.new_classes),
            (insert(ClassSession), self.new_sessions),
            (_UPDATE_CLASS, self.changed_classes),
        ):
            if values and not self.dry_run:
                self.db.execute(statement, values)
            values.clear()

    def _settle(self) -> None:
        """Judge the changed sessions on locked, fresh rows, in the one lock order, and update those that may be."""
        remaining = iter(sorted(self.changed_sessions, key=lambda change: change[0]))
        while batch := dict(islice(remaining, LOCK_BATCH)):
            updates = []
            for seen in self.db.execute(_READ_AGAIN if self.dry_run else _LOCK, {"ids": list(batch)}):
                row = batch[seen.id]
                changes = _changes(seen, row, self.class_ids[row.class_ref])
                if (reason := _conflict(seen, changes)) is not None:
                    self.report.conflicts.append(
                        Conflict(line=row.line, session_id=seen.id, external_ref=row.external_ref, reason=reason)
                    )
                else:
                    self.report.updated += 1
                    updates.append(_bound(seen.id, {name: getattr(seen, name) for name in _SESSION_FIELDS} | changes))
            if updates and not self.dry_run:
                self.db.execute(_UPDATE_SESSION, updates)
        self.report.conflicts.sort(key=lambda conflict: conflict.line)


def _bound(key: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": key} | {f"new_{name}": value for name, value in values.items()}


def _changes(known: Any, row: ScheduledSession, class_id: UUID) -> dict[str, Any]:
    """Return what the row says otherwise than the session; what it does not say is not a change."""
    said: dict[str, Any] = {"class_id": class_id, "starts_at": row.starts_at, "ends_at": row.ends_at}
    if not row.capacity_is_default:
        said["capacity"] = row.capacity
    said |= {name: value for name in ("location", "instructor") if (value := getattr(row, name)) is not None}
    changes = {name: value for name, value in said.items() if getattr(known, name) != value}
    if "class_id" in changes:
        changes["step_id"] = None  # a step belongs to its class
    return changes


def _conflict(seen: Any, changes: Mapping[str, Any]) -> str | None:
    """Return why the changes may not be made to a session in which people hold seats."""
    held = "1 seat is taken" if seen.seats_taken == 1 else f"{seen.seats_taken} seats are taken"
    if seen.seats_taken and not changes.keys().isdisjoint({"starts_at", "ends_at"}):
        return f"The file gives another time, but {held}. Move the session, so that its customers are told."
    if seen.seats_taken and "class_id" in changes:
        return f"The file gives another class, but {held}, on passes for the present one."
    if changes.get("capacity", seen.seats_taken) < seen.seats_taken:
        return f"The file gives a capacity of {changes['capacity']}, but {held}."
    return None


def studio_of(db_session: Session, *, mapping: ScheduleMapping) -> Studio | None:
    """Return the studio that a mapping names, if there is one.

    :raises ScheduleUnusable: its time zone is not the mapping's.
    """
    studio = db_session.scalar(select(Studio).where(Studio.slug == mapping.studio))
    if studio is not None and studio.timezone != mapping.zone.key:
        raise ScheduleUnusable(
            f"The mapping says {mapping.zone.key}, but the studio {studio.slug!r} lives in {studio.timezone}."
        )
    return studio


def new_studio(*, mapping: ScheduleMapping, now: datetime) -> Studio:
    """Return the studio that a mapping names, not yet added to a session; its rollout is OFF."""
    return Studio(id=new_id(), slug=mapping.studio, name=mapping.studio_name, timezone=mapping.zone.key, created_at=now)
