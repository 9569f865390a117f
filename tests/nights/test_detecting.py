"""01:00: attended and missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from studio_reservations.models import Role, SessionReservation
from studio_reservations.pass_type_registry import InstalledPassType, PassTypes
from studio_reservations.pass_types import PassType, Status
from studio_reservations.services.attendance import AttendanceService
from tests import factories
from tests.nights.night import NIGHT, Night

JOB = "detect_no_shows"


def test_who_checked_in_has_attended_once_the_session_has_ended(night: Night):
    registration = night.held()
    there = night.reserve(registration, night.over(), Status.CHECKED_IN, checked_in_at=NIGHT - timedelta(hours=11))
    ending = night.reserve(registration, night.over(hours=0), Status.CHECKED_IN)
    running = night.reserve(registration, night.over(hours=-1), Status.CHECKED_IN)

    counts = night.sweep(JOB)

    assert counts == {"attended": 2}
    assert [night.row(one).status for one in (there, ending, running)] == ["ATTENDED", "ATTENDED", "CHECKED_IN"]
    assert night.row(there).attended_at == NIGHT
    assert night.again(registration).sessions_attended == 2
    [act] = night.acts(there.id)
    assert (act.action, act.from_status, act.to_status) == ("reservation.attended", "CHECKED_IN", "ATTENDED")
    assert (act.performed_by_kind, act.performed_by) == ("SYSTEM", "system")
    assert len(night.messages("reservation.attended")) == 2


def test_a_no_show_is_made_once_the_window_has_closed(night: Night):
    registration = night.held()
    closed = night.reserve(registration, night.over(hours=2.001))
    closing = night.reserve(registration, night.over(hours=2))  # the last instant is inside the window

    assert night.sweep(JOB) == {"no_shows": 1}
    assert (night.row(closed).status, night.row(closing).status) == ("NO_SHOW", "PENDING")
    assert night.sweep(JOB, NIGHT + timedelta(seconds=1)) == {"no_shows": 1}


def test_the_window_is_that_of_the_class(night: Night):
    patient = factories.make_class(night.db_session, night.studio, title="Open Studio")
    factories.make_policy(night.db_session, night.studio, check_in_closes_minutes_after=30)
    factories.make_policy(night.db_session, night.studio, patient, check_in_closes_minutes_after=600)
    registration = night.held()
    missed = night.reserve(registration, night.over(hours=1))
    waited_for = night.reserve(registration, night.over(hours=9, studio_class=patient))

    night.sweep(JOB)

    assert (night.row(missed).status, night.row(waited_for).status) == ("NO_SHOW", "PENDING")


def test_grace_and_its_night_are_fixed_when_the_no_show_is_made(night: Night):
    session = night.over()
    missed = night.reserve(night.held(), session)

    night.sweep(JOB)

    row = night.row(missed)
    assert (row.no_show_at, row.missed_at, row.counts_as_no_show) == (NIGHT, session.ends_at, True)
    assert row.grace_ends_at == NIGHT + timedelta(hours=24)
    assert row.auto_cancel_at == NIGHT + timedelta(hours=25)  # 02:00 in Toronto, after 01:00 the day after
    assert row.seat_released_at is None
    assert night.again(session).seats_taken == 1


def test_a_pass_with_a_grace_of_its_own_and_a_class_that_spares_the_futures(night: Night):
    gentle = factories.make_class(night.db_session, night.studio)
    factories.make_policy(night.db_session, night.studio, gentle, auto_cancel_futures=False, grace_period_hours=48)
    mine = night.reserve(night.held(absence_grace_period_hours=0), night.over())
    spared = night.reserve(night.held(), night.over(studio_class=gentle))

    night.sweep(JOB)

    assert (night.row(mine).grace_ends_at, night.row(mine).auto_cancel_at) == (NIGHT, NIGHT + timedelta(hours=1))
    assert night.row(spared).grace_ends_at == NIGHT + timedelta(hours=48)
    assert night.row(spared).auto_cancel_at is None


def test_another_studio_is_left_alone(night: Night):
    elsewhere = Night(night.engine)
    theirs = elsewhere.reserve(elsewhere.held(), elsewhere.over())
    elsewhere.db_session.commit()

    assert night.sweep(JOB) == {}
    assert elsewhere.row(theirs).status == "PENDING"
    elsewhere.db_session.close()


def test_a_cancelled_session_is_missed_by_nobody(night: Night):
    left = night.reserve(night.held(), night.over(status="CANCELLED"))

    assert night.sweep(JOB) == {}
    assert night.row(left).status == "PENDING"


def test_punches_are_charged_where_the_policy_says_so_in_the_order_of_the_sessions(night: Night):
    factories.make_policy(night.db_session, night.studio, deduct_punch_on_no_show=True)
    registration = night.held(punches=1, max_advance_reservations=None)
    late = night.reserve(registration, night.over(hours=5))
    early = night.reserve(registration, night.over(hours=50))

    assert night.sweep(JOB) == {"no_shows": 2, "punches_charged": 1, "flagged": 1}

    assert (night.row(early).punches_used, night.row(early).flags) == (1, [])
    assert (night.row(late).punches_used, night.row(late).flags) == (0, ["charge_shortfall"])
    assert night.again(registration).sessions_remaining == 0
    assert night.ledger(registration.id) == [("ISSUED", 1, 1), ("NO_SHOW", -1, 0)]


def test_a_pass_type_at_fault_charges_nothing_and_is_flagged(night: Night):
    class Broken(PassType):
        key = "broken"
        label = "Broken"

        def punches_for(self, event, held, session):
            raise ZeroDivisionError

    factories.make_policy(night.db_session, night.studio, deduct_punch_on_no_show=True)
    fields: dict[str, Any] = {"sessions_included": 4, "sessions_remaining": 4}
    raises = night.reserve(night.held(pass_type="broken", **fields), night.over())
    missing = night.reserve(night.held(pass_type="gone", **fields), night.over())

    counts = night.sweep(JOB, pass_types=PassTypes([InstalledPassType(Broken(), "test")]))

    assert counts == {"no_shows": 2, "flagged": 2}
    for one in (raises, missing):
        row = night.row(one)
        assert (row.status, row.punches_used, row.flags) == ("NO_SHOW", 0, ["no_show_not_charged"])


@pytest.mark.parametrize("deduct", [False, True])
def test_the_night_makes_the_rows_that_staff_make_by_hand(night: Night, deduct: bool):
    factories.make_policy(night.db_session, night.studio, deduct_punch_on_no_show=deduct, grace_period_hours=7)
    session = night.over()
    by_night, by_hand = (night.reserve(night.held(punches=3), session) for _ in range(2))
    AttendanceService(night.db_session, clock=lambda: NIGHT).mark_no_show(
        reservation_id=by_hand.id, actor=factories.staff_actor(night.studio, Role.FRONT_DESK)
    )

    night.sweep(JOB)

    own = {"id", "registration_id", "customer_id"}
    values = [
        {
            column.name: getattr(night.row(one), column.key)
            for column in SessionReservation.__table__.c
            if column.name not in own
        }
        for one in (by_night, by_hand)
    ]
    assert values[0] == values[1]
    told = [night.acts(one.id)[-1] for one in (by_night, by_hand)]
    assert told[0].details == told[1].details
    assert told[0].action == told[1].action
    ledgers = [night.ledger(one.registration_id) for one in (by_night, by_hand)]
    assert ledgers[0] == ledgers[1]


def test_twice_is_once(night: Night):
    night.reserve(night.held(), night.over())
    night.reserve(night.held(), night.over(), Status.CHECKED_IN)
    night.sweep(JOB)
    before = night.tables()

    assert night.sweep(JOB, datetime(2026, 12, 2, 6, 0, 1, tzinfo=UTC)) == {}
    assert night.tables() == before
