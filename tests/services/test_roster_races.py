"""Staff take a whole session in hand while eight others reserve, cancel and check in, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from threading import Barrier, BrokenBarrierError, Semaphore
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from studio_reservations.errors import StudioError
from studio_reservations.models import ClassRegistration, ClassSession, PunchLedgerEntry, SessionReservation
from studio_reservations.pass_types import LIVE
from studio_reservations.services import class_sessions, reservations, rosters
from studio_reservations.services.books import change_seats, lock_registrations
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.reservations import ReservationService
from tests.factories import (
    NOW,
    customer_actor,
    make_class,
    make_customer,
    make_pass,
    make_session,
    make_studio,
    staff_actor,
)

WORKERS = 8
PASSES_EACH = 5
START = NOW + timedelta(hours=2)  # the check-in window is open

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


class Studio:
    """A studio with two sessions at one time, and a customer with a punch pass for each try."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with Session(engine, expire_on_commit=False) as db_session:
            studio = make_studio(db_session)
            studio_class = make_class(db_session, studio)
            self.sessions = [make_session(db_session, studio_class, starts_at=START, capacity=100).id for _ in range(2)]
            self.passes = []
            for _ in range(WORKERS * PASSES_EACH):
                customer = make_customer(db_session, studio)
                self.passes.append((customer_actor(customer), make_pass(db_session, customer, studio).id))
            db_session.commit()
        self.manager = staff_actor(studio)

    def in_transaction(self, act: Callable[[Session], str]) -> str:
        with Session(self.engine) as db_session:
            try:
                with db_session.begin():
                    return act(db_session)
            except StudioError as error:
                return error.code

    def reserve(self, number: int, session_id: UUID) -> str:
        actor, registration_id = self.passes[number]

        def act(db_session: Session) -> str:
            ReservationService(db_session, clock=lambda: NOW).create_reservation(
                actor=actor, session_id=session_id, registration_id=registration_id
            )
            return "reserved"

        return self.in_transaction(act)

    def change_mind(self, number: int) -> str:
        """Check in at one of the two sessions and give the other up."""
        actor, registration_id = self.passes[number]

        def act(db_session: Session) -> str:
            mine = db_session.scalars(
                select(SessionReservation.id)
                .where(SessionReservation.registration_id == registration_id)
                .order_by(SessionReservation.id)
            ).all()
            if mine:
                CheckInService(db_session, clock=lambda: NOW).check_in(reservation_id=mine[0], actor=actor)
            for reservation_id in mine[1:]:
                ReservationService(db_session, clock=lambda: NOW).cancel_reservation(
                    reservation_id=reservation_id, actor=actor
                )
            return "changed"

        return self.in_transaction(act)

    def cancel(self, session_id: UUID) -> str:
        def act(db_session: Session) -> str:
            ClassSessionService(db_session, clock=lambda: NOW).cancel_session(session_id=session_id, actor=self.manager)
            return "cancelled"

        return self.in_transaction(act)

    def move(self, session_id: UUID) -> str:
        def act(db_session: Session) -> str:
            ClassSessionService(db_session, clock=lambda: NOW).update_session(
                session_id=session_id, changes={"starts_at": START + timedelta(days=7)}, actor=self.manager
            )
            return "moved"

        return self.in_transaction(act)

    def rows(self, session_id: UUID) -> list[SessionReservation]:
        with Session(self.engine) as db_session:
            return list(
                db_session.scalars(select(SessionReservation).where(SessionReservation.session_id == session_id))
            )

    def session(self, session_id: UUID) -> ClassSession:
        with Session(self.engine) as db_session:
            return db_session.get_one(ClassSession, session_id)

    def check_punches(self) -> None:
        """Every balance is the sum of its ledger."""
        with Session(self.engine) as db_session:
            sums = select(PunchLedgerEntry.registration_id, func.sum(PunchLedgerEntry.delta).label("sum")).group_by(
                PunchLedgerEntry.registration_id
            )
            ledger = {row.registration_id: row.sum for row in db_session.execute(sums)}
            balances = select(ClassRegistration.id, ClassRegistration.sessions_remaining)
            assert {row.id: row.sessions_remaining for row in db_session.execute(balances)} == ledger


@pytest.fixture
def studio(engine) -> Studio:
    return Studio(engine)


def rush(studio: Studio, staff: Callable[[UUID], str]) -> list[str]:
    """Let eight workers reserve in both sessions and change their minds; after ten reservations staff act on both."""
    made = Semaphore(0)

    def work(worker: int) -> list[str]:
        outcomes = []
        mine = range(worker * PASSES_EACH, (worker + 1) * PASSES_EACH)
        for number, session_id in product(mine, studio.sessions):
            outcomes.append(studio.reserve(number, session_id))
            made.release()
            if session_id == studio.sessions[-1]:
                outcomes.append(studio.change_mind(number))
        return outcomes

    def after_ten(session_id: UUID) -> str:
        for _ in range(5):
            assert made.acquire(timeout=60)
        return staff(session_id)

    with ThreadPoolExecutor(WORKERS + len(studio.sessions)) as threads:
        acting = [threads.submit(after_ten, session_id) for session_id in studio.sessions]
        outcomes = [outcome for done in threads.map(work, range(WORKERS)) for outcome in done]
        return outcomes + [one.result() for one in acting]


def test_nobody_is_left_in_a_session_that_staff_cancel_under_eight_who_reserve(studio):
    outcomes = Counter(rush(studio, studio.cancel))

    assert outcomes["cancelled"] == 2
    assert outcomes["reserved"] >= 10
    assert outcomes.keys() <= {"cancelled", "reserved", "changed", "session_cancelled", "invalid_transition"}
    for session_id in studio.sessions:
        assert studio.reserve(0, session_id) == "session_cancelled"
        assert [one.status for one in studio.rows(session_id) if one.status in LIVE] == []
        assert (studio.session(session_id).status, studio.session(session_id).seats_taken) == ("CANCELLED", 0)
    studio.check_punches()


def test_everybody_in_a_session_that_staff_move_has_the_terms_of_the_new_time(studio):
    outcomes = Counter(rush(studio, studio.move))

    assert outcomes["moved"] == 2
    for session_id in studio.sessions:
        session = studio.session(session_id)
        live = [one for one in studio.rows(session_id) if one.status in LIVE]
        assert session.seats_taken == len(live)
        told, joined_later = session.starts_at, session.starts_at - timedelta(hours=24)
        assert {one.free_cancellation_until for one in live} <= {told, joined_later}
        assert {one.status for one in live} <= {"PENDING"}
    studio.check_punches()


def somebody_joins(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second customer reserve between the first look at the roster and the cancelling of the session."""
    joining = iter([1])

    def lock(db_session, ids):
        locked = lock_registrations(db_session, ids)
        for number in joining:
            assert studio.reserve(number, studio.sessions[0]) == "reserved"
        return locked

    monkeypatch.setattr(rosters, "lock_registrations", lock)


def test_whoever_joins_while_the_roster_is_being_locked_is_cancelled_too(studio, monkeypatch):
    studio.reserve(0, studio.sessions[0])
    somebody_joins(studio, monkeypatch)

    studio.cancel(studio.sessions[0])

    assert [one.status for one in studio.rows(studio.sessions[0])] == ["CANCELLED", "CANCELLED"]


def test_with_the_first_look_only_somebody_is_left_in_a_cancelled_session(studio, monkeypatch):
    studio.reserve(0, studio.sessions[0])

    def look_once(db_session, *, session_id, change):
        roster = db_session.scalars(select(SessionReservation).where(SessionReservation.session_id == session_id)).all()
        registrations = lock_registrations(db_session, {one.registration_id for one in roster})
        assert studio.reserve(1, session_id) == "reserved"
        db_session.execute(change)
        return rosters.Roster(reservations=tuple(roster), registrations=registrations)

    monkeypatch.setattr(class_sessions, "take_roster", look_once)

    studio.cancel(studio.sessions[0])

    assert sorted(one.status for one in studio.rows(studio.sessions[0])) == ["CANCELLED", "PENDING"]


def test_the_session_before_the_passes_is_a_deadlock(studio, monkeypatch):
    studio.reserve(0, studio.sessions[0])
    both_have_their_first_lock = Barrier(2)

    def session_first(db_session, *, session_id, change):
        db_session.execute(change)
        meet(both_have_their_first_lock)
        roster = db_session.scalars(select(SessionReservation).where(SessionReservation.session_id == session_id)).all()
        registrations = lock_registrations(db_session, {one.registration_id for one in roster})
        return rosters.Roster(reservations=tuple(roster), registrations=registrations)

    def seats_once_both_are_locked(*args, **kwargs):
        meet(both_have_their_first_lock)
        return change_seats(*args, **kwargs)

    monkeypatch.setattr(class_sessions, "take_roster", session_first)
    monkeypatch.setattr(reservations, "change_seats", seats_once_both_are_locked)

    def give_up() -> str:
        with Session(studio.engine) as db_session, db_session.begin():
            actor, _ = studio.passes[0]
            mine = db_session.scalars(select(SessionReservation.id)).one()
            ReservationService(db_session, clock=lambda: NOW).cancel_reservation(reservation_id=mine, actor=actor)
            return "cancelled"

    with ThreadPoolExecutor(2) as threads:
        acts = [threads.submit(studio.cancel, studio.sessions[0]), threads.submit(give_up)]
        faults = [fault for act in acts if (fault := act.exception()) is not None]

    assert [type(fault) for fault in faults] == [OperationalError]
    assert "deadlock detected" in str(faults[0])


def meet(barrier: Barrier) -> None:
    try:
        barrier.wait(timeout=30)
    except BrokenBarrierError:
        pytest.fail("the two never met")
