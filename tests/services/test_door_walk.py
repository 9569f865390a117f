"""Whatever is done at the door in whatever order, the books balance, and what is refused leaves no trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import StudioError
from studio_reservations.models import LedgerReason, PunchLedgerEntry, Role, SessionReservation
from studio_reservations.services.actors import Actor
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.overrides import Override
from studio_reservations.services.punch_passes import PunchPassService
from studio_reservations.services.reservations import ReservationService
from tests import factories
from tests.services.door import STARTS_AT, all_rows, check_books

HOURS = st.sampled_from([0, 0, 1, 1, 2, 4, 5, 30, -1, -2, -3, -30])
ACTS = st.sampled_from(
    [
        *("check_in", "check_in", "check_in_anyway", "undo_check_in", "attended", "undo_attended"),
        *("no_show", "no_show_released", "deduct", "refund", "reserve", "cancel"),
    ]
)
ACTORS = st.sampled_from(["manager", "manager", "front_desk", "front_desk", "customer", "kiosk"])
STEPS = st.lists(st.tuples(ACTS, ACTORS, HOURS, st.sampled_from([0, 0, 0, 1, 2])), min_size=8, max_size=25)
ANYWAY = Override(rules=frozenset({"not_class_day", "punches_exhausted"}), reason="the bus was late")


class Evening:
    """Three customers with passes of one to three punches, and two seats."""

    def __init__(self, db_session: Session, *, charged: bool) -> None:
        self.db_session = db_session
        self.studio = factories.make_studio(db_session)
        factories.make_policy(db_session, self.studio, deduct_punch_on_no_show=charged)
        studio_class = factories.make_class(db_session, self.studio)
        self.session = factories.make_session(db_session, studio_class, starts_at=STARTS_AT, capacity=2)
        customers = [factories.make_customer(db_session, self.studio) for _ in range(3)]
        self.passes = [
            factories.make_pass(db_session, customer, self.studio, punches=punches)
            for customer, punches in zip(customers, (1, 2, 3), strict=True)
        ]
        for registration in self.passes[:2]:
            factories.make_reservation(db_session, registration, self.session)
        self.actors = {
            "customer": factories.customer_actor(*customers),
            "kiosk": factories.kiosk_actor(self.studio),
            "front_desk": factories.staff_actor(self.studio, Role.FRONT_DESK),
            "manager": factories.staff_actor(self.studio),
        }

    def act(self, name: str, actor: Actor, hours: int, number: int) -> None:
        db_session, now = self.db_session, STARTS_AT + timedelta(hours=hours)
        reservations = db_session.scalars(select(SessionReservation).order_by(SessionReservation.id)).all()
        reservation = reservations[number % len(reservations)]
        one: dict[str, Any] = {"reservation_id": reservation.id, "actor": actor}
        check_ins = CheckInService(db_session, clock=lambda: now)
        attendance = AttendanceService(db_session, clock=lambda: now)
        punches = PunchPassService(db_session, clock=lambda: now)
        desk = ReservationService(db_session, clock=lambda: now)
        match name:
            case "check_in":
                check_ins.check_in(**one)
            case "check_in_anyway":
                check_ins.check_in(**one, override=ANYWAY)
            case "undo_check_in":
                check_ins.undo_check_in(**one)
            case "attended":
                attendance.mark_attended(**one)
            case "undo_attended":
                attendance.undo_attended(**one)
            case "no_show":
                attendance.mark_no_show(**one)
            case "no_show_released":
                attendance.mark_no_show(**one, release_seat=True)
            case "deduct":
                punches.deduct_punch(**one, registration_id=reservation.registration_id)
            case "refund":
                punches.refund_punch(**one, registration_id=reservation.registration_id)
            case "cancel":
                desk.cancel_reservation(**one)
            case "reserve":
                registration = self.passes[number % 3]
                desk.create_reservation(
                    actor=actor,
                    session_id=self.session.id,
                    registration_id=registration.id,
                    customer_id=registration.customer_id,
                )


def charged_twice(db_session: Session) -> bool:
    """Return whether some reservation has two charges with no refund between them."""
    rows = db_session.execute(
        select(PunchLedgerEntry.reservation_id, PunchLedgerEntry.entry_type)
        .where(PunchLedgerEntry.reservation_id.is_not(None))
        .order_by(PunchLedgerEntry.id)
    )
    standing = set()
    for reservation_id, entry_type in rows:
        if entry_type == LedgerReason.REFUND:
            standing.discard(reservation_id)
        elif reservation_id in standing:
            return True
        else:
            standing.add(reservation_id)
    return False


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, charged=st.booleans())
def test_the_books_balance_after_any_walk(db_session, steps, charged):
    evening = Evening(db_session, charged=charged)
    try:
        rows = all_rows(db_session)
        for name, who, hours, number in steps:
            try:
                evening.act(name, evening.actors[who], hours, number)
            except StudioError:
                assert all_rows(db_session) == rows
            else:
                rows = all_rows(db_session)
                check_books(db_session)
                assert not charged_twice(db_session)
    finally:
        db_session.rollback()
