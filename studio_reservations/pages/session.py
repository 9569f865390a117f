"""One session: its seats, which pass is used, and reserving one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from flask import Response, request

from studio_reservations.errors import AlreadyReserved, InvalidRequest, NotFound, ReservationRefused
from studio_reservations.pages.back import back_from_form
from studio_reservations.pages.calls import Call
from studio_reservations.pages.ids import read_id
from studio_reservations.pages.offers import cards_of
from studio_reservations.pages.routes import action, page
from studio_reservations.services.directory import classes_of, session_for
from studio_reservations.services.listings import Page
from studio_reservations.services.reservations import ReservationService

OTHER_DAYS = 3
MOST_LOOKED_AT = 60
AHEAD = timedelta(days=92)


@page("/sessions/<uuid:session_id>", nav="sessions")
def session(call: Call, session_id: UUID) -> Response:
    """Show a session of one of the person's studios, and the next ones of its class."""
    row = session_for(call.db_session, actor=call.actor, session_id=session_id)
    studio = next((one for one in call.studios if one.id == row.studio_id), None)
    if studio is None:
        raise NotFound()
    classes, _ = classes_of(call.db_session, studio_id=studio.id, page=Page(limit=500))
    titles = {one.id: one.title for one in classes}
    about = next((one for one in classes if one.id == row.class_id), None)
    questions = call.service(ReservationService)
    found = questions.available(
        actor=call.actor,
        studio_id=studio.id,
        starts_from=row.starts_at,
        starts_before=row.starts_at + timedelta(seconds=1),
        customer_id=call.person.id,
        class_id=row.class_id,
    )
    card = next(one for one in cards_of(call, studio, found, titles) if one.row.id == row.id)
    if isinstance(call.refusal, ReservationRefused):
        card = replace(card, refusal=call.refusal)
    near = questions.available(
        actor=call.actor,
        studio_id=studio.id,
        starts_from=max(call.now, row.starts_at - AHEAD / 4),
        starts_before=row.starts_at + AHEAD,
        customer_id=call.person.id,
        class_id=row.class_id,
        limit=MOST_LOOKED_AT,
    )
    others = [
        one for one in near if one.answer and one.session.id != row.id and one.session.step_id == card.row.step_id
    ]
    return call.show(
        "session.html",
        studio=studio,
        card=card,
        about=about,
        status=row.status,
        others=cards_of(call, studio, others[:OTHER_DAYS], titles),
    )


@action("/sessions/<uuid:session_id>/reserve", nav="sessions", page=session)
def reserve(call: Call, session_id: UUID) -> Response:
    """Reserve a seat with the chosen pass, or the best one, and go back to where the button was."""
    named = request.form.get("registration_id")
    registration_id = read_id(named)
    if named and registration_id is None:
        raise InvalidRequest(errors={"registration_id": call.say("Choose one of the passes.")})
    try:
        made = (
            call.service(ReservationService)
            .create_reservation(
                actor=call.actor,
                session_id=session_id,
                customer_id=call.person.id,
                registration_id=registration_id,
                makeup_for_id=read_id(request.form.get("makeup_for_id")),
            )
            .reservation_id
        )
    except AlreadyReserved as standing:  # by a second tap, or on another device: what is wished for is so
        if "reservation_id" not in standing.values:
            raise
        made = standing.values["reservation_id"]
    back = back_from_form(call.link("session", session_id=session_id), done="reserved", it=made)
    return call.go_to(f"{back}#s{session_id}")  # its row, where it stands in a list
