"""Waives at the same instant, on a real PostgreSQL; on SQLite the second waits for the first anyway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import StudioError
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerSuspension,
    ReservationHistory,
    SessionReservation,
    Studio,
    SuspensionNoShow,
    SuspensionOrigin,
)
from studio_reservations.pass_types import Status
from studio_reservations.services import no_shows
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.no_shows import NoShowService
from tests import factories
from tests.factories import NOW
from tests.services.door import check_books
from tests.services.test_check_in_races import postgresql_only, race

pytestmark = pytest.mark.concurrency
NIGHT = NOW + timedelta(days=2)


class Morning:
    """A studio that takes a punch for a no-show, the morning after the night has taken what was to come."""

    def __init__(self, db_session: Session) -> None:
        self.db_session = db_session
        self.studio: Studio = factories.make_studio(db_session)
        factories.make_policy(db_session, self.studio, deduct_punch_on_no_show=True)
        self.studio_class = factories.make_class(db_session, self.studio)
        self.manager = factories.staff_actor(self.studio)

    def session(self, days: float, *, capacity: int = 9) -> ClassSession:
        return factories.make_session(
            self.db_session, self.studio_class, starts_at=NOW + timedelta(days=days), capacity=capacity
        )

    def no_show(self, customer: Customer | None = None, *lost: ClassSession) -> SessionReservation:
        customer = customer or factories.make_customer(self.db_session, self.studio)
        registration = factories.make_pass(self.db_session, customer, self.studio)
        missed = factories.make_reservation(self.db_session, registration, self.session(-1))
        AttendanceService(self.db_session, clock=lambda: NOW).mark_no_show(reservation_id=missed.id, actor=self.manager)
        for session in lost:
            factories.make_reservation(
                self.db_session,
                registration,
                session,
                status=Status.AUTO_CANCELLED,
                auto_cancelled_at=NIGHT,
                auto_cancelled_for_id=missed.id,
            )
        return missed

    def waiving(self, engine: Engine, reservation_id: UUID) -> Callable[[], str]:
        self.db_session.commit()  # else the test itself would hold SQLite's lock

        def act() -> str:
            with Session(engine) as db_session, db_session.begin():
                try:
                    NoShowService(db_session, clock=lambda: NIGHT).waive(
                        reservation_id=reservation_id, actor=self.manager
                    )
                except StudioError as error:
                    return error.code
            return "waived"

        return act

    def acts(self, action: str) -> int:
        counted = select(func.count()).select_from(ReservationHistory).where(ReservationHistory.action == action)
        return self.db_session.scalars(counted).one()


@pytest.fixture
def morning(db_session: Session) -> Morning:
    return Morning(db_session)


def test_the_last_seats_are_given_back_once_and_nobody_is_deadlocked(morning, engine):
    later, sooner = morning.session(9, capacity=2), morning.session(5, capacity=2)
    missed = [morning.no_show(None, later, sooner) for _ in range(4)]

    outcomes = race(*(morning.waiving(engine, one.id) for one in missed * 2))

    assert outcomes == ["waived"] * 8
    check_books(morning.db_session)
    assert [session.seats_taken for session in (later, sooner)] == [2, 2]
    assert (morning.acts("reservation.waived"), morning.acts("reservation.restored")) == (4, 4)


def test_one_waived_by_eight_at_once_is_refunded_once(morning, engine):
    missed = morning.no_show()

    assert race(*[morning.waiving(engine, missed.id)] * 8) == ["waived"] * 8

    ledger = factories.ledger_of(morning.db_session, missed.registration_id)
    assert ledger == [("ISSUED", 5, 5), ("NO_SHOW", -1, 4), ("REFUND", 1, 5)]
    assert morning.acts("reservation.waived") == 1


@postgresql_only
def test_without_the_lock_the_same_race_refunds_twice(morning, engine, monkeypatch):
    missed = morning.no_show()
    both_have_read = Barrier(2)

    def read_without_lock(db_session, reservation_id):
        reservation = db_session.get_one(SessionReservation, reservation_id)
        registration = db_session.get_one(ClassRegistration, reservation.registration_id)
        both_have_read.wait(timeout=30)
        return registration, reservation

    monkeypatch.setattr(no_shows, "lock_reservation", read_without_lock)

    race(*[morning.waiving(engine, missed.id)] * 2)

    ledger = factories.ledger_of(morning.db_session, missed.registration_id)
    assert [reason for reason, _, _ in ledger].count("REFUND") == 2


def test_a_suspension_built_on_two_passes_is_voided_once(morning, engine):
    customer = factories.make_customer(morning.db_session, morning.studio)
    missed = [morning.no_show(customer) for _ in range(2)]
    suspension = factories.make_suspension(
        morning.db_session,
        customer,
        morning.studio,
        created_by_kind=SuspensionOrigin.SYSTEM,
        limit=1,
        no_show_count=2,
    )
    morning.db_session.add_all(
        SuspensionNoShow(suspension_id=suspension.id, reservation_id=one.id, studio_id=morning.studio.id)
        for one in missed
    )

    assert race(*(morning.waiving(engine, one.id) for one in missed)) == ["waived"] * 2

    morning.db_session.refresh(suspension)
    assert suspension.voided_at == NIGHT
    assert morning.acts("suspension.voided") == 1
    assert morning.db_session.scalars(select(CustomerSuspension)).one() is suspension
