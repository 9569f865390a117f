"""What a webhook's body holds: one model for each event, of which the page for developers is made.

Within a version fields are only added. Source: rules.md §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class EventData(BaseModel):
    """What every event tells."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    by: Literal["CUSTOMER", "STAFF", "INTEGRATION", "SYSTEM"] = Field("SYSTEM", description="Who acted.")


class ReservationData(EventData):
    """Something became of one reservation."""

    reservation_id: UUID
    registration_id: UUID = Field(description="The pass that holds it.")
    session_id: UUID
    customer_id: UUID
    from_status: str | None = Field(None, description="The state before, null for a new one.")
    status: str = Field(description="The state since.")


class ReservationCreated(ReservationData):
    """A seat was taken."""

    punches_held: int = Field(0, description="What checking in will cost.")
    makeup_for_id: UUID | None = Field(None, description="The missed reservation that this one makes up for.")


class ReservationRescheduled(ReservationCreated):
    """A seat was changed for one in another session; the old reservation is cancelled and has no event of its own."""

    replaces: UUID = Field(description="The old reservation.")
    late: bool = Field(False, description="Whether the old one counts as cancelled late.")
    punches_charged: int = Field(0, description="What the late cancellation cost.")


class ReservationCheckedIn(ReservationData):
    """The customer is there."""

    method: Literal["SELF", "STAFF", "AUTO"] = Field(description="By themselves, by staff, by an integration.")
    punches_charged: int = Field(0, description="What it cost.")
    overridden: list[str] = Field([], description="Rules that staff set aside.")


class ReservationRefunded(ReservationData):
    """An act was taken back, or forgiven; what it cost is given back."""

    punches_refunded: int = Field(0, description="What came back to the pass.")
    reason_code: str | None = Field(None, description="Why, where another act led to it, such as session_moved.")


class ReservationNoShow(ReservationData):
    """The customer was missing."""

    grace_ends_at: datetime = Field(description="Until then staff may forgive without consequence.")
    punches_charged: int = Field(0, description="What it cost.")
    punches_refunded: int = Field(0, description="What came back to the pass.")
    seat_released: bool = Field(False, description="Whether the seat was given to a walk-in.")


class ReservationCancelled(ReservationData):
    """A reservation was given up."""

    late: bool = Field(False, description="Whether it came after free cancellation had ended.")
    punches_charged: int = Field(0, description="What it cost.")
    punches_refunded: int = Field(0, description="What came back to the pass.")
    reason_code: str | None = Field(None, description="Why, where another act led to it, such as session_cancelled.")


class ReservationAutoCancelled(ReservationData):
    """A reservation was cancelled by the rules, never charged."""

    because_of: UUID = Field(description="The missed, or given up, reservation that led to it.")


class SuspensionData(EventData):
    """A customer's suspension at this studio began or ended."""

    suspension_id: UUID
    customer_id: UUID
    ends_on: date | None = Field(None, description="The last suspended day, local.")
    ends_at: datetime | None = Field(None, description="The instant at which it is over.")


class SessionCancelled(EventData):
    """The studio cancelled a class session; each reservation in it has an event of its own."""

    session_id: UUID
    starts_at: datetime
    cancelled: int = Field(description="How many reservations were cancelled.")
    waived: int = Field(description="How many no-shows were waived.")
    punches_refunded: int


class SessionMoved(EventData):
    """The studio moved a class session; reservations in it stay."""

    session_id: UUID
    starts_at: datetime
    ends_at: datetime
    changes: dict[str, list[Any]] = Field(description="Each changed field with its old and new value.")
    holders: int = Field(description="How many hold a seat.")
    check_ins_undone: int
    conflicts: int = Field(description="How many of them have another reservation at the new time.")


class RegistrationIssued(EventData):
    """A pass was issued."""

    registration_id: UUID
    customer_id: UUID
    pass_type: str
    class_id: UUID | None = Field(None, description="The class that it is for, null for all.")
    sessions_included: int | None = Field(None, description="Its punches, null where they are not counted.")
    valid_from: date | None = None
    valid_until: date | None = None
    external_ref: str | None = Field(None, description="The shop's own reference.")


class RegistrationChanged(EventData):
    """A pass was changed, adjusted, frozen, transferred or cancelled."""

    registration_id: UUID
    customer_id: UUID
    change: str = Field(description="Which, such as frozen.")
    status: str


EVENTS: Mapping[str, type[EventData]] = {
    "reservation.created": ReservationCreated,
    "reservation.checked_in": ReservationCheckedIn,
    "reservation.check_in_undone": ReservationRefunded,
    "reservation.attended": ReservationData,
    "reservation.attendance_undone": ReservationData,
    "reservation.no_show": ReservationNoShow,
    "reservation.explained": ReservationData,
    "reservation.waived": ReservationRefunded,
    "reservation.unwaived": ReservationData,
    "reservation.cancelled": ReservationCancelled,
    "reservation.auto_cancelled": ReservationAutoCancelled,
    "reservation.restored": ReservationData,
    "reservation.rescheduled": ReservationRescheduled,
    "suspension.created": SuspensionData,
    "suspension.lifted": SuspensionData,
    "suspension.voided": SuspensionData,
    "session.cancelled": SessionCancelled,
    "session.moved": SessionMoved,
    "registration.issued": RegistrationIssued,
    "registration.changed": RegistrationChanged,
}

MEANINGS: Mapping[str, str] = {
    "reservation.created": "A seat was taken.",
    "reservation.checked_in": "The customer is there.",
    "reservation.check_in_undone": "They are not there after all; what it cost is given back.",
    "reservation.attended": "The customer was there to the end.",
    "reservation.attendance_undone": "Staff took that back.",
    "reservation.no_show": "The customer was missing.",
    "reservation.explained": "The customer said why they were missing.",
    "reservation.waived": "Staff forgave that; what it cost is given back.",
    "reservation.unwaived": "Staff took the forgiveness back.",
    "reservation.cancelled": "A reservation was given up, or taken back by the studio.",
    "reservation.auto_cancelled": "A reservation was cancelled by the rules, never charged.",
    "reservation.restored": "One that the rules had cancelled stands again.",
    "reservation.rescheduled": "A seat was changed for one in another session. The old one has no event of its own.",
    "suspension.created": "New reservations of a customer are paused.",
    "suspension.lifted": "The pause is over, or staff ended it.",
    "suspension.voided": "The pause was taken back, for what led to it was forgiven.",
    "session.cancelled": "The studio cancelled a class session. Each reservation in it has an event of its own.",
    "session.moved": "The studio moved a class session. Reservations in it stay.",
    "registration.issued": "A pass was issued.",
    "registration.changed": "A pass was changed, adjusted, frozen, transferred or cancelled.",
}


TEST = "webhook.test"
"""What staff send to see that it arrives; no endpoint has to ask for it."""


class TestData(EventData):
    """Nothing has happened."""

    endpoint_id: UUID


class WebhookBody(BaseModel):
    """The envelope: the same for every event."""

    type: str = Field(description="The event.")
    version: Literal[1] = Field(1, description="The version of `data`; within one, fields are only added.")
    timestamp: datetime = Field(description="When it happened, UTC.")
    studio: str = Field(description="The studio's slug.")
    data: dict[str, Any] = Field(description="What the event's table below says.")


def body_of(
    event: str, *, payload: Mapping[str, Any], at: datetime, studio: str, ids: Mapping[str, Any] | None = None
) -> str:
    """Return the JSON text of an event, the same at every attempt; ``ids`` are those of the reservation's row.

    :raises ValidationError: for a payload that lacks what the event promises.
    """
    data = (TestData if event == TEST else EVENTS[event]).model_validate({**(ids or {}), **payload})
    return WebhookBody(type=event, timestamp=at, studio=studio, data=data.model_dump(mode="json")).model_dump_json()
