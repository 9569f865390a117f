"""What people read when something is refused: the catalogue's words, filled with the error's values,
in the reader's language: the template is translated, then filled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from datetime import date, datetime
from string import Formatter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from studio_reservations.errors import StudioError
from studio_reservations.language import ENGLISH, Language
from studio_reservations.wording import ABOUT_SOMEBODY, CATALOGUE, NAMED_VARIANTS, OF_A_PLUGIN, OF_SOMEBODY, WORDS

T = TypeVar("T")
YOU = re.compile(r"\byou(r|rs|rself)?\b", re.IGNORECASE)


def title_of(error: StudioError, *, language: Language = ENGLISH) -> str:
    """Return the title of an error; a plugin's own code is read aloud, in its translation where it brings one."""
    return translated(_title(error.code, language), error.translations, language.tag)


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


def sentence_of(
    error: StudioError, *, timezone: str | None = None, language: Language = ENGLISH, person: str | None = None
) -> str:
    """Return the sentence of an error, instants in the studio's zone; missing or odd values never raise.

    Without ``timezone`` an instant is shown in its own zone, with the word UTC where it is that. ``person`` is the name of
    whom it concerns, where somebody else reads it: a plugin's own sentence that says "you" has it in front.
    """
    values = {name: translated(value, error.translations, language.tag) for name, value in error.values.items()}
    values |= {"name": person} if person else {}
    for template, spoken in _templates(error, language, of_somebody=person is not None):
        try:
            told = _Filling(_zone(timezone), spoken).vformat(template, (), values)
        except Exception:  # noqa: S112 - a value is missing or of another kind: the next variant needs less
            continue
        if person and YOU.search(error.sentence or ""):
            return spoken.text(ABOUT_SOMEBODY) % {"name": person, "sentence": told}
        return told
    return language.text(OF_A_PLUGIN)


def _title(code: str, language: Language) -> str:
    return language.text(CATALOGUE[code].title) if code in CATALOGUE else code.replace("_", " ").capitalize()


def _templates(error: StudioError, language: Language, *, of_somebody: bool) -> Iterator[tuple[str, Language]]:
    """Return what may be filled, the fullest first, each with the language in which it is written."""
    if error.sentence is not None:
        own = translated(error.sentence, error.translations, language.tag)
        if own != error.sentence:
            yield own, language
        yield error.sentence, ENGLISH
        return
    named = f"{error.code}.{error.values.get(NAMED_VARIANTS.get(error.code, ''))}"
    for key in (named, error.code):
        said = (
            *(OF_SOMEBODY.get(key, ()) if of_somebody else ()),
            *(CATALOGUE[key].variants if key in CATALOGUE else ()),
        )
        for variant in said:
            yield language.text(variant), language


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


class _Filling(Formatter):
    """Fills templates with values: plain names only, a missing or empty value is an error."""

    def __init__(self, zone: ZoneInfo | None, language: Language) -> None:
        self._zone = zone
        self._language = language

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        value = kwargs[field_name]
        if value is None or value == "":
            raise KeyError(field_name)
        return value, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            return self._counted(value, format_spec.split("|"))
        if format_spec == "word":
            return self._language.text(WORDS.get(value, "")) or str(value).replace("_", " ").lower()
        if format_spec == "titles":
            return ", ".join(_title(one, self._language) for one in value)
        if isinstance(value, datetime):
            return self._instant(value, format_spec)
        if isinstance(value, date):
            return self._language.day(value, "sentence")
        if format_spec:
            return format(value, format_spec)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return ", ".join(map(str, value))
        return self._language.number(value) if isinstance(value, int) else str(value)

    def _instant(self, value: datetime, half: str) -> str:
        local = value.astimezone(self._zone) if self._zone and value.tzinfo else value
        if half == "day":
            return self._language.day(local, "sentence")
        time = self._language.time(local) + (" UTC" if local.tzname() == "UTC" else "")
        return time if half == "time" else f"{self._language.day(local, 'sentence')}, {time}"

    def _counted(self, value: Sized | int, forms: list[str]) -> str:
        count = value if isinstance(value, int) else len(value)
        if len(forms) > 2 and count <= 0:
            return forms[0]
        return forms[-2:][self._language.form_of(count)].replace("#", self._language.number(count))
