"""Cancelling, checking in and missing: what the policy makes of a class's times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_reservations.policies.cancelling import free_cancellation_until, is_free, undo_until
from studio_reservations.policies.checking_in import check_in_window, class_day, code_validity
from studio_reservations.policies.local_time import instant_of, local_date
from studio_reservations.policies.missing import auto_cancel_at, grace_ends_at, suspension_end
from studio_reservations.policies.policy import Policy

TORONTO = "America/Toronto"
SECOND = timedelta(seconds=1)


def local(text: str, timezone: str = TORONTO) -> datetime:
    return instant_of(datetime.fromisoformat(text), timezone=timezone)


# The policy in force.


def test_without_any_row_the_defaults_are_in_force() -> None:
    policy = Policy.in_force(None, None)

    assert policy == Policy()
    assert (policy.grace_period_hours, policy.max_no_shows, policy.no_show_window_days, policy.suspension_days) == (
        *(24, 3),
        *(90, 14),
    )


def test_a_class_overrides_field_by_field_and_null_inherits() -> None:
    studio = {"grace_period_hours": 48, "undo_minutes": 5, "self_check_in": "off", "auto_cancel_futures": None}
    of_class = {"grace_period_hours": 0, "undo_minutes": None, "auto_cancel_futures": False}

    policy = Policy.in_force(studio, of_class)

    assert policy == Policy(grace_period_hours=0, undo_minutes=5, self_check_in="off", auto_cancel_futures=False)


def test_a_studio_can_set_its_limits_to_none() -> None:
    policy = Policy.in_force({"max_no_shows": None, "never_suspends": True, "window_is_forever": True}, None)

    assert policy.max_no_shows is None
    assert policy.no_show_window_days is None


def test_columns_that_are_no_policy_are_passed_over() -> None:
    assert Policy.in_force({"id": 1, "notify_moved": False}) == Policy()


# Cancelling.


def test_the_cutoff_is_counted_on_the_wall_clock() -> None:
    until = free_cancellation_until(starts_at=local("2026-03-08 10:00"), timezone=TORONTO, policy=Policy())

    assert until == local("2026-03-07 10:00")


def test_without_a_cutoff_cancelling_is_free_until_the_start() -> None:
    starts_at = local("2026-06-01 10:00")

    assert (
        free_cancellation_until(starts_at=starts_at, timezone=TORONTO, policy=Policy(cancellation_cutoff_hours=0))
        == starts_at
    )


START = local("2026-11-26 18:30")
FREE_UNTIL = local("2026-11-25 18:30")


@pytest.mark.parametrize(
    ("now", "reserved_at", "checked_in", "free"),
    [
        pytest.param(FREE_UNTIL, local("2026-11-01 10:00"), False, True, id="early, to the second"),
        pytest.param(FREE_UNTIL + SECOND, local("2026-11-01 10:00"), False, False, id="late"),
        pytest.param(FREE_UNTIL, local("2026-11-01 10:00"), True, True, id="checked in, but early"),
        pytest.param(START - 15 * 60 * SECOND, START - 30 * 60 * SECOND, False, True, id="undone within 15 minutes"),
        pytest.param(START - 14 * 60 * SECOND, START - 30 * 60 * SECOND, False, False, id="undo is over"),
        pytest.param(START - SECOND, START - 60 * SECOND, False, True, id="undone before the start"),
        pytest.param(START, START - 60 * SECOND, False, False, id="no undo from the start on"),
        pytest.param(START - SECOND, START - 60 * SECOND, True, False, id="no undo after check-in"),
    ],
)
def test_cancelling_is_free_when_early_or_undone(
    now: datetime, reserved_at: datetime, checked_in: bool, free: bool
) -> None:
    assert (
        is_free(
            now=now,
            free_until=FREE_UNTIL,
            undo_until=undo_until(first_reserved_at=reserved_at, policy=Policy()),
            starts_at=START,
            checked_in=checked_in,
        )
        is free
    )


# Checking in.


def test_the_window_opens_before_the_start_and_closes_after_the_end_both_inclusive() -> None:
    window = check_in_window(
        starts_at=START,
        ends_at=START + timedelta(hours=2),
        policy=Policy(check_in_opens_minutes_before=30, check_in_closes_minutes_after=0),
    )

    assert window.opens_at in window
    assert window.closes_at in window
    assert (window.opens_at, window.closes_at) == (START - timedelta(minutes=30), START + timedelta(hours=2))
    assert window.opens_at - SECOND not in window
    assert window.closes_at + SECOND not in window


@pytest.mark.parametrize(
    ("start", "hours", "first", "last"),
    [
        ("2026-11-26 18:30", 2, "2026-11-26 00:00", "2026-11-26 23:59:59.999999"),
        pytest.param(
            *("2026-11-26 23:00", 2, "2026-11-26 00:00", "2026-11-27 23:59:59.999999"), id="across midnight: both days"
        ),
        pytest.param(
            *("2026-03-08 10:00", 2, "2026-03-08 00:00", "2026-03-08 23:59:59.999999"), id="the day of 23 hours"
        ),
        pytest.param(
            *("2026-11-01 10:00", 2, "2026-11-01 00:00", "2026-11-01 23:59:59.999999"), id="the day of 25 hours"
        ),
    ],
)
def test_the_class_day_is_the_studios_from_first_to_last_instant(start: str, hours: int, first: str, last: str) -> None:
    starts_at = local(start)

    day = class_day(starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), timezone=TORONTO)

    assert (day.opens_at, day.closes_at) == (local(first), local(last))


def test_days_are_23_24_or_25_hours_long() -> None:
    noons = [local(f"{day} 12:00") for day in ("2026-03-08", "2026-06-01", "2026-11-01")]
    days = [class_day(starts_at=noon, ends_at=noon, timezone=TORONTO) for noon in noons]

    assert [round((day.closes_at - day.opens_at) / timedelta(hours=1)) for day in days] == [23, 24, 25]


@pytest.mark.parametrize(
    ("start", "closes"),
    [("2026-11-26 18:30", "2026-11-26 23:59:59.999999"), ("2026-11-26 21:30", "2026-11-27 01:30")],
)
def test_a_code_is_valid_to_the_later_of_class_day_and_window(start: str, closes: str) -> None:
    starts_at = local(start)

    validity = code_validity(
        starts_at=starts_at, ends_at=starts_at + timedelta(hours=2), timezone=TORONTO, policy=Policy()
    )

    assert (validity.opens_at, validity.closes_at) == (local("2026-11-26 00:00"), local(closes))


@given(
    starts_at=st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(1, 26 * 60),
    timezone=st.sampled_from([TORONTO, "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]),
)
def test_whatever_the_zone_a_class_lies_within_its_class_day(starts_at: datetime, minutes: int, timezone: str) -> None:
    ends_at = starts_at + timedelta(minutes=minutes)

    day = class_day(starts_at=starts_at, ends_at=ends_at, timezone=timezone)

    assert starts_at in day
    assert ends_at in day
    assert local_date(day.opens_at, timezone=timezone) == local_date(starts_at, timezone=timezone)
    assert local_date(day.closes_at, timezone=timezone) == local_date(ends_at, timezone=timezone)


# Missing.


@pytest.mark.parametrize(("own_hours", "hours"), [(None, 24), (0, 0), (72, 72)])
def test_the_passs_own_grace_wins_over_the_policys(own_hours: int | None, hours: int) -> None:
    ends = grace_ends_at(missed_at=START, policy=Policy(), absence_grace_period_hours=own_hours)

    assert ends == START + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("grace_end", "night"),
    [
        ("2026-11-27 01:59", "2026-11-27 02:00"),
        ("2026-11-27 02:00", "2026-11-27 02:00"),
        ("2026-11-27 20:30", "2026-11-28 02:00"),
        pytest.param("2026-03-08 01:00", "2026-03-08 03:00", id="a night without 02:00"),
        pytest.param("2026-11-01 00:30", "2026-11-01 02:00", id="a night of 25 hours"),
    ],
)
def test_coming_reservations_fall_in_the_first_night_at_or_after_grace(grace_end: str, night: str) -> None:
    assert auto_cancel_at(grace_ends_at=local(grace_end), timezone=TORONTO, policy=Policy()) == local(night)


def test_a_policy_may_leave_coming_reservations_alone() -> None:
    policy = Policy(auto_cancel_futures=False)

    assert auto_cancel_at(grace_ends_at=START, timezone=TORONTO, policy=policy) is None


@pytest.mark.parametrize(
    ("start", "days", "ends_on", "over"),
    [
        ("2026-11-21 03:00", 14, date(2026, 12, 4), "2026-12-05 00:00"),
        ("2026-11-21 23:59", 1, date(2026, 11, 21), "2026-11-22 00:00"),
        pytest.param(*("2026-10-31 03:00", 2, date(2026, 11, 1), "2026-11-02 00:00"), id="over a change of clocks"),
    ],
)
def test_a_suspension_covers_whole_local_days_the_first_included(
    start: str, days: int, ends_on: date, over: str
) -> None:
    assert suspension_end(starts_at=local(start), days=days, timezone=TORONTO) == (ends_on, local(over))
