"""The studio's wall clock, with the days on which it is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_reservations.policies.local_time import (
    day_start,
    exists,
    hours_before,
    instant_of,
    local_date,
    next_wall_time,
)

TORONTO = "America/Toronto"  # 2026: forward on 8 March at 02:00, back on 1 November at 02:00
LORD_HOWE = "Australia/Lord_Howe"  # by half an hour: 2026 back on 5 April at 02:00, forward on 4 October at 02:00
APIA = "Pacific/Apia"  # 30 December 2011 was left out
CAIRO = "Africa/Cairo"  # forward at midnight: 24 April 2026 begins at 01:00
ZONES = st.sampled_from([TORONTO, LORD_HOWE, APIA, CAIRO, "Europe/Berlin", "Asia/Kathmandu", "UTC"])
INSTANTS = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timezone", "local", "instant"),
    [
        (TORONTO, "2026-07-01 10:00", "2026-07-01 14:00"),
        (TORONTO, "2026-12-01 10:00", "2026-12-01 15:00"),
        pytest.param(TORONTO, "2026-03-08 02:30", "2026-03-08 07:30", id="Toronto, missing: 03:30"),
        pytest.param(TORONTO, "2026-11-01 01:30", "2026-11-01 05:30", id="Toronto, repeated: the first"),
        pytest.param(LORD_HOWE, "2026-10-04 02:15", "2026-10-03 15:45", id="Lord Howe, missing: 02:45"),
        pytest.param(LORD_HOWE, "2026-04-05 01:45", "2026-04-04 14:45", id="Lord Howe, repeated: the first"),
        pytest.param(APIA, "2011-12-30 12:00", "2011-12-30 22:00", id="Apia, a whole day missing: the 31st"),
        pytest.param(APIA, "2011-12-29 12:00", "2011-12-29 22:00", id="Apia, the day before"),
    ],
)
def test_a_wall_time_is_one_instant(timezone: str, local: str, instant: str) -> None:
    assert instant_of(wall(local), timezone=timezone) == utc(instant)


@pytest.mark.parametrize(
    ("timezone", "local", "shown"),
    [
        (TORONTO, "2026-03-08 01:59", True),
        (TORONTO, "2026-03-08 02:00", False),
        (TORONTO, "2026-03-08 02:59", False),
        (TORONTO, "2026-03-08 03:00", True),
        (TORONTO, "2026-11-01 01:30", True),
        (LORD_HOWE, "2026-10-04 02:29", False),
        (LORD_HOWE, "2026-10-04 02:30", True),
        (APIA, "2011-12-30 12:00", False),
        (APIA, "2011-12-31 00:00", True),
    ],
)
def test_a_time_that_the_clock_leaves_out_does_not_exist(timezone: str, local: str, shown: bool) -> None:
    assert exists(wall(local), timezone=timezone) is shown


@pytest.mark.parametrize(
    ("timezone", "day", "instant"),
    [
        (TORONTO, date(2026, 3, 8), "2026-03-08 05:00"),
        (TORONTO, date(2026, 3, 9), "2026-03-09 04:00"),
        pytest.param(CAIRO, date(2026, 4, 24), "2026-04-23 22:00", id="Cairo, no midnight: 01:00"),
        pytest.param(APIA, date(2011, 12, 30), "2011-12-30 10:00", id="Apia, no such day: the next"),
        (APIA, date(2011, 12, 31), "2011-12-30 10:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(timezone: str, day: date, instant: str) -> None:
    assert day_start(day, timezone=timezone) == utc(instant)


def test_the_date_is_the_studios() -> None:
    assert local_date(utc("2026-12-01 03:00"), timezone=TORONTO) == date(2026, 11, 30)
    assert local_date(utc("2026-12-01 03:00"), timezone=APIA) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("timezone", "start", "hours", "before"),
    [
        pytest.param(TORONTO, "2026-03-08 10:00", 24, "2026-03-07 10:00", id="forward in between: 23 hours"),
        pytest.param(TORONTO, "2026-11-01 10:00", 24, "2026-10-31 10:00", id="back in between: 25 hours"),
        pytest.param(TORONTO, "2026-03-09 02:30", 24, "2026-03-08 03:30", id="onto a missing time"),
        pytest.param(TORONTO, "2026-11-02 01:30", 24, "2026-11-01 01:30", id="onto a repeated time: the first"),
        pytest.param(LORD_HOWE, "2026-10-04 10:00", 24, "2026-10-03 10:00", id="Lord Howe: 23.5 hours"),
        pytest.param(LORD_HOWE, "2026-04-05 10:00", 24, "2026-04-04 10:00", id="Lord Howe: 24.5 hours"),
        pytest.param(APIA, "2011-12-31 10:00", 20, "2011-12-31 10:00", id="onto the day left out: never behind"),
        pytest.param(TORONTO, "2026-06-01 10:00", 0, "2026-06-01 10:00", id="none"),
    ],
)
def test_hours_before_are_counted_on_the_wall(timezone: str, start: str, hours: int, before: str) -> None:
    starts_at = instant_of(wall(start), timezone=timezone)

    assert hours_before(starts_at, hours, timezone=timezone) == instant_of(wall(before), timezone=timezone)


def test_the_elapsed_hours_differ_when_the_clocks_change() -> None:
    starts_at = instant_of(wall("2026-03-08 10:00"), timezone=TORONTO)

    assert starts_at - hours_before(starts_at, 24, timezone=TORONTO) == timedelta(hours=23)


@given(instant=INSTANTS, hours=st.integers(0, 400), timezone=ZONES)
def test_hours_before_is_never_later(instant: datetime, hours: int, timezone: str) -> None:
    assert hours_before(instant, hours, timezone=timezone) <= instant


@pytest.mark.parametrize(
    ("timezone", "instant", "found"),
    [
        pytest.param(TORONTO, "2026-12-01 06:59", "2026-12-01 07:00", id="before it: the same night"),
        pytest.param(TORONTO, "2026-12-01 07:00", "2026-12-01 07:00", id="at it: now"),
        pytest.param(TORONTO, "2026-12-01 07:01", "2026-12-02 07:00", id="after it: the next night"),
        pytest.param(TORONTO, "2026-03-08 06:00", "2026-03-08 07:00", id="missing: 03:00"),
        pytest.param(LORD_HOWE, "2026-10-03 15:00", "2026-10-03 15:30", id="Lord Howe, missing: 02:30"),
        pytest.param(
            "Antarctica/Troll", "2027-03-28 00:30", "2027-03-28 01:00", id="Troll, two hours missing: the jump"
        ),
        pytest.param(APIA, "2011-12-30 09:00", "2011-12-30 12:00", id="Apia: the 31st follows the 29th"),
    ],
)
def test_the_next_02_00_is_found(timezone: str, instant: str, found: str) -> None:
    assert next_wall_time(utc(instant), time(2), timezone=timezone) == utc(found)


def test_a_repeated_time_is_its_first_occurrence() -> None:
    between_both = utc("2026-11-01 06:00")  # 01:00 for the second time

    assert next_wall_time(utc("2026-11-01 04:00"), time(1, 30), timezone=TORONTO) == utc("2026-11-01 05:30")
    assert next_wall_time(between_both, time(1, 30), timezone=TORONTO) == utc("2026-11-02 06:30")


@given(instant=INSTANTS, at=st.times().map(lambda one: one.replace(second=0, microsecond=0)), timezone=ZONES)
def test_the_next_wall_time_is_never_earlier_and_at_most_two_days_away(
    instant: datetime, at: time, timezone: str
) -> None:
    found = next_wall_time(instant, at, timezone=timezone)

    assert timedelta() <= found - instant <= timedelta(hours=50)
    assert next_wall_time(found, at, timezone=timezone) == found
