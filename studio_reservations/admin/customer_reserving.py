"""Reserving for a customer, and giving back: which sessions a day has, with what pass, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import url_for

from studio_reservations.admin.forms import NeededReasonForm, ReasonForm
from studio_reservations.admin.pass_words import counted, ticket
from studio_reservations.admin.people import (
    day_asked,
    id_asked,
    known_customer,
    roster_of,
    say_day,
    say_when,
)
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form, page
from studio_reservations.errors import NotFound, PassTypeUnavailable, ReservationRefused, StudioError
from studio_reservations.models import Customer, Role, Studio
from studio_reservations.pass_types import Event, Status
from studio_reservations.policies.cancelling import is_free
from studio_reservations.policies.choosing import Choice
from studio_reservations.policies.local_time import local_date
from studio_reservations.sentences import sentence_of, title_of
from studio_reservations.services.directory import session_view, studio_days
from studio_reservations.services.listings import reservation_view
from studio_reservations.services.overrides import RESERVING, Override
from studio_reservations.services.pass_cards import cards_of, passes_of_customer
from studio_reservations.services.reservations import ReservationService

MOST_SESSIONS = 200
CHOSEN = {
    "only_one": "",
    "uncounted_first": ", because it does not count",
    "soonest_expiry": ", because it ends first",
    "fewest_left": ", because it has the fewest left",
    "oldest": ", because it is the oldest",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A session of the day: what it is held with, or why it cannot be; ``anyway`` are rules that the reader may set aside."""

    row: Any
    free: int
    uses: str | None = None
    title: str | None = None
    sentence: str | None = None
    of_each: tuple[tuple[str, str], ...] = ()
    reserved: bool = False
    begun: bool = False
    makeup_for: Any = None
    anyway: tuple[str, ...] = ()


class CustomerReserving(StaffScreen):
    """What the front desk does with a customer's reservations."""

    @page("/<uuid:customer_id>/reserve", least=Role.FRONT_DESK)
    def reserve(self, desk: Desk, customer_id: UUID) -> str:
        """Show the sessions of a day, each with a button or with the reason why not."""
        customer, studio = known_customer(desk, customer_id)
        today = local_date(desk.now, timezone=studio.timezone)
        day = min(max(day_asked(desk.given, "day") or today, today), today + timedelta(days=730))
        days = studio_days(first=day, last=day, timezone=studio.timezone, now=desk.now)
        tickets = _tickets(desk, customer, studio)
        pass_id = next((one.id for one in tickets if one.id == id_asked(desk.given, "pass")), None)
        found = desk.service(ReservationService).available(
            actor=desk.actor,
            studio_id=studio.id,
            customer_id=customer.id,
            registration_id=pass_id,
            starts_from=days.starts_from,
            starts_before=days.starts_before,
            limit=MOST_SESSIONS,
        )
        return self.show(
            "customer_reserve.html",
            studio=studio,
            customer=customer,
            chosen=day,
            today=today,
            week=[max(day - timedelta(days=3), today) + timedelta(days=one) for one in range(7)],
            pass_id=pass_id,
            tickets=[one for one in tickets if not one.dead],
            offered=[
                _offered(desk, studio, customer, one.session, one.answer.refusal, one.answer.choice) for one in found
            ],
            on=lambda one: say_day(one, now=desk.now, timezone=studio.timezone),
        )

    @form("/<uuid:customer_id>/reserve/<uuid:session_id>", least=Role.FRONT_DESK)
    def reserve_session(self, desk: Desk, customer_id: UUID, session_id: UUID) -> str | Done:
        """Reserve one session; what is refused can be set aside here by those who may, with a reason."""
        customer, studio = known_customer(desk, customer_id)
        session = session_view(desk.db_session, session_id)
        if session.studio_id != studio.id:
            raise NotFound()
        service, pass_id = desk.service(ReservationService), id_asked(desk.given, "pass")
        makeup_for = id_asked(desk.given, "makeup_for")
        rules = tuple(one for one in _may_set_aside(desk, studio, customer) if one in desk.given.getlist("override"))
        asked = (NeededReasonForm if rules else ReasonForm)(desk.given)
        if desk.sent and asked.validate():
            made = service.create_reservation(
                actor=desk.actor,
                session_id=session_id,
                customer_id=customer.id,
                registration_id=pass_id,
                makeup_for_id=makeup_for,
                override=Override(rules=frozenset(rules), reason=asked.reason.data) if rules else None,
            )
            label = next(one for one in _tickets(desk, customer, studio) if one.id == made.registration_id)
            when = say_when(session.starts_at, now=desk.now, timezone=studio.timezone)
            return Done(
                message=f"Reserved for {customer.name}: {session.class_title}, {when}, with {label.kind} ({label.title}).",
                to=url_for(".customer", customer_id=customer.id, studio=studio.slug),
            )
        refusal: ReservationRefused | None = None
        choice: Choice | None = None
        if desk.refusal is None:
            answer = service.can_create_reservation(
                actor=desk.actor,
                session_id=session_id,
                customer_id=customer.id,
                registration_id=pass_id,
                makeup_for_id=makeup_for,
            )
            refusal, choice = answer.refusal, answer.choice
        elif isinstance(desk.refusal, ReservationRefused):
            refusal = desk.refusal
        return self.show(
            "customer_reserve_session.html",
            desk=desk,
            studio=studio,
            customer=customer,
            one=_offered(desk, studio, customer, session, refusal, choice),
            pass_id=pass_id,
            makeup_for=makeup_for,
            asked=asked,
            when=say_when(session.starts_at, now=desk.now, timezone=studio.timezone),
            of_day=local_date(session.starts_at, timezone=studio.timezone),
            roster=roster_of(session_id),
        )

    @form("/<uuid:customer_id>/reservations/<uuid:reservation_id>/cancel", least=Role.FRONT_DESK)
    def cancel(self, desk: Desk, customer_id: UUID, reservation_id: UUID) -> str | Done:
        """Give a reservation back: free, or on the customer's own terms."""
        customer, studio = known_customer(desk, customer_id)
        row = reservation_view(desk.db_session, reservation_id)
        if (row.customer_id, row.studio_id) != (customer.id, studio.id):
            raise NotFound()
        asked = ReasonForm(desk.given)
        if desk.sent and asked.validate():
            done = desk.service(ReservationService).cancel_reservation(
                actor=desk.actor,
                reservation_id=reservation_id,
                reason=asked.reason.data or None,
                as_customer=desk.given.get("terms") == "customer",
            )
            cost = ""
            if done.punches_refunded:
                cost = f" {counted(done.punches_refunded, 'punch')} came back."
            elif done.late:
                cost = f" It is late: {counted(done.punches_charged, 'punch')} charged."
            return Done(
                message=f"{row.class_title} is cancelled for {customer.name}.{cost}",
                to=url_for(".customer", customer_id=customer.id, studio=studio.slug),
            )
        return self.show(
            "customer_cancel.html",
            desk=desk,
            studio=studio,
            customer=customer,
            row=row,
            own=desk.actor.acts_for(customer.id),
            free=is_free(
                now=desk.now,
                free_until=row.free_cancellation_until,
                undo_until=row.undo_until,
                starts_at=row.starts_at,
                checked_in=row.status == Status.CHECKED_IN,
            ),
            asked=asked,
            when=lambda instant: say_when(instant, now=desk.now, timezone=studio.timezone),
        )


def _tickets(desk: Desk, customer: Customer, studio: Studio) -> list[Any]:
    rows = passes_of_customer(desk.db_session, customer_id=customer.id, studio_id=studio.id)
    cards = cards_of(desk.db_session, rows, timezone=studio.timezone, now=desk.now, pass_types=desk.state.pass_types)
    return [ticket(one, now=desk.now) for one in cards]


def _may_set_aside(desk: Desk, studio: Studio, customer: Customer) -> tuple[str, ...]:
    """Return the rules that whoever asks may set aside for a customer: none for themselves, nor for whom they act for."""
    if desk.actor.acts_for(customer.id):
        return ()
    return tuple(code for code, role in RESERVING.items() if desk.actor.has_role(studio.id, role))


def _offered(
    desk: Desk, studio: Studio, customer: Customer, row: Any, refusal: ReservationRefused | None, choice: Choice | None
) -> Offered:
    free = max(0, row.capacity - row.seats_taken)
    begun = row.starts_at <= desk.now
    if refusal is None:
        return Offered(row=row, free=free, begun=begun, uses=_uses(choice))
    told = [refusal, *(one["refusal"] for one in refusal.values.get("passes", ()) if "refusal" in one)]
    allowed = _may_set_aside(desk, studio, customer)
    return Offered(
        row=row,
        free=free,
        begun=begun,
        title=title_of(refusal),
        sentence="The desk can still reserve it for somebody who is here."
        if refusal.code == "session_started" and refusal.code in allowed
        else _sentence(refusal, studio),
        of_each=tuple(_each_pass(desk, refusal, studio)),
        reserved=refusal.code == "already_reserved",
        makeup_for=refusal.values.get("makeup_for_id") if refusal.code == "makeup_required" else None,
        anyway=tuple(dict.fromkeys(one.code for one in told if one.code in allowed)),
    )


def _each_pass(desk: Desk, refusal: StudioError, studio: Studio) -> Iterator[tuple[str, str]]:
    for one in refusal.values.get("passes", ()):
        found = desk.state.pass_types.find(one["pass_type"])
        label = found.label if found is not None else one["pass_type"].replace("_", " ").capitalize()
        yield label, _sentence(one["refusal"], studio)


def _sentence(refusal: StudioError, studio: Studio) -> str:
    return sentence_of(refusal, timezone=studio.timezone)


def _uses(choice: Choice | None) -> str | None:
    """Return which pass is taken, why, and what it has after."""
    if choice is None or choice.case.pass_type is None:
        return None
    held, pass_type = choice.case.held, choice.case.pass_type
    text = f"With {pass_type.label}{CHOSEN.get(choice.reason, '')}"
    if held.sessions_remaining is None:
        return f"{text}."
    try:
        cost = pass_type.punches_for(Event.CHECK_IN, held, choice.case.offer.candidate)
    except PassTypeUnavailable:
        return f"{text}."
    free = held.sessions_remaining - held.punches_held
    return f"{text}: {counted(max(0, free), 'punch')} free now, {max(0, free - cost)} after."
