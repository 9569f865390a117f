"""Who is told of what: one delivery for each recipient and channel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from studio_reservations.models import AccessKind, DeliveryState, WebhookEndpoint
from studio_reservations.notifications.expanding import expand
from studio_reservations.notifications.payloads import EVENTS
from studio_reservations.pass_types import Status
from studio_reservations.policies.messages import Message, is_wanted, told_by
from studio_reservations.services.events import ANNOUNCED
from tests import factories
from tests.factories import NOW
from tests.notifications.conftest import Post
from tests.notifications.gallery import World, deliveries_of


def test_every_announced_event_has_its_webhook():
    assert set(EVENTS) == ANNOUNCED


def test_a_reservation_is_told_to_the_customer_and_to_each_webhook_that_wants_it(world: World):
    wanting = [_endpoint(world), _endpoint(world, events=["reservation.created"])]
    _endpoint(world, events=["reservation.cancelled"])
    _endpoint(world, disabled_at=NOW)
    world.tell("reservation.created", {}, of=world.seat())

    assert told(world) == {
        ("EMAIL", "maya@example.org", "confirmation"),
        *(("WEBHOOK", str(one.id), None) for one in wanting),
    }


def test_a_message_is_expanded_once(world: World):
    world.tell("reservation.created", {}, of=world.seat())
    first = told(world)

    assert expand(world.db_session, as_of=NOW, sms=True) == 0
    assert told(world) == first
    assert {one.state for one in deliveries_of(world.db_session)} == {DeliveryState.DUE}


def test_the_policy_switches_messages_off_and_a_class_may_differ(world: World):
    factories.make_policy(world.db_session, world.studio, notify_confirmation=False)
    world.tell("reservation.created", {}, of=world.seat())
    assert told(world) == set()

    factories.make_policy(world.db_session, world.studio, world.studio_class, notify_confirmation=True)
    world.tell("reservation.created", {}, of=world.seat())
    assert told(world) == {("EMAIL", "maya@example.org", "confirmation")}


@pytest.mark.parametrize(
    ("message", "preference"),
    [
        ("reminder", "reminder"),
        ("check_in", "check_in"),
        ("pass_expiring", "pass_expiring"),
        ("sms_check_in", "sms"),
        ("sms_last_call", "sms"),
    ],
)
def test_these_a_customer_may_switch_off(message: str, preference: str):
    assert is_wanted(Message(message), studio=None, of_class=None, preferences={})
    assert not is_wanted(Message(message), studio=None, of_class=None, preferences={preference: False})


def test_what_is_about_a_reservation_cannot_be_switched_off(world: World):
    everything_off = {"confirmation": False, "no_show": False, "reminder": False, "check_in": False}
    world.customer.preferences = everything_off
    world.tell("reservation.created", {}, of=world.seat())
    world.tell("reservation.checked_in", {}, of=world.seat(days=3))

    assert told(world) == {("EMAIL", "maya@example.org", "confirmation")}


def test_a_child_without_an_address_is_told_through_the_parent(world: World):
    parent = factories.make_customer(world.db_session, world.studio, name="Elif", email="elif@example.org")
    factories.give_access(world.db_session, parent, "user-7")
    factories.give_access(world.db_session, world.customer, "user-7", kind=AccessKind.GUARDIAN)
    world.customer.email = None
    world.tell("reservation.created", {}, of=world.seat())

    assert told(world) == {("EMAIL", "elif@example.org", "confirmation")}


def test_a_night_that_cancels_three_is_one_mail_and_three_webhooks(world: World):
    endpoint = _endpoint(world)
    missed = world.seat(days=-1, status=Status.NO_SHOW)
    for days in (2, 3, 4):
        world.tell(
            "reservation.auto_cancelled",
            {"because_of": str(missed.id)},
            of=world.seat(days=days, status=Status.AUTO_CANCELLED),
        )

    expand(world.db_session, as_of=NOW, sms=True, limit=2)  # the group lies in two batches
    expand(world.db_session, as_of=NOW, sms=True, limit=2)
    found = [(one.channel, one.recipient) for one in deliveries_of(world.db_session)]
    assert sorted(found) == sorted([("EMAIL", "maya@example.org"), *[("WEBHOOK", str(endpoint.id))] * 3])


def test_a_moved_session_is_one_webhook_and_a_mail_to_each_holder(world: World):
    endpoint = _endpoint(world)
    seat = world.seat()
    world.tell("session.moved", {"session_id": str(seat.session_id)}, of=seat)
    summary = world.tell("session.moved", {"session_id": str(seat.session_id)})
    _of_nobody(world, summary)

    assert told(world) == {("EMAIL", "maya@example.org", "moved"), ("WEBHOOK", str(endpoint.id), None)}


@pytest.mark.parametrize(
    ("payload", "messages"),
    [
        ({"by": "CUSTOMER", "late": False}, [Message.CANCELLED]),
        ({"by": "CUSTOMER", "late": True, "punches_charged": 0}, [Message.CANCELLED]),
        ({"by": "CUSTOMER", "late": True, "punches_charged": 1}, [Message.LATE_CHARGE, Message.CANCELLED]),
        ({"by": "CUSTOMER", "late": True, "counts_as_no_show": True}, [Message.LATE_CHARGE, Message.CANCELLED]),
        ({"by": "STAFF", "late": False}, [Message.CANCELLED_BY_STUDIO]),
        ({"by": "STAFF", "late": False, "reason_code": "session_cancelled"}, [Message.CANCELLED_BY_STUDIO]),
    ],
)
def test_a_cancellation_is_told_by_who_did_it_and_what_it_cost(payload: dict[str, Any], messages: list[Message]):
    assert list(told_by("reservation.cancelled", payload)) == messages


def test_text_messages_need_the_studio_the_provider_and_a_number(world: World):
    world.tell("sms_last_call", {}, of=world.seat())
    assert told(world, sms=False) == set()

    world.tell("sms_last_call", {}, of=world.seat())
    assert told(world) == {("SMS", "+14165550100", "sms_last_call")}

    world.studio.sms_enabled = False
    world.tell("sms_last_call", {}, of=world.seat())
    assert len(told(world)) == 1


def test_nobody_is_told_of_somebody_erased(world: World):
    seat = world.seat()
    world.tell("reservation.created", {}, of=seat)
    world.customer.erased_at = NOW
    world.db_session.flush()

    assert told(world) == set()


def test_a_batch_costs_the_same_number_of_queries_for_1_and_for_50(post: Post, world: World):
    from sqlalchemy import event

    def queries() -> int:
        world.db_session.commit()
        seen: list[str] = []
        event.listen(post.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
        post.run(lambda db_session: expand(db_session, as_of=NOW, sms=True))
        return len(seen)

    world.tell("reservation.created", {}, of=world.seat())
    one = queries()
    for _ in range(50):
        world.tell("reservation.created", {}, of=world.seat())
    assert queries() == one


def told(world: World, *, sms: bool = True) -> set[tuple[str, str, str | None]]:
    world.db_session.flush()
    expand(world.db_session, as_of=NOW, sms=sms)
    return {(one.channel, one.recipient, one.template) for one in deliveries_of(world.db_session)}


def _endpoint(world: World, **fields: Any) -> WebhookEndpoint:
    endpoint = WebhookEndpoint(
        studio_id=world.studio.id,
        url="https://example.org/hooks",
        secret="whsec_c2VjcmV0",
        created_at=NOW - timedelta(days=1),
        **fields,
    )
    world.db_session.add(endpoint)
    world.db_session.flush()
    return endpoint


def _of_nobody(world: World, message_id: Any) -> None:
    from studio_reservations.models import OutboxMessage

    world.db_session.get_one(OutboxMessage, message_id).customer_id = None
    world.db_session.flush()
