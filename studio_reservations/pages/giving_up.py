"""Cancelling and moving a reservation: what it costs is said before it is done, and nothing else is charged."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Response, request

from studio_reservations.errors import InvalidRequest
from studio_reservations.pages.calls import Call
from studio_reservations.pages.ids import read_id
from studio_reservations.pages.reservation import cost_of, own, studio_of
from studio_reservations.pages.routes import action, page
from studio_reservations.services.giving_up import other_days
from studio_reservations.services.reservations import ReservationService

AHEAD = timedelta(days=92)
MOST_DAYS = 60


@page("/reservations/<uuid:reservation_id>/cancel", nav="passes")
def cancel(call: Call, reservation_id: UUID) -> Response:
    """Say what cancelling costs now, and ask."""
    row = own(call, reservation_id)
    return call.show("cancel.html", row=row, studio=studio_of(call, row), cost=cost_of(call, row))


@action("/reservations/<uuid:reservation_id>/cancel", nav="passes", page=cancel)
def cancel_now(call: Call, reservation_id: UUID) -> Response:
    """Cancel; late only where the page said so: one that was open for too long is shown again with the new cost."""
    own(call, reservation_id)
    outcome = call.service(ReservationService).cancel_reservation(
        actor=call.actor, reservation_id=reservation_id, if_free="late" not in request.form
    )
    done = "cancelled_late" if outcome.punches_charged or outcome.reservation.counts_as_no_show else "cancelled"
    return call.go("passes", done=done, it=reservation_id)


@page("/reservations/<uuid:reservation_id>/move", nav="passes")
def move(call: Call, reservation_id: UUID) -> Response:
    """Show the other sessions of the class, each judged as if this one were given up."""
    row = own(call, reservation_id)
    cost = cost_of(call, row)
    days = (
        other_days(
            call.service(ReservationService),
            actor=call.actor,
            reservation=row,
            cost=cost,
            ahead=AHEAD,
            limit=MOST_DAYS,
        )
        if cost.refusal is None and row.status == "PENDING"
        else []
    )
    return call.show(
        "move.html",
        row=row,
        studio=studio_of(call, row),
        cost=cost,
        days=[one for one in days if one.refusal is None],
        refused=[one for one in days if one.refusal is not None],
    )


@action("/reservations/<uuid:reservation_id>/move", nav="passes", page=move)
def move_now(call: Call, reservation_id: UUID) -> Response:
    """Move to the chosen session in one step; late only where the page said so."""
    row = own(call, reservation_id)
    session_id = read_id(request.form.get("session_id"))
    if session_id is None:
        raise InvalidRequest(errors={"session_id": call.say("Choose one of the days first.")})
    cost_of(call, row).check_agreed(late="late" in request.form)
    moved = call.service(ReservationService).reschedule(
        actor=call.actor, reservation_id=reservation_id, session_id=session_id
    )
    return call.go("reservation", reservation_id=moved.reservation_id, done="moved", it=moved.reservation_id)
