"""The policy in force for a class.

Source: rules.md §6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound, TryAgain
from studio_reservations.models import NoShowPolicy, Role, StudioClass, SubjectType
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import atomic
from studio_reservations.services.events import record

_TABLE = NoShowPolicy.__table__
POLICY_FIELDS = tuple(one.name for one in fields(Policy))
NOTIFY_FIELDS = tuple(column.name for column in _TABLE.columns if column.name.startswith("notify_"))
UNLIMITED: Mapping[str, str] = MappingProxyType(
    {"max_no_shows": "never_suspends", "no_show_window_days": "window_is_forever"}
)
"""The fields that can be null in force, with the column that says so: a null in the field itself inherits."""
STUDIO_ONLY = frozenset({"max_no_shows", "no_show_window_days", "suspension_days"})


class StudioPolicies:
    """A studio's policies, read once: the studio's own and those of its classes."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        by_class = {row["class_id"]: row for row in rows}
        self._studio = by_class.pop(None, None)
        self._classes = by_class

    def of_class(self, class_id: UUID | None) -> Policy:
        """Return the policy in force for that class, or the studio's own for None."""
        return Policy.in_force(self._studio, self._classes.get(class_id))

    def changed(self, class_id: UUID | None, values: Mapping[str, Any]) -> StudioPolicies:
        """Return these policies with ``values`` (as for `put_policy`) as the whole of the studio's or of one class's."""
        rows = {None: self._studio, **self._classes, class_id: {"class_id": class_id, **_columns(values)}}
        return StudioPolicies({"class_id": one, **row} for one, row in rows.items() if row is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field in force: its value and whence it comes: ``class``, ``studio`` or ``default``."""

    value: Any
    source: str


def fields_in_force(db_session: Session, *, studio_id: UUID, class_id: UUID | None) -> dict[str, Field]:
    """Return every field of the policy in force for the studio, or for one of its classes."""
    rows = {
        row["class_id"]: row
        for row in db_session.execute(
            select(_TABLE).where(
                NoShowPolicy.studio_id == studio_id,
                or_(NoShowPolicy.class_id.is_(None), NoShowPolicy.class_id == class_id),
            )
        ).mappings()
    }
    layers = [("studio", rows.get(None))] + ([("class", rows.get(class_id))] if class_id is not None else [])
    found = {name: Field(value=getattr(Policy(), name), source="default") for name in POLICY_FIELDS}
    found |= {name: Field(value=True, source="default") for name in NOTIFY_FIELDS}
    for source, row in layers:
        if row is None:
            continue
        found |= {name: Field(value=row[name], source=source) for name in found if row[name] is not None}
        found |= {name: Field(value=None, source=source) for name, flag in UNLIMITED.items() if row[flag]}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPolicy:
    """A class and the fields that it has of its own."""

    class_id: UUID
    title: str
    own: Mapping[str, Any]


def class_policies(db_session: Session, *, actor: Actor, studio_id: UUID) -> list[ClassPolicy]:
    """Return the active classes that have something of their own, by title. :raises NotFound, Forbidden:"""
    actor.require(studio_id, Role.FRONT_DESK)
    rows = db_session.execute(
        select(StudioClass.title, StudioClass.id.label("of_class"), *_TABLE.columns)
        .join(_TABLE, NoShowPolicy.class_id == StudioClass.id)
        .where(StudioClass.studio_id == studio_id, StudioClass.active.is_(True))
        .order_by(StudioClass.title, StudioClass.id)
    ).mappings()
    names = (*POLICY_FIELDS, *NOTIFY_FIELDS)
    found = (
        ClassPolicy(
            class_id=row["of_class"],
            title=row["title"],
            own={name: row[name] for name in names if row[name] is not None},
        )
        for row in rows
    )
    return [one for one in found if one.own]


def policy_changed_at(db_session: Session, *, studio_id: UUID, class_id: UUID | None) -> datetime | None:
    """Return when that policy was last saved; None where there is none."""
    return db_session.scalar(
        select(NoShowPolicy.updated_at).where(
            NoShowPolicy.studio_id == studio_id,
            NoShowPolicy.class_id.is_(None) if class_id is None else NoShowPolicy.class_id == class_id,
        )
    )


def policy_for(db_session: Session, *, actor: Actor, studio_id: UUID, class_id: UUID | None = None) -> dict[str, Field]:
    """Return `fields_in_force` for the desk of that studio. :raises NotFound, Forbidden:"""
    actor.require(studio_id, Role.FRONT_DESK)
    check_class(db_session, studio_id=studio_id, class_id=class_id)
    return fields_in_force(db_session, studio_id=studio_id, class_id=class_id)


def put_policy(
    db_session: Session,
    *,
    studio_id: UUID,
    class_id: UUID | None,
    values: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Make ``values`` the whole policy of the studio or of one of its classes: a field left out inherits, a class's None too.

    The studio's ``max_no_shows`` and ``no_show_window_days`` may be None, which means never, and for ever. What is reserved
    already keeps its terms. :raises NotFound, Forbidden: :raises InvalidRequest: for a field that a class does not have, or a
    studio's that cannot be None.
    """
    actor.require(studio_id, Role.MANAGER)
    check_class(db_session, studio_id=studio_id, class_id=class_id)
    check_fields(values, class_id=class_id)
    before = fields_in_force(db_session, studio_id=studio_id, class_id=class_id)
    columns = _columns(values)
    with atomic(db_session):
        row = db_session.scalars(
            select(NoShowPolicy)
            .where(
                NoShowPolicy.studio_id == studio_id,
                NoShowPolicy.class_id.is_(None) if class_id is None else NoShowPolicy.class_id == class_id,
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            row = NoShowPolicy(studio_id=studio_id, class_id=class_id, updated_at=now, **columns)
            try:
                with db_session.begin_nested():
                    db_session.add(row)
            except IntegrityError as error:  # two at once made the first one
                raise TryAgain() from error
        elif all(getattr(row, name) == value for name, value in columns.items()):
            return
        for name, value in {**columns, "updated_at": now}.items():
            setattr(row, name, value)
        db_session.flush()
        after = fields_in_force(db_session, studio_id=studio_id, class_id=class_id)
        changed = {name: [before[name].value, after[name].value] for name in before if before[name] != after[name]}
        if changed:
            record(
                db_session,
                action="policy.changed",
                subject_type=SubjectType.POLICY,
                subject_id=row.id,
                studio_id=studio_id,
                actor=actor,
                as_staff=True,
                now=now,
                reason=reason,
                details={"class_id": str(class_id) if class_id is not None else None, "changed": changed},
            )


def check_fields(values: Mapping[str, Any], *, class_id: UUID | None) -> None:
    """:raises InvalidRequest: for a field that a class does not have, or a studio's None that means nothing."""
    if class_id is None and (
        empty := sorted(name for name, value in values.items() if value is None and name not in UNLIMITED)
    ):
        raise InvalidRequest(errors=dict.fromkeys(empty, "The studio's policy inherits nothing: leave it out."))
    if class_id is not None and (own := sorted(STUDIO_ONLY.intersection(values))):
        raise InvalidRequest(errors=dict.fromkeys(own, "Suspensions are the studio's: set this on its policy."))


def check_class(db_session: Session, *, studio_id: UUID, class_id: UUID | None) -> None:
    """:raises NotFound: for a class of no such studio."""
    if class_id is None:
        return
    known = select(StudioClass.id).where(StudioClass.id == class_id, StudioClass.studio_id == studio_id)
    if db_session.scalar(known) is None:
        raise NotFound()


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: values.get(name) for name in (*POLICY_FIELDS, *NOTIFY_FIELDS)}
    return columns | {
        flag: True if name in values and values[name] is None else None for name, flag in UNLIMITED.items()
    }


def policies_of(db_session: Session, studio_id: UUID) -> StudioPolicies:
    """Read all policies of a studio in one query."""
    rows = db_session.execute(select(_TABLE).where(NoShowPolicy.studio_id == studio_id))
    return StudioPolicies(row._asdict() for row in rows)


def policy_of(db_session: Session, *, studio_id: UUID, class_id: UUID) -> Policy:
    """Return the policy in force for one class."""
    return policies_of(db_session, studio_id).of_class(class_id)
