"""The answers about missed classes, suspensions and policies as OpenAPI documents them.

The values are plain dicts made beside the endpoints. Source: api.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, Literal, TypeVar
from uuid import UUID

from studio_reservations.api.schemas import ExplanationOut, Out, ReservationOut, SuspensionOut
from studio_reservations.models import SelfCheckIn

T = TypeVar("T")


class ExplainedOut(ReservationOut):
    explanation: ExplanationOut


class MissedOut(ReservationOut):
    """A reservation after staff judged that it was missed."""

    waived_at: datetime | None
    explanation: ExplanationOut | None


class FutureOut(Out):
    """A coming reservation that a no-show had cost: restored, or why it could not be."""

    reservation_id: UUID
    restored: bool
    code: str | None
    detail: str | None


class GivenBackOut(ReservationOut):
    """What it gave back that a missed class no longer counts; ``suspensions_voided`` are ids."""

    futures: list[FutureOut]
    suspensions_voided: list[UUID]


class WaivedOut(GivenBackOut):
    waived_at: datetime | None
    explanation: ExplanationOut | None
    punches_refunded: int


class NoShowsCountOut(Out):
    """The customer's missed classes that count today, and at how many the studio suspends; null is never."""

    counted: int
    limit: int | None


class NoShowFuturesOut(Out):
    """Coming reservations on the same pass that ``auto_cancel_at`` will take, and those it has taken and nobody restored."""

    threatened: int
    cancelled: int


class NoShowOut(ReservationOut):
    """A missed class: a NO_SHOW, or a late cancellation that counts. ``grace_minutes_left`` is 0 once grace is over."""

    customer_name: str
    customer_email: str | None
    customer_phone: str | None
    guest_name: str | None
    missed_at: datetime
    grace_minutes_left: int
    waived_at: datetime | None
    explanation: ExplanationOut | None
    futures: NoShowFuturesOut
    no_shows: NoShowsCountOut
    flags: list[str]


class StaffSuspensionOut(SuspensionOut):
    """``no_shows`` of ``limit`` built it (null where staff did), they are ``no_show_ids``; ``active`` while it covers now."""

    studio: str
    customer_name: str
    active: bool
    no_shows: int | None
    limit: int | None
    no_show_ids: list[UUID]
    created_by: str
    reason: str | None
    ended_at: datetime | None
    lifted_at: datetime | None
    lift_reason: str | None
    voided_at: datetime | None


class InheritedOut(Out, Generic[T]):
    """A value in force, and whence it comes."""

    value: T
    source: Literal["class", "studio", "default"]


class PolicyOut(Out):
    """The policy in force for a studio, or for one of its classes (``class_id``).

    Null in ``max_no_shows`` is never, in ``no_show_window_days`` for ever. Units are in the names.
    """

    studio: str
    class_id: UUID | None
    grace_period_hours: InheritedOut[int]
    auto_cancel_futures: InheritedOut[bool]
    max_no_shows: InheritedOut[int | None]
    no_show_window_days: InheritedOut[int | None]
    suspension_days: InheritedOut[int]
    deduct_punch_on_no_show: InheritedOut[bool]
    cancellation_cutoff_hours: InheritedOut[int]
    undo_minutes: InheritedOut[int]
    deduct_punch_on_late_cancel: InheritedOut[bool]
    late_cancel_counts_as_no_show: InheritedOut[bool]
    check_in_opens_minutes_before: InheritedOut[int]
    check_in_closes_minutes_after: InheritedOut[int]
    self_check_in: InheritedOut[SelfCheckIn]
    notify_confirmation: InheritedOut[bool]
    notify_reminder: InheritedOut[bool]
    notify_check_in: InheritedOut[bool]
    notify_no_show: InheritedOut[bool]
    notify_auto_cancellation: InheritedOut[bool]
    notify_suspension: InheritedOut[bool]
    notify_reinstatement: InheritedOut[bool]
    notify_cancelled: InheritedOut[bool]
    notify_cancelled_by_studio: InheritedOut[bool]
    notify_moved: InheritedOut[bool]
    notify_restored: InheritedOut[bool]
    notify_waived: InheritedOut[bool]
    notify_late_charge: InheritedOut[bool]
    notify_pass_expiring: InheritedOut[bool]
    notify_sms_check_in: InheritedOut[bool]
    notify_sms_last_call: InheritedOut[bool]
