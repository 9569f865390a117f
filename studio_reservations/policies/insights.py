"""What the sessions of a period come to: sums by class, week and hour, and shares that know what they are shares of.

Days and hours are the studio's own, read from each session's start; a week begins on Monday.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

FEW = 20
"""Of fewer than these a share is no percentage yet: one more or less would change it by five points."""
AROUND = 30
"""On so many days before and after it a changed policy is looked at, or on as many as there are since."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Studio-local days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """As many days, just before."""
        return Period(first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def is_few(self) -> bool:
        """Whether the whole is too small for a percentage."""
        return self.whole < FEW

    @property
    def value(self) -> float:
        """The share, 0 to 1; 0 of none."""
        return self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What sessions that have ended come to.

    ``reserved`` is without what was moved to another session in time. ``ahead`` of them were made before the start,
    ``ahead_seconds`` in all. ``cancelled`` by the customer or by staff for them, ``late`` of them (a late move is one).
    ``came`` are checked in or attended, how: ``by_phone`` on the own page, ``by_kiosk``,
    ``by_staff``, ``by_token``. ``waived`` are among ``missed``.
    """

    sessions: int = 0
    seats: int = 0
    capacity: int = 0
    reserved: int = 0
    ahead: int = 0
    ahead_seconds: int = 0
    cancelled: int = 0
    late: int = 0
    came: int = 0
    missed: int = 0
    waived: int = 0
    by_phone: int = 0
    by_kiosk: int = 0
    by_staff: int = 0
    by_token: int = 0

    @property
    def ahead_days(self) -> float:
        """How many days before the start a reservation was made, on average."""
        return self.ahead_seconds / self.ahead / 86_400 if self.ahead else 0.0

    @property
    def cancellations(self) -> Share:
        """The cancelled of all reserved."""
        return Share(self.cancelled, self.reserved)

    @property
    def no_shows(self) -> Share:
        """Those who did not come, of those who came or did not; who had cancelled was not expected."""
        return Share(self.missed, self.came + self.missed)

    @property
    def fill(self) -> Share:
        """The seats held of all seats."""
        return Share(self.seats, self.capacity)

    @property
    def checked_in(self) -> int:
        """How many check-ins it is known of who made them."""
        return self.without_desk + self.by_staff + self.by_token

    @property
    def without_desk(self) -> int:
        """How many checked in by themselves."""
        return self.by_phone + self.by_kiosk


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCounts:
    """One session: its class, its day and hour on the studio's clock, and what it comes to."""

    class_id: UUID
    day: date
    hour: int
    counts: Counts


_NAMES = tuple(one.name for one in fields(Counts))


def total(sessions: Iterable[SessionCounts]) -> Counts:
    """Add sessions up."""
    of = [one.counts for one in sessions]
    return Counts(**{name: sum(getattr(one, name) for one in of) for name in _NAMES})


def within(sessions: Iterable[SessionCounts], period: Period) -> list[SessionCounts]:
    """Return the sessions of these days."""
    return [one for one in sessions if period.first <= one.day <= period.last]


def by_class(sessions: Iterable[SessionCounts], titles: Mapping[UUID, str]) -> Mapping[str, Counts]:
    """Return what the classes of each title come to: one that is taught at several places is a class of its own at each."""
    return _by(sessions, lambda one: titles[one.class_id])


def by_hour(sessions: Iterable[SessionCounts]) -> Mapping[tuple[int, int], Counts]:
    """Return what each weekday (0 is Monday) and hour come to, by when sessions begin."""
    return _by(sessions, lambda one: (one.day.weekday(), one.hour))


def by_week(sessions: Iterable[SessionCounts], period: Period) -> Sequence[tuple[date, Counts]]:
    """Return what each week of the period comes to, by its Monday; also one without a session."""
    found = _by(sessions, lambda one: _monday(one.day))
    first, last = _monday(period.first), _monday(period.last)
    mondays = (first + timedelta(weeks=week) for week in range((last - first).days // 7 + 1))
    return [(monday, found.get(monday, Counts())) for monday in mondays]


def around(changed_on: date, *, last: date) -> tuple[Period, Period] | None:
    """Return the days before and after a change that are compared, as many on either side; None where there are none yet.

    The day of the change is left out: it was partly under the old and partly under the new.
    """
    days = min(AROUND, (last - changed_on).days)
    if days < 1:
        return None
    day = timedelta(days=1)
    return (
        Period(first=changed_on - days * day, last=changed_on - day),
        Period(first=changed_on + day, last=changed_on + days * day),
    )


def _by(sessions: Iterable[SessionCounts], key: Callable[[SessionCounts], Key]) -> dict[Key, Counts]:
    found: dict[Key, list[SessionCounts]] = defaultdict(list)
    for one in sessions:
        found[key(one)].append(one)
    return {each: total(those) for each, those in found.items()}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
