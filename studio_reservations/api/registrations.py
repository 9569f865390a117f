"""Passes: which one holds, what they give, what was done with them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field

from studio_reservations.api import serial
from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.languages import answer_language
from studio_reservations.api.pagination import PageQuery, page_json
from studio_reservations.api.problems import described
from studio_reservations.api.requests import YEARS, Input, ShortText
from studio_reservations.api.reservations import available_json
from studio_reservations.api.routes import endpoint
from studio_reservations.api.schemas import CalendarOut, PageOf, PassStatusOut, RegistrationOut, ReservationOut
from studio_reservations.errors import InvalidRequest, PassTypeUnavailable
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.services.directory import known_studio, studio_by_id, studio_days
from studio_reservations.services.listings import When, pass_for, reservations_of_pass
from studio_reservations.services.pass_views import month_of, registrations_for, status_of
from studio_reservations.services.reservations import ReservationService

TAG = "Passes"
MOST_AVAILABLE = 1_000


class RegistrationsQuery(PageQuery):
    studio: ShortText | None = Field(None, description="The studio's slug.")
    customer_id: UUID | None = Field(None, description="A ward, or by staff with `studio`; without it, all I act for.")


class OfPassQuery(PageQuery):
    when: When = Field(When.ALL, description="current: started or check-in open, and not ended.")


class CalendarQuery(Input):
    month: str = Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM")


@endpoint(
    "GET",
    "/registrations",
    tag=TAG,
    takes=RegistrationsQuery,
    gives=PageOf[RegistrationOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def list_registrations(call: Call, query: RegistrationsQuery) -> Answer:
    """The passes that I or my wards hold or may use, the latest first."""
    page = query.page()
    rows = registrations_for(
        call.db_session,
        actor=call.actor,
        customer_id=query.customer_id,
        studio=None if query.studio is None else known_studio(call.db_session, call.actor, query.studio),
        page=page,
    )
    return Answer(
        value=page_json(
            rows,
            page=page,
            key=lambda row: (row.issued_at, row.id),
            item=lambda row: serial.registration(row, pass_label(call.state.pass_types, row.pass_type)),
        )
    )


@endpoint(
    "GET",
    "/registrations/<uuid:registration_id>/reservations",
    tag=TAG,
    takes=OfPassQuery,
    gives=PageOf[ReservationOut],
    errors=("not_found", "forbidden", "invalid_cursor"),
)
def list_reservations_of_pass(call: Call, query: OfPassQuery, registration_id: UUID) -> Answer:
    """The reservations of a pass: the coming ones soonest first, all others latest first."""
    page = query.page()
    rows = reservations_of_pass(
        call.db_session,
        actor=call.actor,
        registration_id=registration_id,
        when=query.when,
        now=call.now,
        page=page,
    )
    return Answer(value=page_json(rows, page=page, key=lambda row: (row.starts_at, row.id), item=serial.reservation))


@endpoint(
    "GET",
    "/registrations/<uuid:registration_id>/calendar",
    tag=TAG,
    takes=CalendarQuery,
    gives=CalendarOut,
    errors=("not_found", "forbidden"),
)
def get_calendar(call: Call, query: CalendarQuery, registration_id: UUID) -> Answer:
    """A month on a pass: attended (or checked in), pending, no-shows, and what else can still be reserved.

    Where that is too much for one answer, `more_available` is true, and `GET /reservations/available` gives all of it.
    """
    registration, customer_id = pass_for(call.db_session, actor=call.actor, registration_id=registration_id)
    timezone = studio_by_id(call.db_session, registration.studio_id).timezone
    first, last = _month(query.month)
    days = studio_days(first=first, last=last, timezone=timezone, now=call.now)
    everybody = customer_id == registration.customer_id
    rows = month_of(
        call.db_session,
        registration_id=registration_id,
        customer_id=None if everybody else customer_id,
        days=days,
    )
    available = call.service(ReservationService).available(
        actor=call.actor,
        studio_id=registration.studio_id,
        starts_from=max(days.starts_from, call.now),
        starts_before=days.starts_before,
        customer_id=customer_id,
        registration_id=registration_id,
        only_reservable=True,
        limit=MOST_AVAILABLE + 1,
    )

    def of(*states: str) -> list[dict[str, Any]]:
        return [serial.reservation(row) for row in rows if row.status in states]

    return Answer(
        value={
            "month": query.month,
            "timezone": timezone,
            "attended": of("CHECKED_IN", "ATTENDED"),
            "pending": of("PENDING"),
            "no_shows": of("NO_SHOW"),
            "available": [available_json(one) for one in available[:MOST_AVAILABLE]],
            "more_available": len(available) > MOST_AVAILABLE,
        }
    )


@endpoint(
    "GET",
    "/registrations/<uuid:registration_id>/status",
    tag=TAG,
    gives=PassStatusOut,
    errors=("not_found", "forbidden"),
)
def get_pass_status(call: Call, registration_id: UUID) -> Answer:
    """What a pass still gives, how many reservations it holds of how many, and what stands in the way."""
    status = status_of(
        call.db_session,
        actor=call.actor,
        registration_id=registration_id,
        now=call.now,
        pass_types=call.state.pass_types,
        language=answer_language().tag,
    )
    row, held, remaining = status.row, status.held, status.remaining
    told = {} if status.usable else described(PassTypeUnavailable(pass_type=row.pass_type), timezone=row.timezone)
    return Answer(
        value={
            "id": str(row.id),
            "pass_type": row.pass_type,
            "pass_label": pass_label(call.state.pass_types, row.pass_type),
            "status": row.status,
            "sessions": {
                "included": remaining.included,
                "remaining": held.sessions_remaining,
                "available": remaining.available,
                "attended": held.sessions_attended,
                "unit": remaining.unit,
            },
            "reservations": {"used": status.upcoming, "limit": held.max_advance_reservations},
            "valid_from": serial.day(row.valid_from),
            "valid_until": serial.day(row.valid_until),
            "suspension": status.suspension and serial.suspension(status.suspension, row.timezone),
            "figures": [serial.figure(one, row.timezone) for one in status.figures],
            "details": status.details,
            "usable": status.usable,
            "code": told.get("code"),
            "detail": told.get("detail"),
            "fault": status.fault,
        }
    )


def pass_label(pass_types: PassTypes, key: str) -> str:
    """Return the name that people see, in the language of the answer; where the plugin is missing, its key read aloud."""
    if key not in pass_types:
        return key.replace("_", " ").capitalize()
    pass_type = pass_types.get(key)
    return pass_type.say(pass_type.label, language=answer_language().tag)


def _month(text: str) -> tuple[date, date]:
    year, month = map(int, text.split("-"))
    if year not in YEARS:
        raise InvalidRequest(errors={"month": f"The year must lie between {YEARS.start} and {YEARS.stop - 1}."})
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    return first, date.fromordinal(following.toordinal() - 1)
