"""Checking in: the customer's own tap and code, and what staff share with it."""

from __future__ import annotations

from uuid import UUID

from flask import current_app
from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.requests import Input
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import CodeOut, ReservationOut
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.codes import CodeSigner

TAG = "Reservations"
CHECKING_IN = (
    *("check_in_too_early", "check_in_too_late", "self_check_in_off", "code_invalid", "code_expired"),
    *("session_cancelled", "invalid_transition", "punches_exhausted", "not_class_day"),
    *("already_reserved", "step_already_reserved", "session_full"),
)


class CheckIn(Input):
    door_code: str | None = Field(
        None, max_length=50, description="The digits on the kiosk, where the studio asks for them."
    )


@endpoint(
    "POST",
    "/reservations/<uuid:reservation_id>/check-in",
    tag=TAG,
    takes=CheckIn,
    gives=ReservationOut,
    errors=("not_found", "forbidden", *CHECKING_IN),
)
def check_in(call: Call, body: CheckIn, reservation_id: UUID) -> Answer:
    """Check in, within the window; done twice, it is done once."""
    check_in_service(call).check_in(reservation_id=reservation_id, actor=call.actor, door_code=body.door_code)
    return Answer(value=serial.reservation(call.reservation(reservation_id)))


@endpoint("GET", "/reservations/<uuid:reservation_id>/code", tag=TAG, gives=CodeOut, errors=("not_found", "forbidden"))
def get_code(call: Call, reservation_id: UUID) -> Answer:
    """The QR code to show at the studio, as SVG and text, and when it is valid."""
    code = check_in_service(call).get_code(reservation_id=reservation_id, actor=call.actor)
    timezone = call.reservation(reservation_id).timezone
    return Answer(
        value={
            "code": code.text,
            "svg": code.svg,
            "valid_from": serial.instant(code.valid.opens_at, timezone),
            "valid_until": serial.instant(code.valid.closes_at, timezone),
            "timezone": timezone,
        }
    )


def check_in_service(call: Call) -> CheckInService:
    """Return the service that can read and make codes, which the portal's secret key signs."""
    secret = current_app.secret_key
    return CheckInService(
        call.session or call.state.db.session(),  # bulk check-in has its own transactions and leaves this one alone
        clock=call.clock,
        pass_types=call.state.pass_types,
        codes=CodeSigner(secret) if secret else None,
    )
