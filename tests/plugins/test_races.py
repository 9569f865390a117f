"""No plugin can break concurrency: it is asked behind the lock, so that two at once know of each other. Source: rules.md §3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from studio_intro_offer import IntroOffer
from studio_weekly_membership import WeeklyMembership

from studio_reservations.errors import StudioError
from studio_reservations.models import ClassRegistration, Customer, SessionReservation
from studio_reservations.services import issuing, reserving, seats
from studio_reservations.services.issuing import issue_registration
from studio_reservations.services.reservations import ReservationService
from tests import factories
from tests.factories import NOW
from tests.plugins.life import Life
from tests.services.test_check_in_races import postgresql_only, race

pytestmark = pytest.mark.concurrency


def reserving_of(engine: Engine, life: Life, number: int) -> list[Callable[[], str]]:
    """Return as many acts, each for another session of the same week with the same pass."""
    sessions = [life.session(f"2026-12-07 {10 + hour}:00").id for hour in range(number)]
    registration_id, actor, pass_types = life.registration.id, life.actor, life.pass_types
    life.db_session.commit()

    def act(session_id) -> str:
        with Session(engine) as db_session, db_session.begin():
            service = ReservationService(db_session, clock=lambda: NOW, pass_types=pass_types)
            try:
                service.create_reservation(actor=actor, session_id=session_id, registration_id=registration_id)
            except StudioError as error:
                return error.code
            return "reserved"

    return [lambda one=one: act(one) for one in sessions]  # type: ignore[misc]


def issuing_of(engine: Engine, life: Life, customer: Customer, number: int) -> list[Callable[[], str]]:
    """Return as many acts, each of which issues the same customer another pass."""
    studio_id, customer_id, pass_types = life.studio.id, customer.id, life.pass_types
    life.db_session.commit()

    def act() -> str:
        with Session(engine) as db_session, db_session.begin():
            try:
                issue_registration(
                    db_session,
                    customer_id=customer_id,
                    studio_id=studio_id,
                    pass_type="intro_offer",
                    now=NOW,
                    pass_types=pass_types,
                )
            except StudioError as error:
                return error.code
            return "issued"

    return [act] * number


def live(life: Life) -> int:
    return life.db_session.scalar(select(func.count(SessionReservation.id))) or 0


def test_a_weekly_limit_is_not_passed_by_one(db_session, engine):
    life = Life(db_session, WeeklyMembership, a_week=2)

    outcomes = race(*reserving_of(engine, life, 6))

    assert outcomes == ["reserved"] * 2 + ["week_used_up"] * 4
    assert live(life) == 2


@postgresql_only
def test_without_the_lock_the_same_race_passes_the_weekly_limit(db_session, engine, monkeypatch):
    life = Life(db_session, WeeklyMembership, a_week=1)
    both_are_judged, write = Barrier(2), seats.write_with_seat

    def write_together(*asked, **more):
        both_are_judged.wait(timeout=30)
        return write(*asked, **more)

    monkeypatch.setattr(reserving, "_CONTEXT_LOCKING", reserving._CONTEXT)
    monkeypatch.setattr(seats, "write_with_seat", write_together)

    assert race(*reserving_of(engine, life, 2)) == ["reserved"] * 2
    assert live(life) == 2


def test_an_offer_sold_at_two_tills_at_once_is_issued_once(db_session, engine):
    life = Life(db_session, IntroOffer)
    eve = factories.make_customer(db_session, life.studio, name="Eve")

    outcomes = race(*issuing_of(engine, life, eve, 4))

    assert outcomes == ["intro_offer_taken"] * 3 + ["issued"]
    assert db_session.scalar(select(func.count()).where(ClassRegistration.customer_id == eve.id)) == 1


@postgresql_only
def test_without_the_lock_the_same_offer_is_issued_twice(db_session, engine, monkeypatch):
    life = Life(db_session, IntroOffer)
    eve = factories.make_customer(db_session, life.studio, name="Eve")
    both_have_read, earlier = Barrier(2), issuing._earlier

    def read_together(*asked, **more):
        seen = earlier(*asked, **more)
        both_have_read.wait(timeout=30)
        return seen

    monkeypatch.setattr(
        issuing, "lock_customer", lambda customer_id: select(Customer).where(Customer.id == customer_id)
    )
    monkeypatch.setattr(issuing, "_earlier", read_together)

    assert race(*issuing_of(engine, life, eve, 2)) == ["issued"] * 2


def test_a_week_that_filled_up_meanwhile_is_refused_to_whoever_waited(db_session, engine):
    life = Life(db_session, WeeklyMembership, a_week=1)
    life.reserve("2026-12-08 18:30")

    assert race(*reserving_of(engine, life, 2)) == ["week_used_up"] * 2
    assert live(life) == 1
    assert life.status(now=NOW + timedelta(days=6)).remaining.available == 0
