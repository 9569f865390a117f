"""One reservation, and what is done with it."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from studio_reservations.errors import NotFound
from studio_reservations.pages.back import back_from_form
from studio_reservations.pages.calls import Call
from studio_reservations.pages.routes import action, page
from studio_reservations.services.listings import reservation_for
from studio_reservations.services.reservations import ReservationService


@page("/reservations/<uuid:reservation_id>", nav="passes")
def reservation(call: Call, reservation_id: UUID) -> Response:
    """Show a reservation of this person's."""
    row = reservation_for(call.db_session, actor=call.actor, reservation_id=reservation_id)
    if row.customer_id != call.person.id:
        raise NotFound()
    return call.show("reservation.html", row=row)


@action("/reservations/<uuid:reservation_id>/undo", nav="passes", again=reservation)
def undo(call: Call, reservation_id: UUID) -> Response:
    """Give a reservation up while that is free."""
    call.service(ReservationService).cancel_reservation(actor=call.actor, reservation_id=reservation_id, if_free=True)
    return call.go_to(back_from_form(call.link("passes"), done="undone", it=reservation_id))
