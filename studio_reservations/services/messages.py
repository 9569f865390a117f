"""Messages that were sent, or wait: those that are due, the parked ones, and another try.

Source: rules.md §9, §10 (manager).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import (
    Channel,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    Role,
    SubjectType,
    WebhookEndpoint,
)
from studio_reservations.services.actors import Actor
from studio_reservations.services.events import record

LISTED = 100
SWITCH_ON_FIRST = "The webhook is switched off. Switch it on first."


def parked_deliveries(
    db_session: Session, *, studio_id: UUID, actor: Actor, limit: int = LISTED
) -> list[tuple[OutboxDelivery, str]]:
    """Return the studio's messages that wait for staff, the newest first, each with the event that it tells."""
    actor.require(studio_id, Role.MANAGER)
    rows = db_session.execute(
        select(OutboxDelivery, OutboxMessage.event)
        .join(OutboxMessage, OutboxMessage.id == OutboxDelivery.message_id)
        .where(OutboxDelivery.studio_id == studio_id, OutboxDelivery.state == DeliveryState.PARKED.value)
        .order_by(OutboxDelivery.id.desc())
        .limit(limit)
    )
    return [(delivery, event) for delivery, event in rows]


def count_due(db_session: Session, *, studio_id: UUID, actor: Actor, as_of: datetime) -> dict[Channel, int]:
    """Return how many of the studio's deliveries are due at ``as_of`` and in nobody's hands, on each channel."""
    actor.require(studio_id, Role.MANAGER)
    rows = db_session.execute(
        select(OutboxDelivery.channel, func.count())
        .join(OutboxMessage, OutboxMessage.id == OutboxDelivery.message_id)
        .where(
            OutboxDelivery.studio_id == studio_id,
            OutboxDelivery.state == DeliveryState.DUE.value,
            OutboxDelivery.next_attempt_at <= as_of,
            OutboxDelivery.claimed_until.is_(None) | (OutboxDelivery.claimed_until <= as_of),
            OutboxMessage.created_at <= as_of,
        )
        .group_by(OutboxDelivery.channel)
        .order_by(OutboxDelivery.channel)
    )
    return {Channel(channel): number for channel, number in rows}


def retry_delivery(db_session: Session, *, delivery_id: UUID, actor: Actor, now: datetime) -> OutboxDelivery:
    """Send a parked message after all; one that is not parked is returned unchanged.

    :raises NotFound, Forbidden:
    :raises InvalidRequest: where its webhook is switched off.
    """
    delivery = db_session.get(OutboxDelivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise NotFound()
    actor.require(delivery.studio_id, Role.MANAGER)
    if delivery.state != DeliveryState.PARKED:
        return delivery
    return due_again(db_session, delivery, now=now)


def due_again(db_session: Session, delivery: OutboxDelivery, *, now: datetime) -> OutboxDelivery:
    """Let a delivery begin anew, under its own id. :raises InvalidRequest: where its webhook is switched off."""
    if delivery.endpoint_id is not None:
        endpoint = db_session.get_one(WebhookEndpoint, delivery.endpoint_id, populate_existing=True)
        if endpoint.disabled_at is not None:
            raise InvalidRequest(errors={"webhook": SWITCH_ON_FIRST})
    delivery.state = DeliveryState.DUE.value
    delivery.attempts = 0
    delivery.next_attempt_at = now
    delivery.claimed_until = delivery.sent_at = None
    delivery.last_status = delivery.last_error = None
    db_session.flush()
    return delivery


def send_again(db_session: Session, *, delivery_id: UUID, actor: Actor, now: datetime) -> OutboxDelivery:
    """Send a message once more, whatever became of it; one that waits is returned unchanged.

    :raises NotFound, Forbidden: webhooks are the owner's.
    :raises InvalidRequest: where what it told of was erased, or its webhook removed or switched off.
    """
    delivery = db_session.get(OutboxDelivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise NotFound()
    actor.require(delivery.studio_id, Role.OWNER if delivery.channel == Channel.WEBHOOK else Role.MANAGER)
    if delivery.state == DeliveryState.DUE:
        return delivery
    message = db_session.get_one(OutboxMessage, delivery.message_id)
    if message.payload is None or (delivery.channel == Channel.WEBHOOK and delivery.endpoint_id is None):
        raise InvalidRequest(errors={"message": "There is nothing left to send: what it told of is gone."})
    before = delivery.state
    due_again(db_session, delivery, now=now)
    record(
        db_session,
        action="message.sent_again",
        subject_type=SubjectType.STUDIO,
        subject_id=delivery.studio_id,
        studio_id=delivery.studio_id,
        customer_id=message.customer_id,
        reservation_id=message.reservation_id,
        actor=actor,
        as_staff=True,
        now=now,
        from_status=before,
        to_status=delivery.state,
        details={"delivery_id": str(delivery.id), "template": delivery.template, "event": message.event},
    )
    return delivery
