"""The path of a course: its parts in order, and the days that can be chosen for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response

from studio_reservations.errors import MakeupRequired, NotFound, ReservationRefused
from studio_reservations.pages.calls import Call
from studio_reservations.pages.reservation import studio_of
from studio_reservations.pages.routes import page
from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.missing import would_be_cancelled_at
from studio_reservations.services.giving_up import refusal_for
from studio_reservations.services.reservation_questions import Available
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.tickets import Part, wallet_of

AHEAD = timedelta(days=92)
MOST_LOOKED_AT = 200
DAYS_EACH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A session of a part (a row of `board.OFFERED`), and the missed one that it would make up for.

    ``cancelled_at`` is the night that would cancel it again, for a class that was missed with this pass.
    """

    row: Any
    makeup_for_id: UUID | None
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A part of the path with the days to choose from, or why there is none now; ``more`` days are in the list of sessions."""

    part: Part
    days: Sequence[Day]
    more: int
    refusal: ReservationRefused | None


@page("/course/<uuid:registration_id>", nav="passes")
def course(call: Call, registration_id: UUID) -> Response:
    """Show a course of this person's. A pass without parts has no path."""
    wallet = wallet_of(
        call.db_session,
        actor=call.actor,
        customer_id=call.person.id,
        now=call.now,
        pass_types=call.state.pass_types,
    )
    ticket = next((one for one in wallet.tickets if one.row.id == registration_id and one.parts), None)
    if ticket is None:
        raise NotFound()
    found = call.service(ReservationService).available(
        actor=call.actor,
        studio_id=ticket.row.studio_id,
        starts_from=call.now,
        starts_before=call.now + AHEAD,
        customer_id=call.person.id,
        registration_id=registration_id,
        class_id=ticket.row.class_id,
        limit=MOST_LOOKED_AT,
    )
    return call.show(
        "course.html",
        ticket=ticket,
        studio=studio_of(call, ticket.row),
        pause=wallet.pauses.get(ticket.row.studio_id),
        missed=[one for one in wallet.missed if one.row.registration_id == registration_id],
        stops=[
            _stop(part, ticket.held, [one for one in found if one.session.step_position == part.position])
            for part in ticket.parts
        ],
    )


def _stop(part: Part, held: HeldPass, found: Sequence[Available]) -> Stop:
    """Judge the days of a part that is not taken, as a makeup where only that is possible."""
    if part.state in ("reserved", "checked_in", "attended"):
        return Stop(part=part, days=(), more=0, refusal=None)
    days, refusals = [], []
    for one in found:
        refusal = one.answer.refusal
        makeup_for_id = None
        if isinstance(refusal, MakeupRequired):
            makeup_for_id = refusal.values["makeup_for_id"]
            refusal = refusal_for(one, makeup_for_id=makeup_for_id)
        if refusal is None:
            night = would_be_cancelled_at(held, starts_at=one.session.starts_at)
            days.append(Day(row=one.session, makeup_for_id=makeup_for_id, cancelled_at=night))
        else:
            refusals.append(refusal)
    return Stop(
        part=part,
        days=days[:DAYS_EACH],
        more=max(0, len(days) - DAYS_EACH),
        refusal=refusals[0] if refusals and not days else None,
    )
