"""Messages that are never lost: written in the transaction that they report, delivered by a worker."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, at_least_zero, one_of, partial_index, reference


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    WEBHOOK = "WEBHOOK"


class DeliveryState(StrEnum):
    """The states of one delivery; PARKED waits for staff."""

    DUE = "DUE"
    SENT = "SENT"
    DROPPED = "DROPPED"
    PARKED = "PARKED"


class OutboxMessage(Base):
    """One event to tell; ``event`` is a name of rules.md §9. ``dedupe_key`` makes telling it twice impossible.

    ``expanded_at`` is set once its deliveries have been made.
    """

    __tablename__ = "studio_outbox_message"
    __table_args__ = (
        partial_index(
            "ix_studio_outbox_message_unexpanded",
            "created_at",
            where="expanded_at IS NULL",
        ),
        Index("ix_studio_outbox_message_studio_id_created_at", "studio_id", "created_at"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    customer_id: Mapped[UUID | None] = reference("customer", nullable=True)
    reservation_id: Mapped[UUID | None] = reference("session_reservation", nullable=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any] | None]
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    expanded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class OutboxDelivery(Base):
    """One recipient on one channel, with its own state."""

    __tablename__ = "studio_outbox_delivery"
    __table_args__ = (
        one_of("channel", *Channel),
        one_of("state", *DeliveryState),
        *at_least_zero("attempts"),
        UniqueConstraint("message_id", "channel", "recipient"),
        partial_index(
            "ix_studio_outbox_delivery_due",
            "next_attempt_at",
            where="state = 'DUE'",
        ),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    message_id: Mapped[UUID] = reference("outbox_message", index=False)
    endpoint_id: Mapped[UUID | None] = reference("webhook_endpoint", nullable=True)
    channel: Mapped[str]
    recipient: Mapped[str]
    template: Mapped[str | None]
    state: Mapped[str] = mapped_column(default=DeliveryState.DUE)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[LongText | None]
    created_at: Mapped[datetime]


class WebhookEndpoint(Base):
    """Where a studio wants its events; two secrets are valid for a day while one is rotated."""

    __tablename__ = "studio_webhook_endpoint"

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    url: Mapped[LongText]
    description: Mapped[str | None]
    events: Mapped[list[str] | None]
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime]
