"""The life of a pass."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from studio_reservations.errors import (
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    PunchesHeld,
    ReasonRequired,
)
from studio_reservations.models import OutboxMessage, RegistrationMember, Role
from studio_reservations.pass_types import Status
from studio_reservations.services.registrations import RegistrationService
from tests.factories import (
    NOW,
    customer_actor,
    history_of,
    ledger_of,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_studio,
    staff_actor,
)


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def customer(db_session, studio):
    return make_customer(db_session, studio)


@pytest.fixture
def wheel(db_session, studio):
    return make_class(db_session, studio)


@pytest.fixture
def punches(db_session, customer, studio):
    return make_pass(db_session, customer, studio, punches=3, valid_until=date(2027, 1, 31))


@pytest.fixture
def manager(studio):
    return staff_actor(studio)


def service(db_session, now=NOW):
    return RegistrationService(db_session, clock=lambda: now)


def reserved(db_session, registration, studio_class, days, **fields):
    session = make_session(db_session, studio_class, starts_at=NOW + timedelta(days=days))
    return make_reservation(db_session, registration, session, **fields), session


def last_change(db_session, registration):
    return history_of(db_session, registration.id)[-1]


# Terms


def test_terms_are_changed_and_written_down(db_session, punches, manager):
    service(db_session).update(
        registration_id=punches.id,
        changes={"valid_until": None, "max_advance_reservations": None, "absence_grace_period_hours": 0},
        actor=manager,
        reason="Was ill",
    )

    assert (punches.valid_until, punches.max_advance_reservations, punches.absence_grace_period_hours) == (
        None,
        None,
        0,
    )
    act = last_change(db_session, punches)
    assert (act["action"], act["reason"]) == ("registration.changed", "Was ill")
    assert act["details"]["changes"] == {
        "valid_until": ["2027-01-31", None],
        "max_advance_reservations": [3, None],
        "absence_grace_period_hours": [None, 0],
    }


def test_what_is_as_asked_already_writes_nothing(db_session, punches, manager):
    service(db_session).update(
        registration_id=punches.id, changes={"valid_until": date(2027, 1, 31), "members": []}, actor=manager
    )

    assert history_of(db_session, punches.id) == []


def test_members_are_those_named(db_session, studio, punches, manager):
    first, second = make_customer(db_session, studio), make_customer(db_session, studio)
    for members in ([first.id, second.id], [second.id, punches.customer_id]):
        service(db_session).update(registration_id=punches.id, changes={"members": members}, actor=manager)

    assert db_session.scalars(select(RegistrationMember.customer_id)).all() == [second.id]


def test_a_member_whom_the_studio_does_not_know_is_not_found(db_session, punches, manager):
    with pytest.raises(NotFound):
        service(db_session).update(
            registration_id=punches.id, changes={"members": [make_customer(db_session).id]}, actor=manager
        )
    assert db_session.scalars(select(RegistrationMember)).all() == []


def test_an_end_before_the_beginning_is_refused(db_session, punches, manager):
    with pytest.raises(InvalidRequest) as refused:
        service(db_session).update(registration_id=punches.id, changes={"valid_from": date(2027, 2, 1)}, actor=manager)
    assert list(refused.value.values["errors"]) == ["valid_until"]
    assert punches.valid_from is None


def test_passes_are_the_managers(db_session, studio, punches):
    desk = staff_actor(studio, Role.FRONT_DESK)
    stranger = staff_actor(make_studio(db_session))
    for actor, refusal in ((desk, Forbidden), (stranger, NotFound)):
        for act in (
            lambda actor: service(db_session).update(registration_id=punches.id, changes={}, actor=actor),
            lambda actor: service(db_session).adjust(registration_id=punches.id, delta=1, reason="x", actor=actor),
            lambda actor: service(db_session).freeze(registration_id=punches.id, actor=actor),
            lambda actor: service(db_session).unfreeze(registration_id=punches.id, actor=actor),
            lambda actor: service(db_session).transfer(registration_id=punches.id, class_id=None, actor=actor),
            lambda actor: service(db_session).cancel(registration_id=punches.id, actor=actor),
        ):
            with pytest.raises(refusal):
                act(actor)
    with pytest.raises(NotFound):
        service(db_session).freeze(registration_id=uuid4(), actor=desk)


# Punches


def test_an_adjustment_stands_in_the_ledger_with_its_reason(db_session, punches, manager):
    service(db_session).adjust(registration_id=punches.id, delta=2, reason="A present", actor=manager)
    service(db_session).adjust(registration_id=punches.id, delta=-1, reason="Miscounted", actor=manager)

    assert punches.sessions_remaining == 4
    assert ledger_of(db_session, punches.id) == [("ISSUED", 3, 3), ("ADJUSTMENT", 2, 5), ("ADJUSTMENT", -1, 4)]
    entries = service(db_session).ledger(registration_id=punches.id, actor=manager)
    assert [entry.reason for entry in entries] == [None, "A present", "Miscounted"]
    assert last_change(db_session, punches)["details"] == {"change": "adjusted", "delta": -1, "sessions_remaining": 4}


def test_taking_what_is_held_asks_first_and_names_the_latest_reservations(db_session, punches, wheel, manager):
    reserved(db_session, punches, wheel, 1)
    late, _ = reserved(db_session, punches, wheel, 9)

    with pytest.raises(PunchesHeld) as refused:
        service(db_session).adjust(registration_id=punches.id, delta=-2, reason="Refunded", actor=manager)

    assert refused.value.values == {
        "balance": 1,
        "held": 2,
        "reservations": [{"reservation_id": str(late.id), "starts_at": "2026-12-10T10:00:00-05:00"}],
    }
    assert punches.sessions_remaining == 3

    service(db_session).adjust(registration_id=punches.id, delta=-2, reason="Refunded", actor=manager, confirm=True)
    assert punches.sessions_remaining == 1
    assert late.status == "PENDING"


@pytest.mark.parametrize("delta", [0, -4, 10**12])
def test_a_balance_below_zero_or_beyond_reason_is_refused_even_confirmed(db_session, punches, manager, delta):
    with pytest.raises(InvalidRequest):
        service(db_session).adjust(registration_id=punches.id, delta=delta, reason="x", actor=manager, confirm=True)
    assert ledger_of(db_session, punches.id) == [("ISSUED", 3, 3)]


def test_an_adjustment_needs_a_reason_and_a_pass_that_counts(db_session, studio, customer, punches, manager):
    series = make_pass(db_session, customer, studio, pass_type="unlimited_series")
    with pytest.raises(ReasonRequired):
        service(db_session).adjust(registration_id=punches.id, delta=1, reason=" ", actor=manager)
    with pytest.raises(InvalidRequest):
        service(db_session).adjust(registration_id=series.id, delta=1, reason="x", actor=manager)
    service(db_session).cancel(registration_id=punches.id, actor=manager)
    with pytest.raises(InvalidTransition):
        service(db_session).adjust(registration_id=punches.id, delta=1, reason="x", actor=manager)


def test_the_ledger_is_paged_and_shown_to_its_customer_and_the_desk(db_session, studio, customer, punches, manager):
    for _ in range(3):
        service(db_session).adjust(registration_id=punches.id, delta=1, reason="x", actor=manager)
    page = service(db_session).ledger(registration_id=punches.id, actor=customer_actor(customer), limit=3)
    rest = service(db_session).ledger(
        registration_id=punches.id, actor=staff_actor(studio, Role.FRONT_DESK), limit=3, after=page[-1].id
    )
    assert [entry.balance for entry in (*page, *rest)] == [3, 4, 5, 6]
    with pytest.raises(NotFound):
        service(db_session).ledger(registration_id=punches.id, actor=customer_actor(make_customer(db_session, studio)))


# Freezing


def test_a_preview_of_freezing_tells_and_writes_nothing(db_session, punches, wheel, manager):
    reservation, session = reserved(db_session, punches, wheel, 7)

    change = service(db_session).freeze(registration_id=punches.id, actor=manager, preview=True)

    assert change.preview
    assert change.cancelled == (reservation,)
    assert (punches.status, reservation.status, session.seats_taken) == ("ACTIVE", "PENDING", 1)
    assert history_of(db_session, punches.id) == []


def test_freezing_cancels_what_is_to_come_free_and_gives_the_seats_back(db_session, punches, wheel, manager):
    coming, session = reserved(db_session, punches, wheel, 0.5)  # inside the cutoff
    missed, _ = reserved(db_session, punches, wheel, -1)
    there, _ = reserved(db_session, punches, wheel, 0.05, status=Status.CHECKED_IN)

    change = service(db_session).freeze(registration_id=punches.id, actor=manager, reason="A long journey")

    assert [one.id for one in change.cancelled] == [coming.id]
    assert (punches.status, punches.frozen_on) == ("FROZEN", date(2026, 12, 1))
    assert (coming.status, coming.late, coming.punches_used) == ("CANCELLED", False, 0)
    assert (missed.status, there.status) == ("PENDING", "CHECKED_IN")
    db_session.refresh(session)
    assert session.seats_taken == 0
    act = history_of(db_session, coming.id)[-1]
    assert (act["action"], act["reason"], act["details"]["reason_code"]) == (
        "reservation.cancelled",
        "A long journey",
        "pass_frozen",
    )
    act = last_change(db_session, punches)
    assert (act["from_status"], act["to_status"], act["details"]["reservations_cancelled"]) == ("ACTIVE", "FROZEN", 1)
    assert db_session.scalars(select(OutboxMessage.event).order_by(OutboxMessage.id)).all() == [
        "reservation.cancelled",
        "registration.changed",
    ]


def test_unfreezing_adds_the_frozen_local_days(db_session, punches, manager):
    service(db_session).freeze(registration_id=punches.id, actor=manager)
    # 23:30 in Toronto, though the UTC date is one later.
    service(db_session, NOW + timedelta(days=10, hours=13.5)).unfreeze(registration_id=punches.id, actor=manager)

    assert (punches.status, punches.frozen_on, punches.valid_until) == ("ACTIVE", None, date(2027, 2, 10))
    assert last_change(db_session, punches)["details"] == {
        "change": "unfrozen",
        "days": 10,
        "valid_until": "2027-02-10",
    }


def test_freezing_and_unfreezing_twice_do_it_once(db_session, punches, manager):
    for _ in range(2):
        service(db_session).freeze(registration_id=punches.id, actor=manager)
    for _ in range(2):
        service(db_session, NOW + timedelta(days=1)).unfreeze(registration_id=punches.id, actor=manager)

    assert [act["details"]["change"] for act in history_of(db_session, punches.id)] == ["frozen", "unfrozen"]
    assert punches.valid_until == date(2027, 2, 1)


def test_an_open_end_stays_open(db_session, studio, customer, manager):
    registration = make_pass(db_session, customer, studio)
    service(db_session).freeze(registration_id=registration.id, actor=manager)
    service(db_session, NOW + timedelta(days=9)).unfreeze(registration_id=registration.id, actor=manager)

    assert registration.valid_until is None


# Transferring


def test_a_transfer_cancels_only_what_is_not_covered_any_more(db_session, studio, punches, wheel, manager):
    glazing = make_class(db_session, studio, title="Glazing")
    leaves, _ = reserved(db_session, punches, wheel, 3)
    stays, _ = reserved(db_session, punches, glazing, 4)

    preview = service(db_session).transfer(registration_id=punches.id, class_id=glazing.id, actor=manager, preview=True)
    assert preview.cancelled == (leaves,)
    assert (punches.class_id, leaves.status) == (None, "PENDING")

    service(db_session).transfer(registration_id=punches.id, class_id=glazing.id, actor=manager)

    assert punches.class_id == glazing.id
    assert (leaves.status, stays.status) == ("CANCELLED", "PENDING")
    assert history_of(db_session, leaves.id)[-1]["details"]["reason_code"] == "pass_transferred"


def test_a_transfer_to_where_it_is_changes_nothing(db_session, punches, manager):
    service(db_session).transfer(registration_id=punches.id, class_id=None, actor=manager)
    assert history_of(db_session, punches.id) == []


def test_a_transfer_to_a_class_of_another_studio_or_for_other_passes_is_refused(db_session, studio, punches, manager):
    foreign = make_class(db_session, make_studio(db_session))
    closed = make_class(db_session, studio, allowed_pass_types=["full_course"])
    with pytest.raises(NotFound):
        service(db_session).transfer(registration_id=punches.id, class_id=foreign.id, actor=manager)
    with pytest.raises(InvalidRequest):
        service(db_session).transfer(registration_id=punches.id, class_id=closed.id, actor=manager)


# Cancelling


def test_cancelling_a_pass_is_for_good(db_session, punches, wheel, manager):
    reservation, session = reserved(db_session, punches, wheel, 7)
    service(db_session).cancel(registration_id=punches.id, actor=manager, preview=True)
    assert (punches.status, reservation.status) == ("ACTIVE", "PENDING")

    for _ in range(2):
        service(db_session).cancel(registration_id=punches.id, actor=manager)

    assert (punches.status, reservation.status) == ("CANCELLED", "CANCELLED")
    db_session.refresh(session)
    assert session.seats_taken == 0
    assert len(history_of(db_session, punches.id)) == 1
    for act in ("freeze", "unfreeze"):
        with pytest.raises(InvalidTransition):
            getattr(service(db_session), act)(registration_id=punches.id, actor=manager)
    with pytest.raises(InvalidTransition):
        service(db_session).transfer(registration_id=punches.id, class_id=wheel.id, actor=manager)


def test_seats_are_freed_once_for_each_reservation_of_a_session(db_session, studio, customer, wheel, manager):
    other = make_customer(db_session, studio)
    registration = make_pass(db_session, customer, studio, members=(other,))
    session = make_session(db_session, wheel)
    for who in (customer, other):
        make_reservation(db_session, registration, session, customer=who)

    service(db_session).cancel(registration_id=registration.id, actor=manager)

    db_session.refresh(session)
    assert session.seats_taken == 0
