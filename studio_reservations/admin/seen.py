"""Two people at one form: who saves second sees first what the other has saved, and loses nothing that they typed."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time
from hashlib import sha256
from typing import Any, TypeVar

from wtforms import BooleanField, Field, Form

from studio_reservations.admin.desk import Desk
from studio_reservations.errors import NotFound

FIELD = "seen"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a form carries of that with which it was filled.

    ``saved`` has the label and the saved words of each field, by name, that the form would change; ``overtaken``: somebody
    else has saved since it was filled.
    """

    number: str
    saved: dict[str, tuple[str, str]]
    overtaken: bool


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


def seen(desk: Desk, asked: Form, saved: Form, *, but: Collection[str] = ()) -> Seen:
    """Compare a form with one of its kind that was filled from what is saved; ``but`` are fields that are not kept."""
    kept = [field for field in saved if field.short_name not in but]
    number = sha256(json.dumps([_plain(field) for field in kept], default=str).encode()).hexdigest()
    others = {
        field.short_name: (field.label.text, _words(field))
        for field in kept
        if _plain(asked[field.short_name]) != _plain(field)
    }
    return Seen(number=number, saved=others, overtaken=bool(others) and desk.given.get(FIELD, number) != number)


def _plain(field: Field) -> Any:
    if isinstance(field.data, str):
        return "\n".join(field.data.split("\r\n")).strip()
    return "" if field.data is None else sorted(field.data) if isinstance(field.data, list) else field.data


def _words(field: Field) -> str:
    if isinstance(field, BooleanField):
        return "yes" if field.data else "no"
    if hasattr(field, "choices"):
        return ", ".join(option.label.text for option in field if option.checked) or "nothing"
    if isinstance(field.data, date):
        return f"{field.data:%a} {field.data.day} {field.data:%b} {field.data.year}"
    return f"{field.data:%H:%M}" if isinstance(field.data, time) else str(_plain(field)) or "nothing"
