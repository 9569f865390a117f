"""Two people at one form: each one's changes are kept; where both changed the same, who saves second looks at it first."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, time
from hashlib import sha256
from typing import Any, TypeVar

from wtforms import BooleanField, Field, Form

from studio_reservations.admin.desk import Desk
from studio_reservations.errors import NotFound

FIELD = "opened"
T = TypeVar("T")
Stored = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A form after what only others changed was taken into it.

    ``opened`` is what it carries of that with which it is filled; ``changed`` names the fields that it would change, and
    ``conflicts`` are label and saved words of those that somebody else has changed too; ``taken``: something was.
    """

    opened: str
    changed: frozenset[str]
    conflicts: tuple[tuple[str, str], ...]
    taken: bool


def fresh(desk: Desk, row: T) -> T:
    """Return a row read anew, and locked where its form is sent: what is seen is what is saved over.

    :raises NotFound: for one that is gone.
    """
    lock = {"key_share": True} if desk.sent else None
    id_: Any = row.id  # type: ignore[attr-defined]
    found = desk.db_session.get(type(row), id_, populate_existing=True, with_for_update=lock)
    if found is None:
        raise NotFound()
    return found


def merge(
    desk: Desk,
    asked: Form,
    saved: Form,
    *,
    but: Collection[str] = (),
    together: Collection[str] = (),
    stored: Stored | None = None,
) -> Merged:
    """Compare a form with one of its kind that was filled from what is saved; what nobody touched here follows the latter.

    ``but`` are fields that are not kept, ``together`` those that only have a meaning as one, and ``stored`` gives, of the
    form, what is stored of a field that is written in several ways.
    """
    names = [field.short_name for field in saved if field.short_name not in but]
    typed, now = ({name: _mark(form, name, stored or {}) for name in names} for form in (asked, saved))
    carried = dict(one.partition(":")[::2] for one in desk.given.get(FIELD, "").split())
    opened = {name: carried.get(name, now[name]) for name in names}
    conflicts: set[str] = set()
    taken: set[str] = set()
    for group in [tuple(together), *((name,) for name in names if name not in together)]:
        if all(now[name] == opened[name] for name in group):
            continue
        if all(typed[name] == opened[name] for name in group):
            taken.update(group)
        else:
            conflicts.update(name for name in group if typed[name] != now[name])
    for name in taken:
        _take(asked[name], saved[name])
    return Merged(
        opened=" ".join(f"{name}:{now[name]}" for name in names),
        changed=frozenset(name for name in names if name not in taken and typed[name] != now[name]),
        conflicts=tuple((saved[name].label.text, _words(saved[name])) for name in names if name in conflicts),
        taken=bool(taken),
    )


def mark_of(value: Any) -> str:
    """Return a short mark by which a form knows a value again."""
    return sha256(json.dumps(value, default=str).encode()).hexdigest()[:12]


def _mark(form: Form, name: str, stored: Stored) -> str:
    field = form[name]
    unread = "".join(field.raw_data).strip() if field.process_errors else ""
    if unread:  # an empty one is none of these errors: it is no value
        return mark_of(["unread", unread])
    return mark_of(_plain(stored[name](form) if name in stored else field.data))


def _take(field: Field, saved: Field) -> None:
    """Fill a field as if it had been sent with what is saved: what must be written looks at what was sent."""
    field.data, field.process_errors = saved.data, []
    field.raw_data = [saved._value()] if hasattr(saved, "_value") else None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return "\n".join(value.split("\r\n")).strip()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else sorted(value) if isinstance(value, list) else value


def _words(field: Field) -> str:
    if isinstance(field, BooleanField):
        return "yes" if field.data else "no"
    if hasattr(field, "choices"):
        return ", ".join(option.label.text for option in field if option.checked) or "nothing"
    if isinstance(field.data, date):
        return f"{field.data:%a} {field.data.day} {field.data:%b} {field.data.year}"
    return f"{field.data:%H:%M}" if isinstance(field.data, time) else str(_plain(field.data)) or "nothing"
