"""Two at the same reservation at the same instant, on a real PostgreSQL; on SQLite the second waits for the first anyway."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from studio_reservations.errors import StudioError
from studio_reservations.models import ClassRegistration, ClassSession, SessionReservation
from studio_reservations.pass_types import Status
from studio_reservations.services import standing
from studio_reservations.services.actors import Actor
from studio_reservations.services.check_in import CheckInService
from tests import factories
from tests.services.door import STARTS_AT, Door, check_books

CHECKED_IN_ONCE = [("CHECK_IN", -1, 4)]
postgresql_only = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
pytestmark = pytest.mark.concurrency


def checking_in(engine: Engine, door: Door, actor: Actor, *, undo: bool = False) -> Callable[[], str]:
    reservation_id = door.reservation.id
    door.db_session.commit()  # else the test itself would hold SQLite's lock

    def act() -> str:
        with Session(engine) as db_session, db_session.begin():
            service = CheckInService(db_session, clock=lambda: STARTS_AT)
            act = service.undo_check_in if undo else service.check_in
            try:
                return act(reservation_id=reservation_id, actor=actor).status
            except StudioError as error:
                return error.code

    return act


def race(*acts: Callable[[], str]) -> list[str]:
    start = Barrier(len(acts))

    def run(act: Callable[[], str]) -> str:
        start.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return sorted(threads.map(run, acts))


def test_checked_in_by_eight_at_once_one_is_charged(db_session, engine):
    door = Door(db_session)
    actors = [door.me, door.desk, door.kiosk, door.instructor] * 2

    assert race(*(checking_in(engine, door, actor) for actor in actors)) == ["CHECKED_IN"] * 8

    assert door.ledger()[1:] == CHECKED_IN_ONCE
    assert door.actions() == ["reservation.checked_in"]
    check_books(db_session)


@postgresql_only
def test_without_the_lock_the_same_race_charges_twice(db_session, engine, monkeypatch):
    door = Door(db_session)
    both_have_read = Barrier(2)

    def read_without_lock(db_session, reservation_id):
        reservation = db_session.get_one(SessionReservation, reservation_id)
        registration = db_session.get_one(ClassRegistration, reservation.registration_id)
        both_have_read.wait(timeout=30)
        return registration, reservation

    monkeypatch.setattr(standing, "lock_reservation", read_without_lock)

    race(checking_in(engine, door, door.me), checking_in(engine, door, door.desk))

    assert door.ledger()[1:] == CHECKED_IN_ONCE * 2


def test_check_in_and_undo_in_any_order_leave_the_books_balanced(db_session, engine):
    door = Door(db_session)
    acts = [checking_in(engine, door, door.desk, undo=undo) for undo in (False, True) * 4]

    assert set(race(*acts)) <= {"CHECKED_IN", "PENDING"}

    db_session.expire_all()
    charged = 1 if door.reservation.status == Status.CHECKED_IN else 0
    assert (door.reservation.punches_used, door.registration.sessions_remaining) == (charged, 5 - charged)
    check_books(db_session)


@postgresql_only
def test_a_place_taken_with_another_pass_meanwhile_is_already_reserved(db_session, engine):
    door = Door(db_session)
    door.miss()
    other_pass = factories.make_pass(db_session, door.customer, door.studio, pass_type="drop_in")
    check_in, other_pass_id, session_id = checking_in(engine, door, door.desk), other_pass.id, door.session.id
    db_session.commit()

    with ThreadPoolExecutor(1) as threads, Session(engine) as meanwhile:
        factories.make_reservation(
            meanwhile, meanwhile.get_one(ClassRegistration, other_pass_id), meanwhile.get_one(ClassSession, session_id)
        )
        # Not committed: the rule cannot see it, the unique index waits for it.
        outcome = threads.submit(check_in)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
            while not watcher.scalar(text(WAITING)):
                assert not outcome.done()
        meanwhile.commit()
        assert outcome.result(timeout=30) == "already_reserved"

    assert db_session.scalar(select(SessionReservation.status).filter_by(id=door.reservation.id)) == "NO_SHOW"
    db_session.commit()
    check_books(db_session)
