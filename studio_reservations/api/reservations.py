"""Reserving, cancelling, moving, checking in: what customers do, and staff for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from pydantic import Field, model_validator

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.problems import described
from studio_reservations.api.requests import Day, Input, OverrideIn, Reason, ShortText, override_of
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import (
    AvailableOut,
    CancelledOut,
    CreatedOut,
    PageOf,
    RescheduledOut,
    ReservationDetailOut,
)
from studio_reservations.models import Role
from studio_reservations.services.directory import known_studio, studio_by_id, studio_days, studio_of_class
from studio_reservations.services.listings import history_of, pass_for, reservation_for
from studio_reservations.services.reservation_questions import Available
from studio_reservations.services.reservations import Created, ReservationService

TAG = "Reservations"
RESERVING = (
    *("reservations_disabled", "registration_inactive", "pass_type_unavailable", "class_not_covered"),
    *("session_cancelled", "session_started", "pass_not_yet_valid", "pass_expired", "customer_suspended"),
    *("already_reserved", "advance_limit_reached", "session_full", "punches_exhausted", "step_already_reserved"),
    *("sequence_not_met", "makeup_required", "makeup_not_allowed"),
)


class CreateReservation(Input):
    session_id: UUID
    registration_id: UUID | None = Field(None, description="The pass; without it the best usable one is taken.")
    customer_id: UUID | None = Field(None, description="A ward, or by staff; without it, oneself.")
    makeup_for_id: UUID | None = Field(None, description="The missed reservation that this one makes up for.")
    override: OverrideIn | None = None


class CancelReservation(Input):
    reason: Reason | None = None
    if_free: bool = Field(False, description="Refuse instead of charging.")
    as_customer: bool = Field(False, description="By staff, on the customer's terms.")


class Reschedule(Input):
    session_id: UUID


class AvailableQuery(PageQuery):
    """Exactly one of ``registration_id``, ``class_id`` and ``studio``."""

    registration_id: UUID | None = None
    class_id: UUID | None = None
    studio: ShortText | None = None
    customer_id: UUID | None = Field(None, description="A ward, or by staff; without it, oneself or the pass's holder.")
    from_: Day | None = Field(None, alias="from", description="The studio's local date; default today.")
    to: Day | None = Field(None, description="Inclusive; default 30 days later, at most 92 days in all.")
    only_reservable: bool = False

    @model_validator(mode="after")
    def _names_one(self) -> AvailableQuery:
        if sum(one is not None for one in (self.registration_id, self.class_id, self.studio)) != 1:
            raise ValueError("name one of registration_id, class_id and studio")
        return self


@endpoint(
    "POST",
    "/reservations",
    tag=TAG,
    takes=CreateReservation,
    gives={201: CreatedOut},
    errors=("not_found", "forbidden", "no_usable_pass", *RESERVING, "override_not_allowed", "reason_required"),
)
def create_reservation(call: Call, body: CreateReservation) -> Answer:
    """Reserve a seat. `pass_choice` says which pass was taken, and why, where none was named."""
    created = call.service(ReservationService).create_reservation(
        actor=call.actor,
        session_id=body.session_id,
        customer_id=body.customer_id,
        registration_id=body.registration_id,
        makeup_for_id=body.makeup_for_id,
        override=override_of(body.override),
    )
    return _created(call, created, {"pass_choice": _choice(created)})


@endpoint(
    "GET",
    "/reservations/available",
    tag=TAG,
    takes=AvailableQuery,
    gives=PageOf[AvailableOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def list_available(call: Call, query: AvailableQuery) -> Answer:
    """The sessions of some days, each with whether it may be reserved; a refused one stays, with its code and why."""
    customer_id = query.customer_id
    if query.registration_id is not None:
        registration, holder_id = pass_for(call.db_session, actor=call.actor, registration_id=query.registration_id)
        studio, customer_id = studio_by_id(call.db_session, registration.studio_id), customer_id or holder_id
    elif query.class_id is not None:
        studio = studio_of_class(call.db_session, call.actor, query.class_id)
    else:
        studio = known_studio(call.db_session, call.actor, query.studio or "")
    days = studio_days(first=query.from_, last=query.to, timezone=studio.timezone, now=call.now)
    page = query.page()
    rows = call.service(ReservationService).available(
        actor=call.actor,
        studio_id=studio.id,
        starts_from=days.starts_from,
        starts_before=days.starts_before,
        customer_id=customer_id,
        registration_id=query.registration_id,
        class_id=query.class_id,
        only_reservable=query.only_reservable,
        after=page.after,
        limit=page.limit + 1,
    )
    return Answer(
        value=page_json(rows, page=page, key=lambda one: (one.session.starts_at, one.session.id), item=available_json)
    )


@endpoint(
    "GET",
    "/reservations/<uuid:reservation_id>",
    tag=TAG,
    gives=ReservationDetailOut,
    errors=("not_found", "forbidden"),
)
def get_reservation(call: Call, reservation_id: UUID) -> Answer:
    """One reservation with its history, and what came of a missed class; the reasons that staff wrote down are for staff."""
    row = reservation_for(call.db_session, actor=call.actor, reservation_id=reservation_id)
    as_staff = call.actor.has_role(row.studio_id, Role.FRONT_DESK)
    acts = [serial.act(one, row.timezone, as_staff=as_staff) for one in history_of(call.db_session, reservation_id)]
    more = {
        "waived_at": serial.instant(row.waived_at, row.timezone),
        "explanation": serial.explanation(row, row.timezone),
        "history": acts,
    }
    return Answer(value={**serial.reservation(row), **more})


CANCEL_ERRORS = ("not_found", "forbidden", "session_started", "invalid_transition", "cancellation_not_free")


@endpoint(
    "DELETE",
    "/reservations/<uuid:reservation_id>",
    tag=TAG,
    takes=CancelReservation,
    gives=CancelledOut,
    errors=CANCEL_ERRORS,
)
def delete_reservation(call: Call, query: CancelReservation, reservation_id: UUID) -> Answer:
    """Cancel, as `POST …/cancel` does, with the same fields as the query."""
    return _cancelled(call, query, reservation_id)


@endpoint(
    "POST",
    "/reservations/<uuid:reservation_id>/cancel",
    tag=TAG,
    takes=CancelReservation,
    gives=CancelledOut,
    errors=CANCEL_ERRORS,
)
def cancel_reservation(call: Call, body: CancelReservation, reservation_id: UUID) -> Answer:
    """Give the seat up; whether it was late, and what was refunded or charged."""
    return _cancelled(call, body, reservation_id)


@endpoint(
    "POST",
    "/reservations/<uuid:reservation_id>/reschedule",
    tag=TAG,
    takes=Reschedule,
    gives={201: RescheduledOut},
    errors=("not_found", "forbidden", "invalid_transition", *RESERVING),
)
def reschedule_reservation(call: Call, body: Reschedule, reservation_id: UUID) -> Answer:
    """Move to another session in one step; if it is refused, the old reservation stands."""
    created = call.service(ReservationService).reschedule(
        actor=call.actor, reservation_id=reservation_id, session_id=body.session_id
    )
    return _created(call, created, {"replaces": serial.text(created.replaces_id)})


def available_json(one: Available) -> dict[str, Any]:
    """Return a session with the answer for this customer."""
    row, answer, timezone = one.session, one.answer, one.timezone
    told = {} if answer.refusal is None else described(answer.refusal, timezone=timezone)
    return {
        "id": str(row.id),
        "class_id": str(row.class_id),
        "class": row.class_title,
        "step": row.step_title,
        "starts_at": serial.instant(row.starts_at, timezone),
        "ends_at": serial.instant(row.ends_at, timezone),
        "timezone": timezone,
        "location": row.location,
        "instructor": row.instructor,
        "capacity": row.capacity,
        "seats_left": row.capacity - row.seats_taken,
        "reservable": bool(answer),
        "registration_id": None if answer.choice is None else str(answer.choice.case.held.id),
        "code": told.get("code"),
        "detail": told.get("detail"),
    }


def _created(call: Call, created: Created, more: dict[str, Any]) -> Answer:
    prefix = f"{request.script_root}{call.state.settings.api_prefix}"
    return Answer(
        value={**serial.reservation(created.shown), **more},
        status=201,
        headers={"Location": f"{prefix}/reservations/{created.reservation_id}"},
    )


def _choice(created: Created) -> dict[str, Any] | None:
    if created.choice is None:
        return None
    return {
        "registration_id": str(created.registration_id),
        "pass_type": created.choice.case.held.pass_type,
        "reason": created.choice.reason,
    }


def _cancelled(call: Call, given: CancelReservation, reservation_id: UUID) -> Answer:
    outcome = call.service(ReservationService).cancel_reservation(
        actor=call.actor,
        reservation_id=reservation_id,
        reason=given.reason,
        if_free=given.if_free,
        as_customer=given.as_customer,
    )
    return Answer(
        value={
            **serial.reservation(call.reservation(reservation_id)),
            "late": outcome.late,
            "punches_refunded": outcome.punches_refunded,
            "punches_charged": outcome.punches_charged,
        }
    )
