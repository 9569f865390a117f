"""The staff's way to a person: found in any writing, added once, reserved for, merged, erased."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from studio_reservations.models import (
    AccessKind,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerStudio,
    ReservationHistory,
    Rollout,
    SessionReservation,
    Studio,
    StudioClass,
)
from tests import factories
from tests.admin.conftest import Kiln, press, told
from tests.api.test_queries import counting
from tests.factories import NOW

LIST = "/admin/studio/customers/"


def of(customer_id, act: str = "") -> str:
    return f"{LIST}{customer_id}/{act}"


@pytest.fixture
def priya(kiln: Kiln):
    """The customer who holds a seat at 14:00."""
    return kiln.own.customer


@pytest.fixture
def later(stored, kiln: Kiln):
    """A session in three days with two seats."""
    session = factories.make_session(
        stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=NOW + timedelta(days=3), capacity=2
    )
    stored.commit()
    return session.id


def reservations_of(stored, customer_id) -> list[SessionReservation]:
    stored.expire_all()
    wanted = select(SessionReservation).where(SessionReservation.customer_id == customer_id)
    return list(stored.scalars(wanted.order_by(SessionReservation.reserved_at)))


def test_a_customer_is_found_by_name_email_and_phone_in_any_writing(as_role, stored, priya):
    desk = as_role("front_desk")
    numbers = {
        "+14165550123": (
            "priya",
            "singh priya",
            "priya@kiln",
            "416 555-0123",
            "(416) 555 0123",
            "1.416.555.0123",
            "0123",
            "pri\0ya",
        ),
        "+442079460018": ("+44 20 7946 0018", "011 44 20 7946 0018", "20-7946-0018"),
    }
    for phone, writings in numbers.items():
        stored.get_one(Customer, priya).phone = phone
        stored.commit()
        for q in writings:
            page = desk.get(LIST, query_string={"q": q}).text
            assert "Priya Singh" in page, q
            assert "Chi Chen" not in page, q


def test_the_list_says_what_comes_next_and_who_is_suspended(as_role):
    page = as_role("front_desk").get(LIST).text

    assert "Next: Tue 1 Dec, 14:00" in page
    assert "Suspended through Mon 14 Dec" in page
    assert "another.example" not in page


def test_nobody_found_leads_to_a_new_customer_of_that_name(as_role):
    page = as_role("front_desk").get(LIST, query_string={"q": "Zoë <i>"}).text

    assert "Nobody is found for “Zoë &lt;i&gt;”" in page
    assert "new?studio=kiln&amp;name=Zo%C3%AB" in page


def test_nonsense_in_the_address_is_a_page_all_the_same(as_role, priya):
    desk = as_role("front_desk")
    for query in ("page=-1", "page=x", "page=99999999999999999999", "q=%00%25_", "page=%C2%B2"):
        assert desk.get(f"{LIST}?{query}").status_code == 200, query
    for query in ("day=yesterday", "day=2020-01-01", "day=9999-12-31", "pass=x", "pass=" + "0" * 32):
        assert desk.get(of(priya, f"reserve?{query}")).status_code == 200, query


def test_a_list_of_many_costs_what_one_costs(portal, as_role, stored, kiln: Kiln):
    desk = as_role("front_desk")
    desk.get(LIST)
    with counting(portal) as few:
        desk.get(LIST)
    studio = stored.get_one(Studio, kiln.own.studio)
    for number in range(60):
        customer = factories.make_customer(stored, studio, name=f"Many {number:02}")
        factories.make_pass(stored, customer, studio)
    stored.commit()
    with counting(portal) as many:
        page = desk.get(LIST).text

    assert len(many) == len(few), many
    assert "page=2" in page


def test_a_customer_is_added_and_looked_at(as_role, stored, kiln: Kiln):
    desk = as_role("front_desk")

    page = told(desk, press(desk, f"{LIST}new", name="Zoë Quist", email="zoe@example.org", phone="(416) 555-0199"))

    assert "Zoë Quist is a customer of Kiln Street now." in page
    assert "tel:+14165550199" in page
    added = stored.scalars(select(Customer).where(Customer.name == "Zoë Quist")).one()
    assert stored.scalars(select(CustomerStudio.studio_id).where(CustomerStudio.customer_id == added.id)).one() == (
        kiln.own.studio
    )


def test_whoever_may_be_the_same_person_is_shown_before_another_is_added(as_role, stored, priya):
    desk = as_role("front_desk")
    who = {"name": "P. Singh", "email": "PRIYA@kiln.example"}

    page = press(desk, f"{LIST}new", **who)

    assert page.status_code == 200
    assert "Kiln Street may know this person already" in page.text
    assert of(priya) in page.text
    assert "(same e-mail)" in page.text
    assert stored.scalar(select(Customer).where(Customer.name == "P. Singh")) is None
    first, second = re.findall(r'<button class="st-btn([^>]*)>', page.text.partition("Kiln Street may know")[2])[:2]
    assert "anyway" not in first  # which Enter in a field presses
    (anyway,) = re.findall(r'name="anyway" value="(\w+)"', second)
    # It answers what was asked: of another name it is asked anew.
    assert "may know" in press(desk, f"{LIST}new", anyway=anyway, **who | {"name": "Paul Singh"}).text
    assert "P. Singh is a customer" in told(desk, press(desk, f"{LIST}new", anyway=anyway, **who))


def test_what_cannot_be_a_phone_is_said_at_the_field_and_the_rest_stays(as_role):
    page = press(as_role("front_desk"), f"{LIST}new", name="Zoë Quist", phone="12")

    assert page.status_code == 422
    assert "Write a phone number, outside the country with its country code" in page.text
    assert 'value="Zoë Quist"' in page.text


def test_a_customers_page_tells_passes_reservations_missed_classes_and_the_story(as_role, stored, kiln: Kiln):
    noor = stored.get_one(SessionReservation, kiln.own.no_show).customer_id

    page = as_role("front_desk").get(of(noor)).text

    assert "0 of 3</b> count within 90 days" in page
    assert "In grace" in page
    assert "5 punches left" in page
    assert "Issue a pass" not in page
    assert "Times are" in page or "All times are America/Toronto" in page


def test_who_acts_for_a_child_is_named(as_role, stored, kiln: Kiln, priya):
    studio = stored.get_one(Studio, kiln.own.studio)
    child = factories.make_customer(stored, studio, name="Otto Singh")
    factories.give_access(stored, stored.get_one(Customer, priya), "portal-7")
    factories.give_access(stored, child, "portal-7", kind=AccessKind.GUARDIAN)
    stored.commit()
    desk = as_role("front_desk")

    assert "Priya Singh</a>, as guardian" in desk.get(of(child.id)).text
    assert "Otto Singh</a>" in desk.get(of(priya)).text


def test_notes_are_the_studios_own_and_stay_out_of_the_history(as_role, stored, priya):
    desk = as_role("front_desk")

    assert "The notes are saved." in told(desk, press(desk, of(priya, "notes"), notes="Left-handed <wheel 3>"))

    assert "Left-handed &lt;wheel 3&gt;" in desk.get(of(priya)).text
    act = stored.scalars(select(ReservationHistory).where(ReservationHistory.subject_id == priya)).all()[-1]
    assert (act.action, act.details) == ("customer.changed", {"fields": ["notes"]})
    assert "Write at most 1,000 characters." in press(desk, of(priya, "notes"), notes="x" * 1001).text


def test_a_session_is_reserved_with_the_pass_and_the_cost_said_before(as_role, stored, priya, later):
    desk = as_role("front_desk")

    page = desk.get(of(priya, "reserve?day=2026-12-04")).text
    assert "With Punch pass: 4 punches free now, 3 after." in page
    page = told(desk, press(desk, of(priya, f"reserve/{later}")))

    assert "Reserved for Priya Singh: Glazing at Kiln Street, Fri 4 Dec, 10:00, with Punch pass (All classes)." in page
    made = reservations_of(stored, priya)[-1]
    assert (made.session_id, made.status, made.punches_held) == (later, "PENDING", 1)


def test_a_refused_session_stays_in_the_list_with_its_reason(as_role, stored, priya, later):
    stored.get_one(ClassSession, later).seats_taken = 2
    stored.commit()
    desk = as_role("manager")

    page = desk.get(of(priya, "reserve?day=2026-12-04")).text
    assert "All 2 seats are taken." in page
    assert "Reserve anyway" not in page
    refused = press(desk, of(priya, f"reserve/{later}"))

    assert refused.status_code == 409
    assert "All 2 seats are taken." in refused.text
    assert "Choose another session" in refused.text


@pytest.fixture
def sam(stored, kiln: Kiln):
    """A suspended customer with a pass."""
    sam = stored.scalars(
        select(Customer)
        .join(CustomerStudio)
        .where(Customer.name == "Sam Suspended", CustomerStudio.studio_id == kiln.own.studio)
    ).one()
    factories.make_pass(stored, sam, stored.get_one(Studio, kiln.own.studio))
    stored.commit()
    return sam.id


def test_the_desk_cannot_set_a_suspension_aside(as_role, sam, later):
    page = as_role("front_desk").get(of(sam, f"reserve/{later}")).text

    assert "New reservations are paused through Mon 14 December." in page
    assert "Reserve anyway" not in page


def test_a_suspended_customer_is_reserved_for_by_a_manager_with_a_reason(as_role, stored, sam, later):
    manager, path = as_role("manager"), of(sam, f"reserve/{later}")

    assert "Reserve anyway" in manager.get(path).text
    assert "Write why" in press(manager, path, override="customer_suspended").text
    page = told(manager, press(manager, path, override="customer_suspended", reason="Agreed by phone"))

    assert "Reserved for Sam Suspended" in page
    made = reservations_of(stored, sam)[-1]
    assert factories.history_of(stored, made.id)[0]["details"]["overridden"] == ["customer_suspended"]


def test_a_days_sessions_cost_the_same_for_one_and_for_many(portal, as_role, stored, kiln: Kiln, priya, later):
    desk, path = as_role("front_desk"), of(priya, "reserve?day=2026-12-04")
    desk.get(path)
    with counting(portal) as few:
        desk.get(path)
    studio_class = stored.get_one(StudioClass, kiln.own.studio_class)
    for number in range(30):
        factories.make_session(stored, studio_class, starts_at=NOW + timedelta(days=3, minutes=number))
    stored.commit()
    with counting(portal) as many:
        desk.get(path)

    assert len(many) == len(few), many


def test_a_reservation_is_given_back_on_the_customers_terms_or_free(as_role, stored, kiln: Kiln, priya):
    desk, path = as_role("front_desk"), of(priya, f"reservations/{kiln.own.pending}/cancel")

    page = desk.get(path).text
    assert "Free cancellation ended Mon 30 Nov, 14:00" in page
    assert "is cancelled for Priya Singh." in told(desk, press(desk, path, terms="free", reason="Ill"))

    stored.expire_all()
    cancelled = stored.get_one(SessionReservation, kiln.own.pending)
    assert (cancelled.status, cancelled.late) == ("CANCELLED", False)
    assert "“Ill”" in desk.get(of(priya)).text


def test_two_records_are_merged_after_what_moves_was_shown(as_role, stored, kiln: Kiln, priya):
    studio = stored.get_one(Studio, kiln.own.studio)
    again = factories.make_customer(stored, studio, name="Priya Singh", email=None, phone="+14165550123")
    factories.make_pass(stored, again, studio)
    stored.commit()
    manager = as_role("manager")

    assert "same name" in manager.get(of(priya, "merge")).text
    page = manager.get(of(priya, f"merge?with={again.id}")).text
    assert "1 pass" in page
    assert "The phone +14165550123" in page
    assert "Write why" in press(manager, of(priya, "merge"), **{"with": str(again.id)}).text
    page = told(manager, press(manager, of(priya, "merge"), **{"with": str(again.id)}, reason="Typed twice"))

    assert "are one customer now" in page
    stored.expire_all()
    assert stored.get_one(Customer, again.id).merged_into_id == priya
    assert len(stored.scalars(select(ClassRegistration).where(ClassRegistration.customer_id == priya)).all()) == 2


def test_two_who_hold_a_seat_in_the_same_session_are_not_merged(as_role, stored, kiln: Kiln, priya):
    chi = stored.get_one(SessionReservation, kiln.own.checked_in).customer_id

    page = as_role("manager").get(of(priya, f"merge?with={chi}")).text

    assert "Both hold a seat in the same session" in page
    assert "Glazing at Kiln Street, Tue 1 Dec, 14:00" in page
    assert "Merge the two" not in page


def test_another_studios_customer_cannot_be_merged(as_role, kiln: Kiln, priya):
    assert as_role("owner").get(of(priya, f"merge?with={kiln.foreign.customer}")).status_code == 404


def test_erasing_says_what_the_books_keep_and_asks_for_the_name(as_role, stored, kiln: Kiln, priya):
    owner = as_role("owner")

    page = owner.get(of(priya, "erase")).text
    assert "1 coming reservation</b>, cancelled free" in page
    assert "1 pass with every punch of the ledger" in page
    assert "That is not the name" in press(owner, of(priya, "erase"), name="Priya").text
    page = told(owner, press(owner, of(priya, "erase"), name=" priya  singh"))

    assert "The customer is erased." in page
    assert owner.get(of(priya)).status_code == 404
    stored.expire_all()
    gone = stored.get_one(Customer, priya)
    assert (gone.name, gone.email) == ("Erased customer", None)
    assert stored.get_one(SessionReservation, kiln.own.pending).status == "CANCELLED"
    assert (
        stored.scalar(
            select(ReservationHistory.performed_by_kind).where(ReservationHistory.action == "customer.erased")
        )
        == "STAFF"
    )


def test_whom_another_studio_knows_too_is_not_erased_by_one_owner(as_role, stored, kiln: Kiln, priya):
    factories.link(stored, stored.get_one(Customer, priya), stored.get_one(Studio, kiln.foreign.studio))
    stored.commit()
    owner = as_role("owner")

    assert "Another studio knows Priya Singh too" in owner.get(of(priya, "erase")).text
    assert press(owner, of(priya, "erase"), name="Priya Singh").status_code == 403
    stored.expire_all()
    assert stored.get_one(Customer, priya).erased_at is None


def test_an_owner_lets_a_customer_in_while_reservations_are_internal(as_role, stored, kiln: Kiln, priya):
    stored.get_one(Studio, kiln.own.studio).rollout = Rollout.INTERNAL
    stored.commit()
    owner = as_role("owner")

    assert "is not let in" in owner.get(of(priya)).text
    assert "can reserve while reservations are internal" in told(
        owner, press(owner, of(priya, "internal"), internal="1")
    )

    stored.expire_all()
    assert stored.scalars(select(CustomerStudio.internal).where(CustomerStudio.customer_id == priya)).one() is True
