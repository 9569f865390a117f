"""When a night is due: one for each studio-local date, at the studio's hour, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_reservations.policies.due import NIGHTLY, dates_due, due_at, latest_due, next_due
from studio_reservations.policies.local_time import local_date, zone

NEW_YORK, LONDON, LORD_HOWE = "America/New_York", "Europe/London", "Australia/Lord_Howe"
APIA, HONOLULU, TROLL = "Pacific/Apia", "Pacific/Honolulu", "Antarctica/Troll"


@pytest.mark.parametrize(
    ("timezone", "day", "hour", "instant"),
    [
        # Spring: 02:00 in New York and 01:00 in London do not exist; Lord Howe jumps half an hour at 02:00.
        (NEW_YORK, date(2027, 3, 14), 1, "2027-03-14T06:00"),
        (NEW_YORK, date(2027, 3, 14), 2, "2027-03-14T07:00"),
        (NEW_YORK, date(2027, 3, 14), 3, "2027-03-14T07:00"),
        (LONDON, date(2027, 3, 28), 1, "2027-03-28T01:00"),
        (LONDON, date(2027, 3, 28), 2, "2027-03-28T01:00"),
        (LORD_HOWE, date(2026, 10, 4), 2, "2026-10-03T15:30"),
        (LORD_HOWE, date(2026, 10, 4), 3, "2026-10-03T16:00"),
        # Autumn: the first of two.
        (NEW_YORK, date(2026, 11, 1), 1, "2026-11-01T05:00"),
        (NEW_YORK, date(2026, 11, 1), 2, "2026-11-01T07:00"),
        (LONDON, date(2026, 10, 25), 1, "2026-10-25T00:00"),
        (LONDON, date(2026, 10, 25), 2, "2026-10-25T02:00"),
        (LORD_HOWE, date(2027, 4, 4), 1, "2027-04-03T14:00"),
        (LORD_HOWE, date(2027, 4, 4), 2, "2027-04-03T15:30"),
        # No change at all, at both ends of the world.
        (APIA, date(2026, 12, 2), 1, "2026-12-01T12:00"),
        (HONOLULU, date(2026, 12, 2), 1, "2026-12-02T11:00"),
        # A jump of two hours over 02:00: the instant after it, not two hours on.
        (TROLL, date(2027, 3, 28), 2, "2027-03-28T01:00"),
    ],
)
def test_a_night_is_due_at_the_first_instant_at_or_after_the_hour(timezone: str, day: date, hour: int, instant: str):
    assert due_at(day, time(hour), timezone=timezone) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize("timezone", [NEW_YORK, LONDON, LORD_HOWE, APIA, HONOLULU, TROLL, "Asia/Kathmandu"])
def test_every_date_of_a_year_has_one_night_and_its_jobs_are_due_in_order(timezone: str):
    days = [date(2026, 7, 1) + timedelta(days=one) for one in range(366)]

    for day in days:
        instants = [due_at(day, job.at, timezone=timezone) for job in NIGHTLY]
        assert instants == sorted(instants)
        assert {local_date(one, timezone=timezone) for one in instants} == {day}


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from([NEW_YORK, LONDON, LORD_HOWE, APIA, HONOLULU, TROLL]),
    st.sampled_from([job.at for job in NIGHTLY]),
)
def test_nothing_is_due_before_its_hour_or_not_due_after_it(now: datetime, timezone: str, at: time):
    last = latest_due(now, at, timezone=timezone)
    wall = now.astimezone(zone(timezone))

    assert due_at(last, at, timezone=timezone) <= now < due_at(last + timedelta(days=1), at, timezone=timezone)
    if wall.time() > time(5):
        assert last == wall.date()


def test_missed_dates_are_due_together_since_the_last_success():
    now = datetime(2026, 12, 7, 12, tzinfo=UTC)

    due = dates_due(now, time(1), timezone=NEW_YORK, done=date(2026, 12, 2), since=now)

    assert due == tuple(date(2026, 12, day) for day in (3, 4, 5, 6, 7))
    assert dates_due(now, time(1), timezone=NEW_YORK, done=date(2026, 12, 7), since=now) == ()


def test_the_first_night_of_a_studio_is_the_one_after_it_was_opened():
    opened = datetime(2026, 12, 1, 15, tzinfo=UTC)

    assert dates_due(opened + timedelta(hours=14), time(1), timezone=NEW_YORK, done=None, since=opened) == ()
    assert dates_due(opened + timedelta(hours=15), time(1), timezone=NEW_YORK, done=None, since=opened) == (
        date(2026, 12, 2),
    )


def test_a_date_that_a_zone_left_out_has_no_night():
    now = datetime(2012, 1, 1, 12, tzinfo=UTC)

    due = dates_due(now, time(1), timezone=APIA, done=date(2011, 12, 28), since=now)

    assert due == (date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1), date(2012, 1, 2))


def test_the_next_night_is_told_and_a_missed_one_is_told_as_such():
    now = datetime(2026, 12, 2, 5, 59, tzinfo=UTC)

    assert next_due(now, time(1), timezone=NEW_YORK, done=date(2026, 12, 1), since=now) == now + timedelta(minutes=1)
    assert next_due(now, time(1), timezone=NEW_YORK, done=date(2026, 11, 28), since=now) == datetime(
        2026, 12, 1, 6, tzinfo=UTC
    )
