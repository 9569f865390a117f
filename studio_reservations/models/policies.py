"""The studio's no-show policy and what a class changes of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from studio_reservations.models.base import Base, PrimaryKey, at_least_zero, one_of, partial_index, reference


class SelfCheckIn(StrEnum):
    """How a customer may check in alone. Source: rules.md §6."""

    ANYWHERE = "anywhere"
    DOOR_CODE = "door_code"
    OFF = "off"


class NoShowPolicy(Base):
    """A policy: of a studio (``class_id`` None) or of one class; a null field inherits, in the end the default of rules.md §6.

    For the two limits that can be null themselves (``max_no_shows``: never; ``no_show_window_days``: for ever), which only the
    studio's row has, ``never_suspends`` and ``window_is_forever`` say so. Units are in the names.
    """

    __tablename__ = "studio_no_show_policy"
    __table_args__ = (
        one_of("self_check_in", *SelfCheckIn),
        *at_least_zero(
            "grace_period_hours",
            "cancellation_cutoff_hours",
            "undo_minutes",
            "check_in_opens_minutes_before",
            "check_in_closes_minutes_after",
        ),
        CheckConstraint("max_no_shows >= 1", name="max_no_shows_from_one"),
        CheckConstraint("no_show_window_days >= 1", name="no_show_window_days_from_one"),
        CheckConstraint("suspension_days >= 1", name="suspension_days_from_one"),
        CheckConstraint(
            "class_id IS NULL OR (max_no_shows IS NULL AND no_show_window_days IS NULL AND suspension_days IS NULL"
            " AND never_suspends IS NULL AND window_is_forever IS NULL)",
            name="suspension_is_the_studios",
        ),
        partial_index(
            "uq_studio_no_show_policy_studio",
            "studio_id",
            unique=True,
            where="class_id IS NULL",
        ),
        partial_index(
            "uq_studio_no_show_policy_class",
            "class_id",
            unique=True,
            where="class_id IS NOT NULL",
        ),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    class_id: Mapped[UUID | None] = reference("class", nullable=True, index=False)
    grace_period_hours: Mapped[int | None]
    auto_cancel_futures: Mapped[bool | None]
    max_no_shows: Mapped[int | None]
    never_suspends: Mapped[bool | None]
    no_show_window_days: Mapped[int | None]
    window_is_forever: Mapped[bool | None]
    suspension_days: Mapped[int | None]
    deduct_punch_on_no_show: Mapped[bool | None]
    cancellation_cutoff_hours: Mapped[int | None]
    undo_minutes: Mapped[int | None]
    deduct_punch_on_late_cancel: Mapped[bool | None]
    late_cancel_counts_as_no_show: Mapped[bool | None]
    check_in_opens_minutes_before: Mapped[int | None]
    check_in_closes_minutes_after: Mapped[int | None]
    self_check_in: Mapped[str | None]
    notify_confirmation: Mapped[bool | None]
    notify_reminder: Mapped[bool | None]
    notify_check_in: Mapped[bool | None]
    notify_no_show: Mapped[bool | None]
    notify_auto_cancellation: Mapped[bool | None]
    notify_suspension: Mapped[bool | None]
    notify_reinstatement: Mapped[bool | None]
    notify_cancelled: Mapped[bool | None]
    notify_cancelled_by_studio: Mapped[bool | None]
    notify_moved: Mapped[bool | None]
    notify_restored: Mapped[bool | None]
    notify_waived: Mapped[bool | None]
    notify_late_charge: Mapped[bool | None]
    notify_pass_expiring: Mapped[bool | None]
    notify_sms_check_in: Mapped[bool | None]
    notify_sms_last_call: Mapped[bool | None]
    updated_at: Mapped[datetime]
