"""What people read when something is refused: the catalogue's words, filled with the error's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from datetime import date, datetime
from string import Formatter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from studio_reservations.errors import StudioError
from studio_reservations.wording import CATALOGUE, NAMED_VARIANTS, OF_A_PLUGIN

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
T = TypeVar("T")
WORDS = {"PENDING": "reserved", "NO_SHOW": "a no-show", "AUTO_CANCELLED": "cancelled automatically"}


def title_of(error: StudioError, *, language: str | None = None) -> str:
    """Return the title of an error; a plugin's own code is read aloud, in its translation where it brings one."""
    return translated(_title(error.code), error.translations, language)


def translated(text: T, translations: Mapping[str, Mapping[str, str]], language: str | None) -> T:
    """Return a plugin's text, or each of several, in ``language`` (``fr``, or ``fr-CA`` for which ``fr`` will do).

    What has no translation, and what is no text, is returned as it is.
    """
    if type(text) in (list, tuple):
        return type(text)(translated(one, translations, language) for one in text)  # type: ignore[call-arg, attr-defined]
    if not isinstance(text, str):
        return text
    name = (language or "").replace("_", "-")
    for known in (name, name.partition("-")[0]):
        if found := translations.get(known, {}).get(text):
            return found  # type: ignore[return-value]
    return text


def sentence_of(error: StudioError, *, timezone: str | None = None, language: str | None = None) -> str:
    """Return the sentence of an error, instants in the studio's zone; missing or odd values never raise.

    Without ``timezone`` an instant is shown in its own zone, with the word UTC where it is that.
    """
    filling = _Filling(_zone(timezone))
    values = {name: translated(value, error.translations, language) for name, value in error.values.items()}
    for variant in _variants(error, language):
        try:
            return filling.vformat(variant, (), values)
        except Exception:  # noqa: S112 - a value is missing or of another kind: the next variant needs less
            continue
    return OF_A_PLUGIN


def _title(code: str) -> str:
    return CATALOGUE[code].title if code in CATALOGUE else code.replace("_", " ").capitalize()


def _variants(error: StudioError, language: str | None) -> tuple[str, ...]:
    if error.sentence is not None:
        return translated(error.sentence, error.translations, language), error.sentence
    named = f"{error.code}.{error.values.get(NAMED_VARIANTS.get(error.code, ''))}"
    return tuple(variant for key in (named, error.code) if key in CATALOGUE for variant in CATALOGUE[key].variants)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


class _Filling(Formatter):
    """Fills templates with values: plain names only, a missing or empty value is an error."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        value = kwargs[field_name]
        if value is None or value == "":
            raise KeyError(field_name)
        return value, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            return _counted(value, format_spec.split("|"))
        if format_spec == "word":
            return WORDS.get(value) or str(value).replace("_", " ").lower()
        if format_spec == "titles":
            return ", ".join(map(_title, value))
        if isinstance(value, datetime):
            return self._instant(value, format_spec)
        if isinstance(value, date):
            return _day(value)
        if format_spec:
            return format(value, format_spec)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return ", ".join(map(str, value))
        return f"{value:,}" if isinstance(value, int) else str(value)

    def _instant(self, value: datetime, half: str) -> str:
        local = value.astimezone(self._zone) if self._zone and value.tzinfo else value
        if half == "day":
            return _day(local)
        time = f"{local:%H:%M}" + (" UTC" if local.tzname() == "UTC" else "")
        return time if half == "time" else f"{_day(local)}, {time}"


def _day(value: date) -> str:
    return f"{DAYS[value.weekday()]} {value.day} {MONTHS[value.month - 1]}"


def _counted(value: Sized | int, forms: list[str]) -> str:
    count = value if isinstance(value, int) else len(value)
    chosen = (0 if count == 1 else 1) if len(forms) == 2 else min(max(count, 0), 2)
    return forms[chosen].replace("#", f"{count:,}")
