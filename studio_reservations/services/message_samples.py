"""Messages to look at: one that was sent, or one as it would be about something that the studio has. Nothing is sent.

Source: rules.md §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    Channel,
    ClassRegistration,
    CustomerSuspension,
    OutboxDelivery,
    OutboxMessage,
    Role,
    SessionReservation,
    WebhookEndpoint,
    new_id,
)
from studio_reservations.notifications.expanding import WEBHOOK_DISABLED
from studio_reservations.notifications.occasions import Occasion, load_occasions, occasions_of
from studio_reservations.pass_types import Status
from studio_reservations.policies.messages import SMS, TIMED, Message
from studio_reservations.services.actors import Actor

OWNERS = "webhook_disabled"
TEMPLATES = (*(one.value for one in Message), OWNERS)
NOBODY = "somebody@example.org"

_STATES: Mapping[str, tuple[str, ...]] = {
    Message.CHECK_IN: (Status.CHECKED_IN, Status.ATTENDED),
    Message.NO_SHOW: (Status.NO_SHOW,),
    Message.WAIVED: (Status.NO_SHOW,),
    Message.AUTO_CANCELLATION: (Status.AUTO_CANCELLED,),
    Message.CANCELLED: (Status.CANCELLED,),
    Message.CANCELLED_BY_STUDIO: (Status.CANCELLED,),
    Message.LATE_CHARGE: (Status.CANCELLED,),
}
_EVENTS: Mapping[str, str] = {
    Message.CONFIRMATION: "reservation.created",
    Message.CHECK_IN: "reservation.checked_in",
    Message.NO_SHOW: "reservation.no_show",
    Message.WAIVED: "reservation.waived",
    Message.AUTO_CANCELLATION: "reservation.auto_cancelled",
    Message.RESTORED: "reservation.restored",
    Message.SUSPENSION: "suspension.created",
    Message.REINSTATEMENT: "suspension.lifted",
    Message.MOVED: "session.moved",
    OWNERS: WEBHOOK_DISABLED,
}


def sent_occasion(db_session: Session, *, delivery_id: UUID, actor: Actor) -> Occasion | None:
    """Return what a delivery speaks of, or None where that was erased. :raises NotFound, Forbidden:"""
    delivery = db_session.get_one(OutboxDelivery, delivery_id)
    actor.require(delivery.studio_id, Role.MANAGER)
    [found] = load_occasions(db_session, [delivery_id])
    return found if found.payload else None


def sample_occasion(
    db_session: Session, *, studio_id: UUID, template: str, actor: Actor, now: datetime
) -> Occasion | None:
    """Return the last message made from ``template``, else one about what the studio has; None where it has nothing such."""
    actor.require(studio_id, Role.MANAGER)
    last = db_session.scalar(
        select(OutboxDelivery.id)
        .join(OutboxMessage, OutboxMessage.id == OutboxDelivery.message_id)
        .where(
            OutboxDelivery.studio_id == studio_id,
            OutboxDelivery.template == template,
            OutboxMessage.payload.is_not(None),
        )
        .order_by(OutboxDelivery.id.desc())
        .limit(1)
    )
    if last is not None:
        return load_occasions(db_session, [last])[0]
    subject = _subject(db_session, studio_id, template)
    if subject is None:
        return None
    channel = Channel.SMS if template in SMS else Channel.EMAIL
    values = {"id": new_id(), "message_id": new_id(), "studio_id": studio_id, "endpoint_id": None, "attempts": 0}
    delivery = SimpleNamespace(
        channel=channel.value,
        recipient=NOBODY,
        template=template,
        event=template if template in TIMED else _EVENTS.get(template, "reservation.cancelled"),
        at=now,
        **{"customer_id": None, "reservation_id": None, **values, **subject},
    )
    [made] = occasions_of(db_session, [delivery])
    return made


def _subject(db_session: Session, studio_id: UUID, template: str) -> dict[str, Any] | None:
    """Return what of the studio's own the message can be about: the latest that fits."""

    def latest(model: Any, *conditions: Any) -> Any:
        return db_session.scalar(
            select(model).where(model.studio_id == studio_id, *conditions).order_by(model.id.desc()).limit(1)
        )

    if template == OWNERS:
        endpoint = latest(WebhookEndpoint)
        failing = endpoint and (endpoint.failing_since or endpoint.created_at).isoformat()
        return endpoint and {"payload": {"url": endpoint.url, "failing_since": failing, "error": "It answered 500."}}
    if template in (Message.SUSPENSION, Message.REINSTATEMENT):
        suspension = latest(CustomerSuspension)
        return suspension and {
            "customer_id": suspension.customer_id,
            "payload": {"suspension_id": str(suspension.id)},
        }
    if template == Message.PASS_EXPIRING:
        held = latest(ClassRegistration, ClassRegistration.valid_until.is_not(None))
        return held and {"customer_id": held.customer_id, "payload": {"registration_id": str(held.id)}}
    states = _STATES.get(template, ())
    reservation = latest(SessionReservation, *([SessionReservation.status.in_(states)] if states else ()))
    return reservation and {
        "customer_id": reservation.customer_id,
        "reservation_id": reservation.id,
        "payload": {
            "reservation_id": str(reservation.id),
            "punches_charged": reservation.punches_used,
            "because_of": str(reservation.auto_cancelled_for_id) if reservation.auto_cancelled_for_id else None,
        },
    }
