"""Suspensions of a customer at a studio, and the no-shows that built them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, one_of, partial_index, reference


class SuspensionOrigin(StrEnum):
    """Who suspended."""

    SYSTEM = "SYSTEM"
    STAFF = "STAFF"


class CustomerSuspension(Base):
    """It covers ``starts_at`` ≤ now < ``ends_at`` while not ended; pages say "through" ``ends_on`` (studio-local).

    ``no_show_count`` and ``limit`` are what it was built on, None for one made by staff. ``ended_at`` is set when it is over,
    lifted or voided, whichever comes first. Source: rules.md §1, §6.
    """

    __tablename__ = "studio_customer_suspension"
    __table_args__ = (
        one_of("created_by_kind", *SuspensionOrigin),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        partial_index(
            "uq_studio_customer_suspension_unended",
            "customer_id",
            "studio_id",
            unique=True,
            where="ended_at IS NULL",
        ),
        Index("ix_studio_customer_suspension_studio_id_ends_at", "studio_id", "ends_at"),
        Index("ix_studio_customer_suspension_customer_id_starts_at", "customer_id", "starts_at"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    customer_id: Mapped[UUID] = reference("customer", index=False)
    no_show_count: Mapped[int | None]
    limit: Mapped[int | None] = mapped_column("no_show_limit")
    starts_at: Mapped[datetime]
    ends_on: Mapped[date]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_by_kind: Mapped[str]
    created_by: Mapped[str | None]
    reason: Mapped[LongText | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lift_reason: Mapped[LongText | None]
    voided_at: Mapped[datetime | None]
    voided_by: Mapped[str | None]
    void_reason: Mapped[LongText | None]
    created_at: Mapped[datetime]


class SuspensionNoShow(Base):
    """This missed class built this suspension."""

    __tablename__ = "studio_suspension_no_show"

    suspension_id: Mapped[UUID] = reference("customer_suspension", primary_key=True, index=False)
    reservation_id: Mapped[UUID] = reference("session_reservation", primary_key=True)
    studio_id: Mapped[UUID] = reference("studio")
