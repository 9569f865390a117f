"""What a class session can be: its changes, and the bounds of its time, seats and texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from studio_reservations.errors import CapacityBelowTaken, InvalidRequest, SessionStarted
from studio_reservations.models import ClassSession

MOST_SEATS = 100_000
LONGEST_TEXT = 200
LONGEST = timedelta(days=31)
REACH = timedelta(days=3_660)
FAR = "Choose a time within ten years."


class SessionChanges(TypedDict, total=False):
    """What can be changed of a session; a key that is missing leaves it as it is."""

    starts_at: datetime
    ends_at: datetime
    capacity: int
    location: str | None
    instructor: str | None
    instructor_id: UUID | None


def check_session(
    *, now: datetime, starts_at: datetime, ends_at: datetime, capacity: int, texts: Mapping[str, str | None]
) -> None:
    """:raises InvalidRequest: naming each wrong field. :raises ValueError: for a naive instant."""
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise ValueError(f"expected aware datetimes, found {starts_at!r} and {ends_at!r}")
    errors = {}
    if abs(starts_at - now) > REACH:
        errors["starts_at"] = FAR
    if not timedelta() < ends_at - starts_at <= LONGEST:
        errors["ends_at"] = "A session ends after its start, and within 31 days."
    if not 0 <= capacity <= MOST_SEATS:
        errors["capacity"] = f"Write a number of seats from 0 to {MOST_SEATS}."
    for name, value in texts.items():
        if value is not None and len(value) > LONGEST_TEXT:
            errors[name] = f"Write at most {LONGEST_TEXT} characters."
    if errors:
        raise InvalidRequest(errors=errors)


def end_after(starts_at: datetime, duration: timedelta) -> datetime:
    """Return the end of a session of that length. :raises InvalidRequest: where the calendar ends before it."""
    try:
        return starts_at + duration
    except OverflowError:
        raise InvalidRequest(errors={"starts_at": FAR}) from None


def changed_values(class_session: ClassSession, changes: SessionChanges, *, now: datetime) -> dict[str, Any]:
    """Return what would really change of a session; with ``starts_at`` alone, it stays as long as it was.

    :raises SessionStarted: for another time after the start.
    :raises CapacityBelowTaken, InvalidRequest:
    """
    wanted: dict[str, Any] = dict(changes)
    if "starts_at" in changes and "ends_at" not in changes:
        wanted["ends_at"] = end_after(changes["starts_at"], class_session.ends_at - class_session.starts_at)
    values = {name: value for name, value in wanted.items() if getattr(class_session, name) != value}
    moved = is_move(values)
    if moved and now >= class_session.starts_at:
        raise SessionStarted(starts_at=class_session.starts_at)
    starts_at = values.get("starts_at", class_session.starts_at)
    capacity = values.get("capacity", class_session.capacity)
    check_session(
        now=now,
        starts_at=starts_at,
        ends_at=values.get("ends_at", class_session.ends_at),
        capacity=capacity,
        texts={name: values.get(name) for name in ("location", "instructor")},
    )
    if moved and starts_at <= now:
        raise InvalidRequest(errors={"starts_at": "Choose a time that is still to come."})
    if capacity < class_session.seats_taken:
        raise CapacityBelowTaken(capacity=capacity, taken=class_session.seats_taken)
    return values


def current_terms(class_session: ClassSession) -> SessionChanges:
    """Return what a session has of all that can be changed of it."""
    terms: Any = {name: getattr(class_session, name) for name in SessionChanges.__annotations__}
    kept: SessionChanges = terms
    return kept


def is_move(names: Iterable[str]) -> bool:
    """Return whether a change of these fields gives the session another time."""
    return not {"starts_at", "ends_at"}.isdisjoint(names)


def json_value(value: Any) -> Any:
    """Return the JSON value of an instant or an id."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
