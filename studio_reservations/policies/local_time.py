"""Studio-local dates and wall-clock arithmetic.

Source: rules.md, Time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return the IANA zone of that name. :raises ZoneInfoNotFoundError:"""
    return ZoneInfo(name)


def local_date(instant: datetime, *, timezone: str) -> date:
    """Return the studio-local date of ``instant``."""
    return instant.astimezone(zone(timezone)).date()


def instant_of(wall: datetime, *, timezone: str) -> datetime:
    """Return the UTC instant of a naive wall time: a repeated one is its first occurrence, a missing one moves forward."""
    # With fold=0 a missing time is read with the offset from before the gap, and so lands as far behind the gap.
    return wall.replace(tzinfo=zone(timezone), fold=0).astimezone(UTC)


def exists(wall: datetime, *, timezone: str) -> bool:
    """Return whether the studio's clock ever shows this naive wall time."""
    return instant_of(wall, timezone=timezone).astimezone(zone(timezone)).replace(tzinfo=None) == wall


def at_or_after(wall: datetime, *, timezone: str) -> datetime:
    """Return the first instant at which the studio's clock shows this naive wall time or has passed it, UTC.

    A repeated one is its first occurrence; where the clocks jump over it, it is the instant of the jump.
    """
    after_gap = instant_of(wall, timezone=timezone)
    if exists(wall, timezone=timezone):
        return after_gap
    # The clocks jump over it: to the second, the instant of the jump is the first whose date or offset is the new one.
    before_gap = after_gap - timedelta(days=1, hours=1)
    moved = _offset(after_gap, timezone)
    while after_gap - before_gap > timedelta(seconds=1):
        middle = before_gap + timedelta(seconds=(after_gap - before_gap) // timedelta(seconds=2))
        if _offset(middle, timezone) == moved:
            after_gap = middle
        else:
            before_gap = middle
    return after_gap


def day_start(day: date, *, timezone: str) -> datetime:
    """Return the first instant of a studio-local day, UTC."""
    return instant_of(datetime.combine(day, time()), timezone=timezone)


def hours_before(instant: datetime, hours: int, *, timezone: str) -> datetime:
    """Return the instant whose wall time is ``hours`` before that of ``instant``, UTC.

    24 h before Sunday 10:00 is Saturday 10:00, also when the clocks change in between. Never later than ``instant``: where
    a whole day was left out, a wall time of that day would move behind it.
    """
    wall = instant.astimezone(zone(timezone)).replace(tzinfo=None)
    return min(instant_of(wall - timedelta(hours=hours), timezone=timezone), instant.astimezone(UTC))


def next_wall_time(instant: datetime, at: time, *, timezone: str) -> datetime:
    """Return the first instant at or after ``instant`` at which the studio's clock comes to ``at``, UTC.

    A day counts once: a repeated ``at`` is its first occurrence, and where the clocks jump over it, it is the jump, as for the
    nights. A date that a zone left out has none.
    """
    day = local_date(instant, timezone=timezone)
    for offset in (-1, 0, 1, 2):
        night = day + timedelta(days=offset)
        candidate = at_or_after(datetime.combine(night, at), timezone=timezone)
        if candidate >= instant and local_date(candidate, timezone=timezone) == night:
            return candidate
    raise AssertionError("unreachable: one of four days holds the wall time")


def _offset(instant: datetime, timezone: str) -> timedelta | None:
    return instant.astimezone(zone(timezone)).utcoffset()
