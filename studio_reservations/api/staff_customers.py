"""The people a studio knows: found, added, suspended."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.requests import Day, Input, ShortText
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import CustomerOut, PageOf
from studio_reservations.api.staff_schemas import StaffSuspensionOut
from studio_reservations.services.customers import create_customer, find_customers
from studio_reservations.services.directory import staff_studio
from studio_reservations.services.suspensions import suspend_customer

TAG = "Staff: customers"
StudioSlug = Annotated[ShortText | None, Field(description="The studio's slug; needed only by who works at several.")]


class FindCustomers(PageQuery):
    studio: StudioSlug = None
    q: str = Field("", max_length=200, description="Words of the name, e-mail or phone.")


class CreateCustomer(Input):
    studio: StudioSlug = None
    name: str = Field(min_length=1, max_length=200)
    email: str | None = Field(None, max_length=200)
    phone: str | None = Field(None, max_length=50)
    notes: str | None = Field(None, max_length=1000)


class CreateSuspension(Input):
    studio: StudioSlug = None
    customer_id: UUID
    ends_on: Day = Field(description="The last suspended day, the studio's local date.")
    reason: str = Field(max_length=1000)


@endpoint(
    "GET",
    "/staff/customers",
    tag=TAG,
    takes=FindCustomers,
    gives=PageOf[CustomerOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def list_customers(call: Call, query: FindCustomers) -> Answer:
    """The customers whom my studio knows, by name."""
    studio = staff_studio(call.db_session, call.actor, query.studio)
    page = query.page(str)
    rows = find_customers(
        call.db_session, studio_id=studio.id, actor=call.actor, q=query.q, limit=page.limit + 1, after=page.after
    )
    return Answer(value=page_json(rows, page=page, key=lambda row: (row.name, row.id), item=serial.customer))


@endpoint(
    "POST",
    "/staff/customers",
    tag=TAG,
    takes=CreateCustomer,
    gives={201: CustomerOut, 200: CustomerOut},
    errors=("not_found", "forbidden"),
)
def add_customer(call: Call, body: CreateCustomer) -> Answer:
    """Add a customer and link them to my studio; 200 with the one whom it knows by this name and e-mail already."""
    studio = staff_studio(call.db_session, call.actor, body.studio)
    customer, is_new = create_customer(
        call.db_session,
        studio_id=studio.id,
        name=body.name,
        email=body.email,
        phone=body.phone,
        notes=body.notes,
        actor=call.actor,
        now=call.now,
        region=call.state.settings.default_region,
    )
    return Answer(value=serial.customer(customer), status=201 if is_new else 200)


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
    row = suspend_customer(
        call.db_session,
        customer_id=body.customer_id,
        studio_id=studio.id,
        ends_on=body.ends_on,
        reason=body.reason,
        actor=call.actor,
        now=call.now,
    )
    more: dict[str, Any] = {
        "studio": studio.slug,
        "no_shows": row.no_show_count,
        "limit": row.limit,
        "created_by": row.created_by_kind,
        "reason": row.reason,
    }
    return Answer(value={**serial.suspension(row, studio.timezone), **more}, status=201)
