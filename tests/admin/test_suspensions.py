"""The staff's screen of suspensions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from studio_reservations.models import Customer, CustomerSuspension, Studio, SuspensionNoShow
from tests import factories
from tests.admin.conftest import Kiln, press, told
from tests.api.test_queries import counting
from tests.factories import NOW

LIST = "/admin/studio/suspensions/"


def suspension_of(stored, row_id) -> CustomerSuspension:
    stored.expire_all()
    found: CustomerSuspension = stored.get_one(CustomerSuspension, row_id)
    return found


def test_who_is_suspended_why_and_what_it_has_cost(as_role, kiln: Kiln, stored):
    suspension = suspension_of(stored, kiln.own.suspension)
    suspension.created_by_kind, suspension.no_show_count, suspension.limit = "SYSTEM", 3, 3
    stored.add(
        SuspensionNoShow(suspension_id=suspension.id, reservation_id=kiln.own.no_show, studio_id=kiln.own.studio)
    )
    stored.commit()

    page = as_role("front_desk").get(LIST).text

    assert "Sam Suspended" in page
    assert "3 missed classes, the limit was 3" in page
    assert "Tue 1 Dec · Glazing at Kiln Street" in page
    assert "Day 1 of 14" in page
    assert "Lost so far:</b> nothing" in page
    assert "Lift…" not in page  # a manager's


def test_lifting_needs_a_reason_and_is_told_in_the_history(as_role, kiln: Kiln, stored):
    manager = as_role("manager")
    address = f"{LIST}{kiln.own.suspension}/lift"

    assert "Write why: the history keeps it." in press(manager, address).text
    assert suspension_of(stored, kiln.own.suspension).lifted_at is None

    said = told(manager, press(manager, address, reason="In hospital"))

    assert "Sam Suspended can reserve again." in said
    assert "Nobody is suspended at Kiln Street." in said
    assert suspension_of(stored, kiln.own.suspension).lifted_at == NOW
    assert "“In hospital”" in manager.get(f"{LIST}?show=history").text


def test_a_customer_is_found_and_suspended_by_hand(as_role, kiln: Kiln, stored):
    manager = as_role("manager")

    assert "Priya Singh" in manager.get(f"{LIST}new?q=priya").text
    assert "Suspend Priya Singh?" in manager.get(f"{LIST}new?customer_id={kiln.own.customer}").text
    said = told(
        manager,
        press(manager, f"{LIST}new", customer_id=kiln.own.customer, ends_on="2026-12-10", reason="Left the kiln open"),
    )

    assert "Priya Singh is suspended through 10 December." in said
    assert "Left the kiln open" in said


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"ends_on": "2026-11-01", "reason": "Late"}, "Choose today or a later day"),
        ({"ends_on": "soon", "reason": "Late"}, "Not a valid date"),
        ({"ends_on": "2026-12-10", "reason": ""}, "Write why."),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(as_role, kiln: Kiln, values, complaint):
    shown = press(as_role("manager"), f"{LIST}new", customer_id=kiln.own.customer, **values).text

    assert complaint in shown
    assert "Suspend Priya Singh?" in shown
    assert f'value="{values["reason"]}"' in shown


def test_one_who_is_suspended_already_stays_so(as_role, kiln: Kiln, stored):
    customer = suspension_of(stored, kiln.own.suspension).customer_id

    refused = press(as_role("manager"), f"{LIST}new", customer_id=customer, ends_on="2026-12-10", reason="Again")

    assert refused.status_code == 409
    assert 'role="alert"' in refused.text


def test_a_foreign_customer_cannot_be_chosen(as_role, kiln: Kiln):
    assert as_role("manager").get(f"{LIST}new?customer_id={kiln.foreign.customer}").status_code == 404


def test_fifty_cost_as_many_queries_as_one(as_role, kiln: Kiln, stored, portal):
    desk = as_role("front_desk")

    def queries() -> int:
        with counting(portal) as statements:
            assert desk.get(LIST).status_code == 200
        return len(statements)

    queries()
    before = queries()
    studio = stored.get_one(Studio, kiln.own.studio)
    for number in range(60):
        customer: Customer = factories.make_customer(stored, studio, name=f"Customer {number}")
        factories.make_suspension(stored, customer, studio, starts_at=NOW - timedelta(minutes=number))
    stored.commit()

    assert queries() == before
    assert "Earlier" in desk.get(LIST).text
