"""Passes on the staff's screens: found, issued from the plugin's own options, changed after a look at what that costs."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ReservationHistory,
    SessionReservation,
    Studio,
    StudioClass,
)
from tests import factories, host
from tests.admin.conftest import Kiln, make_portal, press, told
from tests.api.test_queries import counting
from tests.factories import NOW

LIST = "/admin/studio/passes/"


def of(registration_id: UUID, act: str = "") -> str:
    return f"{LIST}{registration_id}/{act}"


def seen(page: str) -> str:
    """Return what says on which terms the reader looked at a pass."""
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found is not None
    return found[1]


def kept(stored, registration_id: UUID) -> ClassRegistration:
    stored.expire_all()
    found: ClassRegistration = stored.get_one(ClassRegistration, registration_id)
    return found


@pytest.fixture
def held(kiln: Kiln):
    """A punch pass of 5 with one seat held today at 14:00."""
    return kiln.own.registration


@pytest.fixture
def other_class(stored, kiln: Kiln):
    """A second class of the studio."""
    studio_class = factories.make_class(stored, stored.get_one(Studio, kiln.own.studio), title="Raku firing")
    stored.commit()
    return studio_class.id


def test_the_list_says_what_is_left_and_what_comes_next(as_role):
    page = as_role("front_desk").get(LIST).text

    assert "Priya Singh" in page
    assert "5 punches left" in page
    assert "1 held for reservations, 4 free" in page
    assert "Next: Tue 1 Dec, 14:00, Glazing at Kiln Street" in page
    assert "another.example" not in page
    assert "Issue a pass" not in page


def test_passes_are_found_by_what_one_asks(as_role, stored, kiln: Kiln, held):
    kept(stored, held).valid_until = date(2026, 12, 20)
    kept(stored, stored.get_one(SessionReservation, kiln.own.checked_in).registration_id).status = "FROZEN"
    kept(stored, stored.get_one(SessionReservation, kiln.own.no_show).registration_id).pass_type = "lunar_pass"
    stored.commit()
    desk = as_role("front_desk")

    for query, found in {
        "q=priya": {"Priya"},
        "type=drop_in": set(),
        "type=punch_pass": {"Priya"},
        "standing=frozen": {"Chi"},
        "standing=over": set(),
        "standing=all": {"Priya", "Chi", "Noor"},
        "soon=1": {"Priya"},
        "missing=1": {"Noor"},
        "type=nonsense&standing=nonsense&page=x": {"Priya", "Noor"},
    }.items():
        page = desk.get(f"{LIST}?{query}")
        assert page.status_code == 200, query
        assert {name for name in ("Priya", "Chi", "Noor") if name in page.text} == found, query


def test_a_list_of_many_passes_costs_what_one_costs(portal, as_role, stored, kiln: Kiln):
    desk = as_role("front_desk")
    desk.get(LIST)
    with counting(portal) as few:
        desk.get(LIST)
    studio = stored.get_one(Studio, kiln.own.studio)
    session = factories.make_session(
        stored, stored.get_one(StudioClass, kiln.own.studio_class), starts_at=NOW + timedelta(days=1), capacity=99
    )
    for _ in range(60):
        registration = factories.make_pass(stored, factories.make_customer(stored, studio), studio)
        factories.make_reservation(stored, registration, session)
    stored.commit()
    with counting(portal) as many:
        page = desk.get(LIST).text

    assert len(many) == len(few), many
    assert "page=2" in page


def test_the_ledger_reads_as_a_story(as_role, stored, kiln: Kiln):
    desk = as_role("front_desk")
    assert press(desk, f"/admin/studio/sessions/reservations/{kiln.own.pending}/check-in").status_code == 303

    page = desk.get(of(kiln.own.registration)).text

    assert "Check-in: Glazing at Kiln Street, Tue 1 Dec, 14:00" in page
    assert '<b class="st-b">−1</b> <span class="st-2">4 left</span>' in page
    assert "By you · 1 punch charged" in page
    assert "Adjust" not in page


def test_a_pass_is_issued_after_a_look_at_it(as_role, stored, kiln: Kiln):
    manager = as_role("manager")
    form = manager.get(f"{LIST}issue?customer={kiln.own.customer}&type=punch_pass").text
    assert "How many sessions the pass is good for: one punch each." in form
    assert 'max="500"' in form
    fields = {
        "customer": kiln.own.customer,
        "type": "punch_pass",
        "sent": "1",
        "option-sessions": "8",
        "option-max_advance": "",
        "class_id": kiln.own.studio_class,
        "valid_until": "2027-02-28",
    }

    shown = press(manager, f"{LIST}issue", step="preview", **fields)
    assert "This is what Priya Singh gets" in shown.text
    assert "8 punches left" in shown.text
    assert "Until Sun 28 Feb 2027" in shown.text
    mine = select(ClassRegistration).where(ClassRegistration.customer_id == kiln.own.customer)
    assert len(stored.scalars(mine).all()) == 1
    looked_at = seen(shown.text)
    changed = press(manager, f"{LIST}issue", step="issue", seen=looked_at, **(fields | {"option-sessions": "80"}))
    assert "80 punches left" in changed.text
    assert len(stored.scalars(mine).all()) == 1
    page = told(manager, press(manager, f"{LIST}issue", step="issue", seen=looked_at, **fields))

    assert "Punch pass for Priya Singh: Glazing at Kiln Street, 8 punches left." in page
    stored.expire_all()
    made = stored.scalars(mine.order_by(ClassRegistration.id.desc())).first()
    assert (made.sessions_remaining, made.class_id, made.valid_until, made.max_advance_reservations) == (
        8,
        kiln.own.studio_class,
        date(2027, 2, 28),
        None,
    )
    assert factories.ledger_of(stored, made.id) == [("ISSUED", 8, 8)]


def test_a_choice_of_the_plugin_is_offered_with_its_default(as_role, kiln: Kiln):
    page = as_role("manager").get(f"{LIST}issue?customer={kiln.own.customer}&type=full_course").text

    assert '<option selected value="attended">Attended</option>' in page
    assert '<option value="reserved">Reserved</option>' in page


def test_what_cannot_be_issued_is_said_at_its_field(as_role, kiln: Kiln):
    manager = as_role("manager")
    values = {"customer": kiln.own.customer, "type": "punch_pass", "sent": "1", "class_id": "", "step": "preview"}
    wrong_days = {"valid_from": "2027-01-02", "valid_until": "2027-01-01"}

    for fields, sentence in (
        ({"option-sessions": ""}, "This is needed."),
        ({"option-sessions": "0"}, "Write a number from 1 to 500."),
        ({"option-sessions": "x"}, "Write a whole number."),
        ({"option-sessions": "8", **wrong_days}, "The last day cannot lie before the first."),
        ({"option-sessions": "8", "class_id": "nonsense"}, "Not a valid choice."),
    ):
        page = press(manager, f"{LIST}issue", **(values | fields))
        assert page.status_code in (200, 422), fields
        assert sentence in page.text, fields
        assert "This is what" not in page.text, fields


def test_further_people_are_named_when_a_pass_is_issued(as_role, stored, kiln: Kiln):
    manager = as_role("manager")
    chi = stored.get_one(SessionReservation, kiln.own.checked_in).customer_id
    fields = {
        "customer": kiln.own.customer,
        "type": "punch_pass",
        "sent": "1",
        "option-sessions": "8",
        "class_id": "",
    }

    found = press(manager, f"{LIST}issue", step="find", q="chi", **fields).text
    assert f'name="member" value="{chi}"' in found
    shown = press(manager, f"{LIST}issue", step="preview", member=chi, **fields).text
    assert "Chi Chen may use it too." in shown
    press(manager, f"{LIST}issue", step="issue", seen=seen(shown), member=chi, **fields)

    made = stored.scalars(select(ClassRegistration).order_by(ClassRegistration.id.desc())).first()
    assert "Chi Chen</a>" in manager.get(of(made.id)).text


def test_punches_are_adjusted_with_a_reason_that_the_story_keeps(as_role, stored, held):
    manager = as_role("manager")

    assert "Write why" in press(manager, of(held, "adjust"), delta="2").text
    page = told(manager, press(manager, of(held, "adjust"), delta="2", reason="A class fell out"))

    assert "7 punches left." in page
    assert "Balance adjusted: +2, 7 left" in page
    assert "“A class fell out”" in page
    assert factories.ledger_of(stored, held)[-1] == ("ADJUSTMENT", 2, 7)


def test_a_pass_that_counts_credits_is_shown_and_adjusted_in_credits(portal, stored, held, clock, kiln: Kiln):
    pass_ = kept(stored, held)
    pass_.pass_type, pass_.pass_options = "credit_pack", {"credits": 5, "price": 1, "prices": {}}
    acts = {"registration.issued": {"sessions_included": 30}, "reservation.checked_in": {"punches_charged": 1}}
    for action, details in acts.items():
        stored.add(
            ReservationHistory(
                studio_id=pass_.studio_id,
                action=action,
                subject_type=action.partition(".")[0],
                subject_id=pass_.id if "issued" in action else kiln.own.pending,
                reservation_id=None if "issued" in action else kiln.own.pending,
                customer_id=pass_.customer_id,
                performed_by_kind="STAFF",
                details=details,
                created_at=clock.now,
            )
        )
    stored.commit()
    url = portal.config["SQLALCHEMY_DATABASE_URI"]
    app = make_portal(url, clock, STUDIO_PASS_TYPES=("studio_credit_pack:CreditPack",))
    manager = app.test_client()
    manager.post("/login", data={"email": "manager@example.org"})

    shown, refused = manager.get(of(held)).text, press(manager, of(held, "adjust"), delta="-5", reason="Paid back").text
    page = told(manager, press(manager, of(held, "adjust"), delta="2", reason="A class fell out"))
    customer = manager.get(f"/admin/studio/customers/{pass_.customer_id}/").text
    history = manager.get("/admin/studio/history/").text
    host.dispose_engines(app)

    assert "Adjust credits…" in shown
    assert "Credits issued" in shown
    assert "Adjust the credits of Priya Singh" in refused
    assert "1 reservation has no credit left then" in refused
    assert "7 credits left." in page
    assert "1 credit charged" in page
    for told_there in (page, customer, history):
        assert "Pass issued with 30 credits" in told_there


def test_taking_punches_that_are_held_lists_what_is_endangered_and_asks_again(as_role, stored, held):
    manager = as_role("manager")

    refused = press(manager, of(held, "adjust"), delta="-5", reason="Paid back")
    assert refused.status_code == 409
    assert "1 reservation has no punch left then" in refused.text
    assert "Tue 1 Dec, 14:00, Glazing at Kiln Street" in refused.text
    assert 'value="Paid back"' in refused.text
    assert kept(stored, held).sessions_remaining == 5
    press(manager, of(held, "adjust"), delta="-5", reason="Paid back", confirm="1")

    assert kept(stored, held).sessions_remaining == 0


def test_more_than_there_is_cannot_be_taken(as_role, stored, held):
    refused = press(as_role("manager"), of(held, "adjust"), delta="-9", reason="Paid back")

    assert "Write a number that is not 0 and leaves 0 to" in refused.text
    assert "delta." not in refused.text


def test_a_pass_is_extended_and_its_limit_changed(as_role, stored, held):
    manager = as_role("manager")
    assert 'value="3"' in manager.get(of(held, "terms")).text

    page = told(
        manager,
        press(
            manager, of(held, "terms"), sent="1", valid_until="2027-03-31", max_advance_reservations="5", reason="Ill"
        ),
    )

    assert "Until Wed 31 Mar 2027" in page
    assert "Terms changed: last day none → Wed 31 Mar 2027; reservations in advance 3 → 5" in page
    pass_ = kept(stored, held)
    assert (pass_.valid_until, pass_.max_advance_reservations) == (date(2027, 3, 31), 5)


def test_a_last_day_before_the_first_is_said_at_its_field(as_role, held):
    page = press(as_role("manager"), of(held, "terms"), sent="1", valid_from="2027-03-02", valid_until="2027-03-01")

    assert page.status_code == 422
    assert "The last day cannot lie before the first." in page.text
    assert "value cannot be used" not in page.text


def test_people_are_added_to_a_pass_and_taken_out(as_role, stored, kiln: Kiln, held):
    manager, chi = as_role("manager"), stored.get_one(SessionReservation, kiln.own.checked_in).customer_id
    assert "Chi Chen" in manager.get(of(held, "members?q=chi")).text

    assert "One more may use it." in told(manager, press(manager, of(held, "members"), add=chi))
    assert "Chi Chen</a>" in manager.get(of(held)).text
    assert "They may use it no longer" in told(manager, press(manager, of(held, "members"), remove=chi))
    assert press(manager, of(held, "members"), add=kiln.foreign.customer).status_code == 404


def test_freezing_lists_what_it_cancels_and_unfreezing_tells_the_new_end(as_role, stored, kiln: Kiln, held, clock):
    kept(stored, held).valid_until = date(2026, 12, 31)
    stored.commit()
    manager = as_role("manager")

    page = manager.get(of(held, "freeze")).text
    assert "1 reservation is cancelled free, and Priya Singh is told:" in page
    assert "Tue 1 Dec, 14:00, Glazing at Kiln Street" in page
    assert kept(stored, held).status == "ACTIVE"
    page = told(manager, press(manager, of(held, "freeze"), reason="Travelling"))
    assert "The pass is frozen. 1 reservation cancelled free; the customer is told." in page
    assert "Frozen since Tue 1 Dec" in page
    assert stored.get_one(SessionReservation, kiln.own.pending).status == "CANCELLED"

    clock.advance(days=10)
    page = manager.get(of(held, "unfreeze")).text
    assert "It was frozen for 10 days, since Tue 1 Dec." in page
    assert "until Sun 10 Jan 2027</b> instead of Thu 31 Dec." in page
    page = told(manager, press(manager, of(held, "unfreeze")))
    assert "The pass can be used again until Sun 10 Jan 2027." in page
    assert kept(stored, held).valid_until == date(2027, 1, 10)


def test_a_move_to_another_class_shows_what_is_lost_first(as_role, stored, kiln: Kiln, held, other_class):
    manager = as_role("manager")

    page = manager.get(of(held, f"transfer?class_id={other_class}")).text
    assert "1 reservation is cancelled free" in page
    page = told(manager, press(manager, of(held, "transfer"), class_id=other_class))

    assert "The pass is for Raku firing now." in page
    assert kept(stored, held).class_id == other_class
    assert press(manager, of(held, "transfer"), class_id="nonsense").status_code == 200
    assert kept(stored, held).class_id == other_class


def test_cancelling_a_pass_says_what_is_lost_and_wants_a_reason(as_role, stored, kiln: Kiln, held):
    manager = as_role("manager")

    page = manager.get(of(held, "cancel")).text
    assert "What is left on it, 5 punches, cannot be used any more." in page
    assert "Write why" in press(manager, of(held, "cancel")).text
    page = told(manager, press(manager, of(held, "cancel"), reason="Refunded in the shop"))

    assert "The pass is cancelled. 1 reservation cancelled free; the customer is told." in page
    assert "Freeze…" not in page
    assert kept(stored, held).status == "CANCELLED"
    assert stored.get_one(ClassSession, kiln.own.session).seats_taken == 1
    again = press(manager, of(held, "unfreeze"))
    assert again.status_code == 409
    assert "cancelled now" in again.text


def test_a_pass_of_a_missing_plugin_says_why_and_what_still_works(as_role, stored, held):
    kept(stored, held).pass_type = "lunar_pass"
    stored.commit()
    manager = as_role("manager")

    page = manager.get(of(held)).text
    assert "Plugin missing" in page
    assert "No installed package and no setting brings a pass type &#39;lunar_pass&#39;" in page
    assert "What is reserved stays, and check-in works." in page
    assert "6 punches left." in told(manager, press(manager, of(held, "adjust"), delta="1", reason="Gift"))


def test_a_foreign_customer_gets_no_pass_here(as_role, stored, kiln: Kiln):
    manager = as_role("manager")

    assert manager.get(f"{LIST}issue?customer={kiln.foreign.customer}").status_code == 404
    assert manager.get(f"{LIST}issue?customer=nonsense&type=nonsense").status_code == 200
