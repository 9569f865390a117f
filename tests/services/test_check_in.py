"""Checking in, by what the tables hold afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from studio_reservations.errors import (
    CheckInTooEarly,
    CheckInTooLate,
    CodeExpired,
    CodeInvalid,
    Forbidden,
    InvalidTransition,
    NotClassDay,
    NotFound,
    OverrideNotAllowed,
    PunchesExhausted,
    ReasonRequired,
    SelfCheckInOff,
    SessionCancelled,
    StudioError,
)
from studio_reservations.models import Role, SessionStatus
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.overrides import Override
from tests import factories
from tests.services.door import CODES, STARTS_AT, Door, all_rows, check_books, set_aside

INSTANT = timedelta(microseconds=1)
OPENS_AT = STARTS_AT - timedelta(hours=2)
CLOSES_AT = STARTS_AT + timedelta(hours=4)
DAY_OPENS_AT = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
DAY_CLOSES_AT = datetime(2026, 12, 2, 5, 0, tzinfo=UTC) - INSTANT


def refused(door: Door, error: type[StudioError], actor: Actor, now: datetime = STARTS_AT, **asked) -> StudioError:
    """Assert that a check-in is refused, that the question says so too, and that neither wrote a thing."""
    before = all_rows(door.db_session)
    with pytest.raises(error) as refusal:
        door.check_in(actor, now, **asked)
    if refusal.value.status == 409:
        answer = door.check_ins(now).can_check_in(reservation_id=door.reservation.id, actor=actor, **asked)
        assert not answer
        assert isinstance(answer.refusal, error)
        assert answer.refusal.values == refusal.value.values
    assert all_rows(door.db_session) == before
    return refusal.value


def asked_without_writing(door: Door, actor: Actor, now: datetime = STARTS_AT, **asked) -> bool:
    before = all_rows(door.db_session)
    answer = bool(door.check_ins(now).can_check_in(reservation_id=door.reservation.id, actor=actor, **asked))
    assert all_rows(door.db_session) == before
    return answer


@pytest.mark.parametrize("now", [OPENS_AT, STARTS_AT, CLOSES_AT])
def test_a_customer_checks_in_within_the_window_both_ends_included(db_session, now):
    door = Door(db_session)

    assert asked_without_writing(door, door.me, now)
    reservation = door.check_in(door.me, now)

    assert (reservation.status, reservation.checked_in_at) == ("CHECKED_IN", now)
    assert (reservation.check_in_method, reservation.checked_in_by) == ("SELF", door.me.id)
    assert reservation.punches_used == 1
    assert door.ledger() == [("ISSUED", 5, 5), ("CHECK_IN", -1, 4)]
    assert door.actions() == ["reservation.checked_in"]
    check_books(db_session)


@pytest.mark.parametrize(
    ("now", "error"), [(OPENS_AT - INSTANT, CheckInTooEarly), (CLOSES_AT + INSTANT, CheckInTooLate)]
)
def test_outside_the_window_the_customer_is_told_when_it_is(db_session, now, error):
    door = Door(db_session)

    assert refused(door, error, door.me, now).values == {"opens_at": OPENS_AT, "closes_at": CLOSES_AT}


def test_the_window_of_the_class_wins_over_the_studios(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, check_in_opens_minutes_before=10, check_in_closes_minutes_after=0)
    factories.make_policy(db_session, door.studio, door.studio_class, check_in_opens_minutes_before=30)

    window = door.check_ins().get_check_in_window(class_session=door.session)

    assert (window.opens_at, window.closes_at) == (STARTS_AT - timedelta(minutes=30), door.session.ends_at)
    refused(door, CheckInTooEarly, door.me, window.opens_at - INSTANT)
    refused(door, CheckInTooLate, door.me, window.closes_at + INSTANT)
    assert door.check_in(door.me, window.closes_at).status == "CHECKED_IN"


@pytest.mark.parametrize(
    ("starts_at", "opens_at"),
    [
        # 02:30 EST, after the repeated hour: two hours before it the clock showed 01:30 EDT.
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        # 03:30 EDT, after the hour that is left out: two hours before it the clock showed 00:30 EST.
        (datetime(2027, 3, 14, 7, 30, tzinfo=UTC), datetime(2027, 3, 14, 5, 30, tzinfo=UTC)),
    ],
)
def test_the_window_counts_elapsed_hours_also_in_the_night_the_clocks_change(db_session, starts_at, opens_at):
    door = Door(db_session, starts_at=starts_at)

    refused(door, CheckInTooEarly, door.me, opens_at - INSTANT)
    assert door.check_in(door.me, opens_at).status == "CHECKED_IN"


@pytest.mark.parametrize(
    ("starts_at", "opens_at", "hours"),
    [
        (datetime(2026, 11, 1, 23, 0, tzinfo=UTC), datetime(2026, 11, 1, 4, 0, tzinfo=UTC), 25),
        (datetime(2027, 3, 14, 22, 0, tzinfo=UTC), datetime(2027, 3, 14, 5, 0, tzinfo=UTC), 23),
    ],
)
def test_the_class_day_is_as_long_as_the_studios_clock_makes_it(db_session, starts_at, opens_at, hours):
    door = Door(db_session, starts_at=starts_at)
    closes_at = opens_at + timedelta(hours=hours) - INSTANT

    for now in (opens_at - INSTANT, closes_at + INSTANT):
        assert refused(door, NotClassDay, door.desk, now).values == {"opens_at": opens_at, "closes_at": closes_at}
    for now in (opens_at, closes_at):
        assert asked_without_writing(door, door.desk, now)
    assert door.check_in(door.desk, closes_at).status == "CHECKED_IN"


def test_the_class_day_of_a_session_over_midnight_ends_with_the_second_day(db_session):
    door = Door(db_session, minutes=8 * 60)

    refused(door, NotClassDay, door.desk, DAY_CLOSES_AT + timedelta(days=1) + INSTANT)
    assert door.check_in(door.desk, DAY_CLOSES_AT + timedelta(days=1)).check_in_method == "STAFF"


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER, Role.OWNER])
def test_the_front_desk_checks_in_beyond_the_class_day_with_a_reason_that_is_recorded(db_session, role):
    door = Door(db_session)
    staff = factories.staff_actor(door.studio, role)
    late = DAY_CLOSES_AT + INSTANT
    refused(door, NotClassDay, staff, late)
    refused(door, ReasonRequired, staff, late, override=Override(rules=frozenset({"not_class_day"}), reason=" "))

    door.check_in(staff, late, override=set_aside("not_class_day"))

    (act,) = factories.history_of(db_session, door.reservation.id)
    assert (act["reason"], act["details"]["overridden"]) == ("the bus was late", ["not_class_day"])


def test_an_override_that_is_not_needed_is_not_recorded(db_session):
    door = Door(db_session)

    door.check_in(door.desk, override=set_aside("not_class_day", "punches_exhausted"))

    (act,) = factories.history_of(db_session, door.reservation.id)
    assert (act["reason"], act["details"]) == (None, {"method": "STAFF", "punches_charged": 1})


def test_only_the_rules_of_the_door_can_be_set_aside_there_and_not_by_instructors_or_customers(db_session):
    door = Door(db_session)

    refused(door, OverrideNotAllowed, door.manager, override=set_aside("session_full"))
    refused(door, OverrideNotAllowed, door.instructor, override=set_aside("not_class_day"))
    refused(door, OverrideNotAllowed, door.me, override=set_aside("not_class_day"))
    refused(door, OverrideNotAllowed, door.kiosk, override=set_aside("not_class_day"))


def test_an_instructor_checks_in_at_their_own_sessions_only(db_session):
    door = Door(db_session)
    colleague = factories.make_staff(db_session, door.studio, Role.INSTRUCTOR)

    refused(door, Forbidden, factories.staff_actor(door.studio, Role.INSTRUCTOR, staff=colleague))
    assert door.check_in(door.instructor, DAY_OPENS_AT).check_in_method == "STAFF"


def test_a_session_without_an_instructor_is_no_instructors_own(db_session):
    door = Door(db_session)
    door.session.instructor_id = None

    refused(door, Forbidden, door.instructor)
    refused(door, Forbidden, factories.staff_actor(door.studio, Role.INSTRUCTOR))


def test_a_foreign_reservation_is_as_unknown_as_one_that_is_not_there(db_session):
    door = Door(db_session)
    elsewhere = factories.make_studio(db_session)
    somebody = factories.customer_actor(factories.make_customer(db_session, door.studio))

    for stranger in (somebody, factories.staff_actor(elsewhere, Role.OWNER), factories.kiosk_actor(elsewhere)):
        assert refused(door, NotFound, stranger).values == {}
        with pytest.raises(NotFound):
            door.check_ins().undo_check_in(reservation_id=door.reservation.id, actor=stranger)
    with pytest.raises(NotFound):
        door.check_ins().check_in(reservation_id=uuid4(), actor=door.desk)


def test_a_guardian_checks_their_child_in(db_session):
    door = Door(db_session)
    parent = factories.customer_actor(factories.make_customer(db_session, door.studio), door.customer)

    assert door.check_in(parent).check_in_method == "SELF"


def test_staff_check_themselves_in_as_customers(db_session):
    door = Door(db_session)
    me_at_work = Actor(
        kind=ActorKind.USER,
        id="both",
        customer_ids=frozenset({door.customer.id}),
        roles={door.studio.id: Role.MANAGER},
    )

    refused(door, CheckInTooEarly, me_at_work, OPENS_AT - INSTANT)
    refused(door, OverrideNotAllowed, me_at_work, override=set_aside("punches_exhausted"))
    assert door.check_in(me_at_work).check_in_method == "SELF"


def test_the_method_tells_kiosk_and_integration_apart_from_staff(db_session):
    assert [
        door.check_in(actor).check_in_method
        for door in [Door(db_session)]
        for actor in [factories.token_actor(door.studio)]
    ] == ["AUTO"]
    at_the_kiosk = Door(db_session)
    refused(at_the_kiosk, CheckInTooEarly, at_the_kiosk.kiosk, OPENS_AT - INSTANT)
    assert at_the_kiosk.check_in(at_the_kiosk.kiosk).check_in_method == "SELF"


def test_where_self_check_in_is_off_the_kiosk_and_staff_still_check_in(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, self_check_in="off")
    token = Actor(kind=ActorKind.TOKEN, id="token-2", customer_ids=frozenset({door.customer.id}))

    refused(door, SelfCheckInOff, door.me)
    refused(door, SelfCheckInOff, token)
    assert asked_without_writing(door, door.desk)
    assert door.check_in(door.kiosk).status == "CHECKED_IN"


def test_the_door_code_is_asked_of_customers_by_their_own_means(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, self_check_in="door_code")
    shown = CODES.door_code(studio_id=door.studio.id, now=STARTS_AT)
    earlier = CODES.door_code(studio_id=door.studio.id, now=STARTS_AT - timedelta(minutes=5))
    next_door = CODES.door_code(studio_id=uuid4(), now=STARTS_AT)

    for wrong in (None, "", "12345", "٣٤٥٦٧٨", "\ud800", next_door):
        refused(door, CodeInvalid, door.me, door_code=wrong)
    refused(door, CodeExpired, door.me, door_code=earlier)
    refused(door, CheckInTooEarly, door.me, OPENS_AT - INSTANT, door_code=shown)
    answer = door.check_ins().can_check_in(reservation_id=door.reservation.id, actor=door.me, door_code=shown)
    assert (bool(answer), answer.needs_door_code) == (True, True)
    assert door.check_in(door.me, door_code=shown).status == "CHECKED_IN"


def test_without_a_signer_no_door_code_is_good(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, self_check_in="door_code")
    service = CheckInService(db_session, clock=lambda: STARTS_AT)

    with pytest.raises(CodeInvalid):
        service.check_in(reservation_id=door.reservation.id, actor=door.me, door_code="123456")


def test_the_kiosk_and_staff_need_no_door_code(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, self_check_in="door_code")

    assert asked_without_writing(door, door.desk)
    assert door.check_in(door.kiosk).status == "CHECKED_IN"


@pytest.mark.parametrize("status", [Status.CHECKED_IN, Status.ATTENDED])
def test_whoever_is_checked_in_stays_so_by_any_method_and_at_any_time(db_session, status):
    door = Door(db_session)
    door.check_in(door.me)
    if status is Status.ATTENDED:
        door.attendance().mark_attended(reservation_id=door.reservation.id, actor=door.desk)
    before = all_rows(db_session)

    for actor in (door.me, door.desk, door.kiosk, factories.token_actor(door.studio)):
        assert door.check_in(actor, CLOSES_AT + timedelta(days=3)).status == status
        assert asked_without_writing(door, actor, CLOSES_AT + timedelta(days=3))

    assert all_rows(db_session) == before


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.AUTO_CANCELLED])
def test_what_is_cancelled_cannot_be_checked_in(db_session, status):
    door = Door(db_session, status=status)

    assert refused(door, InvalidTransition, door.desk).values == {"state": status.value, "action": "check_in"}
    refused(door, InvalidTransition, door.me)


def test_nobody_is_checked_in_to_a_cancelled_session(db_session):
    door = Door(db_session)
    door.session.status = SessionStatus.CANCELLED.value

    refused(door, SessionCancelled, door.me)
    refused(door, SessionCancelled, door.desk)


def test_with_no_punch_left_the_check_in_is_refused(db_session):
    door = Door(db_session)
    door.registration.sessions_remaining = 0

    for actor in (door.me, door.instructor, door.desk):
        assert refused(door, PunchesExhausted, actor).values == {"remaining": 0, "held": 0}


def test_the_front_desk_lets_in_without_a_punch_uncharged_and_flagged(db_session):
    door = Door(db_session)
    factories.make_reservation(db_session, door.registration, factories.make_session(db_session, door.studio_class))
    door.registration.sessions_remaining = 0
    assert refused(door, PunchesExhausted, door.desk).values == {"remaining": 0, "held": 1}

    reservation = door.check_in(door.desk, override=set_aside("punches_exhausted"))

    assert (reservation.status, reservation.punches_used) == ("CHECKED_IN", 0)
    assert reservation.flags == ["uncharged_check_in"]
    assert door.ledger() == [("ISSUED", 5, 5)]
    (act,) = factories.history_of(db_session, reservation.id)
    assert act["details"] == {"method": "STAFF", "punches_charged": 0, "overridden": ["punches_exhausted"]}
    assert door.undo(door.desk).flags == []


def test_an_uncounted_pass_is_charged_nothing(db_session):
    door = Door(db_session, pass_type="unlimited_series")

    assert door.check_in(door.me).punches_used == 0
    assert door.ledger() == []


def test_a_pass_type_that_is_gone_is_still_charged_what_was_held(db_session):
    door = Door(db_session, punches_held=2)
    door.registration.pass_type = "no_longer_installed"

    assert door.check_in(door.me).punches_used == 2
    assert door.ledger()[-1] == ("CHECK_IN", -2, 3)
    assert door.undo(door.desk).status == "PENDING"


def test_a_check_in_undone_and_done_again_is_charged_once(db_session):
    door = Door(db_session)
    door.check_in(door.me)

    undone = door.undo(door.desk)
    assert (undone.status, undone.punches_used, undone.checked_in_at) == ("PENDING", 0, None)
    assert (undone.check_in_method, undone.checked_in_by) == (None, None)
    before = all_rows(db_session)
    assert door.undo(door.desk).status == "PENDING"
    assert all_rows(db_session) == before

    assert door.check_in(door.me).punches_used == 1
    assert door.ledger()[1:] == [("CHECK_IN", -1, 4), ("REFUND", 1, 5), ("CHECK_IN", -1, 4)]
    assert door.actions() == ["reservation.checked_in", "reservation.check_in_undone", "reservation.checked_in"]
    check_books(db_session)


@pytest.mark.parametrize("status", [Status.ATTENDED, Status.NO_SHOW, Status.CANCELLED, Status.AUTO_CANCELLED])
def test_only_a_check_in_can_be_undone(db_session, status):
    door = Door(db_session, status=status)
    before = all_rows(db_session)

    with pytest.raises(InvalidTransition):
        door.undo(door.desk)
    assert all_rows(db_session) == before


def test_undoing_a_check_in_is_for_the_front_desk(db_session):
    door = Door(db_session)
    door.check_in(door.me)

    for actor, error in ((door.instructor, Forbidden), (door.kiosk, Forbidden), (door.me, NotFound)):
        with pytest.raises(error):
            door.undo(actor)
    assert door.undo(door.desk).status == "PENDING"


def test_undoing_a_check_in_flags_what_was_reserved_on_the_strength_of_it(db_session):
    door = Door(db_session)
    course = factories.make_class(db_session, door.studio, steps=2)
    first, second = factories.steps_of_class(db_session, course)
    registration = factories.make_pass(
        db_session, door.customer, door.studio, pass_type="full_course", studio_class=course
    )
    earlier = factories.make_session(db_session, course, starts_at=STARTS_AT, step=first)
    later = factories.make_session(db_session, course, starts_at=STARTS_AT + timedelta(days=7), step=second)
    door.reservation = factories.make_reservation(db_session, registration, earlier)
    door.check_in(door.me)
    dependent = factories.make_reservation(db_session, registration, later)

    door.undo(door.desk)

    assert (dependent.status, dependent.flags) == ("PENDING", ["prerequisite_lost"])


def test_check_in_never_asks_for_the_earlier_parts_again(db_session):
    door = Door(db_session)
    course = factories.make_class(db_session, door.studio, steps=2)
    _, second = factories.steps_of_class(db_session, course)
    registration = factories.make_pass(
        db_session, door.customer, door.studio, pass_type="full_course", studio_class=course
    )
    session = factories.make_session(db_session, course, starts_at=STARTS_AT, step=second)
    door.reservation = factories.make_reservation(db_session, registration, session)

    assert door.check_in(door.me).status == "CHECKED_IN"


def test_a_code_is_read_by_staff_and_the_kiosk_of_that_studio_alone(db_session):
    door = Door(db_session)
    elsewhere = factories.make_studio(db_session)
    code = door.check_ins().get_code(reservation_id=door.reservation.id, actor=door.me)
    before = all_rows(db_session)

    for stranger in (door.me, factories.staff_actor(elsewhere), factories.kiosk_actor(elsewhere)):
        with pytest.raises(NotFound):
            door.check_ins().check_in_by_code(code=code.text, actor=stranger)
    for wrong in ("", "nonsense", code.text[:-1], code.text + "x", "\ud800", str(door.reservation.id)):
        with pytest.raises(CodeInvalid):
            door.check_ins().check_in_by_code(code=wrong, actor=door.desk)
    assert all_rows(db_session) == before

    assert door.check_ins().check_in_by_code(code=code.text, actor=door.kiosk).check_in_method == "SELF"
    assert door.check_ins().check_in_by_code(code=code.text, actor=door.desk).check_in_method == "SELF"
    assert door.ledger()[1:] == [("CHECK_IN", -1, 4)]


def test_a_code_is_good_from_the_class_day_to_the_later_of_its_end_and_the_windows(db_session):
    door = Door(db_session)
    factories.make_policy(db_session, door.studio, check_in_closes_minutes_after=600)
    code = door.check_ins().get_code(reservation_id=door.reservation.id, actor=door.desk)
    closes_at = door.session.ends_at + timedelta(minutes=600)

    assert (code.valid.opens_at, code.valid.closes_at) == (DAY_OPENS_AT, closes_at)
    with pytest.raises(CheckInTooEarly):
        door.check_ins(DAY_OPENS_AT - INSTANT).check_in_by_code(code=code.text, actor=door.desk)
    with pytest.raises(CodeExpired):
        door.check_ins(closes_at + INSTANT).check_in_by_code(code=code.text, actor=door.desk)
    # At that hour the class day is over: without the code the desk would need an override.
    with pytest.raises(NotClassDay):
        door.check_ins(closes_at).check_in(reservation_id=door.reservation.id, actor=door.desk)
    assert door.check_ins(closes_at).check_in_by_code(code=code.text, actor=door.desk).status == "CHECKED_IN"


def test_an_instructor_scans_for_their_own_sessions(db_session):
    door = Door(db_session)
    text = CODES.code_for(door.reservation.id)

    with pytest.raises(Forbidden):
        door.check_ins().check_in_by_code(code=text, actor=factories.staff_actor(door.studio, Role.INSTRUCTOR))
    assert door.check_ins().check_in_by_code(code=text, actor=door.instructor).status == "CHECKED_IN"


def test_the_code_is_shown_to_whoever_holds_the_reservation_and_to_the_front_desk(db_session):
    door = Door(db_session)
    somebody = factories.customer_actor(factories.make_customer(db_session, door.studio))

    with pytest.raises(NotFound):
        door.check_ins().get_code(reservation_id=door.reservation.id, actor=somebody)
    with pytest.raises(Forbidden):
        door.check_ins().get_code(reservation_id=door.reservation.id, actor=door.kiosk)
    code = door.check_ins().get_code(reservation_id=door.reservation.id, actor=door.desk)
    assert CODES.read(code.text) == door.reservation.id
    assert code.svg.startswith("<svg")
