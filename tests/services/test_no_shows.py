"""After a missed class: explanations, waives, and what they give back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    AlreadyExplained,
    ExplanationClosed,
    Forbidden,
    InvalidTransition,
    NotFound,
    ReservationRefused,
    SessionCancelled,
)
from studio_reservations.models import (
    CustomerSuspension,
    Role,
    SessionReservation,
    SuspensionNoShow,
    SuspensionOrigin,
)
from studio_reservations.pass_types import Status
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.overrides import Override
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.restoring import RestoringService
from tests import factories
from tests.factories import NOW
from tests.services.scene import Scene

MISSED = NOW + timedelta(hours=4)  # after the session of this scene has ended


class Aftermath(Scene):
    """The scene on the day of its session: a policy that takes a punch, and the customer has not come."""

    def __init__(self, db_session: Session) -> None:
        super().__init__(db_session)
        self.policy = factories.make_policy(db_session, self.studio, deduct_punch_on_no_show=True)
        self.session.starts_at, self.session.ends_at = NOW + timedelta(hours=1), NOW + timedelta(hours=3)
        db_session.flush()
        self.manager = factories.staff_actor(self.studio, Role.MANAGER)
        self.missed = self.reserve()
        self.future = self.reserve(self.another_session(starts_at=NOW + timedelta(days=9)))
        AttendanceService(db_session, clock=lambda: MISSED).mark_no_show(
            reservation_id=self.missed.reservation_id, actor=self.manager
        )

    def no_shows(self, now=MISSED) -> NoShowService:
        return NoShowService(self.db_session, clock=lambda: now)

    def cancel_the_future(self) -> None:
        """Do what the night does."""
        future = self.row(self.future)
        future.status = "AUTO_CANCELLED"
        future.auto_cancelled_at = MISSED
        future.auto_cancelled_for_id = self.missed.reservation_id
        session = self.db_session.get_one(type(self.session), future.session_id)
        session.seats_taken -= 1
        self.row(self.missed).futures_cancelled_at = MISSED
        self.db_session.flush()

    def another_no_show(self) -> SessionReservation:
        return factories.make_reservation(
            self.db_session,
            self.registration,
            self.another_session(starts_at=NOW - timedelta(days=3)),
            status=Status.NO_SHOW,
            counts_as_no_show=True,
            missed_at=NOW - timedelta(days=3),
            grace_ends_at=NOW - timedelta(days=2),
        )

    def suspend(self, limit: int = 1) -> CustomerSuspension:
        suspension = factories.make_suspension(
            self.db_session,
            self.customer,
            self.studio,
            created_by_kind=SuspensionOrigin.SYSTEM,
            limit=limit,
            no_show_count=limit,
        )
        self.db_session.add(
            SuspensionNoShow(
                suspension_id=suspension.id, reservation_id=self.missed.reservation_id, studio_id=self.studio.id
            )
        )
        self.db_session.flush()
        return suspension

    def actions(self, reservation) -> list[str]:
        return [one["action"] for one in factories.history_of(self.db_session, reservation.reservation_id)]


@pytest.fixture
def aftermath(db_session: Session) -> Aftermath:
    return Aftermath(db_session)


class TestExplaining:
    def test_is_kept_once_and_told(self, aftermath):
        service = aftermath.no_shows()

        service.explain(reservation_id=aftermath.missed.reservation_id, actor=aftermath.actor, text="The tram")

        row = aftermath.row(aftermath.missed)
        assert (row.explanation, row.explained_at) == ("The tram", MISSED)
        assert aftermath.actions(aftermath.missed)[-1] == "reservation.explained"
        with pytest.raises(AlreadyExplained):
            service.explain(reservation_id=aftermath.missed.reservation_id, actor=aftermath.actor, text="No, the bus")

    def test_is_open_until_the_night_that_cancels(self, aftermath):
        until = aftermath.row(aftermath.missed).auto_cancel_at

        with pytest.raises(ExplanationClosed):
            aftermath.no_shows(until).explain(
                reservation_id=aftermath.missed.reservation_id, actor=aftermath.actor, text="Late"
            )
        aftermath.no_shows(until - timedelta(seconds=1)).explain(
            reservation_id=aftermath.missed.reservation_id, actor=aftermath.actor, text="In time"
        )

    def test_is_the_customers_own(self, aftermath):
        stranger = factories.customer_actor(factories.make_customer(aftermath.db_session, aftermath.studio))

        for actor in (stranger, aftermath.manager):
            with pytest.raises(NotFound):
                aftermath.no_shows().explain(
                    reservation_id=aftermath.missed.reservation_id, actor=actor, text="Not mine"
                )

    def test_needs_a_missed_class(self, aftermath):
        with pytest.raises(InvalidTransition):
            aftermath.no_shows().explain(
                reservation_id=aftermath.future.reservation_id, actor=aftermath.actor, text="Why not"
            )

    def test_declined_it_stays_a_no_show(self, aftermath):
        service = aftermath.no_shows()
        service.explain(reservation_id=aftermath.missed.reservation_id, actor=aftermath.actor, text="The tram")

        service.decline(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager, reason="Third time")

        row = aftermath.row(aftermath.missed)
        assert (row.status, row.explanation_answer, row.waived_at) == ("NO_SHOW", "DECLINED", None)


class TestWaiving:
    def test_refunds_and_no_longer_counts(self, aftermath):
        assert aftermath.punches() == 4

        waived = aftermath.no_shows().waive(
            reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager, reason="A doctor's note"
        )

        assert (waived.punches_refunded, aftermath.punches()) == (1, 5)
        row = aftermath.row(aftermath.missed)
        assert (row.status, row.waived_at, row.waived_by) == ("NO_SHOW", MISSED, aftermath.manager.id)
        assert aftermath.actions(aftermath.missed)[-1] == "reservation.waived"

    def test_twice_is_once(self, aftermath):
        service = aftermath.no_shows()
        service.waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)
        before = aftermath.actions(aftermath.missed)

        service.waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        assert (aftermath.actions(aftermath.missed), aftermath.punches()) == (before, 5)

    def test_is_the_managers(self, aftermath):
        with pytest.raises(Forbidden):
            aftermath.no_shows().waive(
                reservation_id=aftermath.missed.reservation_id,
                actor=factories.staff_actor(aftermath.studio, Role.FRONT_DESK),
            )

    def test_gives_back_what_the_night_cancelled(self, aftermath):
        aftermath.cancel_the_future()

        waived = aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        assert [(one.reservation_id, one.refusal) for one in waived.futures] == [
            (aftermath.future.reservation_id, None)
        ]
        row = aftermath.row(aftermath.future)
        assert (row.status, row.auto_cancelled_for_id) == ("PENDING", None)
        assert aftermath.actions(aftermath.future)[-1] == "reservation.restored"

    def test_says_of_each_future_why_it_could_not_be_given_back(self, aftermath):
        aftermath.cancel_the_future()
        session = aftermath.db_session.get_one(type(aftermath.session), aftermath.row(aftermath.future).session_id)
        session.seats_taken = session.capacity
        aftermath.db_session.flush()

        waived = aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        assert [one.refusal.code for one in waived.futures] == ["session_full"]
        assert aftermath.row(aftermath.future).status == "AUTO_CANCELLED"
        assert aftermath.row(aftermath.missed).waived_at == MISSED

    def test_voids_the_suspension_that_it_leaves_below_its_limit(self, aftermath):
        suspension = aftermath.suspend()

        waived = aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        assert [one.id for one in waived.voided] == [suspension.id]
        assert (suspension.voided_at, suspension.ended_at) == (MISSED, MISSED)
        assert not ReservationService(aftermath.db_session, clock=lambda: MISSED).is_customer_suspended(
            customer_id=aftermath.customer.id, studio_id=aftermath.studio.id
        )

    def test_taken_back_it_is_charged_again_until_grace_ends(self, aftermath):
        service = aftermath.no_shows()
        service.waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        service.unwaive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        assert (aftermath.row(aftermath.missed).waived_at, aftermath.punches()) == (None, 4)
        assert factories.ledger_of(aftermath.db_session, aftermath.registration.id)[-1] == ("NO_SHOW", -1, 4)

    def test_taken_back_it_is_charged_what_the_waive_gave_back_and_not_what_other_acts_did(self, aftermath):
        """All at one instant: the check-in's refund must not be taken for the waive's."""
        aftermath.policy.deduct_punch_on_no_show = False
        manager = aftermath.manager
        one = {"reservation_id": aftermath.missed.reservation_id, "actor": manager}
        CheckInService(aftermath.db_session, clock=lambda: MISSED).check_in(**one)
        AttendanceService(aftermath.db_session, clock=lambda: MISSED).mark_no_show(**one)
        assert aftermath.punches() == 5
        aftermath.no_shows().waive(**one)

        aftermath.no_shows().unwaive(**one)

        assert aftermath.punches() == 5

    def test_by_a_cancelled_session_is_answered_and_cannot_be_taken_back(self, aftermath):
        during = MISSED - timedelta(hours=2)
        one = {"reservation_id": aftermath.missed.reservation_id}
        aftermath.no_shows(during).explain(**one, actor=aftermath.actor, text="The tram")
        ClassSessionService(aftermath.db_session, clock=lambda: during).cancel_session(
            session_id=aftermath.session.id, actor=aftermath.manager
        )

        with pytest.raises(SessionCancelled):
            aftermath.no_shows(during).unwaive(**one, actor=aftermath.manager)

        row = aftermath.row(aftermath.missed)
        assert (row.explanation_answer, row.waived_at, aftermath.punches()) == ("WAIVED", during, 5)

    def test_missed_anew_the_explanation_waits_for_a_new_answer(self, aftermath):
        one = {"reservation_id": aftermath.missed.reservation_id, "actor": aftermath.manager}
        aftermath.no_shows().explain(
            reservation_id=aftermath.missed.reservation_id, actor=aftermath.actor, text="The tram"
        )
        aftermath.no_shows().waive(**one)
        CheckInService(aftermath.db_session, clock=lambda: MISSED).check_in(**one)

        AttendanceService(aftermath.db_session, clock=lambda: MISSED).mark_no_show(**one)

        row = aftermath.row(aftermath.missed)
        assert (row.explanation, row.explanation_answer, row.waived_at) == ("The tram", None, None)

    def test_leaves_a_suspension_that_still_has_its_number(self, aftermath):
        suspension = aftermath.suspend(limit=1)
        other = aftermath.another_no_show()
        aftermath.db_session.add(
            SuspensionNoShow(suspension_id=suspension.id, reservation_id=other.id, studio_id=aftermath.studio.id)
        )
        aftermath.db_session.flush()

        first = aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)
        standing = suspension.voided_at
        second = aftermath.no_shows().waive(reservation_id=other.id, actor=aftermath.manager)

        assert (list(first.voided), standing) == ([], None)
        assert [one.id for one in second.voided] == [suspension.id]

    def test_leaves_a_suspension_that_staff_made(self, aftermath):
        suspension = factories.make_suspension(aftermath.db_session, aftermath.customer, aftermath.studio)

        waived = aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)

        assert (list(waived.voided), suspension.voided_at) == ([], None)

    def test_cannot_be_taken_back_after_grace(self, aftermath):
        aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)
        grace_ends_at = aftermath.row(aftermath.missed).grace_ends_at

        with pytest.raises(InvalidTransition):
            aftermath.no_shows(grace_ends_at).unwaive(
                reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager
            )

    def test_a_counted_late_cancellation_can_be_waived_too(self, aftermath):
        aftermath.policy.deduct_punch_on_late_cancel = aftermath.policy.late_cancel_counts_as_no_show = True
        soon = aftermath.another_session(starts_at=NOW + timedelta(hours=8))
        late = aftermath.reserve(soon, now=NOW - timedelta(hours=2))
        aftermath.cancel(late)
        assert aftermath.punches() == 3

        waived = aftermath.no_shows().waive(reservation_id=late.reservation_id, actor=aftermath.manager)

        assert (waived.punches_refunded, aftermath.punches()) == (1, 4)
        assert aftermath.row(late).status == "CANCELLED"


def test_being_there_after_all_gives_back_what_it_cost(aftermath):
    aftermath.cancel_the_future()
    suspension = aftermath.suspend()

    CheckInService(aftermath.db_session, clock=lambda: MISSED).check_in(
        reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager
    )

    assert aftermath.row(aftermath.future).status == "PENDING"
    assert suspension.voided_at == MISSED


class TestRestoring:
    def test_brings_back_the_seat_and_the_terms(self, aftermath):
        aftermath.cancel_the_future()
        terms = aftermath.row(aftermath.future).free_cancellation_until

        RestoringService(aftermath.db_session, clock=lambda: MISSED).restore(
            reservation_id=aftermath.future.reservation_id, actor=aftermath.manager
        )

        row = aftermath.row(aftermath.future)
        assert (row.status, row.free_cancellation_until) == ("PENDING", terms)
        assert aftermath.db_session.get_one(type(aftermath.session), row.session_id).seats_taken == 1

    def test_of_a_session_moved_meanwhile_it_can_be_given_up_for_free_until_the_new_start(self, aftermath):
        aftermath.policy.deduct_punch_on_late_cancel = True
        aftermath.cancel_the_future()
        session = aftermath.db_session.get_one(type(aftermath.session), aftermath.row(aftermath.future).session_id)
        new = session.starts_at + timedelta(days=20)
        ClassSessionService(aftermath.db_session, clock=lambda: MISSED).update_session(
            session_id=session.id, changes={"starts_at": new}, actor=aftermath.manager
        )

        aftermath.no_shows().waive(reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager)
        given_up = aftermath.cancel(aftermath.future, now=new - timedelta(hours=1))

        assert (given_up.late, given_up.punches_charged) == (False, 0)

    def test_is_judged_and_a_suspension_can_be_set_aside(self, aftermath):
        aftermath.cancel_the_future()
        aftermath.suspend()
        service = RestoringService(aftermath.db_session, clock=lambda: MISSED)

        with pytest.raises(ReservationRefused) as refused:
            service.restore(reservation_id=aftermath.future.reservation_id, actor=aftermath.manager)
        service.restore(
            reservation_id=aftermath.future.reservation_id,
            actor=aftermath.manager,
            override=Override(rules=frozenset({"customer_suspended"}), reason="Agreed on the phone"),
        )

        assert refused.value.code == "customer_suspended"
        assert factories.history_of(aftermath.db_session, aftermath.future.reservation_id)[-1]["reason"] == (
            "Agreed on the phone"
        )

    def test_only_what_was_auto_cancelled(self, aftermath):
        with pytest.raises(InvalidTransition):
            RestoringService(aftermath.db_session, clock=lambda: MISSED).restore(
                reservation_id=aftermath.missed.reservation_id, actor=aftermath.manager
            )
