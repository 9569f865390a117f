"""What is taught: classes, the steps of a multi-part class, and the dated sessions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, at_least_zero, one_of, reference


class SessionStatus(StrEnum):
    """The states of a class session."""

    SCHEDULED = "SCHEDULED"
    CANCELLED = "CANCELLED"


class StudioClass(Base):
    """What is taught; ``default_duration_minutes`` and ``default_capacity`` prefill its sessions.

    ``allowed_pass_types`` holds plugin keys; None allows every pass type.
    """

    __tablename__ = "studio_class"
    __table_args__ = (
        *at_least_zero("default_capacity", "default_duration_minutes"),
        UniqueConstraint("studio_id", "external_ref"),
        Index("ix_studio_class_studio_id_title", "studio_id", "title"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    title: Mapped[str]
    description: Mapped[LongText | None]
    instructor: Mapped[str | None]
    default_capacity: Mapped[int] = mapped_column(default=10)
    default_duration_minutes: Mapped[int] = mapped_column(default=60)
    allowed_pass_types: Mapped[list[str] | None]
    active: Mapped[bool] = mapped_column(default=True)
    external_ref: Mapped[str | None]
    created_at: Mapped[datetime]


class ClassStep(Base):
    """One part of a multi-part class; ``position`` counts from 1."""

    __tablename__ = "studio_class_step"
    __table_args__ = (
        UniqueConstraint("class_id", "position"),
        CheckConstraint("position >= 1", name="position_from_one"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    class_id: Mapped[UUID] = reference("class", index=False)
    position: Mapped[int]
    title: Mapped[str]
    requires_sequence: Mapped[bool] = mapped_column(default=True)
    allow_makeup: Mapped[bool] = mapped_column(default=True)


class ClassSession(Base):
    """One dated meeting. ``seats_taken`` is guarded by the database and changed last in every transaction.

    Source: rules.md §1 and §3, Concurrency.
    """

    __tablename__ = "studio_class_session"
    __table_args__ = (
        one_of("status", *SessionStatus),
        CheckConstraint("seats_taken BETWEEN 0 AND capacity", name="seats_taken_within_capacity"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        UniqueConstraint("studio_id", "external_ref"),
        Index("ix_studio_class_session_studio_id_starts_at", "studio_id", "starts_at"),
        Index("ix_studio_class_session_class_id_starts_at", "class_id", "starts_at"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    class_id: Mapped[UUID] = reference("class", index=False)
    step_id: Mapped[UUID | None] = reference("class_step", nullable=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    seats_taken: Mapped[int] = mapped_column(default=0)
    location: Mapped[str | None]
    instructor: Mapped[str | None]
    instructor_id: Mapped[UUID | None] = reference("staff", nullable=True)
    status: Mapped[str] = mapped_column(default=SessionStatus.SCHEDULED)
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str | None]
    external_ref: Mapped[str | None]
    created_at: Mapped[datetime]
