"""One reservation: what happens next, the door with its window and code, checking in, and its entry for a calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from flask import Response, current_app, request

from studio_reservations.errors import CodeInvalid, InvalidRequest, NotFound, StudioError
from studio_reservations.language import N_
from studio_reservations.models import Studio
from studio_reservations.notifications.calendars import MEDIA_TYPE, calendar_of, event_of, sequence_at
from studio_reservations.pages.back import back_from_form
from studio_reservations.pages.calls import Call
from studio_reservations.pages.frame import HEADERS
from studio_reservations.pages.offers import name_of
from studio_reservations.pages.routes import action, page
from studio_reservations.pass_types import Status
from studio_reservations.policies.checking_in import Window
from studio_reservations.services.check_in import CheckInCode, CheckInService
from studio_reservations.services.codes import CodeSigner
from studio_reservations.services.consequences import Missed
from studio_reservations.services.giving_up import Cost, cost_of_giving_up
from studio_reservations.services.reservation_details import moved_to, reservation_details, session_of
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.tickets import wallet_of

ARRIVED = (Status.CHECKED_IN, Status.ATTENDED)
LONGEST_DOOR_CODE = 20
HOW = {
    "SELF": N_("Checked in at %(time)s by yourself."),
    "STAFF": N_("Checked in at %(time)s by the studio."),
    "AUTO": N_("Checked in at %(time)s."),
}
"""By whom, as customers read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How checking in stands: ``state`` is before, open or over; ``refusal`` is why one cannot check in alone while it is open.

    ``now_at`` is where now lies on the drawn window, in percent: before, class and after are drawn as thirds.
    """

    window: Window
    state: str
    refusal: StudioError | None
    needs_code: bool
    code: CheckInCode | None
    code_is_good: bool
    now_at: float | None


@page("/reservations/<uuid:reservation_id>", nav="passes")
def reservation(call: Call, reservation_id: UUID) -> Response:
    """Show a reservation of this person's; to a link in a message it is enough to be one of whom the reader acts for."""
    row = reservation_details(call.db_session, actor=call.actor, reservation_id=reservation_id)
    if row.customer_id != call.person.id:
        if "for" in request.args or row.customer_id not in {one.id for one in call.people}:
            raise NotFound()
        return call.go("reservation", reservation_id=reservation_id, person_id=row.customer_id)
    cost = cost_of(call, row)
    return call.show(
        "reservation.html",
        row=row,
        studio=studio_of(call, row),
        cost=cost,
        pass_name=name_of(call, cost.held, {row.pass_class_id: row.pass_class_title}),
        door=_door(call, row) if row.status == Status.PENDING and row.session_status == "SCHEDULED" else None,
        missed=_missed(call, row),
        makes_up_for=session_of(call.db_session, row.makeup_for_id) if row.makeup_for_id else None,
        moved_from=session_of(call.db_session, row.replaces_id) if row.replaces_id else None,
        moved_to=moved_to(call.db_session, row.id) if row.status == Status.CANCELLED else None,
        how=HOW.get(row.check_in_method or ""),
    )


@action("/reservations/<uuid:reservation_id>/undo", nav="passes", page=reservation)
def undo(call: Call, reservation_id: UUID) -> Response:
    """Give a reservation up while that is free."""
    row = own(call, reservation_id)
    call.service(ReservationService).cancel_reservation(actor=call.actor, reservation_id=reservation_id, if_free=True)
    return call.go_to(back_from_form(call.link("passes"), done="undone", it=reservation_id) + f"#s{row.session_id}")


@action("/reservations/<uuid:reservation_id>/check-in", nav="passes", page=reservation)
def check_in(call: Call, reservation_id: UUID) -> Response:
    """Check the person in, with the digits of the door where the studio asks for them."""
    own(call, reservation_id)
    door_code = request.form.get("door_code")
    if door_code is not None and len(door_code) > LONGEST_DOOR_CODE:
        raise InvalidRequest(errors={"door_code": call.say("Write the six digits on the screen at the door.")})
    checking_in(call).check_in(reservation_id=reservation_id, actor=call.actor, door_code=door_code)
    return call.go("checked_in", reservation_id=reservation_id)


@page("/reservations/<uuid:reservation_id>/checked-in", nav="passes")
def checked_in(call: Call, reservation_id: UUID) -> Response:
    """Confirm a check-in; where it was taken back meanwhile, the reservation says what is so."""
    row = own(call, reservation_id)
    if row.status not in ARRIVED:
        return call.go("reservation", reservation_id=reservation_id)
    return call.show("checked_in.html", row=row, cost=cost_of(call, row), how=HOW[row.check_in_method])


@page("/reservations/<uuid:reservation_id>/reservation.ics", nav="passes")
def calendar_entry(call: Call, reservation_id: UUID) -> Response:
    """Give the reservation as a file that every calendar takes."""
    row = own(call, reservation_id)
    if row.status not in (Status.PENDING, *ARRIVED):
        raise NotFound()
    event = event_of(
        row.id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        summary=f"{row.class_title}: {row.step_title}" if row.step_title else row.class_title,
        location=row.location,
        stamp=call.now,
        url=call.link("reservation", reservation_id=row.id, _external=True),
        sequence=sequence_at(call.now, reserved_at=row.reserved_at),
    )
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="reservation.ics"', "Content-Type": MEDIA_TYPE}
    return Response(calendar_of([event]), headers=headers)


def own(call: Call, reservation_id: UUID) -> Any:
    """Return a reservation of the person for whom the page is. :raises NotFound:"""
    row = reservation_details(call.db_session, actor=call.actor, reservation_id=reservation_id)
    if row.customer_id != call.person.id:
        raise NotFound()
    return row


def studio_of(call: Call, row: Any) -> Studio | None:
    """Return the studio of a reservation or a pass."""
    return next((one for one in call.studios if one.id == row.studio_id), None)


def cost_of(call: Call, row: Any) -> Cost:
    """Return what giving it up would cost now."""
    return cost_of_giving_up(
        call.db_session, actor=call.actor, reservation_id=row.id, now=call.now, pass_types=call.state.pass_types
    )


def checking_in(call: Call) -> CheckInService:
    """Return the service that makes and reads codes, which the portal's secret key signs."""
    secret = current_app.secret_key
    return CheckInService(
        call.db_session,
        clock=call.clock,
        pass_types=call.state.pass_types,
        codes=CodeSigner(secret) if secret else None,
    )


def _door(call: Call, row: Any) -> Door:
    service = checking_in(call)
    answer = service.can_check_in(reservation_id=row.id, actor=call.actor)
    window = answer.window
    state = "before" if call.now < window.opens_at else "over" if call.now > window.closes_at else "open"
    asks = answer.needs_door_code and isinstance(answer.refusal, CodeInvalid)  # it has not been asked for yet
    code = service.get_code(reservation_id=row.id, actor=call.actor) if service.codes is not None else None
    return Door(
        window=window,
        state=state,
        refusal=None if state != "open" or asks else answer.refusal,
        needs_code=answer.needs_door_code,
        code=code,
        code_is_good=code is not None and call.now in code.valid,
        now_at=_place((window.opens_at, row.starts_at, row.ends_at, window.closes_at), call.now),
    )


def _place(ticks: tuple[datetime, ...], now: datetime) -> float | None:
    """Return where an instant lies between four that are drawn at equal distances, in percent; None outside."""
    for third, (first, last) in enumerate(pairwise(ticks)):
        if first <= now <= last and first < last:
            return round((third + (now - first) / (last - first)) * 100 / 3, 1)
    return None


def _missed(call: Call, row: Any) -> list[Missed]:
    """Return the missed classes that can still be explained: this one, or those that threaten it."""
    if row.threatened_at is None and not (row.status == Status.NO_SHOW or row.counts_as_no_show):
        return []
    wallet = wallet_of(
        call.db_session,
        actor=call.actor,
        customer_id=call.person.id,
        now=call.now,
        pass_types=call.state.pass_types,
    )
    return [
        one
        for one in wallet.missed
        if one.row.id == row.id or row.id in {threatened.id for threatened in one.threatens}
    ]
