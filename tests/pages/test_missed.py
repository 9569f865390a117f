"""What a missed class takes with it: told on each page, also before one reserves what it would take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    SessionReservation,
    Studio,
    StudioClass,
)
from tests.factories import NOW, make_class, make_pass, make_reservation, make_session, steps_of_class

TONIGHT = datetime(2026, 12, 2, 7, tzinfo=UTC)
WARNING = (
    "it is cancelled on Wed 2 Dec, 02:00, unless the studio waives the missed class. Reserved after that, it stays."
)


@pytest.fixture
def miss(people, stored):
    """Return what lets a pass miss a class of yesterday; the night acts on it at ``TONIGHT`` unless another is named."""

    def miss_one(held=None, *, hours=26, night=TONIGHT):
        with stored() as db_session:
            studio_class = db_session.get_one(StudioClass, people.studio_class)
            past = make_session(db_session, studio_class, starts_at=NOW - timedelta(hours=hours), minutes=60)
            row = make_reservation(
                db_session,
                db_session.get_one(ClassRegistration, held or people.ada_pass),
                past,
                status="NO_SHOW",
                missed_at=past.ends_at,
                counts_as_no_show=True,
                grace_ends_at=past.ends_at + timedelta(hours=24),
                auto_cancel_at=night,
            )
            return row.id

    return miss_one


def test_a_session_says_before_one_reserves_it_that_the_night_would_take_it(browser, people, miss):
    miss()
    ada = browser("ada")

    assert f"With this pass {WARNING}" in ada.get(f"/sessions/{people.free}").text
    row = "Would be cancelled on Wed 2 Dec, 02:00, unless the missed class is waived"
    listed = ada.get("/sessions")
    assert row in listed.text
    reserved = ada.send(listed.form("Reserve"))
    assert "It will be cancelled on Wed 2 Dec, 02:00, unless the studio waives the missed class." in reserved.text
    assert row not in reserved.text


def test_what_begins_before_the_night_or_is_on_another_pass_is_not_warned_of(browser, people, miss, stored):
    miss(people.otto_pass)
    with stored() as db_session:
        tonight = make_session(
            db_session, db_session.get_one(StudioClass, people.studio_class), starts_at=NOW + timedelta(hours=8)
        ).id
    ada = browser("ada")

    for path in (f"/sessions/{people.free}", f"/sessions/{tonight}?for={people.otto}"):
        assert "unless the" not in ada.get(path).text


@pytest.mark.parametrize("acted_on", [False, True])
def test_a_night_that_has_passed_is_made_up_for_by_the_next_until_it_was_acted_on(
    acted_on, browser, people, miss, stored
):
    missed = miss(hours=80, night=NOW - timedelta(days=2))
    with stored() as db_session:
        db_session.get_one(SessionReservation, missed).futures_cancelled_at = NOW if acted_on else None
    ada = browser("ada")

    for path in ("/", "/sessions", f"/reservations/{people.reservation}", f"/sessions/{people.free}"):
        text = ada.get(path).text
        assert ("cancelled on Wed 2 Dec, 02:00" in text) is not acted_on, path
        assert "29 Nov, 10:00" not in text


def test_the_calendar_marks_what_is_at_risk(browser, miss):
    miss()

    assert "Tue 8 December 10:00 Beginner Wheel Throwing At risk" in browser("ada").get("/calendar").text


def test_two_missed_with_one_pass_are_one_notice_and_each_can_be_explained(browser, miss):
    miss(hours=28)
    miss(hours=26)
    ada = browser("ada")
    page = ada.get("/")

    assert (
        "1 reservation on this pass will be cancelled on Wed 2 Dec, 02:00, unless the studio waives the missed classes"
        in (page.text)
    )
    assert page.html.count('class="st-notice is-warn"') == 1
    assert page.text.count("You did not check in to Beginner Wheel Throwing on Mon 30 Nov") == 2
    assert page.text.count("16 h left, until Wed 2 Dec, 02:00") == 2

    refused = ada.send(page.form("Send"), explanation="x" * 1001)
    assert refused.html.count('<details class="st-explain" open>') == 1
    assert refused.html.count("x" * 1001) == 1


def test_of_a_ward_it_is_told_by_name(browser, people, miss, stored):
    missed = miss(people.otto_pass)
    with stored() as db_session:
        otto_pass = db_session.get_one(ClassRegistration, people.otto_pass)
        make_reservation(db_session, otto_pass, db_session.get_one(ClassSession, people.session))

    text = browser("ada").get(f"/?for={people.otto}").text

    assert "Otto's reservation on Tue 8 Dec will be cancelled on Wed 2 Dec, 02:00" in text
    assert "Otto did not check in to Beginner Wheel Throwing on Mon 30 Nov, 08:00." in text
    assert "If there was a reason, or Otto was there after all" in text
    for said in ("You ", "Your ", "you had"):
        assert said not in text
    with stored() as db_session:
        db_session.get_one(Customer, people.ada).locale = "fr"
    assert "La réservation du mar. 8 déc. pour Otto est annulée" in browser("ada").get(f"/?for={people.otto}").text
    assert "Otto" in browser("ada").get(f"/reservations/{missed}?for={people.otto}").text


def test_a_course_says_of_each_makeup_that_the_night_would_take_it(browser, people, stored):
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        mug = make_class(db_session, studio, title="Mug Building", steps=3)
        steps = steps_of_class(db_session, mug)
        course = make_pass(db_session, ada, studio, pass_type="full_course", studio_class=mug)
        course.requires_sequential_attendance = True
        db_session.get_one(ClassRegistration, people.ada_pass).status = "CANCELLED"
        past = make_session(db_session, mug, step=steps[0], starts_at=NOW - timedelta(hours=26))
        make_reservation(
            db_session,
            course,
            past,
            status="NO_SHOW",
            missed_at=past.ends_at,
            grace_ends_at=past.ends_at + timedelta(hours=24),
            auto_cancel_at=TONIGHT,
        )
        again = make_session(db_session, mug, step=steps[0], starts_at=NOW + timedelta(days=2)).id
        make_session(db_session, mug, step=steps[2], starts_at=NOW + timedelta(days=9))
        course_id = course.id
    ada_browsing = browser("ada")

    page = ada_browsing.get(f"/course/{course_id}")

    assert f"With this pass {WARNING}" in page.text
    assert (
        "Part 3 opens when you have been to part 1, which was missed on Mon 30 November. Make that one up first."
        in (page.text)
    )
    assert f"With this pass {WARNING}" in ada_browsing.get(f"/sessions/{again}").text
    after = ada_browsing.send(page.form("Make it up"))
    assert after.text.count("At risk: cancelled on Wed 2 Dec, 02:00") == 1
    assert "Part 1 Thu 3 Dec, 10:00 Reserved At risk: cancelled on Wed 2 Dec, 02:00" in ada_browsing.get("/").text
