"""Suspensions that staff make by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from studio_reservations.errors import AlreadySuspended, Forbidden, InvalidRequest, NotFound, ReasonRequired
from studio_reservations.models import CustomerSuspension, OutboxMessage, Role
from studio_reservations.services.suspensions import current_suspension, suspend_customer
from tests.factories import NOW, history_of, make_customer, make_studio, make_suspension, staff_actor


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def customer(db_session, studio):
    return make_customer(db_session, studio)


def suspend(db_session, customer, studio, **changes):
    asked = {
        "customer_id": customer.id,
        "studio_id": studio.id,
        "ends_on": date(2026, 12, 14),
        "reason": "Shouted at the kiln",
        "actor": staff_actor(studio),
        "now": NOW,
    }
    return suspend_customer(db_session, **asked | changes)


def test_a_suspension_covers_the_studio_s_day_to_its_end(db_session, studio, customer):
    suspension = suspend(db_session, customer, studio)

    over = datetime(2026, 12, 15, 5, tzinfo=UTC)  # midnight in Toronto
    assert suspension.ends_at == over
    for now, covered in ((NOW, True), (over - timedelta(seconds=1), True), (over, False), (NOW - timedelta(1), False)):
        found = current_suspension(db_session, customer_id=customer.id, studio_id=studio.id, now=now)
        assert (found is not None) == covered


def test_it_is_told_and_written_down_with_its_reason(db_session, studio, customer):
    suspension = suspend(db_session, customer, studio)

    (act,) = history_of(db_session, suspension.id)
    assert (act["action"], act["reason"], act["performed_by_kind"]) == (
        "suspension.created",
        "Shouted at the kiln",
        "STAFF",
    )
    message = db_session.scalars(select(OutboxMessage)).one()
    assert (message.event, message.customer_id, message.payload["ends_on"]) == (
        "suspension.created",
        customer.id,
        "2026-12-14",
    )


def test_a_second_one_is_refused_while_the_first_lasts(db_session, studio, customer):
    suspend(db_session, customer, studio)

    with pytest.raises(AlreadySuspended) as refused:
        suspend(db_session, customer, studio, ends_on=date(2027, 1, 1))

    assert refused.value.values == {"ends_on": date(2026, 12, 14)}
    assert db_session.scalar(select(func.count()).select_from(CustomerSuspension)) == 1


def test_one_that_is_over_and_that_no_night_has_ended_yet_makes_room(db_session, studio, customer):
    old = make_suspension(db_session, customer, studio, ends_on=date(2026, 11, 30), starts_at=NOW - timedelta(days=9))

    new = suspend(db_session, customer, studio)

    assert old.ended_at == old.ends_at
    assert current_suspension(db_session, customer_id=customer.id, studio_id=studio.id, now=NOW) == new


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ends_on": date(2026, 11, 30)}, InvalidRequest),
        ({"ends_on": date(9999, 12, 31)}, InvalidRequest),
        ({"reason": "  "}, ReasonRequired),
    ],
)
def test_a_day_that_is_over_or_no_reason_is_refused(db_session, studio, customer, changes, refusal):
    with pytest.raises(refusal):
        suspend(db_session, customer, studio, **changes)

    assert db_session.scalar(select(func.count()).select_from(CustomerSuspension)) == 0


def test_today_is_long_enough(db_session, studio, customer):
    assert suspend(db_session, customer, studio, ends_on=date(2026, 12, 1)).ends_at == datetime(
        2026, 12, 2, 5, tzinfo=UTC
    )


def test_it_takes_a_manager_of_a_studio_that_knows_the_customer(db_session, studio, customer):
    with pytest.raises(Forbidden):
        suspend(db_session, customer, studio, actor=staff_actor(studio, Role.FRONT_DESK))
    other = make_studio(db_session)
    with pytest.raises(NotFound):
        suspend(db_session, customer, studio, actor=staff_actor(other))
    with pytest.raises(NotFound):
        suspend(db_session, customer, other, actor=staff_actor(other))
