"""What a pass is called and counts, in its pass type's own words: ``2 punches``, ``3 crédits``.

A pass type that is missing, or at fault, is said to count punches.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.language import ENGLISH, Language
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass

PUNCH = "punch"
SESSION = "session"
"""What a pass type counts that names nothing else: our own word, so that it needs no translation there."""


def unit_of(held: HeldPass, *, pass_types: PassTypes) -> str:
    """Return what one of those is called that a pass counts, in English."""
    try:
        return pass_types.get(held.pass_type).remaining(held).unit
    except PassTypeUnavailable:
        return PUNCH


def amount(number: int, *, held: HeldPass, pass_types: PassTypes, language: Language = ENGLISH) -> str:
    """Return so many of what a pass counts, such as ``2 credits``."""
    word = word_for(number, held=held, pass_types=pass_types, language=language)
    return punches(number, language=language) if word is None else f"{language.number(number)} {word}"


def punches(number: int, *, language: Language = ENGLISH) -> str:
    """Return such as ``1 punch`` or ``2 punches``."""
    return str(language.says("%(n)s punch", "%(n)s punches", number))


def word_for(number: int, *, held: HeldPass, pass_types: PassTypes, language: Language = ENGLISH) -> str | None:
    """Return what so many of those are called, such as ``credits``; None for punches, which our own sentences name."""
    unit, plugin = unit_of(held, pass_types=pass_types), pass_types.find(held.pass_type)
    if unit == PUNCH or plugin is None:
        return None
    word = plugin.say(unit, language=language.tag)
    if word == unit == SESSION:
        return str(language.says("session", "sessions", number))
    if language.form_of(number):
        # A plural without a translation of its own is made like an English one, of the translated word.
        several = plugin.say(many(unit), language=language.tag)
        word = several if several != many(unit) else many(word)
    return word


def many(one: str) -> str:
    """Return the word for several: ``punches``."""
    return f"{one}es" if one.endswith(("s", "x", "ch", "sh")) else f"{one}s"


def held_pass_of(row: Any, *, now: Any, timezone: str) -> HeldPass:
    """Return a pass as its row has it, without what is reserved on it: enough for words."""
    return HeldPass(
        id=row.id,
        customer_id=row.customer_id,
        class_id=row.class_id,
        pass_type=row.pass_type,
        status=row.status,
        now=now,
        timezone=timezone,
        options=MappingProxyType(dict(row.pass_options)),
        sessions_included=row.sessions_included,
        sessions_remaining=row.sessions_remaining,
        sessions_attended=row.sessions_attended,
        max_advance_reservations=row.max_advance_reservations,
        requires_sequential_attendance=row.requires_sequential_attendance,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        issued_at=row.issued_at,
    )
