"""Recurring schedules: what an RRULE gives in the studio's zone, and which rules are refused with what words."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_reservations.policies.recurring import MOST, Recurrence, RuleError, starts, weekly_rule

TORONTO = "America/Toronto"


FIRST = datetime.fromisoformat("2026-12-01T18:30")


def walls(rule: str, *, first: datetime = FIRST, skip: tuple[date, ...] = ()) -> list[datetime]:
    found = starts(Recurrence(first=first, rule=rule, skip=frozenset(skip)), timezone=TORONTO)
    return [one.wall for one in found]


def test_every_tuesday_and_thursday_through_a_day():
    rule = weekly_rule(weekdays=[3, 1], every=1, until=date(2026, 12, 10))

    assert rule == "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,TH;UNTIL=20261210T235959"
    assert [one.day for one in walls(rule)] == [1, 3, 8, 10]


def test_every_second_week_and_without_the_days_that_are_skipped():
    rule = weekly_rule(weekdays=[1], every=2, until=date(2027, 1, 31))

    assert [f"{one:%m-%d}" for one in walls(rule, skip=(date(2026, 12, 29),))] == ["12-01", "12-15", "01-12", "01-26"]


def test_the_studios_clock_keeps_the_hour_when_the_clocks_change():
    found = starts(
        Recurrence(first=datetime.fromisoformat("2027-03-09T13:00"), rule="FREQ=WEEKLY;COUNT=2"), timezone=TORONTO
    )

    assert [one.at for one in found] == [datetime(2027, 3, 9, 18, tzinfo=UTC), datetime(2027, 3, 16, 17, tzinfo=UTC)]


def test_a_time_that_the_clock_never_shows_moves_forward_and_says_so():
    [start] = starts(
        Recurrence(first=datetime.fromisoformat("2027-03-14T02:30"), rule="FREQ=DAILY;COUNT=1"), timezone=TORONTO
    )

    assert start.moved
    assert start.at == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)


def test_the_last_friday_of_each_month():
    assert [f"{one:%m-%d}" for one in walls("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3")] == ["12-25", "01-29", "02-26"]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("", "Write a rule such as"),
        ("every tuesday", "Write a rule such as"),
        ("FREQ=SECONDLY;COUNT=5", "FREQ must be"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31;COUNT=5", "A rule of FREQ=DAILY may have"),
        ("FREQ=WEEKLY;BYDAY=TU", "Say where it ends"),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20270101T000000", "Say where it ends"),
        ("FREQ=WEEKLY;UNTIL=20270101T000000Z", "without Z"),
        ("FREQ=WEEKLY;INTERVAL=0;COUNT=3", "INTERVAL must be"),
        ("FREQ=WEEKLY;BYDAY=XX;COUNT=3", "cannot be read"),
        ("FREQ=DAILY;COUNT=367", "more than 366"),
        ("FREQ=MONTHLY;INTERVAL=12;COUNT=5", "three years"),
        ("FREQ=WEEKLY;COUNT=2;COUNT=3", "each once"),
        ("FREQ=MONTHLY;INTERVAL=9999999999;COUNT=2", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(rule, complaint):
    if not complaint:
        assert len(walls(rule)) <= 1  # the calendar ends before the second
        return
    with pytest.raises(RuleError, match=complaint):
        walls(rule)


@given(
    weekdays=st.sets(st.integers(0, 6), min_size=1),
    every=st.integers(1, 8),
    days=st.integers(0, 200),
)
def test_a_weekly_rule_gives_just_its_weekdays_in_order_within_its_end(weekdays, every, days):
    first = datetime.fromisoformat("2026-12-01T18:30")
    until = first.date() + timedelta(days=days)

    found = walls(weekly_rule(weekdays=sorted(weekdays), every=every, until=until), first=first)

    assert found == sorted(set(found))
    assert {one.weekday() for one in found} <= weekdays
    assert all(first <= one and one.date() <= until for one in found)
    assert len(found) <= MOST


@given(text=st.text(max_size=60))
def test_no_text_breaks_it(text):
    with suppress(RuleError):
        walls(text)
