"""Punches left, held and corrected by hand."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from studio_reservations.errors import Forbidden, InvalidTransition, NotFound, PunchesExhausted
from studio_reservations.pass_types import Status
from studio_reservations.services.punch_passes import RemainingPunches
from tests import factories
from tests.services.door import Door, all_rows, check_books, set_aside


def of_the_reservation(door: Door) -> dict[str, Any]:
    return {"registration_id": door.registration.id, "reservation_id": door.reservation.id, "actor": door.manager}


def test_what_is_held_for_reservations_is_not_available_for_new_ones(db_session):
    door = Door(db_session)
    factories.make_reservation(
        db_session, door.registration, factories.make_session(db_session, door.studio_class), punches_held=2
    )
    door.check_in(door.me)

    punches = door.punches().get_remaining_punches(registration_id=door.registration.id, actor=door.me)

    assert punches == RemainingPunches(remaining=4, held=2, available=2)


def test_an_uncounted_pass_has_no_number(db_session):
    door = Door(db_session, pass_type="unlimited_series")

    punches = door.punches().get_remaining_punches(registration_id=door.registration.id, actor=door.desk)

    assert punches == RemainingPunches(remaining=None, held=0, available=None)


def test_held_punches_that_were_taken_away_leave_none_available(db_session):
    door = Door(db_session)
    door.registration.sessions_remaining = 0

    punches = door.punches().get_remaining_punches(registration_id=door.registration.id, actor=door.desk)

    assert punches == RemainingPunches(remaining=0, held=1, available=0)


def test_a_member_sees_the_punches_and_a_stranger_sees_nothing(db_session):
    door = Door(db_session)
    child, stranger = (factories.make_customer(db_session, door.studio) for _ in range(2))
    shared = factories.make_pass(db_session, door.customer, door.studio, members=(child,))
    service = door.punches()

    assert (
        service.get_remaining_punches(registration_id=shared.id, actor=factories.customer_actor(child)).remaining == 5
    )
    for registration_id, actor in (
        (shared.id, factories.customer_actor(stranger)),
        (shared.id, factories.staff_actor(factories.make_studio(db_session))),
        (uuid4(), door.desk),
    ):
        with pytest.raises(NotFound):
            service.get_remaining_punches(registration_id=registration_id, actor=actor)
    with pytest.raises(Forbidden):
        service.get_remaining_punches(registration_id=shared.id, actor=door.kiosk)


def test_a_check_in_that_was_not_charged_can_be_charged_later_and_once(db_session):
    door = Door(db_session)
    ids = of_the_reservation(door)
    door.registration.sessions_remaining = 0
    door.check_in(door.desk, override=set_aside("punches_exhausted"))
    with pytest.raises(PunchesExhausted):
        door.punches().deduct_punch(**ids)
    door.registration.sessions_remaining = 5

    assert [door.punches().deduct_punch(**ids) for _ in range(3)] == [1, 0, 0]

    assert door.reservation.flags == []
    assert door.ledger()[1:] == [("CHECK_IN", -1, 4)]
    check_books(db_session)


def test_a_check_in_is_never_charged_twice_by_hand(db_session):
    door = Door(db_session)
    door.check_in(door.me)
    before = all_rows(db_session)

    charged = door.punches().deduct_punch(
        registration_id=door.registration.id, reservation_id=door.reservation.id, actor=door.manager
    )

    assert charged == 0
    assert all_rows(db_session) == before


def test_a_charge_is_given_back_once_and_undoing_the_check_in_gives_nothing_more(db_session):
    door = Door(db_session)
    ids = of_the_reservation(door)
    door.check_in(door.me)

    assert [door.punches().refund_punch(**ids, reason="the wheel broke") for _ in range(3)] == [1, 0, 0]
    door.undo(door.desk)

    assert door.ledger()[1:] == [("CHECK_IN", -1, 4), ("REFUND", 1, 5)]
    assert door.actions() == ["reservation.checked_in", "reservation.punches_refunded", "reservation.check_in_undone"]
    check_books(db_session)


@pytest.mark.parametrize("status", [Status.PENDING, Status.NO_SHOW, Status.CANCELLED])
def test_only_a_check_in_is_charged_by_hand(db_session, status):
    door = Door(db_session, status=status)

    with pytest.raises(InvalidTransition):
        door.punches().deduct_punch(
            registration_id=door.registration.id, reservation_id=door.reservation.id, actor=door.manager
        )


@pytest.mark.parametrize("act", ["deduct_punch", "refund_punch"])
def test_correcting_punches_is_the_managers_and_a_reservation_goes_with_its_own_pass(db_session, act):
    door = Door(db_session)
    door.check_in(door.me)
    other = factories.make_pass(db_session, door.customer, door.studio)
    correct = getattr(door.punches(), act)

    with pytest.raises(Forbidden):
        correct(registration_id=door.registration.id, reservation_id=door.reservation.id, actor=door.desk)
    with pytest.raises(NotFound):
        correct(registration_id=door.registration.id, reservation_id=door.reservation.id, actor=door.me)
    with pytest.raises(NotFound):
        correct(registration_id=other.id, reservation_id=door.reservation.id, actor=door.manager)
