"""Erasing a person, and making two records of one person one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from studio_reservations.errors import AlreadyReserved, Forbidden, InvalidRequest, NotFound, ReasonRequired
from studio_reservations.models import (
    AccessKind,
    Channel,
    Customer,
    CustomerAccess,
    CustomerStudio,
    CustomerSuspension,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    PunchLedgerEntry,
    RegistrationMember,
    ReservationHistory,
    Role,
)
from studio_reservations.pass_types import Status
from studio_reservations.services.customers import find_customers
from studio_reservations.services.erasure import customer_deleted, erase_customer
from studio_reservations.services.merging import merge_customers
from studio_reservations.services.registrations import RegistrationService
from studio_reservations.services.reservations import ReservationService
from tests.factories import (
    NOW,
    customer_actor,
    give_access,
    history_of,
    ledger_of,
    link,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_studio,
    make_suspension,
    staff_actor,
)


@pytest.fixture
def studio(db_session):
    return make_studio(db_session)


@pytest.fixture
def ada(db_session, studio):
    customer = make_customer(db_session, studio, name="Ada Potter", phone="+14165550123", locale="fr", preferences={})
    give_access(db_session, customer, "7")
    return customer


@pytest.fixture
def wheel(db_session, studio):
    return make_class(db_session, studio)


def deliver(db_session, message, state, recipient):
    db_session.add(
        OutboxDelivery(
            studio_id=message.studio_id,
            message_id=message.id,
            channel=Channel.EMAIL,
            recipient=recipient,
            state=state,
            created_at=NOW,
        )
    )
    message.expanded_at = NOW
    db_session.flush()


def test_an_erased_customer_leaves_nothing_personal_and_the_books_stay(db_session, studio, ada, wheel):
    registration = make_pass(db_session, ada, studio)
    past = make_reservation(
        db_session,
        registration,
        make_session(db_session, wheel, starts_at=NOW - timedelta(days=3)),
        status=Status.NO_SHOW,
        explanation="My knee",
    )
    make_suspension(db_session, ada, studio, reason="Shouting")
    RegistrationService(db_session, clock=lambda: NOW).adjust(
        registration_id=registration.id, delta=1, reason="For Ada's knee", actor=staff_actor(studio)
    )
    sent = db_session.scalars(select(OutboxMessage)).one()
    deliver(db_session, sent, DeliveryState.SENT, ada.email)
    deliver(db_session, sent, DeliveryState.DUE, f"x{ada.email}")
    address = ada.email

    assert customer_deleted(db_session, user_id="7", now=NOW) == ada

    assert (ada.name, ada.email, ada.phone, ada.locale, ada.erased_at) == ("Erased customer", None, None, None, NOW)
    assert db_session.scalars(select(CustomerAccess)).all() == []
    assert ledger_of(db_session, registration.id) == [("ISSUED", 5, 5), ("ADJUSTMENT", 1, 6)]
    assert db_session.scalars(select(PunchLedgerEntry.reason)).all() == [None, None]
    assert past.explanation is None
    assert past.status == "NO_SHOW"
    assert db_session.scalars(select(CustomerSuspension.reason)).all() == [None]
    acts = db_session.scalars(select(ReservationHistory).order_by(ReservationHistory.id)).all()
    assert [(act.action, act.reason, act.details) for act in acts] == [
        ("registration.changed", None, None),
        ("customer.erased", None, None),
    ]
    assert [(one.event, one.payload) for one in db_session.scalars(select(OutboxMessage))] == [
        ("registration.changed", None)
    ]
    delivery = db_session.scalars(select(OutboxDelivery)).one()
    assert (delivery.state, address in delivery.recipient) == ("SENT", False)


def test_what_waits_to_be_sent_is_never_sent(db_session, studio, ada, wheel):
    session = make_session(db_session, wheel)
    make_pass(db_session, ada, studio)
    ReservationService(db_session, clock=lambda: NOW).create_reservation(
        actor=customer_actor(ada), session_id=session.id
    )
    assert db_session.scalars(select(OutboxMessage.event)).all() == ["reservation.created"]

    erase_customer(db_session, customer_id=ada.id, now=NOW)

    (message,) = db_session.scalars(select(OutboxMessage))
    assert (message.event, message.payload["reason_code"]) == ("reservation.cancelled", "customer_erased")


def test_future_reservations_are_cancelled_also_on_another_s_pass(db_session, studio, ada, wheel):
    friend = make_customer(db_session, studio)
    shared = make_pass(db_session, friend, studio, members=(ada,))
    session = make_session(db_session, wheel)
    mine = make_reservation(db_session, shared, session, customer=ada)
    theirs = make_reservation(db_session, shared, session)
    begun = make_reservation(
        db_session, shared, make_session(db_session, wheel, starts_at=NOW - timedelta(hours=1)), customer=ada
    )

    erase_customer(db_session, customer_id=ada.id, now=NOW)

    assert [one.status for one in (mine, theirs, begun)] == ["CANCELLED", "PENDING", "PENDING"]
    db_session.refresh(session)
    assert session.seats_taken == 1


def test_an_instant_without_a_zone_is_a_value_error(db_session, ada):
    with pytest.raises(ValueError, match="naive"):
        customer_deleted(db_session, user_id="7", now=NOW.replace(tzinfo=None))


def test_erasing_twice_erases_once_and_a_user_who_is_nobody_is_none(db_session, ada):
    for _ in range(2):
        erase_customer(db_session, customer_id=ada.id, now=NOW)
    assert [act["action"] for act in history_of(db_session, ada.id)] == ["customer.erased"]
    assert customer_deleted(db_session, user_id="7", now=NOW) is None
    assert customer_deleted(db_session, user_id="nobody", now=NOW) is None


def test_wards_stay_and_can_be_claimed_again(db_session, studio, ada):
    child = make_customer(db_session, studio, name="Tim")
    give_access(db_session, child, "7", kind=AccessKind.GUARDIAN)

    customer_deleted(db_session, user_id="7", now=NOW)

    assert (child.name, child.erased_at) == ("Tim", None)
    assert db_session.scalars(select(CustomerAccess)).all() == []


# Merging


def merge(db_session, studio, keep, gone, **changes):
    asked: dict[str, Any] = {"reason": "The same person", "actor": staff_actor(studio), "now": NOW, **changes}
    return merge_customers(db_session, studio_id=studio.id, keep_id=keep.id, merge_id=gone.id, **asked)


def test_a_merged_customer_s_passes_and_places_are_the_kept_one_s(db_session, studio, ada, wheel):
    walk_in = make_customer(db_session, studio, name="A. Potter", internal=True)
    registration = make_pass(db_session, walk_in, studio)
    reservation = make_reservation(db_session, registration, make_session(db_session, wheel))
    shared = make_pass(db_session, make_customer(db_session, studio), studio, members=(ada, walk_in))
    make_suspension(db_session, ada, studio, ends_on=date(2026, 12, 5))
    longer = make_suspension(db_session, walk_in, studio, ends_on=date(2026, 12, 9))

    for _ in range(2):
        merge(db_session, studio, ada, walk_in)

    assert (registration.customer_id, reservation.customer_id) == (ada.id, ada.id)
    assert walk_in.merged_into_id == ada.id
    members = select(RegistrationMember.customer_id).where(RegistrationMember.registration_id == shared.id)
    assert db_session.scalars(members).all() == [ada.id]
    (known,) = db_session.scalars(select(CustomerStudio).where(CustomerStudio.customer_id == ada.id))
    assert known.internal
    unended = select(CustomerSuspension).where(CustomerSuspension.ended_at.is_(None))
    assert db_session.scalars(unended).all() == [longer]
    assert longer.customer_id == ada.id
    (act,) = history_of(db_session, ada.id)
    assert (act["action"], act["reason"], act["details"]) == (
        "customer.merged",
        "The same person",
        {"merged": str(walk_in.id)},
    )
    assert walk_in not in find_customers(db_session, studio_id=studio.id, actor=staff_actor(studio))


def test_the_kept_one_is_no_member_of_their_own_pass(db_session, studio, ada):
    walk_in = make_customer(db_session, studio)
    make_pass(db_session, ada, studio, members=(walk_in,))

    merge(db_session, studio, ada, walk_in)

    assert db_session.scalar(select(func.count()).select_from(RegistrationMember)) == 0


def test_erasing_the_kept_one_erases_the_merged_one(db_session, studio, ada):
    walk_in = make_customer(db_session, studio, name="A. Potter")
    merge(db_session, studio, ada, walk_in)

    erase_customer(db_session, customer_id=ada.id, now=NOW)

    assert {one.name for one in db_session.scalars(select(Customer))} == {"Erased customer"}


def test_two_in_one_session_are_not_merged(db_session, studio, ada, wheel):
    walk_in, session = make_customer(db_session, studio), make_session(db_session, wheel)
    for one in (ada, walk_in):
        make_reservation(db_session, make_pass(db_session, one, studio), session)

    with pytest.raises(AlreadyReserved):
        merge(db_session, studio, ada, walk_in)
    assert walk_in.merged_into_id is None


def test_who_may_merge_whom(db_session, studio, ada):
    walk_in, stranger = make_customer(db_session, studio), make_customer(db_session, make_studio(db_session))
    both_studios = make_customer(db_session, studio)
    link(db_session, both_studios, make_studio(db_session))
    user = make_customer(db_session, studio)
    give_access(db_session, user, "8")

    for gone, changes, refusal in (
        (walk_in, {"actor": staff_actor(studio, Role.FRONT_DESK)}, Forbidden),
        (walk_in, {"reason": ""}, ReasonRequired),
        (stranger, {}, NotFound),
        (both_studios, {}, Forbidden),
        (user, {}, InvalidRequest),
        (ada, {}, InvalidRequest),
    ):
        with pytest.raises(refusal):
            merge(db_session, studio, ada, gone, **changes)
