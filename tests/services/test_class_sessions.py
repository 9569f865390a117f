"""The schedule: sessions made, changed, moved and cancelled."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from studio_reservations.errors import (
    CapacityBelowTaken,
    Forbidden,
    InvalidRequest,
    NotFound,
    SessionCancelled,
    SessionEnded,
    SessionStarted,
    TryAgain,
)
from studio_reservations.models import ClassSession, OutboxMessage, Role
from studio_reservations.pass_types import Status
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.session_terms import current_terms
from studio_reservations.services.timezones import change_timezone
from tests.factories import (
    NOW,
    history_of,
    ledger_of,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_staff,
    make_studio,
    staff_actor,
    steps_of_class,
)

START = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)  # noon in Toronto, two hours from now


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def customer(db_session, studio):
    return make_customer(db_session, studio)


@pytest.fixture
def wheel(db_session, studio):
    return make_class(db_session, studio, default_capacity=8, default_duration_minutes=90, instructor="Bea")


@pytest.fixture
def session(db_session, wheel):
    return make_session(db_session, wheel, starts_at=START)


@pytest.fixture
def punches(db_session, customer, studio):
    return make_pass(db_session, customer, studio, punches=3)


@pytest.fixture
def manager(studio):
    return staff_actor(studio)


def service(db_session, now=NOW):
    return ClassSessionService(db_session, clock=lambda: now)


def check_in(db_session, reservation, actor):
    CheckInService(db_session, clock=lambda: NOW).check_in(reservation_id=reservation.id, actor=actor)


# Creating


def test_a_new_session_takes_what_is_not_said_from_its_class(db_session, wheel, manager):
    session = service(db_session).create_session(class_id=wheel.id, starts_at=START, actor=manager)

    assert (session.ends_at - session.starts_at, session.capacity) == (timedelta(minutes=90), 8)
    assert (session.instructor, session.status, session.seats_taken) == ("Bea", "SCHEDULED", 0)
    assert history_of(db_session, session.id)[0]["action"] == "session.created"


def test_a_session_of_a_step_with_an_instructor_of_the_studio(db_session, studio, manager):
    course = make_class(db_session, studio, steps=2)
    step, teacher = steps_of_class(db_session, course)[1], make_staff(db_session, studio, Role.INSTRUCTOR)

    session = service(db_session).create_session(
        class_id=course.id, starts_at=START, step_id=step.id, instructor_id=teacher.id, actor=manager
    )

    assert (session.step_id, session.instructor_id) == (step.id, teacher.id)


def test_what_is_another_studio_s_is_not_found(db_session, studio, wheel, manager):
    other = make_studio(db_session)
    foreign = make_class(db_session, other, steps=1)
    for asked in (
        {"class_id": foreign.id},
        {"class_id": uuid4()},
        {"step_id": steps_of_class(db_session, foreign)[0].id},
        {"instructor_id": make_staff(db_session, other).id},
    ):
        with pytest.raises(NotFound):
            service(db_session).create_session(**{"class_id": wheel.id, "starts_at": START, "actor": manager, **asked})


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"ends_at": START}, "ends_at"),
        ({"ends_at": START + timedelta(days=40)}, "ends_at"),
        ({"starts_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "starts_at"),
        ({"capacity": -1}, "capacity"),
        ({"capacity": 10**12}, "capacity"),
        ({"location": "x" * 201}, "location"),
    ],
)
def test_a_session_that_cannot_be_is_refused_by_field(db_session, wheel, manager, asked, field):
    with pytest.raises(InvalidRequest) as refused:
        service(db_session).create_session(**{"class_id": wheel.id, "starts_at": START, "actor": manager, **asked})

    assert field in refused.value.values["errors"]
    assert db_session.scalar(select(func.count()).select_from(ClassSession)) == 0


def test_a_naive_time_is_a_value_error(db_session, wheel, session, manager):
    naive = datetime(2026, 12, 5, 17, 0)  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware"):
        service(db_session).create_session(class_id=wheel.id, starts_at=naive, actor=manager)
    with pytest.raises(ValueError, match="aware"):
        service(db_session).update_session(session_id=session.id, changes={"starts_at": naive}, actor=manager)


def test_a_reference_is_given_once(db_session, wheel, manager):
    service(db_session).create_session(class_id=wheel.id, starts_at=START, external_ref="a", actor=manager)
    with pytest.raises(InvalidRequest):
        service(db_session).create_session(class_id=wheel.id, starts_at=START, external_ref="a", actor=manager)


def test_the_schedule_is_the_managers(db_session, studio, wheel, session):
    for actor, refusal in (
        (staff_actor(studio, Role.FRONT_DESK), Forbidden),
        (staff_actor(make_studio(db_session)), NotFound),
    ):
        with pytest.raises(refusal):
            service(db_session).create_session(class_id=wheel.id, starts_at=START, actor=actor)
        with pytest.raises(refusal):
            service(db_session).update_session(session_id=session.id, changes={}, actor=actor)
        with pytest.raises(refusal):
            service(db_session).cancel_session(session_id=session.id, actor=actor)


# Changing


def test_seats_place_and_teacher_change_without_telling_anybody(db_session, session, punches, manager):
    make_reservation(db_session, punches, session)

    change = service(db_session).update_session(
        session_id=session.id, changes={"capacity": 1, "location": "Room 2", "instructor": None}, actor=manager
    )

    assert not change.moved
    assert (session.capacity, session.location, session.instructor) == (1, "Room 2", None)
    assert history_of(db_session, session.id)[-1]["details"]["changes"]["capacity"] == [10, 1]
    assert db_session.scalars(select(OutboxMessage)).all() == []


def test_fewer_seats_than_are_taken_are_refused(db_session, session, punches, manager):
    make_reservation(db_session, punches, session)

    with pytest.raises(CapacityBelowTaken) as refused:
        service(db_session).update_session(session_id=session.id, changes={"capacity": 0}, actor=manager)

    assert refused.value.values == {"capacity": 0, "taken": 1}


def test_what_is_no_longer_as_it_was_seen_is_not_changed(db_session, session, manager):
    seen = current_terms(session)
    for location in ("Room 2", "Room 3"):
        service(db_session).update_session(
            session_id=session.id, changes={"location": location}, actor=manager, seen=current_terms(session)
        )

    with pytest.raises(TryAgain):
        service(db_session).update_session(
            session_id=session.id, changes={"location": "Garden"}, actor=manager, seen=seen
        )

    assert session.location == "Room 3"


def test_a_change_that_is_none_writes_nothing(db_session, session, manager):
    service(db_session).update_session(
        session_id=session.id, changes={"capacity": 10, "starts_at": START}, actor=manager
    )
    assert history_of(db_session, session.id) == []


def test_a_cancelled_session_is_not_changed(db_session, session, manager):
    service(db_session).cancel_session(session_id=session.id, actor=manager)
    with pytest.raises(SessionCancelled):
        service(db_session).update_session(session_id=session.id, changes={"capacity": 3}, actor=manager)


# Moving


def test_a_moved_session_tells_its_holders_and_lets_them_go_free_until_the_new_start(
    db_session, session, punches, manager
):
    reservation = make_reservation(db_session, punches, session)
    new = START + timedelta(days=1)

    change = service(db_session).update_session(
        session_id=session.id, changes={"starts_at": new}, actor=manager, reason="The kiln is cold"
    )

    assert (change.moved, change.holders_told, change.conflicts) == (True, 1, 0)
    assert (session.starts_at, session.ends_at) == (new, new + timedelta(hours=2))
    assert (reservation.status, reservation.free_cancellation_until, reservation.flags) == ("PENDING", new, [])
    messages = db_session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [(one.event, one.customer_id, one.reservation_id) for one in messages] == [
        ("session.moved", reservation.customer_id, reservation.id),
        ("session.moved", None, None),
    ]
    assert messages[0].payload["changes"]["starts_at"] == [START.isoformat(), new.isoformat()]
    assert [act["reason"] for act in history_of(db_session, session.id)] == ["The kiln is cold"] * 2


def test_whoever_was_checked_in_is_pending_again_and_refunded(db_session, session, punches, manager):
    reservation = make_reservation(db_session, punches, session)
    check_in(db_session, reservation, manager)
    assert ledger_of(db_session, punches.id)[-1] == ("CHECK_IN", -1, 2)

    change = service(db_session).update_session(
        session_id=session.id, changes={"starts_at": START + timedelta(hours=1)}, actor=manager
    )

    assert change.check_ins_undone == 1
    assert (reservation.status, reservation.checked_in_at, reservation.check_in_method) == ("PENDING", None, None)
    assert (reservation.punches_held, reservation.punches_used) == (1, 0)
    assert ledger_of(db_session, punches.id)[-1] == ("REFUND", 1, 3)
    assert session.seats_taken == 1
    act = history_of(db_session, reservation.id)[-1]
    assert (act["action"], act["from_status"], act["to_status"]) == (
        "reservation.check_in_undone",
        "CHECKED_IN",
        "PENDING",
    )


def test_a_holder_who_is_engaged_at_the_new_time_is_flagged_until_it_moves_away(
    db_session, session, wheel, punches, manager
):
    reservation = make_reservation(db_session, punches, session)
    other = make_session(db_session, wheel, starts_at=START + timedelta(days=1))
    make_reservation(db_session, punches, other)

    change = service(db_session).update_session(
        session_id=session.id, changes={"starts_at": other.starts_at + timedelta(minutes=119)}, actor=manager
    )
    assert change.conflicts == 1
    assert reservation.flags == ["time_conflict"]

    change = service(db_session).update_session(
        session_id=session.id, changes={"starts_at": other.ends_at}, actor=manager
    )
    assert change.conflicts == 0
    assert reservation.flags == []


def test_a_pass_that_does_not_reach_the_new_day_is_flagged(db_session, session, studio, customer, manager):
    registration = make_pass(db_session, customer, studio, valid_until=date(2026, 12, 2))
    reservation = make_reservation(db_session, registration, session)

    service(db_session).update_session(
        session_id=session.id, changes={"starts_at": START + timedelta(days=2)}, actor=manager
    )

    assert (reservation.status, reservation.flags) == ("PENDING", ["pass_expired"])


def test_parts_that_are_out_of_sequence_at_the_new_time_are_flagged(db_session, studio, customer, manager):
    course = make_class(db_session, studio, title="Course", steps=2)
    registration = make_pass(
        db_session,
        customer,
        studio,
        pass_type="full_course",
        studio_class=course,
        pass_options={"sequence_rule": "reserved", "max_advance": 3},
    )
    sessions = [
        make_session(db_session, course, step=step, starts_at=START + timedelta(days=day))
        for day, step in enumerate(steps_of_class(db_session, course), start=1)
    ]
    first, second = (make_reservation(db_session, registration, one) for one in sessions)

    def move(days):
        service(db_session).update_session(
            session_id=sessions[0].id, changes={"starts_at": START + timedelta(days=days)}, actor=manager
        )

    move(5)
    assert (first.flags, second.flags) == ([], ["sequence_not_met"])
    assert second.status == "PENDING"
    move(1)
    assert (first.flags, second.flags) == ([], [])


def test_a_session_that_has_begun_is_not_moved_nor_one_into_the_past(db_session, session, manager):
    with pytest.raises(SessionStarted):
        service(db_session, START).update_session(
            session_id=session.id, changes={"ends_at": START + timedelta(hours=5)}, actor=manager
        )
    with pytest.raises(InvalidRequest):
        service(db_session).update_session(session_id=session.id, changes={"starts_at": NOW}, actor=manager)
    for starts_at in (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)):
        with pytest.raises(InvalidRequest):
            service(db_session).update_session(session_id=session.id, changes={"starts_at": starts_at}, actor=manager)
    assert (
        service(db_session, START)
        .update_session(session_id=session.id, changes={"capacity": 12}, actor=manager)
        .class_session.capacity
        == 12
    )


# Cancelling


def test_cancelling_a_session_empties_it_free_and_counts(db_session, studio, session, manager):
    def holder(status, **fields):
        registration = make_pass(db_session, make_customer(db_session, studio), studio, punches=3)
        return make_reservation(db_session, registration, session, status=status, **fields)

    pending, gone = holder(Status.PENDING), holder(Status.CANCELLED)
    checked_in = holder(Status.PENDING)
    check_in(db_session, checked_in, manager)
    missed = holder(Status.NO_SHOW, counts_as_no_show=True, missed_at=session.ends_at)
    attended = holder(Status.ATTENDED)

    done = service(db_session).cancel_session(session_id=session.id, actor=manager, reason="No heating")

    assert (done.cancelled, done.waived, done.punches_refunded) == (2, 1, 1)
    assert [one.status for one in (pending, checked_in, missed, attended, gone)] == [
        "CANCELLED",
        "CANCELLED",
        "NO_SHOW",
        "ATTENDED",
        "CANCELLED",
    ]
    assert (missed.waived_at, missed.waived_by) == (NOW, manager.id)
    assert ledger_of(db_session, checked_in.registration_id)[-1] == ("REFUND", 1, 3)
    assert (session.status, session.cancelled_at, session.cancellation_reason) == ("CANCELLED", NOW, "No heating")
    assert session.seats_taken == 2
    told = db_session.scalars(select(OutboxMessage).where(OutboxMessage.event != "reservation.checked_in"))
    assert sorted(one.event for one in told) == [
        "reservation.cancelled",
        "reservation.cancelled",
        "reservation.waived",
        "session.cancelled",
    ]
    assert history_of(db_session, pending.id)[-1]["details"] == {
        "late": False,
        "punches_refunded": 0,
        "punches_charged": 0,
        "reason_code": "session_cancelled",
    }
    assert history_of(db_session, session.id)[-1]["details"]["cancelled"] == 2


def test_cancelling_twice_cancels_once(db_session, session, punches, manager):
    make_reservation(db_session, punches, session)
    service(db_session).cancel_session(session_id=session.id, actor=manager)

    again = service(db_session, NOW + timedelta(hours=1)).cancel_session(session_id=session.id, actor=manager)

    assert (again.cancelled, again.class_session.cancelled_at) == (0, NOW)
    assert len(history_of(db_session, session.id)) == 1


def test_a_session_can_be_cancelled_until_it_ends(db_session, wheel, session, manager):
    with pytest.raises(SessionEnded):
        service(db_session, session.ends_at).cancel_session(session_id=session.id, actor=manager)
    late = session.ends_at - timedelta(seconds=1)
    assert service(db_session, late).cancel_session(session_id=session.id, actor=manager).cancelled == 0


def test_a_no_show_that_was_charged_gets_its_punch_back(db_session, studio, session, punches, manager):
    reservation = make_reservation(db_session, punches, session, status=Status.NO_SHOW, punches_used=1)
    punches.sessions_remaining = 2

    done = service(db_session, START).cancel_session(session_id=session.id, actor=manager)

    assert (done.waived, done.punches_refunded, reservation.punches_used) == (1, 1, 0)
    assert punches.sessions_remaining == 3


# The studio's zone


def test_the_zone_is_fixed_once_there_are_sessions(db_session, studio, wheel):
    owner = staff_actor(studio, Role.OWNER)
    change_timezone(db_session, studio_id=studio.id, timezone="America/Vancouver", actor=owner, now=NOW)
    assert studio.timezone == "America/Vancouver"
    with pytest.raises(InvalidRequest):
        change_timezone(db_session, studio_id=studio.id, timezone="Mars/Olympus", actor=owner, now=NOW)

    make_session(db_session, wheel)

    with pytest.raises(InvalidRequest):
        change_timezone(db_session, studio_id=studio.id, timezone="America/Toronto", actor=owner, now=NOW)
    assert studio.timezone == "America/Vancouver"
