"""My passes: what is left, what is held, what happens next, and the box to explain a missed class."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from studio_reservations.models import (
    ClassRegistration,
    Customer,
    CustomerStudio,
    SessionReservation,
    Studio,
    StudioClass,
    SuspensionNoShow,
)
from tests.factories import (
    NOW,
    make_class,
    make_pass,
    make_policy,
    make_reservation,
    make_session,
    make_suspension,
    steps_of_class,
)


def test_a_punch_pass_shows_its_punches_and_its_limit(browser):
    page = browser("ada").get("/")

    assert "5 punches left · 4 free to reserve" in page.text
    assert "1 of 3 reserved" in page.text
    assert "Punch 1, held for Tue 8" in page.text
    assert "Punch 2, free" in page.text
    assert "You can hold 2 more" in page.text


def test_spent_punches_come_first_with_their_day(browser, people, stored):
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, people.ada_pass)
        registration.sessions_remaining = 3
        past = make_session(
            db_session, db_session.get_one(StudioClass, people.studio_class), starts_at=NOW - timedelta(days=3)
        )
        make_reservation(db_session, registration, past, status="ATTENDED", punches_used=1)

    text = browser("ada").get("/").text

    assert "Punch 1, used Used" in text  # staff took it: nobody knows when
    assert "Punch 2, used 28 Nov" in text
    assert "Punch 3, held for Tue 8" in text


def test_each_reservation_leads_to_its_page(browser, people):
    assert f"/studio/reservations/{people.reservation}" in browser("ada").get("/").links


def test_a_session_that_begins_soon_is_checked_in_to_from_here(browser, clock):
    clock.now = NOW + timedelta(days=7, hours=-1)

    ada = browser("ada")
    page = ada.get("/")

    assert "Today, 10:00–12:00" in page.text
    assert "Check-in open until 14:00" in page.text
    form = page.form("Check in Ada")
    assert "Ada is checked in" in ada.send(form).text
    assert "Ada is checked in" in ada.send(form).text  # a second tap finds it done


@pytest.mark.parametrize("means", ["door_code", "off"])
def test_where_one_press_is_not_enough_the_ticket_leads_to_the_page(browser, people, clock, stored, means):
    clock.now = NOW + timedelta(days=7, hours=-1)
    with stored() as db_session:
        make_policy(db_session, db_session.get_one(Studio, people.studio), self_check_in=means)

    page = browser("ada").get("/")

    assert not [form for form in page.forms if form.label.startswith("Check in")]
    assert "Check in Ada Beginner Wheel Throwing" in page.text


@pytest.mark.parametrize("rollout", ["OFF", "INTERNAL"])
def test_a_studio_that_is_not_open_yet_says_so_in_place_of_the_button(browser, people, stored, rollout):
    with stored() as db_session:
        studio, eve = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.eve)
        studio.rollout = rollout
        mug = make_class(db_session, studio, title="Mug Building", steps=2)
        make_pass(db_session, eve, studio, pass_type="full_course", studio_class=mug)
    eve = browser("eve")

    page = eve.get("/")

    assert "Punch pass Not open yet" in page.text
    assert "5 punches left 1 reserved Punch 1" in page.text  # and counts against no limit, for there is nothing to do
    assert page.text.count("Reservations are not open yet.") == 2
    assert not [one for one in (*page.links, page.text) if "You can hold" in one or "/course/" in one]
    assert "1 of 3" not in eve.get("/sessions").text + eve.get("/calendar").text
    with stored() as db_session:
        db_session.query(CustomerStudio).filter_by(customer_id=people.eve).one().internal = True
    assert ("You can hold" in browser("eve").get("/").text) is (rollout == "INTERNAL")


def test_a_pass_that_begins_later_leads_to_the_sessions_from_then_on(browser, people, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, people.eve_pass).valid_from = date(2027, 1, 30)

    page = browser("eve").get("/")

    assert "It can be used from Saturday 30 January 2027 on." in page.text
    assert any("from=2027-01-30" in link for link in page.links)


def test_the_tickets_keep_their_order_whatever_is_reserved(browser, people, stored):
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        make_pass(db_session, ada, studio, pass_type="unlimited_series", valid_until=date(2027, 2, 1))
    ada_browsing = browser("ada")

    text = ada_browsing.get("/").text  # only the punch pass has a reservation

    assert text.index("Unlimited series") < text.index("Punch pass")


def test_a_ward_has_a_page_of_their_own(browser, people):
    page = browser("ada").get(f"/?for={people.otto}")

    assert "For Otto Potter" in page.text
    assert "5 punches left · 5 free to reserve" in page.text
    assert "Reserve for Otto" in page.text


def test_a_course_shows_its_parts(browser, people, stored):
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        mug = make_class(db_session, studio, title="Mug Building", steps=3)
        steps = steps_of_class(db_session, mug)
        course = make_pass(db_session, ada, studio, pass_type="full_course", studio_class=mug)
        for step, status, days in ((steps[0], "ATTENDED", -5), (steps[1], "PENDING", 2)):
            session = make_session(db_session, mug, step=step, starts_at=NOW + timedelta(days=days))
            make_reservation(db_session, course, session, status=status)

    text = browser("ada").get("/").text

    assert "Course in 3 parts Mug Building" in text
    assert "Part 1 Thu 26 Nov, 10:00 Attended" in text
    assert "Part 2 Thu 3 Dec, 10:00 Reserved Details or another day" in text
    assert "Part 3 Opens when the parts before it are done." in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": "FROZEN", "frozen_on": date(2026, 11, 20)}, "Frozen since Friday 20 November. Nothing is lost"),
        ({"pass_type": "lunar_pass"}, "This kind of pass cannot be used right now."),
        ({"valid_until": date(2027, 2, 28)}, "Until Sunday 28 February 2027"),
        ({"valid_from": date(2026, 12, 24)}, "From Thursday 24 December"),
        ({"max_advance_reservations": 1}, "As many as this pass can hold."),
    ],
    ids=["frozen", "plugin missing", "ends", "begins later", "limit reached"],
)
def test_what_stands_in_the_way_is_on_the_ticket(browser, people, stored, changes, told):
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, people.ada_pass)
        for name, value in changes.items():
            setattr(registration, name, value)

    assert told in browser("ada").get("/").text


def test_a_pass_that_is_over_is_put_aside(browser, people, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, people.otto_pass).valid_until = date(2026, 11, 30)

    text = browser("ada").get(f"/?for={people.otto}").text

    assert "No pass to use now" in text
    assert "1 pass that is over" in text
    assert "Ended on Monday 30 November" in text


def test_without_a_pass_it_says_what_to_do(browser):
    assert "No passes yet Once the studio gives you a pass" in browser("newcomer").get("/").text


def test_a_suspension_shows_its_end_and_the_classes_that_built_it(browser, people, stored):
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        suspension = make_suspension(db_session, ada, studio, ends_on=date(2026, 12, 14), no_show_count=2, limit=2)
        registration = db_session.get_one(ClassRegistration, people.ada_pass)
        for days in (20, 10):
            past = make_session(
                db_session, db_session.get_one(StudioClass, people.studio_class), starts_at=NOW - timedelta(days=days)
            )
            missed = make_reservation(db_session, registration, past, status="NO_SHOW", missed_at=past.ends_at)
            db_session.add(SuspensionNoShow(suspension_id=suspension.id, reservation_id=missed.id, studio_id=studio.id))

    text = browser("ada").get("/").text

    assert "New reservations are paused through Monday 14 December" in text
    assert "2 classes were missed: 11 November and 21 November." in text
    assert "Missed classes that count" in text
    assert "You can hold" not in text


@pytest.fixture
def missed(people, stored):
    """Ada missed Monday's class; tonight at 02:00 it takes her reservation with it."""
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, people.ada_pass)
        past = make_session(
            db_session,
            db_session.get_one(StudioClass, people.studio_class),
            starts_at=NOW - timedelta(days=1, hours=2),
            minutes=60,
        )
        row = make_reservation(
            db_session,
            registration,
            past,
            status="NO_SHOW",
            missed_at=past.ends_at,
            counts_as_no_show=True,
            grace_ends_at=past.ends_at + timedelta(hours=24),
            auto_cancel_at=datetime(2026, 12, 2, 7, tzinfo=UTC),
        )
        return row.id


def test_what_a_missed_class_takes_with_it_is_told_before_it_happens(browser, missed):
    text = browser("ada").get("/").text

    assert (
        "Your reservation on Tue 8 Dec will be cancelled on Wed 2 Dec, 02:00, unless the studio waives the missed class"
    ) in text
    assert "You did not check in to Beginner Wheel Throwing on Mon 30 Nov, 08:00." in text
    assert "At risk: cancelled on Wed 2 Dec, 02:00" in text
    assert "16 h left, until Wed 2 Dec, 02:00" in text


def test_what_is_wrong_with_an_explanation_stands_at_its_field(browser, missed):
    page = (ada := browser("ada")).send(ada.get("/").form("Send"), explanation=" ")

    assert page.text.count("Not sent yet. Write a few words first.") == 1
    assert f'required aria-invalid="true" aria-describedby="e{missed}-fault h{missed}" autofocus' in page.html


def test_the_explanation_is_sent_once_and_the_page_says_so(browser, missed, stored):
    ada = browser("ada")

    after = ada.send(ada.get("/").form("Send"), explanation="The tram stood still.\r\nI ran.")

    assert "The studio has your explanation about Beginner Wheel Throwing" in after.text
    assert "and has not answered yet" in after.text
    assert "Tell the studio why" not in after.text
    with stored() as db_session:
        assert db_session.get_one(SessionReservation, missed).explanation == "The tram stood still.\nI ran."


@pytest.mark.parametrize(
    ("written", "told"), [("", "Write a few words first."), ("x" * 1001, "at most 1,000 characters")]
)
def test_an_explanation_that_cannot_be_sent_is_shown_again_with_what_was_written(browser, missed, written, told):
    ada = browser("ada")

    after = ada.send(ada.get("/").form("Send"), explanation=written)

    assert after.status == 422
    assert told in after.text
    assert written in after.html


def test_after_the_night_it_can_no_longer_be_explained(browser, missed, clock):
    ada = browser("ada")
    form = ada.get("/").form("Send")
    clock.now = datetime(2026, 12, 2, 7, tzinfo=UTC)

    after = ada.send(form, explanation="Too late")

    assert after.status == 409
    assert "The time to explain this is over. Ask the studio." in after.text


def test_nobody_explains_for_somebody_else(browser, people, missed):
    eve, ada = browser("eve"), browser("ada")
    form = ada.get("/").form("Send")
    form.fields["csrf_token"] = eve.get("/sessions").form("Reserve").fields["csrf_token"]

    assert eve.send(form, explanation="It was me").status == 404
