"""What the night did, undone by day: a waive gives back, a lift wipes the slate, and the next night agrees."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from studio_reservations.models import ClassRegistration, ClassSession, SessionReservation
from studio_reservations.pass_types import Status
from studio_reservations.policies.due import CANCEL_FUTURES, ENFORCE_SUSPENSIONS
from studio_reservations.services.no_shows import NoShowService, Waived
from studio_reservations.services.suspensions import lift_suspension
from tests import factories
from tests.nights.night import NIGHT, Night

DAY = NIGHT + timedelta(hours=9)
NEXT = NIGHT + timedelta(days=1)


@pytest.fixture
def held(night: Night) -> ClassRegistration:
    """Return the pass of a customer at a studio that suspends at three."""
    return night.held(max_advance_reservations=None)


@pytest.fixture
def missed(night: Night, held: ClassRegistration) -> list[SessionReservation]:
    """Let the customer have missed three classes, with two to come."""
    no_shows = [night.no_show(held, night.over(hours=30 + number)) for number in range(3)]
    for days in (5, 9):
        night.reserve(held, night.coming(days=days, capacity=1))
    return no_shows


def waive(night: Night, no_show: SessionReservation, now: datetime = DAY) -> Waived:
    """Commit what was built, and waive."""
    night.db_session.commit()

    def work(db_session: Session) -> Waived:
        waived = NoShowService(db_session, clock=lambda: now).waive(
            reservation_id=no_show.id, actor=factories.staff_actor(night.studio)
        )
        db_session.expunge_all()
        return waived

    return night.opened(work)


def coming(night: Night, held: ClassRegistration) -> dict[str, int]:
    """Return the states of what was to come, and the seats it has."""

    def work(db_session: Session) -> dict[str, int]:
        rows = (
            db_session.query(SessionReservation.status, ClassSession.seats_taken)
            .join(ClassSession, ClassSession.id == SessionReservation.session_id)
            .filter(SessionReservation.registration_id == held.id, ClassSession.starts_at > NIGHT)
            .all()
        )
        return {status: sum(seats for other, seats in rows if other == status) for status, _ in rows}

    return night.opened(work)


def test_a_waive_gives_back_all_that_its_night_took_and_the_next_night_leaves_it(night, held, missed):
    night.sweep(CANCEL_FUTURES)
    night.sweep(ENFORCE_SUSPENSIONS)
    assert coming(night, held) == {Status.AUTO_CANCELLED: 0}
    (suspension,) = night.suspensions()
    cause = next(one for one in missed if costs(night, one))

    waived = waive(night, cause)

    assert [one.refusal for one in waived.futures] == [None, None]
    assert [one.id for one in waived.voided] == [suspension.id]
    assert coming(night, held) == {Status.PENDING: 2}
    assert night.sweep(CANCEL_FUTURES, NEXT) == {}
    assert night.sweep(ENFORCE_SUSPENSIONS, NEXT) == {}
    assert coming(night, held) == {Status.PENDING: 2}


def test_a_waive_of_one_that_cost_nothing_voids_all_the_same(night, held, missed):
    night.sweep(CANCEL_FUTURES)
    night.sweep(ENFORCE_SUSPENSIONS)
    other = next(one for one in missed if not costs(night, one))

    waived = waive(night, other)

    assert (list(waived.futures), len(waived.voided)) == ([], 1)
    assert coming(night, held) == {Status.AUTO_CANCELLED: 0}


def test_after_a_voided_suspension_the_others_count_again(night, held, missed):
    night.sweep(ENFORCE_SUSPENSIONS)
    waive(night, missed[0])
    night.no_show(held, night.over(hours=28))

    assert night.sweep(ENFORCE_SUSPENSIONS, NEXT) == {"suspended": 1}
    assert [one.no_show_count for one in night.suspensions() if one.voided_at is None] == [3]


def test_after_a_lifted_one_they_do_not(night, held, missed):
    night.sweep(ENFORCE_SUSPENSIONS)
    (suspension,) = night.suspensions()
    night.opened(
        lambda db_session: lift_suspension(
            db_session,
            suspension_id=suspension.id,
            reason="Talked it over.",
            actor=factories.staff_actor(night.studio),
            now=DAY,
        )
    )
    night.no_show(held, night.over(hours=28))

    assert night.sweep(ENFORCE_SUSPENSIONS, NEXT) == {}


def test_what_is_waived_in_time_costs_nothing_at_night(night, held, missed):
    for one in missed:
        waive(night, one, NIGHT - timedelta(hours=2))

    assert night.sweep(CANCEL_FUTURES) == {}
    assert night.sweep(ENFORCE_SUSPENSIONS) == {}
    assert coming(night, held) == {Status.PENDING: 2}


def costs(night: Night, no_show: SessionReservation) -> bool:
    """Tell whether something was cancelled for this no-show."""
    return night.opened(
        lambda db_session: (
            db_session.query(SessionReservation).filter(SessionReservation.auto_cancelled_for_id == no_show.id).count()
            > 0
        )
    )
