"""The reservation: one seat in one class session, held with one pass."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, at_least_zero, one_of, partial_index, reference
from studio_reservations.pass_types import Status

LIVE_SQL = "status IN ('PENDING', 'CHECKED_IN', 'ATTENDED')"
"""Written out: a parameter list can hide the partial indexes from a generic plan."""


class CheckInMethod(StrEnum):
    """Who checked the customer in: themselves (own page, kiosk), staff, or an integration's token."""

    SELF = "SELF"
    STAFF = "STAFF"
    AUTO = "AUTO"


class ExplanationAnswer(StrEnum):
    """What staff answered to the customer's explanation of a missed class."""

    WAIVED = "WAIVED"
    DECLINED = "DECLINED"


class SessionReservation(Base):
    """A reservation and its whole life; every ``*_at`` is the instant of a transition.

    ``punches_held`` is what check-in costs, fixed at creation; ``punches_used`` the net charge. ``late_cancel_punches`` and
    ``late_cancel_counts`` are the late terms as they stood at creation. ``exclusive_step_id`` is filled only where the pass
    type makes steps exclusive. ``flags`` are codes that staff should look at. Source: rules.md §1, §2.
    """

    __tablename__ = "studio_session_reservation"
    __table_args__ = (
        one_of("status", *Status),
        one_of("check_in_method", *CheckInMethod),
        one_of("explanation_answer", *ExplanationAnswer),
        *at_least_zero("punches_held", "punches_used", "late_cancel_punches"),
        CheckConstraint("counts_as_no_show = false OR missed_at IS NOT NULL", name="missed_at_where_it_counts"),
        partial_index(
            "uq_studio_session_reservation_live_customer",
            "customer_id",
            "session_id",
            unique=True,
            where=f"{LIVE_SQL} AND guest_name IS NULL",
        ),
        partial_index(
            "uq_studio_session_reservation_live_step",
            "registration_id",
            "exclusive_step_id",
            unique=True,
            where=f"{LIVE_SQL} AND exclusive_step_id IS NOT NULL",
        ),
        partial_index(
            "ix_studio_session_reservation_pending_registration", "registration_id", where="status = 'PENDING'"
        ),
        partial_index("ix_studio_session_reservation_pending_session", "session_id", where="status = 'PENDING'"),
        partial_index("ix_studio_session_reservation_checked_in_session", "session_id", where="status = 'CHECKED_IN'"),
        partial_index(
            "ix_studio_session_reservation_grace",
            "studio_id",
            "grace_ends_at",
            where="status = 'NO_SHOW' AND waived_at IS NULL AND futures_cancelled_at IS NULL",
        ),
        partial_index(
            "ix_studio_session_reservation_auto_cancel",
            "studio_id",
            "auto_cancel_at",
            where="status = 'NO_SHOW' AND waived_at IS NULL AND futures_cancelled_at IS NULL AND auto_cancel_at IS NOT NULL",
        ),
        partial_index(
            "ix_studio_session_reservation_missed",
            "studio_id",
            "customer_id",
            "missed_at",
            where="counts_as_no_show = true AND waived_at IS NULL",
        ),
        Index("ix_studio_session_reservation_registration_id_status", "registration_id", "status"),
        Index("ix_studio_session_reservation_session_id_status", "session_id", "status"),
        Index("ix_studio_session_reservation_customer_id_studio_id", "customer_id", "studio_id"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    registration_id: Mapped[UUID] = reference("class_registration", index=False)
    session_id: Mapped[UUID] = reference("class_session", index=False)
    customer_id: Mapped[UUID] = reference("customer", index=False)
    guest_name: Mapped[str | None]
    step_id: Mapped[UUID | None] = reference("class_step", nullable=True)
    exclusive_step_id: Mapped[UUID | None] = reference("class_step", nullable=True, index=False)
    status: Mapped[str] = mapped_column(default=Status.PENDING)
    makeup_for_id: Mapped[UUID | None] = reference("session_reservation", nullable=True)
    replaces_id: Mapped[UUID | None] = reference("session_reservation", nullable=True)

    reserved_at: Mapped[datetime]
    first_reserved_at: Mapped[datetime]
    undo_until: Mapped[datetime]
    checked_in_at: Mapped[datetime | None]
    check_in_method: Mapped[str | None]
    checked_in_by: Mapped[str | None]
    attended_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    auto_cancelled_at: Mapped[datetime | None]
    auto_cancelled_for_id: Mapped[UUID | None] = reference("session_reservation", nullable=True)
    no_show_at: Mapped[datetime | None]

    punches_held: Mapped[int] = mapped_column(default=0)
    punches_used: Mapped[int] = mapped_column(default=0)
    free_cancellation_until: Mapped[datetime]
    late_cancel_punches: Mapped[int] = mapped_column(default=0)
    late_cancel_counts: Mapped[bool] = mapped_column(default=False)
    late: Mapped[bool] = mapped_column(default=False)

    counts_as_no_show: Mapped[bool] = mapped_column(default=False)
    missed_at: Mapped[datetime | None]
    grace_ends_at: Mapped[datetime | None]
    auto_cancel_at: Mapped[datetime | None]
    futures_cancelled_at: Mapped[datetime | None]
    waived_at: Mapped[datetime | None]
    waived_by: Mapped[str | None]
    seat_released_at: Mapped[datetime | None]
    flags: Mapped[list[str]] = mapped_column(default=list)

    explanation: Mapped[LongText | None]
    explained_at: Mapped[datetime | None]
    explanation_answer: Mapped[str | None]
    explanation_answered_at: Mapped[datetime | None]
    explanation_answered_by: Mapped[str | None]
