"""Attended, absent, and there after all: by what the tables hold afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from studio_reservations.errors import (
    AlreadyReserved,
    Forbidden,
    InvalidTransition,
    NotClassDay,
    NotFound,
    PunchesExhausted,
    SessionCancelled,
    SessionFull,
    SessionNotStarted,
    StepAlreadyReserved,
)
from studio_reservations.models import Role
from studio_reservations.pass_type_registry import InstalledPassType, PassTypes
from studio_reservations.pass_types import Event, PassType, Status
from studio_reservations.policies.policy import Policy
from studio_reservations.services.attendance import AttendanceService, missed
from tests import factories
from tests.services.door import STARTS_AT, Door, all_rows, check_books, set_aside

INSTANT = timedelta(microseconds=1)
ENDS_AT = STARTS_AT + timedelta(hours=2)


def test_attendance_is_counted_on_the_pass_from_the_start_of_the_session(db_session):
    door = Door(db_session)
    door.check_in(door.me, STARTS_AT - timedelta(hours=1))
    before = all_rows(db_session)
    with pytest.raises(SessionNotStarted) as refusal:
        door.attendance(STARTS_AT - INSTANT).mark_attended(reservation_id=door.reservation.id, actor=door.desk)
    assert refusal.value.values == {"starts_at": STARTS_AT}
    assert all_rows(db_session) == before

    for _ in range(2):
        reservation = door.attendance().mark_attended(reservation_id=door.reservation.id, actor=door.desk)
        assert (reservation.status, reservation.attended_at) == ("ATTENDED", STARTS_AT)
        assert door.registration.sessions_attended == 1

    assert door.actions() == ["reservation.checked_in", "reservation.attended"]
    check_books(db_session)


def test_attendance_undone_is_a_check_in_again_and_counts_no_more(db_session):
    door = Door(db_session)
    door.check_in(door.me)
    door.attendance().mark_attended(reservation_id=door.reservation.id, actor=door.desk)

    for _ in range(2):
        reservation = door.attendance().undo_attended(reservation_id=door.reservation.id, actor=door.desk)
        assert (reservation.status, reservation.attended_at, reservation.punches_used) == ("CHECKED_IN", None, 1)

    assert door.registration.sessions_attended == 0
    assert door.actions()[2:] == ["reservation.attendance_undone"]
    check_books(db_session)


@pytest.mark.parametrize(
    ("act", "status"),
    [
        *(("mark_attended", status) for status in (Status.PENDING, Status.NO_SHOW, Status.CANCELLED)),
        *(("undo_attended", status) for status in (Status.PENDING, Status.NO_SHOW, Status.AUTO_CANCELLED)),
        *(("mark_no_show", status) for status in (Status.CANCELLED, Status.AUTO_CANCELLED)),
    ],
)
def test_whatever_the_table_of_states_does_not_name_is_refused(db_session, act, status):
    door = Door(db_session, status=status)
    before = all_rows(db_session)

    with pytest.raises(InvalidTransition) as refusal:
        getattr(door.attendance(), act)(reservation_id=door.reservation.id, actor=door.desk)

    assert refusal.value.values["state"] == status.value
    assert all_rows(db_session) == before


@pytest.mark.parametrize("act", ["mark_attended", "undo_attended", "mark_no_show"])
def test_attendance_is_the_front_desks_to_say(db_session, act):
    door = Door(db_session, status=Status.CHECKED_IN)
    elsewhere = factories.make_studio(db_session)
    before = all_rows(db_session)

    for actor, error in (
        (door.me, NotFound),
        (factories.staff_actor(elsewhere, Role.OWNER), NotFound),
        (door.instructor, Forbidden),
        (door.kiosk, Forbidden),
    ):
        with pytest.raises(error):
            getattr(door.attendance(), act)(reservation_id=door.reservation.id, actor=actor)
    assert all_rows(db_session) == before


def test_a_no_show_begins_its_grace_and_keeps_the_seat(db_session):
    door = Door(db_session)
    before = all_rows(db_session)
    with pytest.raises(SessionNotStarted):
        door.miss(STARTS_AT - INSTANT)
    assert all_rows(db_session) == before

    reservation = door.miss(STARTS_AT)

    assert (reservation.status, reservation.no_show_at, reservation.counts_as_no_show) == ("NO_SHOW", STARTS_AT, True)
    assert reservation.missed_at == ENDS_AT
    assert reservation.grace_ends_at == ENDS_AT + timedelta(hours=24)
    # The first 02:00 in Toronto after Wednesday 20:00.
    assert reservation.auto_cancel_at == datetime(2026, 12, 3, 7, 0, tzinfo=UTC)
    assert (reservation.punches_used, door.ledger()) == (0, [("ISSUED", 5, 5)])
    assert door.seats_taken() == 1
    before = all_rows(db_session)
    assert door.miss(ENDS_AT).grace_ends_at == ENDS_AT + timedelta(hours=24)
    assert all_rows(db_session) == before


def test_grace_begins_when_the_no_show_is_made_where_that_is_after_the_end(db_session):
    door = Door(db_session)
    late = ENDS_AT + timedelta(days=2)

    reservation = door.miss(late)

    assert (reservation.missed_at, reservation.grace_ends_at) == (ENDS_AT, late + timedelta(hours=24))


def test_the_passes_own_grace_wins_and_futures_may_be_left_alone():
    terms = missed(
        ends_at=ENDS_AT,
        now=STARTS_AT,
        timezone="America/Toronto",
        policy=Policy(auto_cancel_futures=False),
        absence_grace_period_hours=0,
    )

    assert (terms.missed_at, terms.grace_ends_at, terms.auto_cancel_at) == (ENDS_AT, ENDS_AT, None)


def test_a_no_show_is_charged_where_the_policy_says_so(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=True)

    assert door.miss().punches_used == 1
    assert door.ledger()[1:] == [("NO_SHOW", -1, 4)]
    check_books(db_session)


def test_no_more_is_charged_than_is_left(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=True)
    door.registration.sessions_remaining = 0

    reservation = door.miss()

    assert (reservation.punches_used, reservation.flags) == (0, ["charge_shortfall"])


def test_absent_after_all_gives_the_check_in_back_and_charges_the_no_show(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=True)
    door.check_in(door.me)
    door.attendance().mark_attended(reservation_id=door.reservation.id, actor=door.desk)

    reservation = door.miss(ENDS_AT)

    assert door.ledger()[1:] == [("CHECK_IN", -1, 4), ("REFUND", 1, 5), ("NO_SHOW", -1, 4)]
    assert (reservation.punches_used, door.registration.sessions_attended) == (1, 0)
    assert (reservation.checked_in_at, reservation.attended_at, reservation.check_in_method) == (None, None, None)
    check_books(db_session)


@pytest.mark.parametrize("fault", ["missing", "raises", "nonsense"])
def test_a_pass_type_at_fault_charges_nothing_for_a_no_show_and_is_flagged(db_session, fault):
    class Faulty(PassType):
        key = "faulty"
        label = "Faulty"

        def punches_for(self, event, held, session):
            if fault == "raises":
                raise ZeroDivisionError
            return "many"

    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=True)
    door.registration.pass_type = "faulty"
    found = PassTypes([] if fault == "missing" else [InstalledPassType(Faulty(), "a test")])
    service = AttendanceService(db_session, clock=lambda: STARTS_AT, pass_types=found)

    reservation = service.mark_no_show(reservation_id=door.reservation.id, actor=door.desk)

    assert (reservation.status, reservation.punches_used, reservation.flags) == ("NO_SHOW", 0, ["no_show_not_charged"])
    assert door.check_in(door.desk).flags == []


def test_the_pass_type_sees_the_session_and_the_part_that_was_missed(db_session):
    seen = []

    class Curious(PassType):
        key = "curious"
        label = "Curious"

        def punches_for(self, event, held, session):
            seen.append((event, session.class_title, session.step and session.step.position))
            return 3

    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=True)
    course = factories.make_class(db_session, door.studio, title="Glazing", steps=2)
    _, second = factories.steps_of_class(db_session, course)
    door.registration.pass_type = "curious"
    session = factories.make_session(db_session, course, starts_at=STARTS_AT, step=second)
    reservation = factories.make_reservation(db_session, door.registration, session)
    service = AttendanceService(
        db_session, clock=lambda: STARTS_AT, pass_types=PassTypes([InstalledPassType(Curious(), "a test")])
    )

    assert service.mark_no_show(reservation_id=reservation.id, actor=door.desk).punches_used == 3
    assert seen == [(Event.NO_SHOW, "Glazing", 2)]


@pytest.mark.parametrize("at_once", [True, False])
def test_the_seat_of_a_no_show_can_be_released_to_a_walk_in(db_session, at_once):
    door = Door(db_session)
    if not at_once:
        door.miss()

    reservation = door.miss(STARTS_AT + timedelta(minutes=20), release_seat=True)

    assert reservation.seat_released_at == STARTS_AT + timedelta(minutes=20)
    assert door.seats_taken() == 0
    check_books(db_session)
    before = all_rows(db_session)
    door.miss(release_seat=True)
    assert all_rows(db_session) == before


@pytest.mark.parametrize("charged", [True, False])
def test_they_were_there_after_all_is_one_check_in_charge_and_no_trace_of_the_miss(db_session, charged):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=charged)
    door.miss()
    door.reservation.waived_at, door.reservation.waived_by = STARTS_AT, "manager-1"

    reservation = door.check_in(door.instructor, ENDS_AT)

    no_shows = [("NO_SHOW", -1, 4), ("REFUND", 1, 5)] if charged else []
    assert door.ledger()[1:] == [*no_shows, ("CHECK_IN", -1, 4)]
    assert (reservation.status, reservation.punches_used, reservation.check_in_method) == ("CHECKED_IN", 1, "STAFF")
    assert reservation.counts_as_no_show is False
    for name in ("no_show_at", "missed_at", "grace_ends_at", "auto_cancel_at", "waived_at", "waived_by"):
        assert getattr(reservation, name) is None, name
    assert door.seats_taken() == 1
    assert door.actions() == ["reservation.no_show", "reservation.checked_in"]
    check_books(db_session)


def test_the_punch_of_a_no_show_pays_for_the_check_in(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, deduct_punch_on_no_show=True)
    door.miss()
    door.registration.sessions_remaining = 0

    assert door.check_in(door.desk).punches_used == 1
    assert door.registration.sessions_remaining == 0


def test_there_after_all_with_no_punch_left_needs_an_override(db_session):
    door = Door(db_session)
    door.miss()
    door.registration.sessions_remaining = 0

    with pytest.raises(PunchesExhausted):
        door.check_in(door.desk)
    assert door.check_in(door.desk, override=set_aside("punches_exhausted")).flags == ["uncharged_check_in"]


def test_only_staff_say_that_a_no_show_was_there_and_beyond_the_class_day_with_a_reason(db_session):
    door = Door(db_session)
    door.miss()
    tomorrow = STARTS_AT + timedelta(days=1)
    before = all_rows(db_session)

    for actor in (door.me, door.kiosk):
        with pytest.raises(InvalidTransition):
            door.check_in(actor)
    with pytest.raises(NotClassDay):
        door.check_in(door.desk, tomorrow)
    assert all_rows(db_session) == before
    assert door.check_in(door.desk, tomorrow, override=set_aside("not_class_day")).status == "CHECKED_IN"


def test_a_released_seat_is_taken_again_while_there_is_one(db_session):
    door = Door(db_session, capacity=1)
    door.miss(release_seat=True)

    assert door.check_in(door.desk).seat_released_at is None
    assert door.seats_taken() == 1
    check_books(db_session)


def test_without_a_seat_the_no_show_stays_one(db_session):
    door = Door(db_session, capacity=1)
    door.miss(release_seat=True)
    walk_in = factories.make_customer(db_session, door.studio)
    theirs = factories.make_pass(db_session, walk_in, door.studio, pass_type="drop_in")
    factories.make_reservation(db_session, theirs, door.session)
    before = all_rows(db_session)

    with pytest.raises(SessionFull) as refusal:
        door.check_in(door.desk)
    assert refusal.value.values == {"capacity": 1}
    assert all_rows(db_session) == before


def test_a_no_show_is_not_revived_beside_another_reservation_for_the_session(db_session):
    door = Door(db_session)
    door.miss()
    other_pass = factories.make_pass(db_session, door.customer, door.studio, pass_type="drop_in")
    other = factories.make_reservation(db_session, other_pass, door.session, status=Status.CHECKED_IN)

    with pytest.raises(AlreadyReserved) as refusal:
        door.check_in(door.desk)
    assert refusal.value.values == {"reservation_id": other.id}


def test_a_guests_no_show_is_revived_beside_the_hosts_own_reservation(db_session):
    door = Door(db_session, guest_name="A friend")
    door.miss()
    factories.make_reservation(db_session, door.registration, door.session)

    assert door.check_in(door.desk).status == "CHECKED_IN"


def test_a_no_show_is_not_revived_beside_its_makeup(db_session):
    door = Door(db_session)
    course = factories.make_class(db_session, door.studio, steps=1)
    (step,) = factories.steps_of_class(db_session, course)
    registration = factories.make_pass(
        db_session, door.customer, door.studio, pass_type="full_course", studio_class=course
    )
    session = factories.make_session(db_session, course, starts_at=STARTS_AT, step=step)
    later = factories.make_session(db_session, course, starts_at=STARTS_AT + timedelta(days=7), step=step)
    door.reservation = factories.make_reservation(db_session, registration, session, exclusive_step_id=step.id)
    door.miss()
    factories.make_reservation(
        db_session, registration, later, exclusive_step_id=step.id, makeup_for_id=door.reservation.id
    )

    with pytest.raises(StepAlreadyReserved) as refusal:
        door.check_in(door.desk)
    assert refusal.value.values == {"step": 1, "starts_at": later.starts_at, "state": "PENDING"}


def test_nothing_is_undone_in_a_session_that_the_studio_called_off(db_session):
    door = Door(db_session)
    door.check_in(door.me, STARTS_AT)
    door.attendance().mark_attended(reservation_id=door.reservation.id, actor=door.desk)
    door.session.status = "CANCELLED"
    db_session.flush()

    with pytest.raises(SessionCancelled):
        door.attendance().undo_attended(reservation_id=door.reservation.id, actor=door.desk)
    with pytest.raises(SessionCancelled):
        door.attendance().mark_no_show(reservation_id=door.reservation.id, actor=door.desk)
    door.reservation.status = "CHECKED_IN"
    db_session.flush()
    with pytest.raises(SessionCancelled):
        door.check_ins(STARTS_AT).undo_check_in(reservation_id=door.reservation.id, actor=door.desk)
