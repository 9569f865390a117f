"""The schedule and its rosters."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from flask import request
from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer, dumped
from studio_reservations.api.calls import Call
from studio_reservations.api.requests import Input, Instant, Reason, ShortText, unsent
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import SessionOut
from studio_reservations.api.staff_schemas import RosterOut, SessionCancelledOut, SessionChangedOut
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.directory import roster_of, session_view
from studio_reservations.services.session_terms import SessionChanges

TAG = "Staff: schedule"
PATH = "/staff/sessions/<uuid:session_id>"


class CreateSession(Input):
    class_id: UUID
    starts_at: Instant
    ends_at: Instant | None = Field(None, description="Without it as long as the class takes.")
    capacity: int | None = Field(None, ge=0, le=100_000, description="Without it the class's own.")
    step_id: UUID | None = None
    location: str | None = Field(None, max_length=200)
    instructor: str | None = Field(None, max_length=200)
    instructor_id: UUID | None = Field(None, description="The staff member who teaches it.")
    external_ref: ShortText | None = None


class ChangeSession(Input):
    """What is not sent stays; with `starts_at` alone the session stays as long as it was."""

    starts_at: Instant = Field(default_factory=unsent)
    ends_at: Instant = Field(default_factory=unsent)
    capacity: int = Field(default_factory=unsent, ge=0, le=100_000)
    location: str | None = Field(None, max_length=200)
    instructor: str | None = Field(None, max_length=200)
    instructor_id: UUID | None = None
    reason: Reason | None = None


class CancelSession(Input):
    reason: Reason | None = None


@endpoint("GET", f"{PATH}/roster", tag=TAG, gives={200: RosterOut, 304: "*/*"}, errors=("not_found", "forbidden"))
def get_roster(call: Call, session_id: UUID) -> Answer:
    """Who comes, by name. With `If-None-Match` of the last `ETag` it answers 304 while nothing has changed."""
    session, rows = roster_of(call.db_session, actor=call.actor, session_id=session_id)
    body = dumped({"session": serial.session(session), "reservations": [_row(row) for row in rows]})
    etag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
    if request.if_none_match.contains_weak(etag):
        return Answer(value=b"", status=304, headers=headers)
    return Answer(value=body, headers=headers)


@endpoint(
    "POST", "/staff/sessions", tag=TAG, takes=CreateSession, gives={201: SessionOut}, errors=("not_found", "forbidden")
)
def create_session(call: Call, body: CreateSession) -> Answer:
    """Add a class session."""
    created = call.service(ClassSessionService).create_session(actor=call.actor, **dict(body))
    return Answer(value=_shown(call, created.id), status=201)


@endpoint(
    "PATCH",
    PATH,
    tag=TAG,
    takes=ChangeSession,
    gives=SessionChangedOut,
    errors=("not_found", "forbidden", "session_started", "session_cancelled", "capacity_below_taken"),
)
def change_session(call: Call, body: ChangeSession, session_id: UUID) -> Answer:
    """Change a session. Another time is a move: its holders are told, check-ins taken back, conflicts flagged."""
    changes: SessionChanges = body.model_dump(exclude_unset=True, exclude={"reason"})  # type: ignore[assignment]
    change = call.service(ClassSessionService).update_session(
        session_id=session_id, changes=changes, actor=call.actor, reason=body.reason
    )
    return Answer(
        value={
            "session": _shown(call, session_id),
            "moved": change.moved,
            "holders_told": change.holders_told,
            "check_ins_undone": change.check_ins_undone,
            "conflicts": change.conflicts,
        }
    )


@endpoint(
    "POST",
    f"{PATH}/cancel",
    tag=TAG,
    takes=CancelSession,
    gives=SessionCancelledOut,
    errors=("not_found", "forbidden", "session_ended"),
)
def cancel_session(call: Call, body: CancelSession, session_id: UUID) -> Answer:
    """Cancel a session until it ends: every reservation free, no-shows waived."""
    outcome = call.service(ClassSessionService).cancel_session(
        session_id=session_id, actor=call.actor, reason=body.reason
    )
    return Answer(
        value={
            "session": _shown(call, session_id),
            "cancelled": outcome.cancelled,
            "waived": outcome.waived,
            "punches_refunded": outcome.punches_refunded,
        }
    )


def _shown(call: Call, session_id: UUID) -> dict[str, Any]:
    call.db_session.flush()
    return serial.session(session_view(call.db_session, session_id))


def _row(row: Any) -> dict[str, Any]:
    more = {"customer_name": row.customer_name, "guest_name": row.guest_name, "flags": row.flags}
    return {**serial.reservation(row), **more}
