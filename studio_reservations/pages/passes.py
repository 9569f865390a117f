"""My passes: what each holds, what was missed and what happens next, and the box in which one explains it."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from studio_reservations.errors import NotFound
from studio_reservations.pages.calls import Call
from studio_reservations.pages.routes import action, page
from studio_reservations.services.listings import reservation_for
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.tickets import wallet_of


@page("/", nav="passes")
def passes(call: Call) -> Response:
    """Show the person's passes as tickets."""
    wallet = wallet_of(
        call.db_session,
        actor=call.actor,
        customer_id=call.person.id,
        now=call.now,
        pass_types=call.state.pass_types,
        language=call.language.tag,
    )
    return call.show("passes.html", wallet=wallet, studios={one.id: one for one in call.studios})


@action("/reservations/<uuid:reservation_id>/explanation", nav="passes", page=passes)
def explain(call: Call, reservation_id: UUID) -> Response:
    """Tell the studio why a class was missed."""
    row = reservation_for(call.db_session, actor=call.actor, reservation_id=reservation_id)
    if row.customer_id != call.person.id:
        raise NotFound()
    call.service(NoShowService).explain(reservation_id=reservation_id, actor=call.actor, text=call.text("explanation"))
    return call.go("passes", done="explained", it=reservation_id)
