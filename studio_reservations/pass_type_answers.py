"""What a plugin may be and may answer; anything else is nonsense, for which the plugin alone is at fault.

Source: rules.md §4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from studio_reservations.errors import ReservationRefused
from studio_reservations.pass_types import CONTRACT_VERSION, Figure, Issue, PassType, Remaining

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
MAX_COUNT = 10_000
LONGEST_FAULT = 500
T = TypeVar("T")


class Nonsense(TypeError):
    """The plugin answered something that its contract does not allow."""


def made(cls: Any) -> PassType:
    """Return an instance of what an entry point or a setting names. :raises Nonsense: where it is no pass type."""
    if not (isinstance(cls, type) and issubclass(cls, PassType)):
        raise Nonsense(f"{cls!r} is not a subclass of studio_reservations.pass_types.PassType")
    # First, for a newer contract may say everything else in another way.
    if count(cls.contract) > CONTRACT_VERSION:
        raise Nonsense(
            f"{cls.__name__} is written for version {cls.contract} of the contract, and this studio-reservations knows "
            f"{CONTRACT_VERSION}: install a newer one"
        )
    key, label = getattr(cls, "key", None), getattr(cls, "label", None)
    if not is_name(key):
        raise Nonsense(f"{cls.__name__}.key must be a name like 'punch_pass', not {key!r}")
    if not (isinstance(label, str) and label):
        raise Nonsense(f"{cls.__name__}.label must be a text, not {label!r}")
    check_sendable(label)
    if isinstance(cls.rank, bool) or not isinstance(cls.rank, int):
        raise Nonsense(f"{cls.__name__}.rank must be a whole number, not {cls.rank!r}")
    options: object = cls.Options
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        raise Nonsense(f"{cls.__name__}.Options must be a pydantic model, not {options!r}")
    _check_translations(cls)
    return cls()


def of(kind: type[T], value: Any) -> T:
    """Return ``value`` where it is a ``kind``. :raises Nonsense:"""
    if not isinstance(value, kind):
        raise Nonsense(f"expected {kind.__name__}, got {value!r}")
    return value


def is_name(value: object) -> bool:
    """Tell whether it can be a key or a code: lower case, digits and underscores."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def count(value: Any) -> int:
    """Return a number of things. :raises Nonsense:"""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise Nonsense(f"expected a whole number from 0 to {MAX_COUNT}, got {value!r}")
    return value


def people(value: Any) -> int | None:
    """Return a number of people, 1 or more, or None. :raises Nonsense:"""
    if value is not None and count(value) < 1:
        raise Nonsense("a pass is for one person at least, got 0")
    return None if value is None else count(value)


def issue(value: Any) -> Issue:
    """Return the counters of a new pass. :raises Nonsense:"""
    given = of(Issue, value)
    for number in (given.sessions_included, given.max_advance_reservations):
        if number is not None:
            count(number)
    of(bool, given.requires_sequential_attendance)
    return given


def remaining(value: Any) -> Remaining:
    """Return what a pass still gives. :raises Nonsense:"""
    given = of(Remaining, value)
    for number in (given.available, given.included):
        if number is not None:
            count(number)
    check_sendable(of(str, given.unit))
    return given


def figures(value: Any) -> tuple[Figure, ...]:
    """Return what is read beside the balance. :raises Nonsense:"""
    given: tuple[Any, ...] = of(tuple, value)
    for one in given:
        figure = of(Figure, one)
        if not is_name(figure.key) or not of(str, figure.label):
            raise Nonsense(f"a figure has a key like 'used_this_week' and a label, not {figure!r}")
        of(bool, figure.staff_only)
        texts = figure.value if isinstance(figure.value, tuple) else ()
        if figure.value is not None and not isinstance(figure.value, str | tuple | int | float | date):
            raise Nonsense(f"the value of a figure is a text, texts, a number, a date or None, not {figure.value!r}")
        for text in texts:
            of(str, text)
        check_sendable([figure.label, figure.value], default=_public)
    return given


def json_object(value: Any) -> dict[str, Any]:
    """Return fields whose values are JSON. :raises Nonsense, ValueError:"""
    fields = of(dict, value)
    check_sendable(fields)
    return fields


def nothing(value: Any) -> None:
    """Return quietly. :raises Nonsense: for any answer but None, for a refusal is raised."""
    if value is not None:
        raise Nonsense(f"expected None or a refusal raised, got {value!r}")


def check_refusal(refusal: ReservationRefused) -> None:
    """:raises Nonsense: for a refusal that could not be answered."""
    if not is_name(refusal.code) or refusal.code == ReservationRefused.code:
        raise Nonsense(f"{type(refusal).__name__}.code must be a name of its own, not {refusal.code!r}")
    if refusal.status not in range(400, 500):
        raise Nonsense(f"{type(refusal).__name__}.status must be from 400 to 499, not {refusal.status!r}")
    sentence: object = refusal.sentence
    if sentence is not None:
        check_sendable(of(str, sentence))
    check_sendable(of(dict, refusal.values), default=_public)


def check_sendable(value: Any, *, default: Callable[[Any], str] | None = None) -> None:
    """Make the JSON that an answer makes. :raises ValueError: for NaN, and for half a character (a lone surrogate)."""
    json.dumps(value, default=default, ensure_ascii=False, allow_nan=False).encode()


def told(error: BaseException) -> str:
    """Return what staff read of something a plugin raised, however odd it is."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}"[:LONGEST_FAULT].encode(errors="replace").decode()


def _check_translations(cls: type[PassType]) -> None:
    languages: object = cls.translations
    if not isinstance(languages, Mapping):
        raise Nonsense(f"{cls.__name__}.translations must be a mapping by language, not {languages!r}")
    for language, words in languages.items():
        if not (
            isinstance(words, Mapping) and all(isinstance(one, str) for one in (language, *words, *words.values()))
        ):
            raise Nonsense(f"{cls.__name__}.translations[{language!r}] must give a text for each text")
        check_sendable(dict(words))


def _public(value: Any) -> str:
    if isinstance(value, UUID | date):
        return str(value)
    raise Nonsense(f"the values of a refusal are JSON values, dates, instants and ids, not {value!r}")
