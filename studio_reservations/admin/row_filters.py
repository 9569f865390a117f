"""What an address asks of a list: search, filters, order and page; what makes no sense is said and left out.

Source: rules.md §10 (lists show only one's own studios), Time (days are the studio's).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_

from studio_reservations.models import Studio
from studio_reservations.policies.local_time import day_start

LONGEST_TEXT = 200
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
LAST_PAGE = 1_000_000
STUDIO, SEARCH, SORT, PAGE = "studio", "search", "sort", "page"


@dataclass(slots=True)
class Asked:
    """One reading of an address: what was understood, by its name there, what it asks of the rows, and what made no sense."""

    given: Mapping[str, str]
    understood: dict[str, str] = field(default_factory=dict)
    conditions: list[ColumnElement[bool]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    page: int = 1

    def text(self, name: str) -> str:
        """Return what is given under that name; what no list can hold is a problem."""
        value = self.given.get(name, "").strip()
        if len(value) > LONGEST_TEXT or "\0" in value:
            self.problems.append(f"Write at most {LONGEST_TEXT} letters to look for; that part is left out.")
            return ""
        return value

    def keep(self, name: str, value: str, *conditions: ColumnElement[bool]) -> None:
        """Take over something that was understood."""
        self.understood[name] = value
        self.conditions.extend(conditions)

    def query(self, **changes: str | int | None) -> str:
        """Return the address's own query with ``changes``, None for what is to go; without ``page`` it is the first."""
        values = {**self.understood, **changes}
        return "?" + urlencode({name: value for name, value in values.items() if value is not None})

    @property
    def filtered(self) -> bool:
        """Whether more than letters are looked for."""
        return bool(self.understood.keys() - {SORT, SEARCH})

    @property
    def narrowed(self) -> bool:
        """Whether anything is looked for."""
        return bool(self.understood.keys() - {SORT})


class Filter(Protocol):
    """A way to narrow a list, with its names in the address."""

    kind: ClassVar[str]

    @property
    def label(self) -> str:
        """Return what people call it."""

    @property
    def names(self) -> Sequence[str]:
        """Return the names that it has in the address."""

    def read(self, asked: Asked, studios: Sequence[Studio]) -> None:
        """Take over what the address says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of few values; ``options`` are the words for each."""

    kind: ClassVar[str] = "choice"
    name: str
    label: str
    column: Any
    options: Mapping[str, str]

    @property
    def names(self) -> Sequence[str]:
        """Return its one name."""
        return (self.name,)

    def read(self, asked: Asked, studios: Sequence[Studio]) -> None:
        """Take over a value that there is."""
        value = asked.text(self.name)
        if value in self.options:
            asked.keep(self.name, value, self.column == value)
        elif value:
            asked.problems.append(f"“{value}” is none of the choices of {self.label.lower()}; it is left out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Letters that the column holds somewhere."""

    kind: ClassVar[str] = "text"
    name: str
    label: str
    column: Any

    @property
    def names(self) -> Sequence[str]:
        """Return its one name."""
        return (self.name,)

    def read(self, asked: Asked, studios: Sequence[Studio]) -> None:
        """Take over the letters."""
        if value := asked.text(self.name):
            asked.keep(self.name, value, self.column.icontains(value, autoescape=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The number (UUID) of anything that a row speaks of: one of ``columns``."""

    kind: ClassVar[str] = "text"
    name: str
    label: str
    columns: Sequence[Any]

    @property
    def names(self) -> Sequence[str]:
        """Return its one name."""
        return (self.name,)

    def read(self, asked: Asked, studios: Sequence[Studio]) -> None:
        """Take over a number that is one."""
        if not (value := asked.text(self.name)):
            return
        try:
            number = UUID(value)
        except ValueError:
            asked.problems.append(f"“{value}” is no number of anything here; it is left out.")
        else:
            asked.keep(self.name, str(number), or_(*(one == number for one in self.columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Instants from one studio-local day through another, each row by the clock of its own studio (``studio_id``)."""

    kind: ClassVar[str] = "days"
    name: str
    label: str
    column: Any
    studio_id: Any

    @property
    def names(self) -> Sequence[str]:
        """Return the names of its two ends."""
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, asked: Asked, studios: Sequence[Studio]) -> None:
        """Take over days that are dates."""
        first, last = (read_day(asked, name) for name in self.names)
        if first and last and last < first:
            asked.problems.append(f"{_read(last)} is before {_read(first)}: no day is in between.")
        if first:
            starts = [self.column >= day_start(first, timezone=one.timezone) for one in studios]
            asked.keep(self.names[0], first.isoformat(), self._each(studios, starts))
        if last:
            ends = [self.column < day_start(last + timedelta(days=1), timezone=one.timezone) for one in studios]
            asked.keep(self.names[1], last.isoformat(), self._each(studios, ends))

    def _each(self, studios: Sequence[Studio], tests: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
        return or_(*(and_(self.studio_id == one.id, test) for one, test in zip(studios, tests, strict=True)))


def read_address(
    given: Mapping[str, str],
    *,
    studios: Sequence[Studio],
    studio_id: Any,
    searched: Sequence[Any],
    filters: Sequence[Filter],
    sorts: Iterable[str],
) -> Asked:
    """Return what the address asks of a list that is sorted by any of ``sorts`` (``-`` before the name: downwards)."""
    asked = Asked(given)
    known = {STUDIO, SEARCH, SORT, PAGE, *(name for one in filters for name in one.names)}
    for name in sorted(given.keys() - known):
        asked.problems.append(f"This list has no filter “{name[:40]}”; it is left out.")
    if slug := asked.text(STUDIO):
        one = next((one for one in studios if one.slug == slug), None)
        if one is not None:
            asked.keep(STUDIO, slug, studio_id == one.id)
        else:
            asked.problems.append(f"“{slug}” is none of your studios; all of yours are shown.")
    if searched and (words := asked.text(SEARCH)):
        within = [or_(*(one.icontains(word, autoescape=True) for one in searched)) for word in words.split()]
        asked.keep(SEARCH, words, *within)
    for narrowing in filters:
        narrowing.read(asked, studios)
    if order := asked.text(SORT):
        if order.removeprefix("-") in set(sorts):
            asked.keep(SORT, order)
        else:
            asked.problems.append(f"The list is not sorted by “{order}”; it stands in its usual order.")
    if page := asked.text(PAGE):
        if page.isascii() and page.isdigit() and 1 <= int(page) <= LAST_PAGE:
            asked.page = int(page)
        else:
            asked.problems.append(f"“{page}” is no page; this is the first.")
    return asked


def read_day(asked: Asked, name: str) -> date | None:
    """Return the day that is given under that name; what is no date is a problem."""
    value = asked.text(name)
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = date.min
    if EARLIEST <= day <= LATEST:
        return day
    asked.problems.append(f"“{value}” is no date such as 2026-11-24; it is left out.")
    return None


def _read(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
