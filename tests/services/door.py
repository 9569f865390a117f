"""What the tests of the door share: an evening class and whoever comes to it, and the books that must balance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    Base,
    ClassRegistration,
    ClassSession,
    PunchLedgerEntry,
    Role,
    SessionReservation,
)
from studio_reservations.pass_types import LIVE, Status
from studio_reservations.services.actors import Actor
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.codes import CodeSigner
from studio_reservations.services.overrides import Override
from studio_reservations.services.punch_passes import PunchPassService
from tests import factories

CODES = CodeSigner("a secret of the tests")
STARTS_AT = datetime(2026, 12, 1, 23, 0, tzinfo=UTC)
"""Tuesday 18:00 in Toronto; the class ends at 20:00."""


class Door:
    """A studio whose evening class one customer has reserved with a punch pass of five."""

    def __init__(
        self,
        db_session: Session,
        *,
        starts_at: datetime = STARTS_AT,
        pass_type: str = "punch_pass",
        status: Status = Status.PENDING,
        capacity: int = 10,
        minutes: int = 120,
        **reservation: Any,
    ) -> None:
        self.db_session = db_session
        self.studio = factories.make_studio(db_session)
        self.teacher = factories.make_staff(db_session, self.studio, Role.INSTRUCTOR)
        self.studio_class = factories.make_class(db_session, self.studio)
        self.session = factories.make_session(
            db_session,
            self.studio_class,
            starts_at=starts_at,
            minutes=minutes,
            capacity=capacity,
            instructor_id=self.teacher.id,
        )
        self.customer = factories.make_customer(db_session, self.studio)
        self.registration = factories.make_pass(db_session, self.customer, self.studio, pass_type=pass_type)
        self.reservation = factories.make_reservation(
            db_session, self.registration, self.session, status=status, **reservation
        )
        self.me = factories.customer_actor(self.customer)
        self.desk = factories.staff_actor(self.studio, Role.FRONT_DESK)
        self.manager = factories.staff_actor(self.studio, Role.MANAGER)
        self.instructor = factories.staff_actor(self.studio, Role.INSTRUCTOR, staff=self.teacher)
        self.kiosk = factories.kiosk_actor(self.studio)

    def check_ins(self, now: datetime = STARTS_AT) -> CheckInService:
        return CheckInService(self.db_session, clock=lambda: now, codes=CODES)

    def check_in(self, actor: Actor, now: datetime = STARTS_AT, **asked: Any) -> SessionReservation:
        return self.check_ins(now).check_in(reservation_id=self.reservation.id, actor=actor, **asked)

    def undo(self, actor: Actor, now: datetime = STARTS_AT) -> SessionReservation:
        return self.check_ins(now).undo_check_in(reservation_id=self.reservation.id, actor=actor, reason="a mistake")

    def attendance(self, now: datetime = STARTS_AT) -> AttendanceService:
        return AttendanceService(self.db_session, clock=lambda: now)

    def miss(self, now: datetime = STARTS_AT, **asked: Any) -> SessionReservation:
        return self.attendance(now).mark_no_show(reservation_id=self.reservation.id, actor=self.desk, **asked)

    def punches(self, now: datetime = STARTS_AT) -> PunchPassService:
        return PunchPassService(self.db_session, clock=lambda: now)

    def ledger(self) -> list[tuple[str, int, int]]:
        return factories.ledger_of(self.db_session, self.registration.id)

    def actions(self) -> list[str]:
        return [one["action"] for one in factories.history_of(self.db_session, self.reservation.id)]

    def seats_taken(self) -> int:
        self.db_session.refresh(self.session)
        return self.session.seats_taken


def set_aside(*rules: str) -> Override:
    return Override(rules=frozenset(rules), reason="the bus was late")


def all_rows(db_session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    db_session.flush()
    return {
        table.name: sorted((tuple(row) for row in db_session.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
    }


def check_books(db_session: Session) -> None:
    """Assert that ledger, balances, charges and seats agree."""
    db_session.flush()
    db_session.expire_all()
    deltas = func.coalesce(func.sum(PunchLedgerEntry.delta), 0)
    for registration in db_session.scalars(select(ClassRegistration)):
        if registration.sessions_remaining is not None:
            of_pass = select(deltas).where(PunchLedgerEntry.registration_id == registration.id)
            assert db_session.scalar(of_pass) == registration.sessions_remaining
        attended = select(func.count()).where(
            SessionReservation.registration_id == registration.id, SessionReservation.status == Status.ATTENDED.value
        )
        assert db_session.scalar(attended) == registration.sessions_attended
    reservations = db_session.scalars(select(SessionReservation)).all()
    for reservation in reservations:
        of_reservation = select(deltas).where(PunchLedgerEntry.reservation_id == reservation.id)
        assert reservation.punches_used == -(db_session.scalar(of_reservation) or 0)
    for session in db_session.scalars(select(ClassSession)):
        assert session.seats_taken == sum(_holds_seat(one) for one in reservations if one.session_id == session.id)


def _holds_seat(reservation: SessionReservation) -> bool:
    missed_here = reservation.status == Status.NO_SHOW and reservation.seat_released_at is None
    return reservation.status in LIVE or missed_here
