"""The roster as staff use it: what a tile says, what its buttons do, and what is said where something is refused."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerStudio,
    ReservationHistory,
    SessionReservation,
    Studio,
    StudioClass,
)
from tests import factories
from tests.admin.conftest import press, told
from tests.api.test_queries import counting
from tests.factories import NOW

SESSIONS = "/admin/studio/sessions"
JSON = {"X-Requested-With": "studio"}
START = NOW + timedelta(hours=4)


def roster(place) -> str:
    return f"{SESSIONS}/{place.session}/"


def of(reservation_id, what: str = "") -> str:
    return f"{SESSIONS}/reservations/{reservation_id}/{what}"


def tile_of(page: str, name: str) -> str:
    """Return the markup of one person's tile."""
    found = re.search(rf'<li class="st-tile[^>]*data-name="{name}".*?</li>', page, re.DOTALL)
    assert found is not None, page
    return found[0]


def text_of(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def status_of(stored, reservation_id) -> str:
    stored.expire_all()
    return stored.get_one(SessionReservation, reservation_id).status


def add_people(stored, kiln, number: int, *, session=None, **fields) -> list[SessionReservation]:
    studio = stored.get_one(Studio, kiln.own.studio)
    session = session or stored.get_one(ClassSession, kiln.own.session)
    session.capacity += number
    made = []
    for index in range(number):
        customer = factories.make_customer(stored, studio, name=f"Person {index:03}")
        made.append(
            factories.make_reservation(stored, factories.make_pass(stored, customer, studio), session, **fields)
        )
    stored.commit()
    return made


def test_the_sessions_of_a_day_lead_to_their_rosters(as_role, kiln):
    page = as_role("front_desk").get(f"{SESSIONS}/").text

    assert "Tuesday 1 December" in page
    assert roster(kiln.own) in page
    assert "1 checked in, 1 to come, 6 free of 8" in page
    assert f"{SESSIONS}/?studio=kiln&amp;day=2026-12-02" in page


def test_a_day_that_is_none_is_a_message_and_another_day_without_sessions_says_so(as_role):
    desk = as_role("front_desk")

    assert "That is no day of a calendar" in desk.get(f"{SESSIONS}/?day=tomorrow").text
    assert "That is no day of a calendar" in desk.get(f"{SESSIONS}/?day=0001-01-01").text
    assert "No session is on this day" in desk.get(f"{SESSIONS}/?day=2027-05-01").text
    assert desk.get(f"{SESSIONS}/?studio=another").status_code == 404


def test_an_instructor_finds_their_own_sessions_alone(as_role, stored, kiln):
    other = factories.make_session(stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=START)
    stored.commit()
    instructor = as_role("instructor")

    assert str(other.id) not in instructor.get(f"{SESSIONS}/").text
    assert instructor.get(f"{SESSIONS}/{other.id}/").status_code == 403
    assert instructor.get(f"{SESSIONS}/{other.id}/live").status_code == 403


def test_today_leads_to_the_roster(as_role, kiln):
    assert roster(kiln.own) in as_role("instructor").get("/admin/studio/").text


def test_each_tile_says_who_it_is_in_what_state_and_what_is_left(as_role, kiln):
    page = as_role("front_desk").get(roster(kiln.own)).text

    assert "Priya Singh First class Not here yet 5 punches Check in Priya Singh" in text_of(
        tile_of(page, "Priya Singh")
    )
    assert "Checked in 10:00, desk 5 punches left Undo check-in of Chi Chen" in text_of(tile_of(page, "Chi Chen"))
    counts = text_of(page[page.index('id="roster-count"') : page.index("Find a name")])
    assert "1 here 1 to come 0 no-shows 6 seats free" in counts
    assert page.index("Chi Chen") < page.index("Priya Singh")


def test_what_is_special_about_somebody_stands_on_their_tile(as_role, stored, kiln):
    studio = stored.get_one(Studio, kiln.own.studio)
    customer = stored.get_one(Customer, kiln.own.customer)
    registration = stored.get_one(ClassRegistration, kiln.own.registration)
    registration.sessions_remaining = 1
    stored.scalars(select(CustomerStudio).where(CustomerStudio.customer_id == customer.id)).one().notes = "Left-handed"
    missed = factories.make_session(
        stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=NOW - timedelta(days=2)
    )
    factories.make_reservation(
        stored, registration, missed, status="NO_SHOW", missed_at=missed.ends_at, counts_as_no_show=True
    )
    factories.make_suspension(stored, customer, studio)
    stored.commit()
    desk = as_role("front_desk")

    tile = text_of(tile_of(desk.get(roster(kiln.own)).text, "Priya Singh"))

    assert "Suspended First class Last punch Missed Sun 29 Nov Note" in tile
    assert "Left-handed" in desk.get(of(kiln.own.pending)).text


def test_a_tap_checks_in_and_another_takes_it_back(as_role, stored, kiln):
    desk = as_role("front_desk")

    page = told(desk, press(desk, of(kiln.own.pending, "check-in")))
    assert "Priya Singh is checked in." in page
    assert status_of(stored, kiln.own.pending) == "CHECKED_IN"
    assert stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining == 4

    told(desk, press(desk, of(kiln.own.pending, "undo-check-in")))
    assert status_of(stored, kiln.own.pending) == "PENDING"
    assert stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining == 5


def test_attendance_is_said_from_the_start_and_undone_without_losing_the_check_in(as_role, stored, kiln, clock):
    desk = as_role("front_desk")

    page = told(desk, press(desk, of(kiln.own.checked_in, "attended")))
    assert "begins on Tue 1 December, 14:00" in tile_of(page, "Chi Chen")
    assert status_of(stored, kiln.own.checked_in) == "CHECKED_IN"

    clock.now = START
    told(desk, press(desk, of(kiln.own.checked_in, "attended")))
    assert status_of(stored, kiln.own.checked_in) == "ATTENDED"
    for _ in range(2):
        told(desk, press(desk, of(kiln.own.checked_in, "undo-attended")))
    assert status_of(stored, kiln.own.checked_in) == "CHECKED_IN"


def test_a_no_show_may_give_its_seat_and_was_here_after_all(as_role, stored, kiln, clock):
    desk = as_role("front_desk")
    clock.now = START

    page = told(desk, press(desk, of(kiln.own.pending, "no-show")))
    assert "No-show" in text_of(tile_of(page, "Priya Singh"))
    assert stored.get_one(ClassSession, kiln.own.session).seats_taken == 2

    told(desk, press(desk, of(kiln.own.pending, "no-show"), release_seat="yes"))
    stored.expire_all()
    assert stored.get_one(ClassSession, kiln.own.session).seats_taken == 1
    assert "Seat released" in tile_of(desk.get(roster(kiln.own)).text, "Priya Singh")

    told(desk, press(desk, of(kiln.own.pending, "check-in")))
    assert status_of(stored, kiln.own.pending) == "CHECKED_IN"
    assert stored.get_one(ClassSession, kiln.own.session).seats_taken == 2


def test_what_is_refused_is_said_once_at_the_tile_with_the_way_on(as_role, kiln, clock):
    desk = as_role("front_desk")
    clock.now = NOW - timedelta(days=1)

    page = told(desk, press(desk, of(kiln.own.pending, "check-in")))

    assert of(kiln.own.pending, "anyway") in tile_of(page, "Priya Singh")
    assert "anyway" not in tile_of(page, "Chi Chen")
    assert "anyway" not in tile_of(desk.get(roster(kiln.own)).text, "Priya Singh")


def test_a_script_is_answered_with_the_sentence_and_who_may_with_the_way_on(as_role, kiln, clock):
    clock.now = NOW - timedelta(days=1)
    answers = {}
    for role in ("front_desk", "instructor"):
        client = as_role(role)
        token = client.get("/api/csrf").get_json()["csrf_token"]
        answer = client.post(of(kiln.own.pending, "check-in"), data={"csrf_token": token}, headers=JSON)
        assert answer.status_code == 409
        answers[role] = answer.get_json()

    assert answers["front_desk"]["code"] == answers["instructor"]["code"] == "not_class_day"
    assert answers["front_desk"]["anyway"] == of(kiln.own.pending, "anyway")
    assert answers["instructor"]["anyway"] is None


def test_checking_in_anyway_asks_why_and_keeps_it(as_role, stored, kiln, clock):
    desk = as_role("front_desk")
    clock.now = NOW - timedelta(days=1)
    anyway = of(kiln.own.pending, "anyway")

    assert "Write why" in press(desk, anyway).text
    assert status_of(stored, kiln.own.pending) == "PENDING"
    assert "Priya Singh is checked in." in told(
        desk, press(desk, anyway, reason="Came a day early; the wheel was free.")
    )

    act = stored.scalars(
        select(ReservationHistory).where(
            ReservationHistory.reservation_id == kiln.own.pending,
            ReservationHistory.action == "reservation.checked_in",
        )
    ).one()
    assert act.reason == "Came a day early; the wheel was free."
    assert act.details is not None
    assert act.details["overridden"] == ["not_class_day"]


def test_with_no_punch_left_the_desk_may_check_in_without_a_charge(as_role, stored, kiln):
    stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining = 0
    stored.commit()
    desk = as_role("front_desk")

    assert "No punch" in press(desk, of(kiln.own.pending, "anyway")).text
    told(desk, press(desk, of(kiln.own.pending, "anyway"), reason="Pays at the till"))

    assert status_of(stored, kiln.own.pending) == "CHECKED_IN"
    assert stored.get_one(SessionReservation, kiln.own.pending).punches_used == 0
    assert "Not charged" in tile_of(desk.get(roster(kiln.own)).text, "Priya Singh")


def test_nobody_is_checked_in_anyway_against_a_rule_that_cannot_be_set_aside(as_role, stored, kiln):
    stored.get_one(ClassSession, kiln.own.session).status = "CANCELLED"
    stored.commit()
    desk = as_role("front_desk")

    assert "That rule cannot be set aside here." in desk.get(of(kiln.own.pending, "anyway")).text
    assert "formaction" not in tile_of(desk.get(roster(kiln.own)).text, "Priya Singh")


def test_cancelling_says_what_it_costs_and_is_free_or_as_the_customer(as_role, stored, kiln):
    reservation = stored.get_one(SessionReservation, kiln.own.pending)
    reservation.late_cancel_punches, reservation.late_cancel_counts = 1, True
    stored.commit()
    desk, cancel = as_role("front_desk"), of(kiln.own.pending, "cancel")

    page = text_of(desk.get(cancel).text)
    assert "It costs 1 punch: 5 now, 4 after. It counts as a no-show." in page

    page = told(desk, press(desk, cancel, terms="customer"))
    assert "1 punch was charged" in page
    assert "cancelled Tue 1 Dec at 10:00, late" in text_of(page)
    stored.expire_all()
    assert stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining == 4


def test_cancelling_free_costs_nothing_and_says_nothing_of_a_charge(as_role, stored, kiln):
    desk, cancel = as_role("front_desk"), of(kiln.own.pending, "cancel")

    assert "Choose on whose terms." in press(desk, cancel, terms="nonsense").text
    assert status_of(stored, kiln.own.pending) == "PENDING"
    assert "charged" not in text_of(told(desk, press(desk, cancel, terms="free")))

    assert status_of(stored, kiln.own.pending) == "CANCELLED"
    assert stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining == 5


def test_a_manager_waives_from_the_roster(as_role, stored, kiln):
    manager = as_role("manager")

    assert of(kiln.own.no_show, "waive") in manager.get(of(kiln.own.no_show)).text
    told(manager, press(manager, of(kiln.own.no_show, "waive"), reason="Ill"))

    assert stored.get_one(SessionReservation, kiln.own.no_show).waived_at is not None


def test_the_front_desk_is_not_offered_what_managers_do(as_role, kiln):
    assert of(kiln.own.no_show, "waive") not in as_role("front_desk").get(of(kiln.own.no_show)).text


def test_a_manager_gives_back_what_the_night_took(as_role, stored, kiln):
    (lost,) = add_people(stored, kiln, 1, status="AUTO_CANCELLED", auto_cancelled_at=NOW - timedelta(hours=8))
    manager = as_role("manager")

    assert of(lost.id, "restore") in manager.get(roster(kiln.own)).text
    told(manager, press(manager, of(lost.id, "restore")))

    assert status_of(stored, lost.id) == "PENDING"


def test_all_that_are_picked_are_checked_in_but_the_one_who_cannot_be(as_role, stored, kiln):
    people = add_people(stored, kiln, 3)
    stored.get_one(ClassRegistration, people[1].registration_id).sessions_remaining = 0
    stored.commit()
    desk = as_role("front_desk")
    token = desk.get("/api/csrf").get_json()["csrf_token"]
    picked = [str(one.id) for one in people] + ["nonsense", str(kiln.foreign.pending)]

    page = told(desk, desk.post(f"{roster(kiln.own)}picked/check-in", data={"csrf_token": token, "picked": picked}))

    assert "2 people checked in. 2 could not be" in page
    assert "No punch" in tile_of(page, "Person 001")
    assert [status_of(stored, one.id) for one in people] == ["CHECKED_IN", "PENDING", "CHECKED_IN"]
    assert status_of(stored, kiln.foreign.pending) == "PENDING"


def test_all_that_are_picked_are_no_shows_from_the_start(as_role, stored, kiln, clock):
    people = add_people(stored, kiln, 2)
    desk = as_role("front_desk")
    clock.now = START
    token = desk.get("/api/csrf").get_json()["csrf_token"]
    sent = {"csrf_token": token, "picked": [str(one.id) for one in people]}

    answer = desk.post(f"{roster(kiln.own)}picked/no-show", data=sent, headers=JSON)

    assert answer.get_json() == {"message": "2 people marked as no-show.", "refused": {}}
    assert {status_of(stored, one.id) for one in people} == {"NO_SHOW"}


def test_nobody_picked_is_said(as_role, kiln):
    desk = as_role("front_desk")

    assert "Nobody is selected." in told(desk, press(desk, f"{roster(kiln.own)}picked/check-in"))


def test_an_instructor_checks_in_and_does_nothing_else(as_role, stored, kiln):
    instructor = as_role("instructor")
    page = instructor.get(roster(kiln.own)).text

    assert "Undo" not in page
    assert "Walk-in" not in page
    assert "priya@" not in instructor.get(of(kiln.own.pending)).text
    assert "Cancel the reservation" not in instructor.get(of(kiln.own.pending)).text
    told(instructor, press(instructor, of(kiln.own.pending, "check-in")))
    assert status_of(stored, kiln.own.pending) == "CHECKED_IN"


def test_what_is_looked_for_is_shown_alone(as_role, kiln):
    desk = as_role("front_desk")

    coming = desk.get(f"{roster(kiln.own)}?show=coming").text
    named = desk.get(f"{roster(kiln.own)}?q=CHI").text

    assert " hidden>" in tile_of(coming, "Chi Chen").split("\n")[0]
    assert " hidden>" not in tile_of(coming, "Priya Singh").split("\n")[0]
    assert " hidden>" in tile_of(named, "Priya Singh").split("\n")[0]
    assert desk.get(f"{roster(kiln.own)}?show=%00&q={'%FF' * 300}").status_code == 200


def test_the_poll_answers_304_until_something_happens(as_role, kiln, clock):
    desk, other, live = as_role("front_desk"), as_role("manager"), f"{roster(kiln.own)}live"
    first = desk.get(live)
    version = {"If-None-Match": first.headers["ETag"]}

    assert desk.get(live, headers=version).status_code == 304
    press(other, of(kiln.own.pending, "check-in"))
    changed = desk.get(live, headers=version)

    assert changed.status_code == 200
    assert "Checked in" in tile_of(changed.text, "Priya Singh")
    assert "<html" not in changed.text
    version = {"If-None-Match": changed.headers["ETag"]}
    assert desk.get(live, headers=version).status_code == 304
    clock.now = START
    assert desk.get(live, headers=version).status_code == 200


def test_a_poll_without_news_costs_four_statements(portal, as_role, kiln):
    desk, live = as_role("front_desk"), f"{roster(kiln.own)}live"
    version = {"If-None-Match": desk.get(live).headers["ETag"]}

    with counting(portal) as statements:
        desk.get(live, headers=version)

    assert len(statements) == 4  # the portal's user, their roles, the session, the number of acts


@pytest.mark.parametrize("page", ["", "live", "print"])
def test_two_hundred_people_cost_what_five_cost(portal, as_role, stored, kiln, page):
    desk, path = as_role("front_desk"), f"{roster(kiln.own)}{page}"
    add_people(stored, kiln, 3)
    desk.get(path)
    with counting(portal) as few:
        desk.get(path)
    add_people(stored, kiln, 195)
    with counting(portal) as many:
        shown = desk.get(path).text

    assert "Person 194" in shown
    assert len(many) == len(few) <= 9


def test_a_day_of_many_sessions_costs_what_one_costs(portal, as_role, stored, kiln):
    desk, path = as_role("front_desk"), f"{SESSIONS}/"
    desk.get(path)
    with counting(portal) as few:
        desk.get(path)
    studio_class = stored.get_one(StudioClass, kiln.own.studio_class)
    for minutes in range(60):
        factories.make_session(stored, studio_class, starts_at=START + timedelta(minutes=minutes))
    stored.commit()
    with counting(portal) as many:
        desk.get(path)

    assert len(many) == len(few)


def test_the_list_on_paper_has_every_name_in_order_with_a_box(as_role, stored, kiln):
    add_people(stored, kiln, 2)
    page = as_role("instructor").get(f"{roster(kiln.own)}print").text

    names = re.findall(r'<th scope="row">([^<]+)', page)
    assert [name.strip() for name in names] == ["Chi Chen", "Person 000", "Person 001", "Priya Singh"]
    assert page.count("st-printbox") == 4 + 6


def test_a_guest_stands_on_the_roster_by_their_own_name(as_role, stored, kiln):
    reservation = stored.get_one(SessionReservation, kiln.own.pending)
    reservation.guest_name = "Gwen <Guest>"
    stored.commit()
    desk = as_role("front_desk")

    assert "Gwen &lt;Guest&gt;" in desk.get(roster(kiln.own)).text
    assert "Gwen &lt;Guest&gt; is checked in." in told(desk, press(desk, of(kiln.own.pending, "check-in")))


def test_a_session_without_anybody_says_what_to_do(as_role, stored, kiln):
    empty = factories.make_session(stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=START)
    stored.commit()

    page = as_role("front_desk").get(f"{SESSIONS}/{empty.id}/").text

    assert "Nobody has reserved a seat." in page
    assert f"{SESSIONS}/{empty.id}/walk-in" in page
