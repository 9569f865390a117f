"""A reader's language: their texts, plurals, numbers and dates. What has no translation is English.

`say` and `says` translate what stands in the code in English; `config.translations` collects it. Dates follow patterns that are
translated too, because "Fri 27 Nov" is no format of a library's. Source: rules.md §9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from babel.core import get_global
from babel.support import NullTranslations, Translations
from markupsafe import Markup

DOMAIN = "studio_reservations"
FOLDER = Path(__file__).parent / "translations"
SHIPPED = ("en", *sorted(one.name for one in FOLDER.glob("*") if one.is_dir()))


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text that is translated later, where the reader is known."""
    return text


PATTERNS: Mapping[str, str] = {
    "short": N_("EEE d MMM"),
    "sentence": N_("EEE d MMMM"),
    "long": N_("EEEE d MMMM"),
    "short with year": N_("EEE d MMM y"),
    "sentence with year": N_("EEE d MMMM y"),
    "long with year": N_("EEEE d MMMM y"),
    "day": N_("d MMM"),
    "weekday and day": N_("EEE d"),
    "weekday": N_("EEEE"),
    "short weekday": N_("EEE"),
    "short month": N_("MMM"),
    "day and month": N_("d MMMM"),
    "day and month with year": N_("d MMMM y"),
    "month": N_("LLLL y"),
    "time": N_("HH:mm"),
}
"""Date patterns of CLDR, in English."""


@dataclass(frozen=True, slots=True)
class Language:
    """The language of one reader; `language_for` makes it."""

    locale: Locale
    translations: NullTranslations

    @property
    def tag(self) -> str:
        """The tag for HTML, such as fr-CA."""
        return str(self.locale).replace("_", "-")

    @property
    def direction(self) -> str:
        """The direction of writing, ltr or rtl."""
        return str(self.locale.text_direction)

    def text(self, message: str) -> str:
        """Return the translation of a message, without filling it."""
        return self.translations.ugettext(message) if message else ""

    def say(self, message: str, **values: Any) -> str:
        """Return the translated message, each ``%(name)s`` filled; as markup in which the values are escaped."""
        told = Markup(self.text(message))  # noqa: S704 - our own words; values are escaped by the filling
        return told % values if values else told

    def says(self, one: str, many: str, count: int, **values: Any) -> str:
        """Return the translated message for that many; ``%(n)s`` is the number."""
        told = Markup(self.translations.ungettext(one, many, count))  # noqa: S704
        return told % {"n": self.number(count), **values}

    def number(self, value: int) -> str:
        """Return a whole number."""
        return numbers.format_decimal(value, locale=self.locale)

    def form_of(self, count: int) -> int:
        """Return 0 where the singular is said of that many, else 1."""
        return 0 if self.locale.plural_form(count) == "one" else 1

    def day(self, value: date, style: str = "short", *, today: date | None = None) -> str:
        """Return a date; with ``today``, one of another year says its year."""
        if today is not None and value.year != today.year:
            style += " with year"
        pattern = self.text(PATTERNS[style])
        if value.day == 1 and self.locale.language == "fr" and "MMM" in pattern:
            pattern = pattern.replace("d", "'1er'", 1)  # of all days the first alone is an ordinal
        return str(dates.format_date(value, pattern, locale=self.locale))

    def time(self, value: datetime) -> str:
        """Return the time of day of a wall time."""
        return str(dates.format_time(value, self.text(PATTERNS["time"]), locale=self.locale))

    def place(self, timezone: str) -> str:
        """Return the city by which people know a zone, such as Toronto."""
        place = dates.get_timezone_location(ZoneInfo(timezone), locale=self.locale, return_city=True)
        return str(place).rpartition("/")[2]

    def first_weekday(self, timezone: str) -> int:
        """Return the day with which weeks begin where that zone is, 0 for Monday."""
        territory = get_global("zone_territories").get(timezone)
        try:
            return int(Locale(self.locale.language, territory).first_week_day)
        except UnknownLocaleError:
            return int(self.locale.first_week_day)


def language_for(*tags: str | None) -> Language:
    """Return the first of these languages that there is, with its region; English where there is none of them."""
    return next((found for tag in tags if tag and (found := _language(tag)) is not None), ENGLISH)


def shipped_languages() -> Iterable[tuple[str, str]]:
    """Yield the tag and the own name of each language that there is."""
    for tag in SHIPPED:
        yield tag, str(Locale.parse(tag).get_display_name(tag)).capitalize()


@lru_cache(maxsize=256)
def _language(tag: str) -> Language | None:
    parts = tag.replace("-", "_").split("_")
    if parts[0].lower() not in SHIPPED:
        return None
    try:
        locale = Locale.parse("_".join(parts), resolve_likely_subtags=False)
    except (ValueError, UnknownLocaleError):
        locale = Locale.parse(parts[0].lower())
    return Language(locale, _translations(locale.language))


@lru_cache
def _translations(language: str) -> NullTranslations:
    return NullTranslations() if language == "en" else Translations.load(FOLDER, [language], DOMAIN)


ENGLISH = Language(Locale.parse("en"), NullTranslations())
