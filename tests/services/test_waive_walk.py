"""Whatever staff judge of a missed class in whatever order, the books balance and nothing is charged twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import StudioError
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerSuspension,
    PunchLedgerEntry,
    SessionReservation,
    SuspensionNoShow,
    SuspensionOrigin,
)
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.overrides import Override
from studio_reservations.services.punch_passes import PunchPassService
from studio_reservations.services.registrations import RegistrationService
from studio_reservations.services.restoring import RestoringService
from tests import factories
from tests.factories import NOW
from tests.services.door import all_rows, check_books
from tests.services.test_door_walk import charged_twice

ENDED = NOW + timedelta(hours=2)
ANYWAY = Override(rules=frozenset({"not_class_day"}), reason="the list was wrong")
ACTS = st.sampled_from(
    [
        *("waive", "waive", "waive", "unwaive", "unwaive", "unwaive", "explain", "decline", "night", "suspend"),
        *("check_in", "no_show", "undo", "refund", "restore", "spend"),
    ]
)
HOURS = st.sampled_from([0, 0, 0, 1, 1, 20, 30])
STEPS = st.lists(st.tuples(ACTS, HOURS, st.integers(0, 1)), min_size=6, max_size=24)


class Quarrel:
    """A customer with a pass of few punches who missed two classes and holds two more, at a studio that may charge for it."""

    def __init__(self, db_session: Session, *, punches: int, charged: bool) -> None:
        self.db_session, self.now = db_session, ENDED
        self.studio = factories.make_studio(db_session)
        factories.make_policy(db_session, self.studio, deduct_punch_on_no_show=charged)
        self.studio_class = factories.make_class(db_session, self.studio)
        customer = factories.make_customer(db_session, self.studio)
        self.registration = factories.make_pass(
            db_session, customer, self.studio, punches=punches, max_advance_reservations=None
        )
        self.manager = factories.staff_actor(self.studio)
        self.customer = factories.customer_actor(customer)
        self.missed = [
            factories.make_reservation(
                db_session, self.registration, factories.make_session(db_session, self.studio_class, starts_at=NOW)
            ).id
            for _ in range(2)
        ]
        self.futures = [
            factories.make_reservation(
                db_session,
                self.registration,
                factories.make_session(db_session, self.studio_class, starts_at=NOW + timedelta(days=day), capacity=1),
            ).id
            for day in (5, 9)
        ]
        for one in self.missed:
            AttendanceService(db_session, clock=self.clock).mark_no_show(reservation_id=one, actor=self.manager)

    def clock(self):
        return self.now

    def act(self, name: str, hours: int, which: int) -> None:
        db_session, clock = self.db_session, self.clock
        self.now += timedelta(hours=hours)
        one: dict[str, Any] = {"reservation_id": self.missed[which], "actor": self.manager}
        no_shows = NoShowService(db_session, clock=clock)
        match name:
            case "waive":
                no_shows.waive(**one)
            case "unwaive":
                no_shows.unwaive(**one)
            case "decline":
                no_shows.decline(**one)
            case "explain":
                no_shows.explain(reservation_id=self.missed[which], actor=self.customer, text="The tram")
            case "check_in":
                CheckInService(db_session, clock=clock).check_in(**one, override=ANYWAY)
            case "no_show":
                AttendanceService(db_session, clock=clock).mark_no_show(**one)
            case "undo":
                CheckInService(db_session, clock=clock).undo_check_in(**one)
            case "refund":
                PunchPassService(db_session, clock=clock).refund_punch(**one, registration_id=self.registration.id)
            case "restore":
                RestoringService(db_session, clock=clock).restore(
                    reservation_id=self.futures[which], actor=self.manager
                )
            case "spend":
                RegistrationService(db_session, clock=clock).adjust(
                    registration_id=self.registration.id, delta=-1, reason="Sold back", actor=self.manager, confirm=True
                )
            case "night":
                self.cancel_futures(which)
            case "suspend":
                self.suspend()

    def cancel_futures(self, which: int) -> None:
        """Do what the night does for one no-show."""
        no_show = self.db_session.get_one(SessionReservation, self.missed[which], populate_existing=True)
        due = no_show.auto_cancel_at
        if due is None or due > self.now or no_show.waived_at is not None or no_show.futures_cancelled_at is not None:
            return
        no_show.futures_cancelled_at = self.now
        for future_id in self.futures:
            future = self.db_session.get_one(SessionReservation, future_id, populate_existing=True)
            session = self.db_session.get_one(ClassSession, future.session_id, populate_existing=True)
            if future.status == "PENDING" and session.starts_at > self.now:
                future.status, future.auto_cancelled_for_id = "AUTO_CANCELLED", no_show.id
                session.seats_taken -= 1
        self.db_session.flush()

    def suspend(self) -> None:
        """Do what the night does with two no-shows whose grace is over, at a limit of two."""
        standing = self.db_session.scalars(
            select(SessionReservation).where(
                SessionReservation.counts_as_no_show.is_(True),
                SessionReservation.waived_at.is_(None),
                SessionReservation.grace_ends_at <= self.now,
            )
        ).all()
        if len(standing) < 2 or self.db_session.scalar(select(CustomerSuspension).limit(1)) is not None:
            return
        suspension = factories.make_suspension(
            self.db_session,
            self.db_session.get_one(Customer, self.registration.customer_id),
            self.studio,
            now=self.now,
            created_by_kind=SuspensionOrigin.SYSTEM,
            limit=2,
            no_show_count=2,
        )
        for one in standing:
            self.db_session.add(
                SuspensionNoShow(suspension_id=suspension.id, reservation_id=one.id, studio_id=self.studio.id)
            )
        self.db_session.flush()


def check_aftermath(db_session: Session, *, charged: bool) -> None:
    """Hold what must be so whatever was judged."""
    db_session.expire_all()
    used: Counter = Counter()
    for reservation_id, delta in db_session.execute(
        select(PunchLedgerEntry.reservation_id, PunchLedgerEntry.delta).where(
            PunchLedgerEntry.reservation_id.is_not(None)
        )
    ):
        used[reservation_id] -= delta
    for one in db_session.scalars(select(SessionReservation)):
        assert one.punches_used == used[one.id] <= 1
        if one.status == "NO_SHOW" and (one.waived_at is not None or not charged):
            assert one.punches_used == 0
        assert one.waived_at is None or one.counts_as_no_show
        assert (one.explanation_answer == "WAIVED") <= (one.waived_at is not None)
    for registration in db_session.scalars(select(ClassRegistration)):
        total = db_session.scalar(
            select(func.sum(PunchLedgerEntry.delta)).where(PunchLedgerEntry.registration_id == registration.id)
        )
        assert registration.sessions_remaining == total
    for suspension in db_session.scalars(select(CustomerSuspension)):
        standing = db_session.scalars(
            select(func.count())
            .select_from(SuspensionNoShow)
            .join(SessionReservation, SessionReservation.id == SuspensionNoShow.reservation_id)
            .where(SessionReservation.counts_as_no_show.is_(True), SessionReservation.waived_at.is_(None))
        ).one()
        assert (suspension.voided_at is not None) or standing >= 2


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, punches=st.integers(0, 5), charged=st.booleans())
def test_the_books_balance_after_any_quarrel(db_session, steps, punches, charged):
    quarrel = Quarrel(db_session, punches=punches, charged=charged)
    try:
        rows = all_rows(db_session)
        for name, hours, which in steps:
            try:
                quarrel.act(name, hours, which)
            except StudioError:
                assert all_rows(db_session) == rows
            else:
                rows = all_rows(db_session)
                check_books(db_session)
                check_aftermath(db_session, charged=charged)
                assert not charged_twice(db_session)
    finally:
        db_session.rollback()
