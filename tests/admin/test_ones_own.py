"""Staff who take a class themselves, or whose child does, are its customers on the staff's screens too. Source: decision 15."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from studio_reservations.models import (
    AccessKind,
    ClassSession,
    Customer,
    ReservationHistory,
    SessionReservation,
    Studio,
    StudioClass,
    StudioStaff,
)
from tests import factories
from tests.admin.conftest import press, told
from tests.factories import NOW

SESSIONS = "/admin/studio/sessions"


@pytest.fixture(params=[AccessKind.SELF, AccessKind.GUARDIAN])
def mine(request, stored, kiln):
    """Return a reservation for the session in four hours, of whoever is the front desk, or of their child."""
    studio, session = stored.get_one(Studio, kiln.own.studio), stored.get_one(ClassSession, kiln.own.session)
    user_id = stored.scalars(
        select(StudioStaff.user_id).where(StudioStaff.studio_id == studio.id, StudioStaff.role == "front_desk")
    ).one()
    customer = factories.make_customer(stored, studio, name="Desmond Desk")
    factories.give_access(stored, customer, user_id, kind=request.param)
    registration = factories.make_pass(stored, customer, studio, punches=5)
    late: dict[str, Any] = {"late_cancel_punches": 1, "free_cancellation_until": NOW - timedelta(hours=20)}
    made = factories.make_reservation(stored, registration, session, now=NOW - timedelta(days=2), **late)
    stored.commit()
    return made


def found(stored, reservation):
    stored.expire_all()
    return stored.get_one(SessionReservation, reservation.id)


def performers(stored, reservation) -> list[str]:
    return list(
        stored.scalars(
            select(ReservationHistory.performed_by_kind)
            .where(ReservationHistory.reservation_id == reservation.id)
            .order_by(ReservationHistory.id)
        )
    )


def test_nobody_checks_themselves_in_before_the_window_and_a_colleague_does(as_role, stored, mine):
    desk, path = as_role("front_desk"), f"{SESSIONS}/reservations/{mine.id}/check-in"

    page = told(desk, press(desk, path))

    assert "Check-in opens" in page
    assert "Check in anyway" not in page
    assert found(stored, mine).status == "PENDING"
    told(as_role("manager"), press(as_role("manager"), path))
    assert (found(stored, mine).status, found(stored, mine).check_in_method) == ("CHECKED_IN", "STAFF")


def test_in_the_window_it_is_as_on_the_own_page(as_role, stored, clock, mine):
    clock.advance(hours=3)
    desk = as_role("front_desk")

    press(desk, f"{SESSIONS}/reservations/{mine.id}/check-in")

    assert (found(stored, mine).status, found(stored, mine).check_in_method) == ("CHECKED_IN", "SELF")
    assert performers(stored, mine) == ["CUSTOMER"]


@pytest.mark.parametrize("door", ["roster", "customer"])
def test_cancelling_late_costs_what_it_costs_a_customer(as_role, stored, mine, door):
    desk = as_role("front_desk")
    customer = stored.get_one(Customer, mine.customer_id)
    path = (
        f"{SESSIONS}/reservations/{mine.id}/cancel"
        if door == "roster"
        else f"/admin/studio/customers/{customer.id}/reservations/{mine.id}/cancel"
    )

    asked = desk.get(path).text
    press(desk, path, terms="free")

    assert "on the customer’s terms" in asked
    assert 'value="free"' not in asked
    after = found(stored, mine)
    assert (after.status, after.late, after.punches_used) == ("CANCELLED", True, 1)
    assert performers(stored, mine) == ["CUSTOMER"]


def test_no_rule_is_set_aside_for_oneself(as_role, stored, kiln, mine):
    customer = stored.get_one(Customer, mine.customer_id)
    studio_class = stored.get_one(StudioClass, kiln.own.studio_class)
    begun = factories.make_session(stored, studio_class, starts_at=NOW - timedelta(minutes=10), capacity=8)
    stored.commit()
    desk = as_role("front_desk")
    path = f"/admin/studio/customers/{customer.id}/reserve/{begun.id}"

    assert "can still reserve it" not in desk.get(path).text
    press(desk, path, override="session_started", reason="I am here")
    walk_in = desk.get(f"{SESSIONS}/{begun.id}/walk-in/{customer.id}").text

    assert "None of the passes of Desmond Desk can be used" in walk_in
    of_begun = select(SessionReservation).where(SessionReservation.session_id == begun.id)
    assert stored.scalars(of_begun).all() == []
