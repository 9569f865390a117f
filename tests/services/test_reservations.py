"""Reserving, cancelling and rescheduling, by what the tables hold afterwards."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    AlreadyReserved,
    CancellationNotFree,
    Forbidden,
    InvalidTransition,
    NotFound,
    NoUsablePass,
    ReservationRefused,
    SessionFull,
    SessionStarted,
)
from studio_reservations.models import OutboxMessage, ReservationHistory, Role, SessionReservation
from studio_reservations.pass_types import Status
from studio_reservations.services.events import signal
from studio_reservations.services.listings import reservation_view, window_of
from tests import factories
from tests.factories import NOW
from tests.services.scene import Scene

SESSION_START = NOW + timedelta(days=7)


@pytest.fixture
def scene(db_session: Session) -> Scene:
    return Scene(db_session)


def test_a_reservation_takes_a_seat_holds_a_punch_and_is_told(scene):
    created = scene.reserve()

    row = scene.row(created)
    assert (row.status, row.punches_held, row.punches_used) == ("PENDING", 1, 0)
    assert row.free_cancellation_until == SESSION_START - timedelta(hours=24)
    assert row.undo_until == NOW + timedelta(minutes=15)
    assert scene.seats() == 1
    assert scene.punches() == 5
    (act,) = factories.history_of(scene.db_session, row.id)
    assert (act["action"], act["from_status"], act["to_status"]) == ("reservation.created", None, "PENDING")
    message = scene.db_session.scalars(select(OutboxMessage).filter_by(reservation_id=row.id)).one()
    assert (message.event, message.payload["status"]) == ("reservation.created", "PENDING")


def test_a_new_reservation_is_shown_as_it_is_read(scene):
    """The answer is made without reading the reservation again, and says the same of every column."""
    wheel = factories.make_class(scene.db_session, scene.studio, steps=1)
    (step,) = factories.steps_of_class(scene.db_session, wheel)
    factories.make_policy(scene.db_session, scene.studio, check_in_opens_minutes_before=30)
    factories.make_policy(scene.db_session, scene.studio, wheel, check_in_closes_minutes_after=5)
    missed = scene.another_session(starts_at=NOW - timedelta(hours=3))
    for hours in (20, 10, 24 * 30):
        session = scene.another_session(starts_at=missed.starts_at - timedelta(hours=hours))
        fields = {"missed_at": session.ends_at, "auto_cancel_at": NOW + timedelta(hours=hours)}
        factories.make_reservation(scene.db_session, scene.registration, session, status=Status.NO_SHOW, **fields)

    plain = scene.reserve(scene.another_session(location="Kiln room"))
    stepped = scene.reserve(scene.another_session(studio_class=wheel, step=step))
    moved = scene.reschedule(plain, scene.another_session(starts_at=NOW + timedelta(hours=11)))

    for created in (stepped, moved):
        row = reservation_view(scene.db_session, created.reservation_id)
        minutes = {"check_in_opens_minutes_before", "check_in_closes_minutes_after"}  # null: the rules' own
        assert {name: getattr(created.shown, name) for name in row._fields if name not in minutes} == {
            name: value for name, value in row._mapping.items() if name not in minutes
        }
        assert window_of(created.shown) == window_of(row)
        assert row.threatened_at == NOW + timedelta(hours=10)


def test_the_signal_is_sent_after_the_commit_and_not_after_a_rollback(scene):
    heard = []

    def listen(_sender, **told):
        heard.append(told["subject_id"])

    with signal("reservation.created").connected_to(listen):
        scene.db_session.commit()
        scene.reserve(scene.another_session())
        scene.db_session.rollback()
        kept = scene.reserve()
        assert heard == []
        scene.db_session.commit()

    assert heard == [kept.reservation_id]


def test_a_refusal_inside_a_portals_own_transaction_leaves_the_rest_of_it_alone(scene):
    scene.studio.name = "Renamed in the same transaction"
    scene.session.capacity = 1
    factories.make_reservation(
        scene.db_session,
        factories.make_pass(scene.db_session, factories.make_customer(scene.db_session, scene.studio), scene.studio),
        scene.session,
    )

    with pytest.raises(SessionFull):
        scene.reserve()
    scene.db_session.commit()

    scene.db_session.refresh(scene.studio)
    assert scene.studio.name == "Renamed in the same transaction"


class TestThePassThatIsChosen:
    def test_the_only_one(self, scene):
        created = scene.reserve(registration_id=None)

        assert created.choice.reason == "only_one"
        assert created.registration_id == scene.registration.id

    def test_an_uncounted_one_before_a_counted_one(self, scene):
        unlimited = factories.make_pass(scene.db_session, scene.customer, scene.studio, pass_type="unlimited_series")

        created = scene.reserve(registration_id=None)

        assert (created.registration_id, created.choice.reason) == (unlimited.id, "uncounted_first")

    def test_the_one_that_expires_first(self, scene):
        soon = factories.make_pass(scene.db_session, scene.customer, scene.studio, valid_until=date(2026, 12, 31))

        created = scene.reserve(registration_id=None)

        assert (created.registration_id, created.choice.reason) == (soon.id, "soonest_expiry")

    def test_the_one_with_the_fewest_left(self, scene):
        almost_used_up = factories.make_pass(scene.db_session, scene.customer, scene.studio, punches=1)

        created = scene.reserve(registration_id=None)

        assert (created.registration_id, created.choice.reason) == (almost_used_up.id, "fewest_left")

    def test_the_oldest_of_equals(self, scene):
        older = factories.make_pass(scene.db_session, scene.customer, scene.studio, now=NOW - timedelta(days=9))

        created = scene.reserve(registration_id=None)

        assert (created.registration_id, created.choice.reason) == (older.id, "oldest")

    def test_none_at_all_is_no_usable_pass(self, scene):
        newcomer = factories.make_customer(scene.db_session, scene.studio)

        with pytest.raises(NoUsablePass) as refused:
            scene.reserve(actor=factories.customer_actor(newcomer), registration_id=None)

        assert refused.value.values == {"passes": []}

    def test_passes_that_fail_alike_give_their_code(self, scene):
        factories.make_pass(scene.db_session, scene.customer, scene.studio)
        scene.session.seats_taken = scene.session.capacity
        scene.db_session.flush()

        with pytest.raises(SessionFull):
            scene.reserve(registration_id=None)

    def test_a_frozen_pass_does_not_hide_why_the_other_one_fails(self, scene):
        factories.make_pass(scene.db_session, scene.customer, scene.studio, status="FROZEN")
        scene.registration.sessions_remaining = 0
        scene.db_session.flush()

        with pytest.raises(ReservationRefused) as refused:
            scene.reserve(registration_id=None)

        assert refused.value.code == "punches_exhausted"

    def test_passes_that_fail_differently_are_listed_with_their_codes(self, scene):
        expired = factories.make_pass(scene.db_session, scene.customer, scene.studio, valid_until=date(2026, 12, 2))
        scene.registration.sessions_remaining = 0
        scene.db_session.flush()

        with pytest.raises(NoUsablePass) as refused:
            scene.reserve(registration_id=None)

        assert {(one["registration_id"], one["refusal"].code) for one in refused.value.values["passes"]} == {
            (expired.id, "pass_expired"),
            (scene.registration.id, "punches_exhausted"),
        }


class TestCancelling:
    def test_early_is_free_and_the_seat_is_given_back(self, scene):
        created = scene.reserve()

        outcome = scene.cancel(created, now=SESSION_START - timedelta(hours=24), reason="Flu")

        assert (outcome.late, outcome.punches_charged) == (False, 0)
        assert scene.row(created).status == "CANCELLED"
        assert scene.seats() == 0
        assert factories.history_of(scene.db_session, created.reservation_id)[-1]["reason"] == "Flu"

    def test_a_second_tap_changes_nothing(self, scene):
        created = scene.reserve()
        scene.cancel(created)
        before = scene.count(ReservationHistory)

        again = scene.cancel(created, now=NOW + timedelta(hours=1))

        assert again.reservation.cancelled_at == NOW
        assert (scene.count(ReservationHistory), scene.seats()) == (before, 0)

    def test_late_is_charged_and_counted_as_the_terms_stood_at_creation(self, scene):
        policy = factories.make_policy(
            scene.db_session, scene.studio, deduct_punch_on_late_cancel=True, late_cancel_counts_as_no_show=True
        )
        created = scene.reserve()
        policy.deduct_punch_on_late_cancel = policy.late_cancel_counts_as_no_show = False
        scene.db_session.flush()
        late = SESSION_START - timedelta(hours=24) + timedelta(microseconds=1)

        outcome = scene.cancel(created, now=late)

        assert (outcome.late, outcome.punches_charged, scene.punches()) == (True, 1, 4)
        row = scene.row(created)
        assert (row.counts_as_no_show, row.missed_at, row.auto_cancel_at) == (True, late, None)
        assert row.grace_ends_at == late + timedelta(hours=24)
        assert factories.ledger_of(scene.db_session, scene.registration.id)[-1] == ("LATE_CANCEL", -1, 4)

    def test_a_second_tap_tells_what_the_first_one_cost(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        created = scene.reserve()
        late = SESSION_START - timedelta(hours=1)
        scene.cancel(created, now=late)

        again = scene.cancel(created, now=late)

        assert (again.late, again.punches_charged, scene.punches()) == (True, 1, 4)

    def test_what_the_balance_did_not_cover_is_in_the_history(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        created = scene.reserve()
        scene.registration.sessions_remaining = 0
        scene.db_session.flush()

        scene.cancel(created, now=SESSION_START - timedelta(hours=1))

        details = factories.history_of(scene.db_session, created.reservation_id)[-1]["details"]
        assert (details["punches_charged"], details["due"], details["shortfall"]) == (0, 1, 1)

    def test_a_policy_made_harder_later_does_not_touch_what_was_reserved(self, scene):
        created = scene.reserve()
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)

        outcome = scene.cancel(created, now=SESSION_START - timedelta(hours=1))

        assert (outcome.late, outcome.punches_charged, scene.punches()) == (True, 0, 5)

    def test_if_free_refuses_instead_of_charging(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        created = scene.reserve()

        with pytest.raises(CancellationNotFree) as refused:
            scene.cancel(created, now=SESSION_START - timedelta(hours=1), if_free=True)

        assert refused.value.values["punches"] == 1
        assert scene.row(created).status == "PENDING"

    def test_a_fresh_reservation_is_undone_free_inside_the_cutoff(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        tomorrow = scene.another_session(starts_at=NOW + timedelta(hours=2))
        created = scene.reserve(tomorrow)

        outcome = scene.cancel(created, now=NOW + timedelta(minutes=15))

        assert (outcome.late, scene.punches()) == (False, 5)

    def test_not_after_the_start(self, scene):
        created = scene.reserve()

        with pytest.raises(SessionStarted):
            scene.cancel(created, now=SESSION_START)

    def test_staff_cancel_free_at_any_time(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        created = scene.reserve()

        outcome = scene.cancel(created, now=SESSION_START, actor=factories.staff_actor(scene.studio, Role.FRONT_DESK))

        assert (outcome.late, scene.punches()) == (False, 5)

    def test_staff_cancel_on_the_customers_terms(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        created = scene.reserve()

        outcome = scene.cancel(
            created,
            now=SESSION_START - timedelta(hours=1),
            actor=factories.staff_actor(scene.studio, Role.FRONT_DESK),
            as_customer=True,
        )

        assert (outcome.late, scene.punches()) == (True, 4)

    def test_an_instructor_may_not_and_a_stranger_finds_nothing(self, scene):
        created = scene.reserve()

        with pytest.raises(Forbidden):
            scene.cancel(created, actor=factories.staff_actor(scene.studio, Role.INSTRUCTOR))
        with pytest.raises(NotFound):
            scene.cancel(created, actor=factories.customer_actor(factories.make_customer(scene.db_session)))

    def test_the_cutoff_is_counted_on_the_wall_clock(self, scene):
        # Sunday 14 March 2027, 10:00 in Toronto; the clocks go forward that night.
        sunday = scene.another_session(starts_at=NOW.replace(year=2027, month=3, day=14, hour=14))

        row = scene.row(scene.reserve(sunday))

        assert row.free_cancellation_until == NOW.replace(year=2027, month=3, day=13, hour=15)


class TestRescheduling:
    def test_moves_the_seat_and_is_one_act(self, scene):
        later = scene.another_session(starts_at=SESSION_START + timedelta(days=1))
        created = scene.reserve()

        moved = scene.reschedule(created, later, now=NOW + timedelta(minutes=5))

        assert (scene.seats(), scene.seats(later)) == (0, 1)
        assert scene.row(created).status == "CANCELLED"
        new = scene.row(moved)
        assert (new.status, new.replaces_id, new.first_reserved_at) == ("PENDING", created.reservation_id, NOW)
        (act,) = factories.history_of(scene.db_session, new.id)
        assert act["action"] == "reservation.rescheduled"
        assert [one["action"] for one in factories.history_of(scene.db_session, created.reservation_id)] == [
            "reservation.created"
        ]

    def test_is_judged_as_if_the_old_one_were_cancelled(self, scene):
        scene.registration.max_advance_reservations = 1
        scene.registration.sessions_remaining = 1
        scene.db_session.flush()
        later = scene.another_session(starts_at=SESSION_START + timedelta(days=1))

        moved = scene.reschedule(scene.reserve(), later)

        assert scene.row(moved).punches_held == 1

    def test_a_refused_one_leaves_the_old_one_as_it_was(self, scene):
        full = scene.another_session(starts_at=SESSION_START + timedelta(days=1), capacity=1, seats_taken=1)
        created = scene.reserve()

        with pytest.raises(SessionFull):
            scene.reschedule(created, full)

        assert (scene.row(created).status, scene.seats()) == ("PENDING", 1)

    def test_a_late_one_is_a_late_cancellation(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        later = scene.another_session(starts_at=SESSION_START + timedelta(days=3))
        created = scene.reserve()

        moved = scene.reschedule(created, later, now=SESSION_START - timedelta(hours=1))

        assert (scene.row(created).late, scene.punches()) == (True, 4)
        assert factories.history_of(scene.db_session, moved.reservation_id)[0]["details"]["punches_charged"] == 1

    def test_the_last_punch_cannot_pay_for_being_late_and_for_the_new_day(self, scene):
        factories.make_policy(scene.db_session, scene.studio, deduct_punch_on_late_cancel=True)
        scene.registration.sessions_remaining = 1
        later = scene.another_session(starts_at=SESSION_START + timedelta(days=3))
        created = scene.reserve()

        with pytest.raises(ReservationRefused) as refused:
            scene.reschedule(created, later, now=SESSION_START - timedelta(hours=1))

        assert refused.value.code == "punches_exhausted"
        assert (scene.row(created).status, scene.punches()) == ("PENDING", 1)

    def test_to_the_same_session_is_already_reserved(self, scene):
        created = scene.reserve()

        with pytest.raises(AlreadyReserved):
            scene.reschedule(created, scene.session)

    def test_only_what_is_pending(self, scene):
        created = scene.reserve()
        scene.cancel(created)

        with pytest.raises(InvalidTransition):
            scene.reschedule(created, scene.another_session())


class TestACourseInParts:
    @pytest.fixture
    def course(self, scene):
        scene.studio_class = factories.make_class(scene.db_session, scene.studio, title="Mug building", steps=3)
        steps = factories.steps_of_class(scene.db_session, scene.studio_class)
        scene.parts = [
            scene.another_session(step=step, starts_at=NOW + timedelta(days=7 * step.position)) for step in steps
        ]
        scene.registration = factories.make_pass(
            scene.db_session,
            scene.customer,
            scene.studio,
            pass_type="full_course",
            studio_class=scene.studio_class,
            pass_options={"sequence_rule": "reserved"},
        )
        return scene

    def test_parts_are_reserved_in_order(self, course):
        with pytest.raises(ReservationRefused) as refused:
            course.reserve(course.parts[1])
        course.reserve(course.parts[0])

        assert refused.value.code == "sequence_not_met"
        assert course.row(course.reserve(course.parts[1])).exclusive_step_id == course.parts[1].step_id

    def test_a_part_is_held_once(self, course):
        course.reserve(course.parts[0])
        other_day = course.another_session(
            step=factories.steps_of_class(course.db_session, course.studio_class)[0], starts_at=NOW + timedelta(days=5)
        )

        with pytest.raises(ReservationRefused) as refused:
            course.reserve(other_day)

        assert refused.value.code == "step_already_reserved"

    def test_giving_up_a_part_gives_up_those_that_build_on_it(self, course):
        first, second, third = (course.reserve(part) for part in course.parts)

        course.cancel(second)

        assert [course.row(one).status for one in (first, second, third)] == ["PENDING", "CANCELLED", "AUTO_CANCELLED"]
        assert course.row(third).auto_cancelled_for_id == second.reservation_id
        assert [course.seats(part) for part in course.parts] == [1, 0, 0]

    def test_giving_up_a_part_leaves_one_that_has_begun(self, course):
        first, second, third = (course.reserve(part) for part in course.parts)
        course.parts[1].starts_at = NOW - timedelta(minutes=10)
        course.db_session.flush()

        course.cancel(first)

        assert [course.row(one).status for one in (first, second, third)] == ["CANCELLED", "PENDING", "AUTO_CANCELLED"]

    def test_where_staff_take_a_part_away_the_others_stay_flagged(self, course):
        first, second, _ = (course.reserve(part) for part in course.parts)

        course.cancel(first, actor=factories.staff_actor(course.studio))

        row = course.row(second)
        assert (row.status, row.flags) == ("PENDING", ["prerequisite_lost"])

    def test_moving_a_part_within_its_order_keeps_the_others(self, course):
        first, second, _ = (course.reserve(part) for part in course.parts)
        step = factories.steps_of_class(course.db_session, course.studio_class)[0]
        earlier = course.another_session(step=step, starts_at=NOW + timedelta(days=5))

        moved = course.reschedule(first, earlier)

        assert course.row(moved).status == "PENDING"
        assert course.row(second).status == "PENDING"

    def test_a_missed_part_takes_a_makeup_that_names_it(self, course):
        missed = factories.make_reservation(
            course.db_session,
            course.registration,
            course.parts[0],
            status="NO_SHOW",
            counts_as_no_show=True,
            missed_at=NOW,
        )
        step = factories.steps_of_class(course.db_session, course.studio_class)[0]
        again = course.another_session(step=step, starts_at=NOW + timedelta(days=9))

        with pytest.raises(ReservationRefused) as refused:
            course.reserve(again)
        makeup = course.reserve(again, makeup_for_id=missed.id)

        assert refused.value.code == "makeup_required"
        assert course.row(makeup).makeup_for_id == missed.id

    def test_a_makeup_names_a_missed_part_of_the_same_pass(self, course):
        other = factories.make_customer(course.db_session, course.studio)
        theirs = factories.make_pass(
            course.db_session, other, course.studio, pass_type="full_course", studio_class=course.studio_class
        )
        missed_by_another = factories.make_reservation(
            course.db_session, theirs, course.parts[0], status="NO_SHOW", counts_as_no_show=True, missed_at=NOW
        )

        with pytest.raises(ReservationRefused) as refused:
            course.reserve(course.parts[0], makeup_for_id=missed_by_another.id)

        assert refused.value.code == "makeup_not_allowed"

    def test_other_passes_know_no_makeups(self, course):
        punch_pass = factories.make_pass(course.db_session, course.customer, course.studio)

        with pytest.raises(ReservationRefused) as refused:
            course.reserve(course.parts[0], registration_id=punch_pass.id, makeup_for_id=punch_pass.id)

        assert refused.value.code == "makeup_not_allowed"


def test_available_sessions_stay_in_the_list_with_their_reason(scene):
    full = scene.another_session(starts_at=SESSION_START + timedelta(hours=3), capacity=1, seats_taken=1)

    listed = scene.service().available(
        actor=scene.actor,
        studio_id=scene.studio.id,
        starts_from=NOW,
        starts_before=NOW + timedelta(days=30),
    )

    assert [(one.session.id, bool(one.answer)) for one in listed] == [(scene.session.id, True), (full.id, False)]
    assert listed[1].answer.refusal.code == "session_full"


def test_only_what_can_be_reserved_is_looked_for_behind_what_cannot(scene):
    for hour in range(5):
        scene.another_session(starts_at=NOW + timedelta(days=1, hours=hour), capacity=1, seats_taken=1)

    listed = scene.service().available(
        actor=scene.actor,
        studio_id=scene.studio.id,
        starts_from=NOW,
        starts_before=NOW + timedelta(days=30),
        only_reservable=True,
        limit=1,
    )

    assert [one.session.id for one in listed] == [scene.session.id]
    assert scene.count(SessionReservation) == 0
