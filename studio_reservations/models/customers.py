"""The person who reserves, the portal users who act for them, the studios that know them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, one_of, partial_index, reference


class AccessKind(StrEnum):
    """How a portal user stands to the customer."""

    SELF = "SELF"
    GUARDIAN = "GUARDIAN"


class Customer(Base):
    """A person; a walk-in has no portal user. ``phone`` is E.164, ``feed_token_hash`` a SHA-256 in hex."""

    __tablename__ = "studio_customer"

    id: Mapped[PrimaryKey]
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column()
    phone: Mapped[str | None]
    locale: Mapped[str | None]
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    feed_token_hash: Mapped[str | None] = mapped_column(unique=True)
    merged_into_id: Mapped[UUID | None] = reference("customer", nullable=True)
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_studio_customer_email_lower", func.lower(email)),)


class CustomerAccess(Base):
    """A portal user may act for this customer."""

    __tablename__ = "studio_customer_access"
    __table_args__ = (
        one_of("kind", *AccessKind),
        UniqueConstraint("user_id", "customer_id"),
        # A portal user is one customer at the most: two first calls at once make one.
        partial_index(
            "uq_studio_customer_access_self",
            "user_id",
            unique=True,
            where="kind = 'SELF'",
        ),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[str]
    customer_id: Mapped[UUID] = reference("customer")
    kind: Mapped[str] = mapped_column(default=AccessKind.SELF)
    created_at: Mapped[datetime]


class CustomerStudio(Base):
    """This studio knows this customer; the notes are that studio's own, ``internal`` lets in while the rollout is INTERNAL."""

    __tablename__ = "studio_customer_studio"
    __table_args__ = (UniqueConstraint("studio_id", "customer_id"),)

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    customer_id: Mapped[UUID] = reference("customer")
    notes: Mapped[LongText | None]
    internal: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
