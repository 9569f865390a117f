"""Studios, classes and sessions that one can see, and whether one can check in."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.check_in import check_in_service
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.problems import described
from studio_reservations.api.requests import Input, ShortText
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import CheckInStatusOut, ClassOut, PageOf, SessionOut, StudioOut
from studio_reservations.services.directory import (
    classes_of,
    known_studio,
    known_studios,
    own_reservation,
    session_for,
)
from studio_reservations.services.listings import window_of

TAG = "Schedule"


class ClassesQuery(PageQuery):
    studio: ShortText = Field(description="The studio's slug.")


class CheckInStatusQuery(Input):
    customer_id: UUID | None = Field(None, description="A ward, or by staff; without it, oneself.")


@endpoint("GET", "/studios", tag=TAG, takes=PageQuery, gives=PageOf[StudioOut], errors=("invalid_cursor",))
def list_studios(call: Call, query: PageQuery) -> Answer:
    """The studios that know me, and those I work at, by name."""
    page = query.page(str)
    return Answer(
        value=page_json(
            known_studios(call.db_session, call.actor, page=page),
            page=page,
            key=lambda row: (row.name, row.id),
            item=lambda row: serial.studio(row, call.actor.role_at(row.id)),
        )
    )


@endpoint(
    "GET", "/classes", tag=TAG, takes=ClassesQuery, gives=PageOf[ClassOut], errors=("not_found", "invalid_cursor")
)
def list_classes(call: Call, query: ClassesQuery) -> Answer:
    """What a studio teaches, by title."""
    studio = known_studio(call.db_session, call.actor, query.studio)
    page = query.page(str)
    rows, steps = classes_of(call.db_session, studio_id=studio.id, page=page)
    return Answer(
        value=page_json(
            rows,
            page=page,
            key=lambda row: (row.title, row.id),
            item=lambda row: serial.class_(row, steps.get(row.id, ())),
        )
    )


@endpoint("GET", "/sessions/<uuid:session_id>", tag=TAG, gives=SessionOut, errors=("not_found",))
def get_session(call: Call, session_id: UUID) -> Answer:
    """One class session and its seats."""
    return Answer(value=serial.session(session_for(call.db_session, actor=call.actor, session_id=session_id)))


@endpoint(
    "GET",
    "/sessions/<uuid:session_id>/check-in-status",
    tag=TAG,
    takes=CheckInStatusQuery,
    gives=CheckInStatusOut,
    errors=("not_found", "forbidden"),
)
def get_check_in_status(call: Call, query: CheckInStatusQuery, session_id: UUID) -> Answer:
    """When one may check in, and whether now; without a reservation one may not, and `reservation_id` is null.

    With `needs_door_code` the check-in itself also asks for the digits on the kiosk.
    """
    row = session_for(call.db_session, actor=call.actor, session_id=session_id)
    customer_id = query.customer_id or call.own_customer_id
    reservation_id = own_reservation(call.db_session, actor=call.actor, session=row, customer_id=customer_id)
    window, refusal, needs_door_code = window_of(row), None, False
    if reservation_id is not None:
        service = check_in_service(call)
        # Who asks does not stand at the door yet: judged as if with the right digits.
        digits = service.codes.door_code(studio_id=row.studio_id, now=call.now) if service.codes else None
        answer = service.can_check_in(reservation_id=reservation_id, actor=call.actor, door_code=digits)
        window, refusal, needs_door_code = answer.window, answer.refusal, answer.needs_door_code
    told = {} if refusal is None else described(refusal, timezone=row.timezone)
    return Answer(
        value={
            "opens_at": serial.instant(window.opens_at, row.timezone),
            "closes_at": serial.instant(window.closes_at, row.timezone),
            "now": serial.instant(call.now, row.timezone),
            "timezone": row.timezone,
            "can_check_in": reservation_id is not None and refusal is None,
            "needs_door_code": needs_door_code,
            "code": told.get("code"),
            "detail": told.get("detail"),
            "reservation_id": serial.text(reservation_id),
        }
    )
