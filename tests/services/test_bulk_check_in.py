"""Checking in a whole room: each row on its own."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import Role, SessionReservation
from studio_reservations.pass_types import Status
from studio_reservations.services.bulk_check_in import Transactions
from studio_reservations.services.check_in import CheckInService
from tests import factories
from tests.services.door import STARTS_AT, Door, all_rows, check_books


def transactions_of(engine: Engine) -> Transactions:
    def run(work):
        with Session(engine) as db_session, db_session.begin():
            return work(db_session)

    return run


def add_customer(door: Door, *, status: Status = Status.PENDING, punches: int = 5, **reservation):
    customer = factories.make_customer(door.db_session, door.studio)
    registration = factories.make_pass(door.db_session, customer, door.studio, punches=punches)
    factories.make_reservation(door.db_session, registration, door.session, status=status, **reservation)
    return customer


def bulk(door: Door, engine: Engine, customer_ids, actor=None, *, session_id=None):
    session_id = session_id or door.session.id
    actor = actor or door.desk
    door.db_session.commit()
    with Session(engine) as unused:
        return CheckInService(unused, clock=lambda: STARTS_AT).bulk_check_in(
            session_id=session_id, customer_ids=customer_ids, actor=actor, transactions=transactions_of(engine)
        )


def test_each_row_is_checked_in_or_refused_on_its_own(db_session, engine):
    door = Door(db_session)
    there_already = add_customer(door, status=Status.CHECKED_IN)
    without_punches = add_customer(door, punches=0)
    cancelled = add_customer(door, status=Status.CANCELLED)
    absent = add_customer(door, status=Status.NO_SHOW)
    stranger, me = uuid4(), door.customer
    ids = [one.id for one in (without_punches, me, cancelled, there_already, absent)]

    outcome = bulk(door, engine, [stranger, *ids, me.id])

    assert [one.customer_id for one in outcome.checked_in] == [me.id, there_already.id, absent.id]
    assert [(one.customer_id, one.code) for one in outcome.refused] == [
        (stranger, "not_found"),
        (without_punches.id, "punches_exhausted"),
        (cancelled.id, "invalid_transition"),
    ]
    assert outcome.refused[1].error.values == {"remaining": 0, "held": 0}
    assert outcome.checked_in[0].reservation_id == door.reservation.id
    assert door.ledger()[1:] == [("CHECK_IN", -1, 4)]


def test_the_same_room_twice_is_charged_once(db_session, engine):
    door = Door(db_session)
    ids = [door.customer.id, add_customer(door).id]

    first = bulk(door, engine, ids)
    before = all_rows(db_session)
    second = bulk(door, engine, ids)

    assert first == second
    db_session.expire_all()
    assert all_rows(db_session) == before
    check_books(db_session)


def test_a_customer_who_reserved_again_is_checked_in_to_what_stands_and_guests_are_left_out(db_session, engine):
    door = Door(db_session)
    factories.make_reservation(
        db_session, door.registration, door.session, status=Status.CANCELLED, now=STARTS_AT + timedelta(hours=1)
    )
    guest = factories.make_reservation(db_session, door.registration, door.session, guest_name="A friend")

    outcome = bulk(door, engine, [door.customer.id])

    assert [one.reservation_id for one in outcome.checked_in] == [door.reservation.id]
    assert db_session.get_one(SessionReservation, guest.id).status == "PENDING"


def test_the_room_is_its_instructors_and_the_front_desks_alone(db_session, engine):
    door = Door(db_session)
    elsewhere = factories.make_studio(db_session)

    for actor, error in (
        (factories.staff_actor(elsewhere, Role.OWNER), NotFound),
        (door.me, NotFound),
        (door.kiosk, Forbidden),
        (factories.staff_actor(door.studio, Role.INSTRUCTOR), Forbidden),
    ):
        with pytest.raises(error):
            bulk(door, engine, [door.customer.id], actor)
    with pytest.raises(NotFound):
        bulk(door, engine, [door.customer.id], session_id=uuid4())
    assert len(bulk(door, engine, [door.customer.id], door.instructor).checked_in) == 1
