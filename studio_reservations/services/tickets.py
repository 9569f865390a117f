"""A customer's passes as tickets: what each gives and holds, what was missed, what is paused. Reads only.

The number of queries grows with the zones of the studios, not with passes or reservations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import ClassSession, CustomerStudio, SessionReservation, Studio
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import Figure, HeldPass, HeldReservation, Remaining, Status, Step
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.policy import Policy
from studio_reservations.policies.reserving import Door, upcoming
from studio_reservations.services.actors import Actor
from studio_reservations.services.consequences import Missed, Pause, missed_of, pauses_of
from studio_reservations.services.listings import RESERVATIONS, Page, of_class, of_studio, window_of
from studio_reservations.services.pass_views import registrations_for
from studio_reservations.services.seen import load_held_passes

MOST_PASSES = 200
A_DAY = timedelta(days=1)
PUNCHED = ("punch", "session")
"""What is shown as a punch each; other units are only counted."""
_COMING = RESERVATIONS.add_columns(
    func.coalesce(of_class.self_check_in, of_studio.self_check_in, Policy().self_check_in).label("self_check_in")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Punch:
    """One punch of a pass: ``spent``, ``held`` or ``free``, and the session's start where it is the reader's to see."""

    number: int
    state: str
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a course: the plugin's word for its state, and the reservation that stands or was missed."""

    position: int
    title: str
    state: str
    reservation: HeldReservation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A pass, a row of `pass_views.REGISTRATIONS`, as one customer holds it.

    ``coming`` are their reservations that are not over; ``used`` is what the limit counts, of everybody on the pass. ``label``
    and ``figures`` are the plugin's words.
    """

    row: Any
    held: HeldPass
    label: str
    works: bool
    remaining: Remaining
    figures: Sequence[Figure]
    used: int
    coming: Sequence[Any]
    punches: Sequence[Punch]
    parts: Sequence[Part]
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """All that a customer holds, and what follows from what they missed; ``shut`` studios do not let them reserve yet."""

    tickets: Sequence[Ticket]
    shut: frozenset[UUID]
    missed: Sequence[Missed]
    pauses: Mapping[UUID, Pause]

    @property
    def missed_by_pass(self) -> list[list[Missed]]:
        """The missed classes, those of one pass together."""
        found: dict[UUID, list[Missed]] = {}
        for one in self.missed:
            found.setdefault(one.row.registration_id, []).append(one)
        return list(found.values())


def wallet_of(
    db_session: Session,
    *,
    actor: Actor,
    customer_id: UUID,
    now: datetime,
    pass_types: PassTypes,
    language: str | None = None,
) -> Wallet:
    """Return the passes of somebody for whom ``actor`` acts, a plugin's words in ``language``; ``pauses`` are by studio."""
    rows = registrations_for(
        db_session, actor=actor, customer_id=customer_id, studio=None, page=Page(limit=MOST_PASSES)
    )
    coming = _coming(db_session, customer_id, now)
    held = _held(db_session, rows, now)
    tickets = [
        _ticket(
            row,
            held[row.id],
            [one for one in coming if one.registration_id == row.id],
            sees_all=actor.acts_for(row.customer_id),
            actor=actor,
            pass_types=pass_types,
            language=language,
        )
        for row in rows
    ]
    return Wallet(
        tickets=sorted(tickets, key=_order),
        shut=_shut(db_session, customer_id, {row.studio_id for row in rows}),
        missed=missed_of(db_session, customer_id, now, coming, held),
        pauses=pauses_of(db_session, customer_id, now),
    )


def _held(db_session: Session, rows: Sequence[Any], now: datetime) -> dict[UUID, HeldPass]:
    held: dict[UUID, HeldPass] = {}
    for timezone in {row.timezone for row in rows}:
        of_zone = [row for row in rows if row.timezone == timezone]
        held |= load_held_passes(db_session, of_zone, now=now, timezone=timezone)
    return held


def _coming(db_session: Session, customer_id: UUID, now: datetime) -> list[Any]:
    """Return what is reserved and not over: neither the session nor its check-in."""
    rows = db_session.execute(
        _COMING.where(
            SessionReservation.customer_id == customer_id,
            SessionReservation.status.in_(("PENDING", "CHECKED_IN")),
            ClassSession.ends_at > now - A_DAY,
        ).order_by(ClassSession.starts_at, SessionReservation.id)
    ).all()
    return [
        row for row in rows if row.ends_at > now or (row.status == Status.PENDING and window_of(row).closes_at >= now)
    ]


def _ticket(
    row: Any,
    held: HeldPass,
    coming: Sequence[Any],
    *,
    sees_all: bool,
    actor: Actor,
    pass_types: PassTypes,
    language: str | None,
) -> Ticket:
    works, details = True, {}
    figures: Sequence[Figure] = ()
    try:
        pass_type = pass_types.get(held.pass_type)
        label, remaining, details = pass_type.label, pass_type.remaining(held), pass_type.status_fields(held)
        figures = [one for one in pass_type.figures(held, language=language) if not one.staff_only]
        label = pass_type.say(label, language=language)
    except PassTypeUnavailable:
        left = held.sessions_remaining
        available = None if left is None else max(0, left - held.punches_held)
        works, label = False, held.pass_type
        remaining = Remaining(available=available, included=held.sessions_included)
    seen = held.reservations if sees_all else tuple(one for one in held.reservations if actor.acts_for(one.customer_id))
    ended = held.valid_until is not None and held.valid_until < local_date(held.now, timezone=held.timezone)
    return Ticket(
        row=row,
        held=held,
        label=label,
        works=works,
        remaining=remaining,
        figures=figures,
        used=upcoming(held),
        coming=coming,
        punches=_punches(held, seen) if remaining.unit in PUNCHED else [],
        parts=_parts(held, seen, details.get("parts")),
        is_over=not coming and (held.status == "CANCELLED" or ended or held.sessions_remaining == 0),
    )


def _punches(held: HeldPass, seen: Sequence[HeldReservation]) -> list[Punch]:
    """Return each punch: the spent ones first, by date so far as it is known, then the held, then the free ones."""
    left = held.sessions_remaining
    if left is None:
        return []
    total = max(held.sessions_included or 0, left)
    spent_on = [one.starts_at for one in seen for _ in range(one.punches_used)]
    held_for = [one.starts_at for one in seen if one.status is Status.PENDING for _ in range(one.punches_held)]
    spent, holding = total - left, min(held.punches_held, left)
    unknown: list[datetime | None] = [None]
    dates = unknown * max(0, spent - len(spent_on)) + sorted(spent_on)[:spent]
    dates += sorted(held_for)[:holding] + unknown * max(0, holding - len(held_for))
    states = ["spent"] * spent + ["held"] * holding + ["free"] * (total - spent - holding)
    dates += unknown * (total - len(dates))
    return [
        Punch(number=number, state=state, starts_at=starts_at)
        for number, (state, starts_at) in enumerate(zip(states, dates, strict=True), 1)
    ]


def _parts(held: HeldPass, seen: Sequence[HeldReservation], told: Any) -> list[Part]:
    """Return the parts of a course as its plugin tells them, or none where it tells no parts."""
    if not isinstance(told, list) or not all(
        isinstance(one, dict) and {"position", "title", "state"} <= set(one) for one in told
    ):
        return []
    steps: dict[int, Step] = {
        step.position: step for step in held.steps if held.class_id is None or step.class_id == held.class_id
    }
    return [
        Part(
            position=one["position"],
            title=one["title"],
            state=one["state"],
            reservation=_standing(seen, steps.get(one["position"])),
        )
        for one in told
    ]


def _standing(seen: Sequence[HeldReservation], step: Step | None) -> HeldReservation | None:
    of_step = [one for one in seen if step is not None and one.step_id == step.id and (one.live or one.missed)]
    return max(of_step, key=lambda one: (one.live, one.starts_at), default=None)


def _shut(db_session: Session, customer_id: UUID, studio_ids: set[UUID]) -> frozenset[UUID]:
    """Return the studios whose rollout does not let the customer in. Source: rules.md §3, rule 1."""
    internal = and_(CustomerStudio.studio_id == Studio.id, CustomerStudio.customer_id == customer_id)
    rows = db_session.execute(
        select(Studio.id, Studio.rollout, CustomerStudio.internal)
        .outerjoin(CustomerStudio, internal)
        .where(Studio.id.in_(sorted(studio_ids)))
    ).all()
    return frozenset(row.id for row in rows if not Door(rollout=row.rollout, internal=bool(row.internal)).is_open)


def _order(ticket: Ticket) -> tuple[Any, ...]:
    """What is usable first, then what ends first; what is reserved moves no ticket."""
    return (
        ticket.is_over,
        ticket.held.status != "ACTIVE" or not ticket.works,
        str(ticket.held.valid_until or "9999"),
        ticket.row.id,
    )
