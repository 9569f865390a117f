"""The answers as OpenAPI documents them; the tests hold every real answer against these models.

The values are plain dicts made in `serial`: models for output rows cost too much. Source: api.md.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Out(BaseModel):
    """An answer; it has the fields named here and no others."""

    model_config = ConfigDict(extra="forbid")


class PageOf(Out, Generic[T]):
    """A page of a list; ``next`` is the cursor of the following one."""

    items: list[T]
    next: str | None


class Problem(BaseModel):
    """An error (RFC 9457); beside these members it carries the values of its code."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class WindowOut(Out):
    """Both ends are inclusive."""

    opens_at: datetime
    closes_at: datetime


class SessionBrief(Out):
    id: UUID
    class_: str = Field(alias="class")
    step: str | None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    location: str | None


class ReservationOut(Out):
    """A seat in one class session, held with one pass."""

    id: UUID
    registration_id: UUID
    customer_id: UUID
    session: SessionBrief
    status: str
    makeup_for_id: UUID | None
    reserved_at: datetime
    checked_in_at: datetime | None
    check_in_method: str | None
    punches_held: int
    punches_used: int
    cancellable_until: datetime | None
    free_cancellation_until: datetime
    grace_ends_at: datetime | None
    auto_cancel_at: datetime | None
    check_in: WindowOut


class PassChoiceOut(Out):
    """Which pass was taken where none was named, and why."""

    registration_id: UUID
    pass_type: str
    reason: str


class CreatedOut(ReservationOut):
    pass_choice: PassChoiceOut | None


class RescheduledOut(ReservationOut):
    replaces: UUID


class CancelledOut(ReservationOut):
    late: bool
    punches_refunded: int
    punches_charged: int


class ActOut(Out):
    """One act of a reservation's history."""

    action: str
    from_status: str | None
    to_status: str | None
    by: str
    reason: str | None
    at: datetime


class ExplanationOut(Out):
    """What the customer wrote of a missed class, and what staff answered: WAIVED, DECLINED, or null where nobody has yet."""

    text: str | None
    sent_at: datetime
    answer: str | None
    answered_at: datetime | None


class ReservationDetailOut(ReservationOut):
    waived_at: datetime | None
    explanation: ExplanationOut | None
    history: list[ActOut]


class SessionOut(SessionBrief):
    """A dated meeting of a class."""

    studio: str
    class_id: UUID
    instructor: str | None
    status: str
    capacity: int
    seats_left: int


class AvailableOut(Out):
    """A class session and whether it may be reserved; if not, why."""

    id: UUID
    class_id: UUID
    class_: str = Field(alias="class")
    step: str | None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    location: str | None
    instructor: str | None
    capacity: int
    seats_left: int
    reservable: bool
    registration_id: UUID | None
    code: str | None = None
    detail: str | None = None


class CodeOut(Out):
    """The QR code of a reservation, valid at the studio's desk and kiosk."""

    code: str
    svg: str
    valid_from: datetime
    valid_until: datetime
    timezone: str


class CheckInStatusOut(Out):
    opens_at: datetime
    closes_at: datetime
    now: datetime
    timezone: str
    can_check_in: bool
    needs_door_code: bool
    code: str | None
    detail: str | None
    reservation_id: UUID | None


class CustomerOut(Out):
    id: UUID
    name: str
    email: str | None
    phone: str | None
    locale: str | None


class OwnCustomerOut(CustomerOut):
    preferences: dict[str, Any]


class WardOut(Out):
    id: UUID
    name: str


class StudioOut(Out):
    """A studio; ``role`` is the caller's own there, null for a customer."""

    slug: str
    name: str
    timezone: str
    role: str | None


class MeOut(Out):
    """Who is calling. ``customer`` is null for a studio's token."""

    kind: str
    customer: OwnCustomerOut | None
    acts_for: list[WardOut]
    studios: list[StudioOut]


class CsrfOut(Out):
    csrf_token: str


class FeedOut(Out):
    """Whoever has the address can read the reservations."""

    url: str


class StepOut(Out):
    id: UUID
    position: int
    title: str


class ClassOut(Out):
    """What a studio teaches."""

    id: UUID
    studio: str
    title: str
    description: str | None
    instructor: str | None
    duration_minutes: int
    steps: list[StepOut]


class RegistrationOut(Out):
    """A pass. ``class`` null covers all classes of the studio."""

    id: UUID
    studio: str
    customer_id: UUID
    class_id: UUID | None
    class_: str | None = Field(alias="class")
    pass_type: str
    pass_label: str
    status: str
    sessions_included: int | None
    sessions_remaining: int | None
    sessions_attended: int
    max_advance_reservations: int | None
    valid_from: date | None
    valid_until: date | None
    frozen_on: date | None
    issued_at: datetime
    timezone: str


class SuspensionOut(Out):
    """New reservations are refused from ``starts_at`` through the local day ``ends_on``."""

    id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_on: date
    ends_at: datetime
    timezone: str


class SessionsCountOut(Out):
    """``available`` are free of charges held for coming reservations; null is without limit."""

    included: int | None
    remaining: int | None
    available: int | None
    attended: int
    unit: str


class ReservationsCountOut(Out):
    used: int
    limit: int | None


class FigureOut(Out):
    """What the pass type shows beside the balance; ``value`` is a number, a text, a date or null."""

    key: str
    label: str
    value: Any
    staff_only: bool


class PassStatusOut(Out):
    """A pass. Where it is not ``usable`` its pass type is missing or at fault: ``detail`` says so, and ``fault`` why to staff."""

    id: UUID
    pass_type: str
    pass_label: str
    status: str
    sessions: SessionsCountOut
    reservations: ReservationsCountOut
    valid_from: date | None
    valid_until: date | None
    suspension: SuspensionOut | None
    figures: list[FigureOut]
    details: dict[str, Any]
    usable: bool
    code: str | None
    detail: str | None
    fault: str | None


class CalendarOut(Out):
    """A month on one pass. With ``more_available`` not all that can be reserved is listed."""

    month: str
    timezone: str
    attended: list[ReservationOut]
    pending: list[ReservationOut]
    no_shows: list[ReservationOut]
    available: list[AvailableOut]
    more_available: bool
