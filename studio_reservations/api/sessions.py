"""Studios, classes and sessions that one can see, and whether one can check in."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.problems import described
from studio_reservations.api.requests import Input, ShortText
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import CheckInStatusOut, ClassOut, PageOf, SessionOut, StudioOut
from studio_reservations.services.check_in import CheckInService
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


@endpoint("GET", "/studios", tag=TAG, gives=PageOf[StudioOut])
def list_studios(call: Call) -> Answer:
    """The studios that know me, and those I work at."""
    studios = known_studios(call.db_session, call.actor)
    return Answer(value=serial.listed([serial.studio(one, call.actor.role_at(one.id)) for one in studios]))


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
    """When one may check in, and whether now; without a reservation one may not, and `reservation_id` is null."""
    row = session_for(call.db_session, actor=call.actor, session_id=session_id)
    customer_id = query.customer_id or call.own_customer_id
    reservation_id = own_reservation(call.db_session, actor=call.actor, session_id=session_id, customer_id=customer_id)
    window, refusal = window_of(row), None
    if reservation_id is not None:
        answer = call.service(CheckInService).can_check_in(reservation_id=reservation_id, actor=call.actor)
        window, refusal = answer.window, answer.refusal
    told = {} if refusal is None else described(refusal, timezone=row.timezone)
    return Answer(
        value={
            "opens_at": serial.instant(window.opens_at, row.timezone),
            "closes_at": serial.instant(window.closes_at, row.timezone),
            "now": serial.instant(call.now, row.timezone),
            "timezone": row.timezone,
            "can_check_in": reservation_id is not None and refusal is None,
            "code": told.get("code"),
            "detail": told.get("detail"),
            "reservation_id": serial.text(reservation_id),
        }
    )
