"""The staff's screen of missed classes: what waits, what an act does to the tables, and what followed."""

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
from tests import factories
from tests.admin.conftest import Kiln, press, told
from tests.api.test_queries import counting
from tests.factories import NOW

LIST = "/admin/studio/no-shows/"


def reservation_of(stored, row_id) -> SessionReservation:
    stored.flush()
    stored.expire_all()
    found: SessionReservation = stored.get_one(SessionReservation, row_id)
    return found


@pytest.fixture
def future(stored, kiln: Kiln):
    """A coming reservation on the pass of which a class was missed, which the night will take."""
    missed = stored.get_one(SessionReservation, kiln.own.no_show)
    missed.auto_cancel_at = missed.grace_ends_at + timedelta(hours=10)
    registration = stored.get_one(ClassRegistration, missed.registration_id)
    session = factories.make_session(
        stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=NOW + timedelta(days=3)
    )
    reservation = factories.make_reservation(stored, registration, session)
    stored.commit()
    return reservation.id


def test_what_waits_shows_the_time_left_and_what_the_night_will_take(as_role, kiln: Kiln, stored, future):
    missed = reservation_of(stored, kiln.own.no_show)
    missed.explanation, missed.explained_at = "The tram did not come.", NOW
    stored.commit()

    page = as_role("manager").get(LIST).text

    assert "Noor Diaz" in page
    assert "1st of 3 within 90 days" in page
    assert "“The tram did not come.”" in page
    assert "Then cancelled: Fri 4 Dec, 10:00" in page
    assert "To decide 1" in page


@pytest.mark.parametrize(("acted_on", "explained"), [(False, False), (False, True), (True, True), (True, False)])
def test_a_night_that_has_passed_is_made_up_for_by_the_next_until_it_was_acted_on(
    acted_on, explained, as_role, kiln: Kiln, stored, future, clock
):
    clock.now = NOW + timedelta(days=2)  # Thursday at ten; the night was to cancel on Wednesday
    missed = reservation_of(stored, kiln.own.no_show)
    missed.explanation, missed.explained_at = ("The tram did not come.", NOW) if explained else (None, None)
    missed.futures_cancelled_at = NOW + timedelta(days=1, hours=20) if acted_on else None
    tonight = factories.make_session(
        stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=clock.now + timedelta(hours=8)
    )
    factories.make_reservation(stored, stored.get_one(ClassRegistration, missed.registration_id), tonight)
    stored.commit()
    desk = as_role("front_desk")

    for path, said in (
        (
            f"/admin/studio/customers/{missed.customer_id}/",
            "Cancelled Fri 4 Dec, 02:00, unless the missed class is waived",
        ),
        (LIST, "Waits for an answer" if explained else "Its night has not run yet"),
        (LIST, "Cancelled Fri 4 Dec, 02:00, unless it is waived: Fri 4 Dec, 10:00</p>"),
        (f"{LIST}customers/{missed.customer_id}/", "1 reservation cancelled Fri 4 Dec, 02:00, unless it is waived"),
        ("/admin/studio/", "1 of them is acted on within a day"),
    ):
        page = desk.get(path).text
        assert page.count(said) == ((acted_on and said == "Waits for an answer") or not acted_on), path
        assert "ancelled Wed 2 Dec" not in page
    waits = int(explained or not acted_on)
    assert f"To decide {waits}<" in desk.get(LIST).text
    assert ("1 no-show can still be waived" in desk.get("/admin/studio/").text) == bool(waits)
    assert (f"{LIST}customers/{missed.customer_id}/" in desk.get(f"{LIST}?show=past").text) != bool(waits)


def test_a_waive_asks_first_and_then_says_what_came_back(as_role, kiln: Kiln, stored, future):
    manager = as_role("manager")
    address = f"{LIST}{kiln.own.no_show}/waive"

    asked = manager.get(address).text
    assert "Waive Noor Diaz’s missed class?" in asked
    assert reservation_of(stored, kiln.own.no_show).waived_at is None

    said = told(manager, press(manager, address, reason="Tram strike"))

    assert "Noor Diaz’s missed class is waived." in said
    assert "Nothing waits for a decision." in said
    assert reservation_of(stored, kiln.own.no_show).waived_at == NOW
    [act] = [one for one in factories.history_of(stored, kiln.own.no_show) if one["action"] == "reservation.waived"]
    assert act["reason"] == "Tram strike"
    past = manager.get(f"{LIST}?show=past").text
    assert "Waived by" in past
    assert "“Tram strike”" in past


def test_a_waive_is_taken_back_while_grace_lasts(as_role, kiln: Kiln, stored):
    manager = as_role("manager")
    press(manager, f"{LIST}{kiln.own.no_show}/waive")

    said = told(manager, press(manager, f"{LIST}{kiln.own.no_show}/unwaive"))

    assert "counts again" in said
    assert reservation_of(stored, kiln.own.no_show).waived_at is None


def test_a_declined_explanation_stays_in_sight(as_role, kiln: Kiln, stored):
    missed = reservation_of(stored, kiln.own.no_show)
    missed.explanation, missed.explained_at = "I was there!", NOW
    stored.commit()
    manager = as_role("manager")

    said = told(manager, press(manager, f"{LIST}{kiln.own.no_show}/decline", reason="The camera says no."))

    assert "Declined: “The camera says no.”" in said
    assert reservation_of(stored, kiln.own.no_show).explanation_answer == "DECLINED"


def test_the_desk_marks_that_somebody_was_there_and_cannot_waive(as_role, kiln: Kiln, stored):
    desk = as_role("front_desk")

    assert "Waive…" not in desk.get(LIST).text
    said = told(desk, press(desk, f"{LIST}{kiln.own.no_show}/here"))

    assert "Noor Diaz was there" in said
    assert reservation_of(stored, kiln.own.no_show).status == "CHECKED_IN"


def test_after_the_class_day_it_takes_a_reason(as_role, kiln: Kiln, stored, clock):
    clock.advance(days=1)
    desk = as_role("front_desk")
    address = f"{LIST}{kiln.own.no_show}/here"

    refused = press(desk, address)
    assert "Write why: the history keeps it." in refused.text
    assert reservation_of(stored, kiln.own.no_show).status == "NO_SHOW"

    press(desk, address, reason="The scanner was broken.")
    assert reservation_of(stored, kiln.own.no_show).status == "CHECKED_IN"


def test_what_the_night_cancelled_is_restored_or_says_why_it_cannot_be(as_role, kiln: Kiln, stored, future):
    lost = reservation_of(stored, future)
    session = stored.get_one(ClassSession, lost.session_id)
    lost.status, lost.auto_cancelled_for_id = "AUTO_CANCELLED", kiln.own.no_show
    session.seats_taken = 0
    missed = reservation_of(stored, kiln.own.no_show)
    missed.grace_ends_at = missed.auto_cancel_at = missed.futures_cancelled_at = NOW - timedelta(hours=1)
    stored.commit()
    manager = as_role("manager")
    past = manager.get(f"{LIST}?show=past").text
    assert "1 reservation cancelled on" in past.lower()
    assert "Restore Fri 4 Dec…" in past

    session.seats_taken = session.capacity
    stored.commit()
    assert "Fri 4 Dec cannot come back: all 10 seats are taken" in manager.get(f"{LIST}?show=past").text

    session.seats_taken = 0
    stored.commit()
    said = told(manager, press(manager, f"{LIST}{future}/restore"))

    assert "Noor Diaz has the seat back" in said
    assert reservation_of(stored, future).status == "PENDING"


def test_a_restore_that_is_refused_says_why_and_offers_what_may_be_set_aside(as_role, kiln: Kiln, stored, future):
    lost = reservation_of(stored, future)
    lost.status, lost.auto_cancelled_for_id = "AUTO_CANCELLED", kiln.own.no_show
    stored.get_one(ClassSession, lost.session_id).seats_taken = 0
    studio = stored.get_one(Studio, kiln.own.studio)
    customer = stored.get_one(ClassRegistration, lost.registration_id).customer_id
    factories.make_suspension(stored, stored.get_one(Customer, customer), studio)
    stored.commit()
    manager = as_role("manager")
    address = f"{LIST}{future}/restore"

    refused = press(manager, address)

    assert refused.status_code == 409
    assert "New reservations are paused" in refused.text
    assert 'name="override" value="customer_suspended"' in refused.text
    told(manager, press(manager, address, override="customer_suspended", reason="Talked it over."))
    assert reservation_of(stored, future).status == "PENDING"


def test_by_customer_counts_and_leads_to_their_history(as_role, kiln: Kiln, stored):
    desk = as_role("front_desk")

    assert "Noor Diaz" in desk.get(f"{LIST}?show=customers").text
    customer = reservation_of(stored, kiln.own.no_show).customer_id
    assert "Missed by Noor Diaz" in desk.get(f"{LIST}customers/{customer}/").text


def test_nothing_is_offered_upon_a_reservation_that_was_not_missed(as_role, kiln: Kiln):
    answer = as_role("manager").get(f"{LIST}{kiln.own.pending}/waive")

    assert answer.status_code == 409


@pytest.mark.parametrize(
    "query", ["show=nonsense", "show=past&before=yesterday", "show=past&before=2026-01-01,x", "studio="]
)
def test_nonsense_in_the_address_is_no_error(as_role, query):
    assert as_role("manager").get(f"{LIST}?{query}").status_code in (200, 404)


def test_a_hundred_missed_classes_cost_as_many_queries_as_one(as_role, kiln: Kiln, stored, portal):
    manager = as_role("manager")

    def queries() -> int:
        with counting(portal) as statements:
            assert manager.get(LIST).status_code == 200
        return len(statements)

    queries()
    before = queries()
    ended = stored.get_one(ClassSession, reservation_of(stored, kiln.own.no_show).session_id)
    ended.capacity = 200
    studio = stored.get_one(Studio, kiln.own.studio)
    for number in range(100):
        customer = factories.make_customer(stored, studio, name=f"Customer {number}")
        factories.make_reservation(
            stored,
            factories.make_pass(stored, customer, studio),
            ended,
            status="NO_SHOW",
            missed_at=ended.ends_at,
            counts_as_no_show=True,
            grace_ends_at=NOW + timedelta(hours=20),
        )
    stored.commit()

    assert queries() == before
