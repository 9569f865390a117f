"""The pass that a customer holds, who else may use it, and its punch ledger."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, PrimaryKey, at_least_zero, one_of, reference


class RegistrationStatus(StrEnum):
    """The states of a pass."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CANCELLED = "CANCELLED"


class LedgerReason(StrEnum):
    """Why the balance changed."""

    ISSUED = "ISSUED"
    CHECK_IN = "CHECK_IN"
    NO_SHOW = "NO_SHOW"
    LATE_CANCEL = "LATE_CANCEL"
    REFUND = "REFUND"
    ADJUSTMENT = "ADJUSTMENT"


class ClassRegistration(Base):
    """A pass. ``class_id`` None covers all classes; ``valid_from`` and ``valid_until`` are studio-local, inclusive, None is open.

    ``sessions_remaining`` is the sum of the ledger's deltas; None for an uncounted pass, which has no ledger rows.
    """

    __tablename__ = "studio_class_registration"
    __table_args__ = (
        one_of("status", *RegistrationStatus),
        *at_least_zero("sessions_remaining", "sessions_attended", "sessions_included"),
        CheckConstraint("max_advance_reservations >= 0", name="max_advance_reservations_not_negative"),
        CheckConstraint("valid_until >= valid_from", name="valid_until_after_valid_from"),
        UniqueConstraint("studio_id", "external_ref"),
        Index("ix_studio_class_registration_customer_id_studio_id", "customer_id", "studio_id"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    customer_id: Mapped[UUID] = reference("customer", index=False)
    class_id: Mapped[UUID | None] = reference("class", nullable=True)
    pass_type: Mapped[str]
    pass_options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sessions_included: Mapped[int | None]
    sessions_remaining: Mapped[int | None]
    sessions_attended: Mapped[int] = mapped_column(default=0)
    max_advance_reservations: Mapped[int | None]
    requires_sequential_attendance: Mapped[bool] = mapped_column(default=False)
    absence_grace_period_hours: Mapped[int | None]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    status: Mapped[str] = mapped_column(default=RegistrationStatus.ACTIVE)
    frozen_on: Mapped[date | None]
    external_ref: Mapped[str | None]
    issued_at: Mapped[datetime]


class RegistrationMember(Base):
    """A further person who may use the pass; its holder needs no row."""

    __tablename__ = "studio_registration_member"
    __table_args__ = (UniqueConstraint("registration_id", "customer_id"),)

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    registration_id: Mapped[UUID] = reference("class_registration", index=False)
    customer_id: Mapped[UUID] = reference("customer")
    created_at: Mapped[datetime]


class PunchLedgerEntry(Base):
    """One change of the balance. Append-only: the database refuses UPDATE and DELETE. Source: rules.md §1."""

    __tablename__ = "studio_punch_ledger_entry"
    __table_args__ = (
        one_of("entry_type", *LedgerReason),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        Index("ix_studio_punch_ledger_entry_registration_id_created_at", "registration_id", "created_at"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    registration_id: Mapped[UUID] = reference("class_registration", index=False)
    reservation_id: Mapped[UUID | None] = reference("session_reservation", nullable=True)
    entry_type: Mapped[str]
    delta: Mapped[int]
    balance: Mapped[int]
    performed_by: Mapped[str | None]
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    created_at: Mapped[datetime]
