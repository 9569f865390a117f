"""Suspensions: who is suspended, suspending by hand, lifting early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.no_show_schemas import StaffSuspensionOut
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.requests import Day, Input
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import PageOf
from studio_reservations.api.staff_customers import StudioSlug
from studio_reservations.services.directory import staff_studio
from studio_reservations.services.no_show_views import built_by, suspension_view, suspensions_for
from studio_reservations.services.suspensions import lift_suspension, suspend_customer

TAG = "Staff: suspensions"


class SuspensionsQuery(PageQuery):
    studio: StudioSlug = None
    active: bool | None = Field(None, description="Those that cover now, or all others; without it, all.")


class CreateSuspension(Input):
    studio: StudioSlug = None
    customer_id: UUID
    ends_on: Day = Field(description="The last suspended day, the studio's local date.")
    reason: str = Field(max_length=1000)


class Lift(Input):
    reason: str = Field(max_length=1000)


@endpoint(
    "GET",
    "/staff/suspensions",
    tag=TAG,
    takes=SuspensionsQuery,
    gives=PageOf[StaffSuspensionOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def list_suspensions(call: Call, query: SuspensionsQuery) -> Answer:
    """The suspensions of my studio, the latest first, with what built each and how it ended."""
    page = query.page()
    rows = suspensions_for(
        call.db_session,
        actor=call.actor,
        studio=staff_studio(call.db_session, call.actor, query.studio),
        active=query.active,
        now=call.now,
        page=page,
    )
    built = built_by(call.db_session, [row.id for row in rows])
    return Answer(
        value=page_json(
            rows,
            page=page,
            key=lambda row: (row.starts_at, row.id),
            item=lambda row: _suspension(call, row, built[row.id]),
        )
    )


@endpoint(
    "POST",
    "/staff/suspensions",
    tag=TAG,
    takes=CreateSuspension,
    gives={201: StaffSuspensionOut},
    errors=("not_found", "forbidden", "already_suspended", "reason_required"),
)
def create_suspension(call: Call, body: CreateSuspension) -> Answer:
    """Suspend a customer from now through a day; what they hold stays."""
    studio = staff_studio(call.db_session, call.actor, body.studio)
    suspension = suspend_customer(
        call.db_session,
        customer_id=body.customer_id,
        studio_id=studio.id,
        ends_on=body.ends_on,
        reason=body.reason,
        actor=call.actor,
        now=call.now,
    )
    return Answer(value=_shown(call, suspension.id), status=201)


@endpoint(
    "POST",
    "/staff/suspensions/<uuid:suspension_id>/lift",
    tag=TAG,
    takes=Lift,
    gives=StaffSuspensionOut,
    errors=("not_found", "forbidden", "invalid_transition", "reason_required"),
)
def end_suspension(call: Call, body: Lift, suspension_id: UUID) -> Answer:
    """Lift a suspension early. The slate is wiped: what built it counts no more."""
    lift_suspension(call.db_session, suspension_id=suspension_id, reason=body.reason, actor=call.actor, now=call.now)
    return Answer(value=_shown(call, suspension_id))


def _shown(call: Call, suspension_id: UUID) -> dict[str, Any]:
    row = suspension_view(call.db_session, suspension_id)
    return _suspension(call, row, built_by(call.db_session, [suspension_id])[suspension_id])


def _suspension(call: Call, row: Any, built: Sequence[UUID]) -> dict[str, Any]:
    return {
        **serial.suspension(row, row.timezone),
        "studio": row.studio_slug,
        "customer_name": row.customer_name,
        "active": row.ended_at is None and row.starts_at <= call.now < row.ends_at,
        "no_shows": row.no_show_count,
        "limit": row.no_show_limit,
        "no_show_ids": [str(one) for one in built],
        "created_by": row.created_by_kind,
        "reason": row.reason,
        "ended_at": serial.instant(row.ended_at, row.timezone),
        "lifted_at": serial.instant(row.lifted_at, row.timezone),
        "lift_reason": row.lift_reason,
        "voided_at": serial.instant(row.voided_at, row.timezone),
    }
