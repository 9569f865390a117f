"""After a missed class: the customer explains; staff waive, take it back, decline, restore, and see the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.no_show_schemas import ExplainedOut, MissedOut, NoShowOut, WaivedOut
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.requests import Day, Input, OverrideIn, Reason, override_of
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import PageOf, ReservationOut
from studio_reservations.api.staff_customers import StudioSlug
from studio_reservations.api.staff_reservations import STAFF_ERRORS, Why, given_back
from studio_reservations.services.directory import staff_studio
from studio_reservations.services.no_show_views import no_shows_for
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.restoring import RestoringService

TAG = "Staff: no-shows"
PATH = "/staff/reservations/<uuid:reservation_id>"
RESTORING = (
    *("registration_inactive", "pass_type_unavailable", "class_not_covered", "session_cancelled", "session_started"),
    *("pass_not_yet_valid", "pass_expired", "customer_suspended", "already_reserved", "advance_limit_reached"),
    *("session_full", "punches_exhausted", "step_already_reserved", "sequence_not_met", "makeup_required"),
    *("makeup_not_allowed", "override_not_allowed", "reason_required"),
)


class Explain(Input):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Restore(Input):
    override: OverrideIn | None = None
    reason: Reason | None = None


class NoShowsQuery(PageQuery):
    studio: StudioSlug = None
    from_: Day | None = Field(None, alias="from", description="The studio's local date; default 30 days before `to`.")
    to: Day | None = Field(None, description="Inclusive; default today, at most 92 days in all.")


@endpoint(
    "POST",
    "/reservations/<uuid:reservation_id>/explanation",
    tag="Reservations",
    takes=Explain,
    gives=ExplainedOut,
    errors=("not_found", "invalid_transition", "explanation_closed", "already_explained"),
)
def explain_no_show(call: Call, body: Explain, reservation_id: UUID) -> Answer:
    """Tell the studio why a class was missed: once, until `auto_cancel_at`, or without one until `grace_ends_at`."""
    row = call.service(NoShowService).explain(reservation_id=reservation_id, actor=call.actor, text=body.text)
    shown = call.reservation(reservation_id)
    return Answer(
        value={**serial.reservation(shown), "explanation": serial.explanation(row, shown.timezone)},
    )


@endpoint("POST", f"{PATH}/waive", tag=TAG, takes=Why, gives=WaivedOut, errors=STAFF_ERRORS)
def waive_no_show(call: Call, body: Why, reservation_id: UUID) -> Answer:
    """Forgive a missed class: refunded and not counted; `futures` says what became of each reservation it had cost."""
    waived = call.service(NoShowService).waive(reservation_id=reservation_id, actor=call.actor, reason=body.reason)
    value = _missed(call, waived.reservation)
    return Answer(
        value={
            **value,
            **given_back(waived, timezone=value["session"]["timezone"]),
            "punches_refunded": waived.punches_refunded,
        }
    )


@endpoint("POST", f"{PATH}/unwaive", tag=TAG, takes=Why, gives=MissedOut, errors=(*STAFF_ERRORS, "session_cancelled"))
def unwaive_no_show(call: Call, body: Why, reservation_id: UUID) -> Answer:
    """Take a waive back until grace ends: charged and counted as it was."""
    row = call.service(NoShowService).unwaive(reservation_id=reservation_id, actor=call.actor, reason=body.reason)
    return Answer(value=_missed(call, row))


@endpoint("POST", f"{PATH}/decline", tag=TAG, takes=Why, gives=MissedOut, errors=STAFF_ERRORS)
def decline_explanation(call: Call, body: Why, reservation_id: UUID) -> Answer:
    """Answer an explanation with no; what was to follow from the missed class follows."""
    row = call.service(NoShowService).decline(reservation_id=reservation_id, actor=call.actor, reason=body.reason)
    return Answer(value=_missed(call, row))


@endpoint("POST", f"{PATH}/restore", tag=TAG, takes=Restore, gives=ReservationOut, errors=(*STAFF_ERRORS, *RESTORING))
def restore_reservation(call: Call, body: Restore, reservation_id: UUID) -> Answer:
    """Bring back what was cancelled automatically, if it could be reserved now."""
    call.service(RestoringService).restore(
        reservation_id=reservation_id, actor=call.actor, override=override_of(body.override), reason=body.reason
    )
    return Answer(value=serial.reservation(call.reservation(reservation_id)))


@endpoint(
    "GET",
    "/staff/no-shows",
    tag=TAG,
    takes=NoShowsQuery,
    gives=PageOf[NoShowOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def list_no_shows(call: Call, query: NoShowsQuery) -> Answer:
    """The classes missed on some days, the latest first, with the grace left, the explanation, and what hangs on each."""
    page = query.page()
    found = no_shows_for(
        call.db_session,
        actor=call.actor,
        studio=staff_studio(call.db_session, call.actor, query.studio),
        first=query.from_,
        last=query.to,
        now=call.now,
        page=page,
    )
    return Answer(
        value=page_json(
            found.rows,
            page=page,
            key=lambda row: (row.missed_at, row.id),
            item=lambda row: _no_show(row, limit=found.limit, now=call.now),
        )
    )


def _missed(call: Call, row: Any) -> dict[str, Any]:
    shown = call.reservation(row.id)
    return {
        **serial.reservation(shown),
        "waived_at": serial.instant(row.waived_at, shown.timezone),
        "explanation": serial.explanation(row, shown.timezone),
    }


def _no_show(row: Any, *, limit: int | None, now: datetime) -> dict[str, Any]:
    left = max(row.grace_ends_at - now, timedelta())
    return {
        **serial.reservation(row),
        "customer_name": row.customer_name,
        "customer_email": row.customer_email,
        "customer_phone": row.customer_phone,
        "guest_name": row.guest_name,
        "missed_at": serial.instant(row.missed_at, row.timezone),
        "grace_minutes_left": -(-left // timedelta(minutes=1)),
        "waived_at": serial.instant(row.waived_at, row.timezone),
        "explanation": serial.explanation(row, row.timezone),
        "futures": {"threatened": row.futures_threatened, "cancelled": row.futures_cancelled},
        "no_shows": {"counted": row.no_shows_counted, "limit": limit},
        "flags": row.flags,
    }
