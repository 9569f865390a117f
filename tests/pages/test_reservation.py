"""A reservation's own page: its state and what follows, the door, checking in, undo, and the entry for a calendar."""

from __future__ import annotations

from datetime import timedelta

import icalendar
import pytest
import vobject

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    SelfCheckIn,
    SessionReservation,
    Studio,
    StudioClass,
)
from studio_reservations.services.codes import CodeSigner
from tests.factories import NOW, make_pass, make_policy, make_reservation, make_session

START = NOW + timedelta(days=7)


@pytest.fixture
def ada(browser):
    return browser("ada")


@pytest.fixture
def change(stored, people):
    """Return what changes Ada's reservation."""

    def changed(**values):
        with stored() as db_session:
            for name, value in values.items():
                setattr(db_session.get_one(SessionReservation, people.reservation), name, value)

    return changed


def path(people, rest=""):
    return f"/reservations/{people.reservation}{rest}"


def test_it_says_what_is_reserved_and_what_it_costs(ada, people):
    text = ada.get(path(people)).text

    assert "Reserved Tuesday 8 December, 10:00–12:00" in text
    assert "With Elena V." in text
    assert "Pass Punch pass, every class 1 punch is spent when you check in; 5 are left now" in text
    assert "Check-in opens on Tue 8 Dec, 08:00" in text
    assert "Cancelling is free until Mon 7 Dec, 10:00." in text


def test_a_week_before_the_code_is_folded_away(ada, people):
    page = ada.get(path(people))

    assert "Show the code for the door" in page.text
    assert "Check in Ada now" not in page.text


def test_on_the_day_the_window_counts_down(ada, people, clock):
    clock.now = START - timedelta(hours=3, minutes=8)

    page = ada.get(path(people))

    assert "Today, 10:00–12:00 · starts in 3 h 8 min" in page.text
    assert "Check-in opens at 08:00 Opens in 1 h 8 min , and closes at 14:00" in page.text
    assert "Show the code for the door" not in page.text  # it is in sight
    assert "Check-in is from 08:00 to 14:00. The class is from 10:00 to 12:00." in page.html


def test_checking_in_is_one_press_and_is_confirmed(ada, people, clock, stored):
    clock.now = START - timedelta(minutes=20)
    page = ada.get(path(people))
    assert "Check-in is open Closes in 4 h 20 min , at 14:00" in page.text
    assert 'x="27.8%"' in page.html  # now, in the first of three thirds

    done = ada.send(page.form("Check in Ada now"))

    assert "Ada is checked in" in done.text
    assert "Checked in at 09:40 by yourself. 1 punch was spent, 4 are left." in done.text
    with stored() as db_session:
        assert db_session.get_one(SessionReservation, people.reservation).status == "CHECKED_IN"
    again = ada.get(path(people)).text
    assert "Checked in at 09:40 by yourself. It cost 1 punch. There is nothing else to do." in again


def test_the_confirmation_of_what_is_not_checked_in_is_the_reservation(ada, people):
    answer = ada.client.get(f"/studio{path(people)}/checked-in")

    assert answer.status_code == 303
    assert answer.location.endswith(path(people))


def test_too_early_is_refused_with_the_window(ada, people, clock):
    clock.now = START - timedelta(minutes=20)
    form = ada.get(path(people)).form("Check in Ada now")
    clock.now = START - timedelta(hours=5)

    page = ada.send(form)

    assert page.status == 409
    assert "08:00" in page.text


def test_the_door_asks_for_its_code_where_the_studio_wants_it(portal, ada, people, clock, stored):
    clock.now = START - timedelta(minutes=20)
    with stored() as db_session:
        make_policy(db_session, db_session.get_one(Studio, people.studio), self_check_in=SelfCheckIn.DOOR_CODE)
    page = ada.get(path(people))
    assert "Door code The six digits on the screen at the door." in page.text

    wrong = ada.send(page.form("Check in Ada now"), door_code="000000")
    assert wrong.status == 409
    assert 'aria-invalid="true"' in wrong.html
    assert "These are not the digits at the door" in wrong.text
    assert ada.send(page.form("Check in Ada now"), door_code="9" * 21).status == 422

    code = CodeSigner(portal.secret_key).door_code(studio_id=people.studio, now=clock.now)
    assert "Ada is checked in" in ada.send(wrong.form("Check in Ada now"), door_code=code).text


def test_without_self_check_in_the_page_says_where_to_go(ada, people, clock, stored):
    clock.now = START - timedelta(minutes=20)
    with stored() as db_session:
        make_policy(db_session, db_session.get_one(Studio, people.studio), self_check_in=SelfCheckIn.OFF)

    page = ada.get(path(people))

    assert "Check in Ada now" not in page.text
    assert "This studio checks people in at the desk." in page.text
    assert "Or show this code at the door." in page.text


def test_a_closed_window_says_what_can_still_be_done(ada, people, clock):
    clock.now = START + timedelta(hours=5)

    assert "Check-in closed at 14:00 Were you there? The studio can still check you in." in ada.get(path(people)).text


def test_undo_is_offered_where_only_an_undo_is_free(ada, people, clock, change):
    clock.now = START - timedelta(hours=3)
    change(undo_until=clock.now + timedelta(minutes=10), first_reserved_at=clock.now - timedelta(minutes=5))

    page = ada.get(path(people))
    assert "It was reserved at 06:55, so it can be undone free of charge until 07:10." in page.text

    assert "Nothing was charged." in ada.send(page.form("Undo")).text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"status": "ATTENDED", "punches_used": 1}, "You were there It cost 1 punch."),
        ({"status": "NO_SHOW", "missed_at": START, "waived_at": START}, "The studio waived this missed class"),
        ({"status": "NO_SHOW", "missed_at": START}, "This class was missed Nobody checked in. It counts as missed."),
        ({"status": "CANCELLED", "cancelled_at": NOW}, "Cancelled on Tue 1 Dec, 10:00 Nothing was charged."),
        (
            {"status": "CANCELLED", "cancelled_at": START, "late": True, "punches_used": 1},
            "It was free until Mon 7 Dec, 10:00. It cost 1 punch. It does not count as missed.",
        ),
        ({"status": "AUTO_CANCELLED", "auto_cancelled_at": NOW}, "Cancelled automatically on Tue 1 Dec, 10:00"),
    ],
)
def test_each_state_says_what_is_so(values, told, ada, people, change):
    change(**values)

    assert told in ada.get(path(people)).text


def test_what_fell_with_a_missed_class_names_it(ada, people, stored, change):
    with stored() as db_session:
        held = db_session.get_one(ClassRegistration, people.ada_pass)
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        before = make_session(db_session, studio_class, starts_at=NOW - timedelta(days=2))
        missed = make_reservation(db_session, held, before, status="NO_SHOW", missed_at=NOW)
        missed_id = missed.id
    change(status="AUTO_CANCELLED", auto_cancelled_at=NOW, auto_cancelled_for_id=missed_id)

    assert "on Sun 29 Nov, 10:00 was missed, and nobody waived it in time." in ada.get(path(people)).text


def test_a_session_called_off_is_the_studios_doing(ada, people, stored, change):
    change(status="CANCELLED", cancelled_at=NOW)
    with stored() as db_session:
        db_session.get_one(ClassSession, people.session).status = "CANCELLED"

    page = ada.get(path(people))

    assert "The studio cancelled this session Nothing was charged." in page.text
    assert any("/sessions?class=" in one for one in page.links)


def test_a_threatened_reservation_has_the_box_to_explain(ada, people, stored):
    with stored() as db_session:
        held = db_session.get_one(ClassRegistration, people.ada_pass)
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        before = make_session(db_session, studio_class, starts_at=NOW - timedelta(hours=20))
        make_reservation(
            db_session,
            held,
            before,
            status="NO_SHOW",
            missed_at=NOW,
            grace_ends_at=NOW + timedelta(hours=10),
            auto_cancel_at=NOW + timedelta(hours=16),
        )

    page = ada.get(path(people))
    assert "This reservation will be cancelled on Wed 2 Dec, 02:00" in page.text

    page = ada.send(page.form("Send"), explanation="The tram stood still.")
    assert "The studio has your explanation" in page.text


def test_a_ward_is_checked_in_by_name(ada, people, stored, clock):
    with stored() as db_session:
        held = db_session.get_one(ClassRegistration, people.otto_pass)
        of_otto = make_reservation(db_session, held, db_session.get_one(ClassSession, people.session)).id
    clock.now = START

    page = ada.get(f"/reservations/{of_otto}?for={people.otto}")

    assert "For Otto Potter" in page.text
    assert "Otto is checked in" in ada.send(page.form("Check in Otto now")).text


def test_a_link_in_a_message_finds_the_wards_page(ada, people, stored):
    with stored() as db_session:
        held = db_session.get_one(ClassRegistration, people.otto_pass)
        of_otto = make_reservation(db_session, held, db_session.get_one(ClassSession, people.session)).id

    answer = ada.client.get(f"/studio/reservations/{of_otto}")

    assert answer.status_code == 303
    assert answer.location.endswith(f"/studio/reservations/{of_otto}?for={people.otto}")


@pytest.mark.parametrize("rest", ["", "/checked-in", "/reservation.ics", "/cancel", "/move"])
def test_somebody_elses_reservation_is_not_found(rest, ada, people):
    assert ada.get(f"/reservations/{people.of_eve}{rest}").status == 404
    assert ada.get(f"/reservations/{people.reservation}{rest}?for={people.otto}").status == 404


def test_what_is_somebody_elses_cannot_be_done_either(ada, people):
    token = ada.get(path(people, "/cancel")).forms[0].fields["csrf_token"]
    for rest in ("check-in", "cancel", "move", "undo"):
        answer = ada.client.post(f"/studio/reservations/{people.of_eve}/{rest}", data={"csrf_token": token})
        assert answer.status_code == 404, rest


def test_a_reservation_on_anothers_pass_is_shown(ada, people, stored):
    with stored() as db_session:
        eve, ada_ = db_session.get_one(Customer, people.eve), db_session.get_one(Customer, people.ada)
        shared = make_pass(db_session, eve, db_session.get_one(Studio, people.studio), members=(ada_,))
        one = make_reservation(db_session, shared, db_session.get_one(ClassSession, people.free), customer=ada_).id

    assert "Punch pass, every class" in ada.get(f"/reservations/{one}").text


def test_two_readers_of_calendars_read_the_same_entry(ada, people):
    answer = ada.client.get(f"/studio{path(people, '/reservation.ics')}")

    assert answer.mimetype == "text/calendar"
    assert "reservation.ics" in answer.headers["Content-Disposition"]
    (event,) = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    other = vobject.readOne(answer.get_data(as_text=True)).vevent
    assert event.decoded("dtstart") == other.dtstart.value == START
    assert event.decoded("dtend") == other.dtend.value == START + timedelta(hours=2)
    assert str(event["uid"]) == other.uid.value == f"{people.reservation}@studio-reservations"
    assert str(event["location"]) == other.location.value == "Wheel room"
    assert other.url.value == f"http://localhost/studio/reservations/{people.reservation}"


def test_a_cancelled_one_has_no_entry(ada, people, change):
    change(status="CANCELLED")

    assert ada.get(path(people, "/reservation.ics")).status == 404
