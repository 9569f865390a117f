"""What staff do with reservations: check in, one or many or by a code, attendance, no-show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.check_in import CHECKING_IN, check_in_service
from studio_reservations.api.no_show_schemas import GivenBackOut
from studio_reservations.api.problems import sentence
from studio_reservations.api.requests import Input, OverrideIn, Reason, override_of
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import ReservationOut
from studio_reservations.api.staff_schemas import BulkCheckInOut
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.directory import session_view
from studio_reservations.services.listings import reservation_views
from studio_reservations.services.no_shows import Waived

TAG = "Staff: check-in"
STAFF_ERRORS = ("not_found", "forbidden", "invalid_transition")


class StaffCheckIn(Input):
    override: OverrideIn | None = None


class Why(Input):
    reason: Reason | None = None


class NoShow(Why):
    release_seat: bool = Field(False, description="Give the seat to whoever walks in.")


class BulkCheckIn(Input):
    customer_ids: list[UUID] = Field(min_length=1, max_length=500)


class Scan(Input):
    code: str = Field(min_length=1, max_length=500, description="The text of the QR code.")


@endpoint(
    "POST",
    "/staff/reservations/<uuid:reservation_id>/check-in",
    tag=TAG,
    takes=StaffCheckIn,
    gives=GivenBackOut,
    errors=("not_found", "forbidden", *CHECKING_IN, "override_not_allowed", "reason_required"),
)
def staff_check_in(call: Call, body: StaffCheckIn, reservation_id: UUID) -> Answer:
    """Check somebody in on the class day, or beyond with an override. A no-show was there after all: `futures` come back."""
    service = check_in_service(call)
    service.check_in(reservation_id=reservation_id, actor=call.actor, override=override_of(body.override))
    row = call.reservation(reservation_id)
    return Answer(value={**serial.reservation(row), **given_back(service.gave_back, timezone=row.timezone)})


@endpoint(
    "POST",
    "/staff/reservations/<uuid:reservation_id>/undo-check-in",
    tag=TAG,
    takes=Why,
    gives=ReservationOut,
    errors=STAFF_ERRORS,
)
def undo_check_in(call: Call, body: Why, reservation_id: UUID) -> Answer:
    """Take a check-in back, and refund it."""
    check_in_service(call).undo_check_in(reservation_id=reservation_id, actor=call.actor, reason=body.reason)
    return Answer(value=serial.reservation(call.reservation(reservation_id)))


@endpoint(
    "POST",
    "/staff/reservations/<uuid:reservation_id>/attended",
    tag=TAG,
    takes=Why,
    gives=ReservationOut,
    errors=(*STAFF_ERRORS, "session_not_started"),
)
def mark_attended(call: Call, body: Why, reservation_id: UUID) -> Answer:
    """Say that whoever is checked in was there."""
    call.service(AttendanceService).mark_attended(reservation_id=reservation_id, actor=call.actor, reason=body.reason)
    return Answer(value=serial.reservation(call.reservation(reservation_id)))


@endpoint(
    "POST",
    "/staff/reservations/<uuid:reservation_id>/undo-attended",
    tag=TAG,
    takes=Why,
    gives=ReservationOut,
    errors=STAFF_ERRORS,
)
def undo_attended(call: Call, body: Why, reservation_id: UUID) -> Answer:
    """Take the attendance back; the check-in stays."""
    call.service(AttendanceService).undo_attended(reservation_id=reservation_id, actor=call.actor, reason=body.reason)
    return Answer(value=serial.reservation(call.reservation(reservation_id)))


@endpoint(
    "POST",
    "/staff/reservations/<uuid:reservation_id>/no-show",
    tag=TAG,
    takes=NoShow,
    gives=ReservationOut,
    errors=(*STAFF_ERRORS, "session_not_started"),
)
def mark_no_show(call: Call, body: NoShow, reservation_id: UUID) -> Answer:
    """Say that somebody is absent, from the start of the session; grace begins."""
    call.service(AttendanceService).mark_no_show(
        reservation_id=reservation_id, actor=call.actor, reason=body.reason, release_seat=body.release_seat
    )
    return Answer(value=serial.reservation(call.reservation(reservation_id)))


@endpoint(
    "POST",
    "/staff/sessions/<uuid:session_id>/check-in",
    tag=TAG,
    takes=BulkCheckIn,
    gives=BulkCheckInOut,
    errors=("not_found", "forbidden"),
    own_transactions=True,
)
def bulk_check_in(call: Call, body: BulkCheckIn, session_id: UUID) -> Answer:
    """Check in many, each on their own; the answer lists who is in and who was refused, and why."""
    outcome = check_in_service(call).bulk_check_in(
        session_id=session_id, customer_ids=body.customer_ids, actor=call.actor, transactions=run_in_transaction
    )
    with reading() as db_session:
        timezone = session_view(db_session, session_id).timezone
        rows = reservation_views(db_session, [one.reservation_id for one in outcome.checked_in])
        value = {
            "checked_in": [serial.reservation(rows[one.reservation_id]) for one in outcome.checked_in],
            "refused": [
                {
                    "customer_id": str(one.customer_id),
                    "code": one.code,
                    "detail": sentence(one.error, timezone=timezone),
                }
                for one in outcome.refused
            ],
        }
    return Answer(value=value)


@endpoint(
    "POST",
    "/staff/check-in/scan",
    tag=TAG,
    takes=Scan,
    gives=ReservationOut,
    errors=("not_found", "forbidden", *CHECKING_IN),
)
def scan_code(call: Call, body: Scan) -> Answer:
    """Check in whoever shows this QR code."""
    reservation = check_in_service(call).check_in_by_code(code=body.code, actor=call.actor)
    return Answer(value=serial.reservation(call.reservation(reservation.id)))


def given_back(waived: Waived | None, *, timezone: str) -> dict[str, Any]:
    """Return what became of each reservation that a missed class had cost, and the suspensions that fell with it."""
    return {
        "futures": [
            {
                "reservation_id": str(one.reservation_id),
                "restored": one.refusal is None,
                "code": None if one.refusal is None else one.refusal.code,
                "detail": None if one.refusal is None else sentence(one.refusal, timezone=timezone),
            }
            for one in (() if waived is None else waived.futures)
        ],
        "suspensions_voided": [str(one.id) for one in (() if waived is None else waived.voided)],
    }
