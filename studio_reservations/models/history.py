"""The audit log: one row for every change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, one_of, reference


class PerformerKind(StrEnum):
    """Who acted."""

    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    INTEGRATION = "INTEGRATION"
    SYSTEM = "SYSTEM"


class SubjectType(StrEnum):
    """What was acted upon."""

    RESERVATION = "reservation"
    REGISTRATION = "registration"
    SESSION = "session"
    SUSPENSION = "suspension"
    POLICY = "policy"
    CUSTOMER = "customer"
    STUDIO = "studio"
    CLASS = "class"


class ReservationHistory(Base):
    """One act. Append-only: the database refuses DELETE and every UPDATE but nulling ``reason`` and ``metadata`` (erasure).

    ``action`` is a name of rules.md §9 such as ``reservation.created``. Source: rules.md §1.
    """

    __tablename__ = "studio_reservation_history"
    __table_args__ = (
        one_of("performed_by_kind", *PerformerKind),
        one_of("subject_type", *SubjectType),
        Index("ix_studio_reservation_history_subject_id_created_at", "subject_id", "created_at"),
        Index("ix_studio_reservation_history_studio_id_created_at", "studio_id", "created_at"),
        Index("ix_studio_reservation_history_reservation_id_created_at", "reservation_id", "created_at"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID | None] = reference("studio", nullable=True, index=False)
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[UUID]
    reservation_id: Mapped[UUID | None] = reference("session_reservation", nullable=True, index=False)
    customer_id: Mapped[UUID | None] = reference("customer", nullable=True)
    from_status: Mapped[str | None]
    to_status: Mapped[str | None]
    performed_by_kind: Mapped[str]
    performed_by: Mapped[str | None]
    reason: Mapped[LongText | None]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    created_at: Mapped[datetime]
