"""Cancelling and moving: the cost before the click, and nothing that was not said."""

from __future__ import annotations

from datetime import timedelta

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

START = NOW + timedelta(days=7)
LATE = START - timedelta(hours=16, minutes=8)


@pytest.fixture
def ada(browser):
    return browser("ada")


@pytest.fixture
def terms(stored, people):
    """Return what sets the late terms of Ada's reservation."""

    def set_terms(**values):
        with stored() as db_session:
            for name, value in values.items():
                setattr(db_session.get_one(SessionReservation, people.reservation), name, value)

    return set_terms


def path(people, what):
    return f"/reservations/{people.reservation}/{what}"


def state_of(stored, reservation_id):
    with stored() as db_session:
        one = db_session.get_one(SessionReservation, reservation_id)
        return one.status, one.late, one.punches_used, one.counts_as_no_show


def left_on(stored, registration_id):
    with stored() as db_session:
        return db_session.get_one(ClassRegistration, registration_id).sessions_remaining


def test_an_early_cancellation_costs_nothing(ada, people, stored):
    page = ada.get(path(people, "cancel"))
    assert "Cancel Beginner Wheel Throwing on 8 December?" in page.text
    assert "This costs nothing Now 5 punches left After 5 punches left Free until Mon 7 Dec, 10:00." in page.text

    done = ada.send(page.form("Cancel"))

    assert "Nothing was charged." in done.text
    assert state_of(stored, people.reservation) == ("CANCELLED", False, 0, False)


def test_a_late_one_says_its_cost_and_then_charges_it(ada, people, stored, clock, terms):
    terms(late_cancel_punches=1, late_cancel_counts=True)
    clock.now = LATE
    page = ada.get(path(people, "cancel"))
    assert "This costs 1 punch and counts as missed Now 5 punches left After 4 punches left" in page.text
    assert "It was free until Mon 7 Dec, 10:00. It is now 17:52." in page.text
    assert "starts in 16 h 8 min" in page.text

    ada.send(page.form("Cancel for Ada and spend 1 punch"))

    assert state_of(stored, people.reservation) == ("CANCELLED", True, 1, True)
    assert left_on(stored, people.ada_pass) == 4


def test_a_page_open_for_too_long_refuses_and_shows_the_new_cost(ada, people, stored, clock, terms):
    terms(late_cancel_punches=1)
    form = ada.get(path(people, "cancel")).form("Cancel")
    clock.now = LATE

    page = ada.send(form)

    assert page.status == 409
    assert "Free cancellation ended while this page was open. Nothing was done." in page.text
    assert "Cancelling is not free" not in page.text  # one heading says the cost
    assert "This costs 1 punch Now 5 punches left After 4 punches left" in page.text
    assert state_of(stored, people.reservation)[0] == "PENDING"
    ada.send(page.form("Cancel for Ada and spend 1 punch"))
    assert state_of(stored, people.reservation) == ("CANCELLED", True, 1, False)


def test_what_can_no_longer_be_cancelled_says_how_it_stands(ada, people, stored):
    with stored() as db_session:
        db_session.get_one(SessionReservation, people.reservation).status = "ATTENDED"

    assert "This is attended now, so that cannot be done any more." in ada.get(path(people, "cancel")).text


def test_moving_without_a_day_says_so_at_the_days(ada, people):
    page = ada.send(ada.get(path(people, "move")).form("Move"))

    assert page.text.count("Not moved yet. Choose one of the days first.") == 1


def test_late_without_a_charge_says_so(ada, people, clock):
    clock.now = LATE

    text = ada.get(path(people, "cancel")).text

    assert "This is late, and costs nothing" in text
    assert "No. A late cancellation does not count as one here." in text


def test_an_undo_inside_the_cutoff_is_free(ada, people, stored, clock, terms):
    clock.now = LATE
    terms(late_cancel_punches=1, undo_until=LATE + timedelta(minutes=5), first_reserved_at=LATE - timedelta(minutes=10))

    page = ada.get(path(people, "cancel"))

    assert "This costs nothing" in page.text
    assert "It was reserved at 17:42, so it can be undone free of charge until 17:57." in page.text


def test_an_uncounted_pass_shows_its_reservations(ada, people, stored):
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, people.ada_pass)
        registration.pass_type, registration.sessions_remaining, registration.sessions_included = (
            "unlimited_series",
            None,
            None,
        )

    assert "Now 1 of 3 reserved After 0 of 3 reserved" in ada.get(path(people, "cancel")).text


@pytest.mark.parametrize("what", ["cancel", "move"])
def test_what_has_begun_is_not_given_up(what, ada, people, clock):
    clock.now = START + timedelta(minutes=1)

    page = ada.get(path(people, what))

    assert page.status == 200
    assert "began" in page.text
    assert page.forms == []


@pytest.fixture
def course(stored, people):
    """Return Ada's course by the rule that parts are reserved in order: part 1 in 2 days, part 2 in 4, other days after."""
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        mug = make_class(db_session, studio, title="Mug Building", steps=2)
        first, second = steps_of_class(db_session, mug)
        held = make_pass(
            db_session,
            ada,
            studio,
            pass_type="full_course",
            studio_class=mug,
            pass_options={"sequence_rule": "reserved"},
        )
        sessions = {
            (step.position, days): make_session(db_session, mug, starts_at=NOW + timedelta(days=days), step=step)
            for step, days in ((first, 2), (first, 3), (first, 6), (second, 4), (second, 8))
        }
        one = make_reservation(db_session, held, sessions[1, 2])
        two = make_reservation(db_session, held, sessions[2, 4])
        for reservation in (one, two):
            reservation.exclusive_step_id = reservation.step_id
        return {
            "one": one.id,
            "two": two.id,
            "pass": held.id,
            **{f"{position} in {days}": session.id for (position, days), session in sessions.items()},
        }


def test_what_falls_with_it_is_named(ada, course, stored):
    page = ada.get(f"/reservations/{course['one']}/cancel")
    assert "Falls with it Mug Building" in page.text
    assert "Sat 5 Dec, 10:00" in page.text

    ada.send(page.form("Cancel"))

    assert state_of(stored, course["two"])[0] == "AUTO_CANCELLED"


def test_moving_offers_the_days_of_the_same_part(ada, course, stored):
    page = ada.get(f"/reservations/{course['one']}/move")
    assert "Fri 4 Dec, 10:00–12:00" in page.text
    assert "Mon 7 Dec, 10:00–12:00" in page.text
    assert "Wed 9 Dec" not in page.text  # the other part's
    assert "Moving costs nothing." in page.text

    moved = ada.send(page.form("Move"), session_id=str(course["1 in 3"]))

    assert "Moved for Ada Potter: now Mug Building" in moved.text
    assert "Friday 4 December" in moved.text
    assert state_of(stored, course["one"])[0] == "CANCELLED"
    assert state_of(stored, course["two"])[0] == "PENDING"


def test_a_full_day_is_refused_with_its_reason(ada, people, stored):
    with stored() as db_session:
        full = db_session.get_one(ClassSession, people.free)
        full.seats_taken = full.capacity

    page = ada.get(path(people, "move"))

    assert "There is no other day to choose now" in page.text
    assert "1 day cannot be chosen: see why" in page.text
    assert "All 2 seats are taken." in page.text


def test_at_its_limit_a_pass_can_still_be_moved(ada, people, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, people.ada_pass).max_advance_reservations = 1

    page = ada.send(ada.get(path(people, "move")).form("Move"), session_id=str(people.free))

    assert "Thursday 10 December" in page.text


def test_what_was_moved_and_where_it_went_lead_to_each_other(ada, people):
    moved = ada.send(ada.get(path(people, "move")).form("Move"), session_id=str(people.free))

    old = ada.get(f"/reservations/{people.reservation}")

    assert "Moved from Tue 8 Dec, 10:00" in moved.text
    assert f"/studio/reservations/{people.reservation}" in moved.links
    assert "Moved to Thu 10 Dec, 10:00 Nothing was charged. To the new reservation" in old.text
    assert moved.response.request.path in old.links
    assert "Cancelled" not in old.text


def test_a_late_move_says_its_cost_first(ada, people, stored, clock, terms):
    terms(late_cancel_punches=1)
    early = ada.get(path(people, "move")).form("Move")
    clock.now = LATE

    refused = ada.send(early, session_id=str(people.free))
    assert refused.status == 409
    assert "Moving now costs 1 punch Now 5 punches left After 4 punches left" in refused.text
    assert state_of(stored, people.reservation)[0] == "PENDING"

    ada.send(refused.form("Move and spend 1 punch"), session_id=str(people.free))
    assert state_of(stored, people.reservation) == ("CANCELLED", True, 1, False)
    assert left_on(stored, people.ada_pass) == 4


@pytest.mark.parametrize("session_id", ["", "nonsense"])
def test_without_a_day_nothing_moves(session_id, ada, people, stored):
    page = ada.send(ada.get(path(people, "move")).form("Move"), session_id=session_id)

    assert page.status == 422
    assert "Choose one of the days first." in page.text
    assert state_of(stored, people.reservation)[0] == "PENDING"


def test_a_day_of_a_foreign_studio_is_not_found(ada, people):
    assert ada.send(ada.get(path(people, "move")).form("Move"), session_id=str(people.foreign)).status == 404


def test_the_course_shows_its_parts_with_days_to_choose(ada, course, stored):
    with stored() as db_session:
        db_session.get_one(SessionReservation, course["two"]).status = "CANCELLED"
        db_session.get_one(SessionReservation, course["one"]).status = "ATTENDED"

    page = ada.get(f"/course/{course['pass']}")
    assert "Course in 2 parts" in page.text
    assert "Attended" in page.text

    chosen = ada.send(page.form("Choose"))

    assert "Reserved for Ada Potter: Mug Building" in chosen.text
    assert "Undo is free until 10:15." in chosen.text


def test_a_locked_part_says_why(ada, course, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, course["pass"]).pass_options = {"sequence_rule": "attended"}
        db_session.get_one(SessionReservation, course["two"]).status = "CANCELLED"

    assert "Part 2 opens when you have been to part 1. Yours is on Thu 3 December." in (
        ada.get(f"/course/{course['pass']}").text
    )


def test_a_missed_part_is_made_up_naming_it(ada, course, stored):
    with stored() as db_session:
        missed = db_session.get_one(SessionReservation, course["one"])
        missed.status, missed.missed_at = "NO_SHOW", NOW

    page = ada.get(f"/course/{course['pass']}")
    assert "Missed on Thu 3 Dec, 10:00" in page.text
    ada.send(page.form("Make it up"))

    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, course["pass"])
        made = [
            one
            for one in db_session.query(SessionReservation).filter_by(registration_id=registration.id)
            if one.makeup_for_id
        ]
        assert [(one.makeup_for_id, one.status) for one in made] == [(course["one"], "PENDING")]
    assert "Makeup" in ada.get(f"/course/{course['pass']}").text


def test_only_a_course_has_a_path(ada, people):
    assert ada.get(f"/course/{people.ada_pass}").status == 404
    assert ada.get(f"/course/{people.eve_pass}").status == 404


def test_the_class_of_the_other_days_is_the_same(ada, people, stored):
    with stored() as db_session:
        studio = db_session.get_one(Studio, people.studio)
        make_session(db_session, make_class(db_session, studio, title="Raku"), starts_at=NOW + timedelta(days=3))
        assert db_session.get_one(StudioClass, people.studio_class).title != "Raku"

    assert "Fri 4 Dec" not in ada.get(path(people, "move")).text
