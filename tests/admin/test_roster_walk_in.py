"""Walking in, and scanning a code: each from what is typed to what the tables hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    ReservationHistory,
    SessionReservation,
    Studio,
    StudioClass,
)
from studio_reservations.services.codes import CodeSigner
from tests import factories
from tests.admin.conftest import press, told
from tests.admin.test_roster import JSON, SESSIONS, START, roster, status_of, text_of
from tests.factories import NOW


@pytest.fixture
def visitor(stored, kiln) -> ClassRegistration:
    """Wanda, known to the studio, with a pass of five punches and no reservation."""
    studio = stored.get_one(Studio, kiln.own.studio)
    customer = factories.make_customer(
        stored, studio, name="Wanda Ito", phone="+14165550123", email="wanda@example.org"
    )
    registration = factories.make_pass(stored, customer, studio)
    stored.commit()
    return registration


def walk_in(kiln, what: object = "") -> str:
    return f"{roster(kiln.own)}walk-in{f'/{what}' if what else ''}"


def reservation_of(stored, customer_id) -> SessionReservation | None:
    stored.expire_all()
    return stored.scalar(select(SessionReservation).where(SessionReservation.customer_id == customer_id))


@pytest.mark.parametrize("words", ["wanda", "416 555 0123", "WANDA@example"])
def test_somebody_is_found_by_name_phone_or_email(as_role, kiln, visitor, words):
    page = as_role("front_desk").get(walk_in(kiln), query_string={"q": words}).text

    assert walk_in(kiln, visitor.customer_id) in page
    assert "Noor Diaz" not in page


def test_another_studios_customer_is_not_found(as_role, kiln):
    desk = as_role("front_desk")

    assert "Nobody this studio knows" in desk.get(f"{walk_in(kiln)}?q=priya@another").text
    assert desk.get(walk_in(kiln, kiln.foreign.customer)).status_code == 404


def test_before_the_start_a_pass_is_enough_to_be_reserved_and_checked_in(as_role, stored, kiln, visitor):
    desk = as_role("front_desk")

    assert "5 now, 4 after" in desk.get(walk_in(kiln, visitor.customer_id)).text
    page = told(desk, press(desk, walk_in(kiln, visitor.customer_id), pass_id=visitor.id))

    assert "Wanda Ito is checked in." in page
    made = reservation_of(stored, visitor.customer_id)
    assert made is not None
    assert (made.status, made.punches_used) == ("CHECKED_IN", 1)
    assert stored.get_one(ClassRegistration, visitor.id).sessions_remaining == 4


def test_on_another_day_a_walk_in_is_a_reservation(as_role, stored, kiln, visitor, clock):
    desk = as_role("front_desk")
    clock.now = NOW - timedelta(days=1)

    told(desk, press(desk, walk_in(kiln, visitor.customer_id), pass_id=visitor.id))

    made = reservation_of(stored, visitor.customer_id)
    assert made is not None
    assert made.status == "PENDING"


def test_after_the_start_the_desk_says_why(as_role, stored, kiln, visitor, clock):
    desk, path = as_role("front_desk"), walk_in(kiln, visitor.customer_id)
    clock.now = START + timedelta(minutes=10)

    refused = press(desk, path, pass_id=visitor.id, reason=" ")
    assert refused.status_code == 422
    assert "The session began at 14:00." in refused.text
    assert reservation_of(stored, visitor.customer_id) is None

    told(desk, press(desk, path, pass_id=visitor.id, reason="The bus was late"))
    made = reservation_of(stored, visitor.customer_id)
    assert made is not None
    assert made.status == "CHECKED_IN"
    acts = stored.scalars(select(ReservationHistory).where(ReservationHistory.reservation_id == made.id)).all()
    created = next(one for one in acts if one.action == "reservation.created")
    assert (created.reason, created.details["overridden"]) == ("The bus was late", ["session_started"])


def test_somebody_new_is_added_and_a_manager_issues_a_drop_in(as_role, stored, kiln):
    manager = as_role("manager")

    added = press(manager, walk_in(kiln, "new"), name="Zoë  New", email="zoe@example.org", phone="416 555 0199")
    assert added.status_code == 303
    customer = stored.scalars(select(Customer).where(Customer.email == "zoe@example.org")).one()
    assert added.headers["Location"].endswith(str(customer.id))
    assert (customer.name, customer.phone) == ("Zoë New", "+14165550199")

    told(manager, press(manager, added.headers["Location"], pass_id="issue"))
    made = reservation_of(stored, customer.id)
    assert made is not None
    assert made.status == "CHECKED_IN"
    issued = stored.get_one(ClassRegistration, made.registration_id)
    assert (issued.pass_type, issued.sessions_remaining) == ("drop_in", 0)


def test_what_is_wrong_with_a_new_customer_is_said_at_the_field_and_what_was_typed_stays(as_role, stored, kiln):
    desk = as_role("front_desk")

    page = press(desk, walk_in(kiln, "new"), name="Zoë", email="no address", phone="12").text

    assert "Write an e-mail address." in page
    assert "Write a phone number" in page
    assert 'value="no address"' in page
    assert "Write a name." in press(desk, walk_in(kiln, "new"), name="").text
    assert stored.scalar(select(Customer).where(Customer.name == "Zoë")) is None


def test_the_front_desk_issues_nothing(as_role, stored, kiln):
    customer = factories.make_customer(stored, stored.get_one(Studio, kiln.own.studio), name="No Pass")
    stored.commit()
    desk, path = as_role("front_desk"), walk_in(kiln, customer.id)

    assert "No Pass holds no pass here. A manager can issue a drop-in." in text_of(desk.get(path).text)
    assert press(desk, path, pass_id="issue").status_code == 422
    assert reservation_of(stored, customer.id) is None


def test_nothing_is_left_of_a_walk_in_that_finds_no_seat(as_role, stored, kiln, visitor):
    session = stored.get_one(ClassSession, kiln.own.session)
    session.capacity = session.seats_taken
    stored.commit()
    manager, path = as_role("manager"), walk_in(kiln, visitor.customer_id)

    assert "All 2 seats are taken" in manager.get(walk_in(kiln)).text
    assert "All 2 seats are taken" in press(manager, path, pass_id="issue").text

    held = stored.scalars(select(ClassRegistration).where(ClassRegistration.customer_id == visitor.customer_id)).all()
    assert [one.pass_type for one in held] == ["punch_pass"]


def test_a_pass_that_cannot_be_used_says_why(as_role, stored, kiln, visitor):
    stored.get_one(ClassRegistration, visitor.id).status = "FROZEN"
    stored.commit()

    page = as_role("front_desk").get(walk_in(kiln, visitor.customer_id)).text

    assert "This pass is frozen." in page
    assert "None of the passes of Wanda Ito can be used" in page


def scan(client, code: str):
    token = client.get("/api/csrf").get_json()["csrf_token"]
    return client.post(f"{SESSIONS}/scan/code", data={"csrf_token": token, "code": code}, headers=JSON).get_json()


def code_of(portal, reservation_id) -> str:
    return CodeSigner(portal.secret_key).code_for(reservation_id)


def test_a_code_checks_in_whoever_it_is_and_again_says_so(portal, as_role, stored, kiln):
    desk, code = as_role("instructor"), code_of(portal, kiln.own.pending)

    assert scan(desk, f" {code}\n") == {
        "ok": True,
        "message": "Priya Singh is checked in: Glazing at Kiln Street, Tue 1 Dec, 14:00. 4 punches left.",
    }
    assert scan(desk, code) == {
        "ok": True,
        "message": "Priya Singh was checked in already: Glazing at Kiln Street, Tue 1 Dec, 14:00.",
    }
    assert status_of(stored, kiln.own.pending) == "CHECKED_IN"
    assert stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining == 4


def test_without_a_script_the_page_says_who_it_was(portal, as_role, kiln):
    desk = as_role("front_desk")

    sent = press(desk, f"{SESSIONS}/scan/code", code=code_of(portal, kiln.own.pending))

    assert "Priya Singh is checked in: Glazing" in told(desk, sent)


def test_a_code_that_does_not_do_says_exactly_why(portal, as_role, stored, kiln, clock):
    stored.get_one(ClassRegistration, kiln.own.registration).sessions_remaining = 0
    stored.commit()
    desk = as_role("front_desk")

    assert scan(desk, "nonsense") == {"ok": False, "message": scan(desk, "")["message"]}
    assert "not valid here" in scan(desk, "nonsense")["message"]
    assert "another studio" in scan(desk, code_of(portal, kiln.foreign.pending))["message"]
    short = scan(desk, code_of(portal, kiln.own.pending))
    assert short["message"].startswith("Priya Singh, Glazing at Kiln Street, Tue 1 Dec, 14:00: No punches are left")
    clock.now = NOW - timedelta(days=1)
    early = scan(desk, code_of(portal, kiln.own.pending))
    assert early["message"].startswith("Priya Singh, Glazing at Kiln Street, Tue 1 Dec, 14:00: Check-in opens on")
    assert status_of(stored, kiln.own.pending) == "PENDING"


def test_an_instructor_scans_for_their_own_sessions_alone(portal, as_role, stored, kiln):
    studio = stored.get_one(Studio, kiln.own.studio)
    other = factories.make_session(stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=START)
    customer = factories.make_customer(stored, studio)
    reservation = factories.make_reservation(stored, factories.make_pass(stored, customer, studio), other)
    stored.commit()

    assert "somebody else teaches" in scan(as_role("instructor"), code_of(portal, reservation.id))["message"]
    assert status_of(stored, reservation.id) == "PENDING"
