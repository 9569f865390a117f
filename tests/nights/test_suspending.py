"""03:00 and 04:00: suspensions begin and end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import select

from studio_reservations.models import Customer, SuspensionNoShow
from studio_reservations.pass_types import Status
from tests import factories
from tests.nights.night import NIGHT, Night

ENFORCE, LIFT = "enforce_suspensions", "lift_suspensions"
_hours = count(40)


def _missed(night: Night, customer: Customer, times: int = 1, **fields):
    registration = night.held(customer)
    return [night.no_show(registration, night.over(hours=next(_hours)), **fields) for _ in range(times)]


def test_at_the_limit_a_customer_is_suspended_for_the_studios_days(night: Night):
    customer = night.customer()
    missed = _missed(night, customer, 3)
    _missed(night, night.customer(), 2)
    future = night.reserve(night.held(customer), night.coming())

    assert night.sweep(ENFORCE) == {"suspended": 1}

    [suspension] = night.suspensions()
    assert (suspension.customer_id, suspension.no_show_count, suspension.limit) == (customer.id, 3, 3)
    assert suspension.starts_at == NIGHT
    assert suspension.ends_on == date(2026, 12, 15)
    assert suspension.ends_at == datetime(2026, 12, 16, 5, tzinfo=UTC)  # midnight in Toronto
    assert (suspension.ended_at, suspension.created_by_kind) == (None, "SYSTEM")
    built_by = night._all(select(SuspensionNoShow))
    assert {one.reservation_id for one in built_by} == {one.id for one in missed}
    assert night.row(future).status == "PENDING"
    [act] = night.acts(suspension.id)
    assert (act.action, act.performed_by_kind) == ("suspension.created", "SYSTEM")
    [message] = night.messages("suspension.created")
    assert message.payload is not None
    assert message.payload["no_shows"] == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"waived_at": NIGHT - timedelta(hours=1)},
        {"grace_ends_at": NIGHT + timedelta(seconds=1)},
        {"counts_as_no_show": False},
        {"missed_at": datetime(2026, 9, 3, 3, 59, 59, tzinfo=UTC)},  # before midnight in Toronto, ninety days ago
    ],
    ids=["waived", "in grace", "not counted", "before the window"],
)
def test_what_does_not_count(night: Night, fields: dict):
    customer = night.customer()
    _missed(night, customer, 2)
    _missed(night, customer, **fields)

    assert night.sweep(ENFORCE) == {}


def test_the_window_begins_at_local_midnight(night: Night):
    customer = night.customer()
    _missed(night, customer, 3, missed_at=datetime(2026, 9, 3, 4, tzinfo=UTC))

    assert night.sweep(ENFORCE) == {"suspended": 1}


def test_a_late_cancellation_that_counts_counts(night: Night):
    customer = night.customer()
    _missed(night, customer, 2)
    night.reserve(
        night.held(customer),
        night.coming(),
        Status.CANCELLED,
        cancelled_at=NIGHT - timedelta(days=2),
        counts_as_no_show=True,
        missed_at=NIGHT - timedelta(days=2),
        grace_ends_at=NIGHT - timedelta(days=1),
    )

    assert night.sweep(ENFORCE) == {"suspended": 1}


def test_a_studio_may_never_suspend_or_look_back_for_ever(night: Night):
    policy = factories.make_policy(night.db_session, night.studio, never_suspends=True)
    _missed(night, night.customer(), 3, missed_at=NIGHT - timedelta(days=1000))
    assert night.sweep(ENFORCE) == {}

    policy.never_suspends, policy.window_is_forever, policy.suspension_days = None, True, 1
    night.db_session.commit()
    assert night.sweep(ENFORCE) == {"suspended": 1}
    assert night.suspensions()[0].ends_on == date(2026, 12, 2)


def test_a_suspension_wipes_the_slate_also_when_it_was_lifted_but_not_when_voided(night: Night):
    wiped, voided = night.customer(), night.customer()
    begun = NIGHT - timedelta(days=10)
    for customer, fields in (
        (wiped, {"lifted_at": begun, "ended_at": begun}),
        (voided, {"voided_at": begun, "ended_at": begun}),
    ):
        factories.make_suspension(night.db_session, customer, night.studio, now=begun, **fields)
        _missed(night, customer, 3, missed_at=begun - timedelta(days=1))
    _missed(night, wiped, 2)

    night.sweep(ENFORCE)

    assert [one.customer_id for one in night.suspensions() if one.ended_at is None] == [voided.id]
    _missed(night, wiped, 1)
    assert night.sweep(ENFORCE) == {"suspended": 1}


def test_nobody_is_suspended_twice_at_once(night: Night):
    customer = night.customer()
    factories.make_suspension(night.db_session, customer, night.studio, starts_at=NIGHT - timedelta(days=60))
    _missed(night, customer, 3)

    assert night.sweep(ENFORCE) == {}
    assert len(night.suspensions()) == 1


def test_a_suspension_past_its_end_is_over_and_told(night: Night):
    over, last_day, lifted = night.customer(), night.customer(), night.customer()
    begun = NIGHT - timedelta(days=10)
    ended = factories.make_suspension(night.db_session, over, night.studio, now=begun, ends_on=date(2026, 12, 1))
    covers = factories.make_suspension(night.db_session, last_day, night.studio, now=begun, ends_on=date(2026, 12, 2))
    factories.make_suspension(
        night.db_session, lifted, night.studio, now=begun, ends_on=date(2026, 11, 25), ended_at=begun, lifted_at=begun
    )

    assert night.sweep(LIFT) == {"lifted": 1}

    assert night.again(ended).ended_at == ended.ends_at == datetime(2026, 12, 2, 5, tzinfo=UTC)
    assert night.again(ended).lifted_at is None
    assert night.again(covers).ended_at is None
    [act] = night.acts(ended.id)
    assert (act.action, act.details) == ("suspension.lifted", {"ends_on": "2026-12-01", "early": False})
    assert len(night.messages("suspension.lifted")) == 1
    assert night.sweep(LIFT, NIGHT + timedelta(hours=23)) == {"lifted": 1}
