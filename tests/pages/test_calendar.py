"""The calendar: one list of days, what is mine in each state, what else there is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from studio_reservations.models import ClassRegistration, Customer, StudioClass
from tests.factories import NOW, make_reservation, make_session


def test_the_month_is_one_list_of_whole_weeks(browser):
    page = browser("ada").get("/calendar")

    assert "December 2026" in page.text
    days = re.findall(r"<b[^>]*>(\d+)</b>", page.html)
    assert days[:2] == ["29", "30"]  # weeks begin on Sunday in Toronto
    assert len(days) == 35
    assert page.html.count('aria-current="date"') == 1
    assert page.html.count("<h1") == 1


def test_the_first_of_a_month_is_read_as_on_every_other_page(browser, people, stored):
    with stored() as db_session:
        db_session.get_one(Customer, people.ada).locale = "fr"

    page = browser("ada").get("/calendar")

    assert '<span class="st-sr"> mar. 1er décembre, Aujourd’hui</span>' in page.html
    assert '<span class="st-sr"> mer. 2 décembre</span>' in page.html


def test_mine_leads_to_the_reservation_and_the_others_to_the_session(browser, people):
    page = browser("ada").get("/calendar")

    assert "Tue 8 December 10:00 Beginner Wheel Throwing Reserved" in page.text
    assert f"/studio/reservations/{people.reservation}?back=/studio/calendar" in page.links
    assert "Thu 10 December 10:00 Beginner Wheel Throwing 2 left" in page.text
    assert f"/studio/sessions/{people.free}?back=/studio/calendar" in page.links


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("CHECKED_IN", "Checked in"),
        ("ATTENDED", "Attended"),
        ("NO_SHOW", "Missed"),
        ("CANCELLED", "Cancelled"),
        ("AUTO_CANCELLED", "Cancelled automatically"),
    ],
)
def test_each_state_has_its_word(browser, people, stored, status, word):
    with stored() as db_session:
        past = make_session(
            db_session, db_session.get_one(StudioClass, people.studio_class), starts_at=NOW - timedelta(days=20)
        )
        make_reservation(db_session, db_session.get_one(ClassRegistration, people.ada_pass), past, status=status)

    assert f"Wed 11 November 10:00 Beginner Wheel Throwing {word}" in browser("ada").get("/calendar?month=2026-11").text


def test_a_session_that_cannot_be_reserved_says_shortly_why(browser, people, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, people.ada_pass).max_advance_reservations = 1

    assert "Thu 10 December 10:00 Beginner Wheel Throwing Limit reached" in browser("ada").get("/calendar").text


def test_a_full_day_shows_the_first_and_leads_to_the_list(browser, people, stored):
    with stored() as db_session:
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        for hour in range(6):
            make_session(db_session, studio_class, starts_at=datetime(2026, 12, 21, 15 + hour, tzinfo=UTC))

    page = browser("ada").get("/calendar")

    assert "3 more , Monday 21 December" in page.text
    assert any("from=2026-12-21&to=2026-12-21" in link for link in page.links)


@pytest.mark.parametrize("month", ["2026-13", "nonsense", "0000-00", "9999-12", "1969-12", ""])
def test_a_month_that_cannot_be_meant_is_this_one(browser, month):
    assert "December 2026" in browser("ada").get(f"/calendar?month={month}").text


@pytest.mark.parametrize("month", ["1970-01", "2199-12"])
def test_the_ends_of_time_are_months_too(browser, month):
    assert browser("ada").get(f"/calendar?month={month}").status == 200


def test_the_next_and_the_previous_month_are_one_press_away(browser):
    links = browser("ada").get("/calendar?month=2026-12").links

    assert any("month=2026-11" in link for link in links)
    assert any("month=2027-01" in link for link in links)


def test_a_day_is_that_of_the_studio(browser, people, stored):
    with stored() as db_session:
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        make_session(db_session, studio_class, starts_at=datetime(2026, 12, 16, 3, 30, tzinfo=UTC))

    assert "Tue 15 December 22:30 Beginner Wheel Throwing" in browser("ada").get("/calendar").text
