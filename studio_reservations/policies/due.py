"""When a nightly job is due: each studio-local date has one night, at the studio's own hour.

Source: rules.md §8.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from studio_reservations.policies.local_time import at_or_after, local_date

DETECT_NO_SHOWS = "detect_no_shows"
CANCEL_FUTURES = "cancel_futures"
ENFORCE_SUSPENSIONS = "enforce_suspensions"
LIFT_SUSPENSIONS = "lift_suspensions"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyJob:
    """A job, the studio's wall time at which it is due, and the job that must have succeeded for the same date."""

    name: str
    at: time
    after: str | None = None


NIGHTLY = (
    NightlyJob(name=DETECT_NO_SHOWS, at=time(1)),
    NightlyJob(name=CANCEL_FUTURES, at=time(2), after=DETECT_NO_SHOWS),
    NightlyJob(name=ENFORCE_SUSPENSIONS, at=time(3), after=CANCEL_FUTURES),
    NightlyJob(name=LIFT_SUSPENSIONS, at=time(4), after=ENFORCE_SUSPENSIONS),
)


def due_at(day: date, at: time, *, timezone: str) -> datetime:
    """Return the first instant at or after the wall time ``at`` of ``day``, UTC; the first occurrence of a repeated one."""
    return at_or_after(datetime.combine(day, at), timezone=timezone)


def latest_due(now: datetime, at: time, *, timezone: str) -> date:
    """Return the last studio-local date whose night has come at ``now``."""
    day = local_date(now, timezone=timezone) + timedelta(days=1)
    while due_at(day, at, timezone=timezone) > now or not _is_there(day, at, timezone=timezone):
        day -= timedelta(days=1)
    return day


def dates_due(now: datetime, at: time, *, timezone: str, done: date | None, since: datetime) -> tuple[date, ...]:
    """Return the dates that are due at ``now``, ascending: those after ``done``, at first those after the day of ``since``.

    Studio-local dates that never were (a zone that moved over the date line) are left out.
    """
    last = latest_due(now, at, timezone=timezone)
    before = local_date(since, timezone=timezone) if done is None else done
    days = (before + timedelta(days=one) for one in range(1, (last - before).days + 1))
    return tuple(day for day in days if _is_there(day, at, timezone=timezone))


def next_due(now: datetime, at: time, *, timezone: str, done: date | None, since: datetime) -> datetime:
    """Return when the job is due next: in the past where nights have been missed, the last of them."""
    if missed := dates_due(now, at, timezone=timezone, done=done, since=since):
        return due_at(missed[-1], at, timezone=timezone)
    day = latest_due(now, at, timezone=timezone) + timedelta(days=1)
    while not _is_there(day, at, timezone=timezone):
        day += timedelta(days=1)
    return due_at(day, at, timezone=timezone)


def _is_there(day: date, at: time, *, timezone: str) -> bool:
    """Return whether the studio's calendar has that date."""
    return local_date(due_at(day, at, timezone=timezone), timezone=timezone) == day
