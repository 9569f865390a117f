"""Sessions as they are offered to somebody: which pass would be used and why, what is reserved, what else there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from studio_reservations.errors import ReservationRefused
from studio_reservations.language import N_
from studio_reservations.models import Studio
from studio_reservations.pages.calls import Call
from studio_reservations.pass_types import Event, HeldPass
from studio_reservations.policies.choosing import SET_ASIDE
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.reserving import Case, refusal_of, upcoming
from studio_reservations.services.pass_views import reservations_between
from studio_reservations.services.reservation_questions import Available

REASONS: Mapping[str, str] = {
    "only_one": N_("The only one that can be used for this session."),
    "uncounted_first": N_("Used before counted passes, so that no punch is spent."),
    "soonest_expiry": N_("Used first, because it ends first."),
    "fewest_left": N_("Used first, because the least is left on it."),
    "oldest": N_("Used first, because it is the oldest."),
}
"""Why a pass is taken where none is named, by `Choice.reason`."""

EVERYWHERE = frozenset({"customer_suspended", "reservations_disabled"})
"""What refuses every session alike: told once, above them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A pass for one session: what it would cost and why it is taken, or why it cannot be."""

    held: HeldPass
    name: str
    punches: int
    chosen: bool
    reason: str | None
    refusal: ReservationRefused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A session (a row of `board.OFFERED`) for one person; ``mine`` is their reservation, ``instead`` another day."""

    row: Any
    timezone: str
    reservable: bool
    refusal: ReservationRefused | None
    uses: Sequence[Use]
    mine: Any
    instead: Any = None

    @property
    def day(self) -> date:
        """The local day."""
        return local_date(self.row.starts_at, timezone=self.timezone)

    @property
    def left(self) -> int:
        """The seats left."""
        return int(max(0, self.row.capacity - self.row.seats_taken))

    @property
    def chosen(self) -> Use | None:
        """The pass that is used where none is named."""
        return next((one for one in self.uses if one.chosen), None)

    @property
    def live(self) -> bool:
        """Whether the person has a seat."""
        return self.mine is not None and self.mine.status in ("PENDING", "CHECKED_IN", "ATTENDED")


def refuses_everything(refusal: ReservationRefused | None) -> bool:
    """Tell whether a refusal is of the person and not of the session, so that it is told once above them all."""
    if refusal is None:
        return False
    return refusal.code in EVERYWHERE or (refusal.code == "no_usable_pass" and not refusal.values.get("passes"))


def cards_of(call: Call, studio: Studio, found: Sequence[Available], titles: Mapping[UUID, str]) -> list[Card]:
    """Return the sessions as cards; ``titles`` are those of the studio's classes."""
    if not found:
        return []
    mine = reservations_between(
        call.db_session,
        customer_id=call.person.id,
        studio_id=studio.id,
        starts_from=found[0].session.starts_at,
        starts_before=found[-1].session.starts_at + timedelta(seconds=1),
    )
    return [_card(call, one, found, mine.get(one.session.id), titles) for one in found]


def limits_of(call: Call, found: Sequence[Available], titles: Mapping[UUID, str]) -> list[tuple[str, int, int]]:
    """Return name, used and limit of each usable pass that has a limit."""
    cases = found[0].cases if found else ()
    return [
        (name_of(call, one.held, titles), upcoming(one.held), one.held.max_advance_reservations)
        for one in cases
        if one.held.status == "ACTIVE" and one.held.max_advance_reservations is not None
    ]


def name_of(call: Call, held: HeldPass, titles: Mapping[UUID, str]) -> str:
    """Return how people tell a pass from another, such as ``Punch pass, every class``."""
    known = held.pass_type in call.state.pass_types
    label = call.say(call.state.pass_types.get(held.pass_type).label) if known else call.say("Pass")
    covers = call.say("every class") if held.class_id is None else titles.get(held.class_id)
    return f"{label}, {covers}" if covers else label


def _card(call: Call, one: Available, found: Sequence[Available], mine: Any, titles: Mapping[UUID, str]) -> Card:
    refusal = one.answer.refusal
    return Card(
        row=one.session,
        timezone=one.timezone,
        reservable=bool(one.answer),
        refusal=refusal,
        uses=_uses(call, one, titles),
        mine=mine,
        instead=_instead(one, found) if refusal is not None and refusal.code == "session_full" else None,
    )


def _uses(call: Call, one: Available, titles: Mapping[UUID, str]) -> list[Use]:
    """Return the passes that say something about the session, the one that is taken first."""
    choice = one.answer.choice
    uses = [_use(call, case, one, titles) for case in one.cases]
    telling = [use for use in uses if use.refusal is None or use.refusal.code not in SET_ASIDE]
    taken = None if choice is None else choice.case.held.id
    return sorted(telling, key=lambda use: (use.held.id != taken, use.refusal is not None, use.held.id))


def _use(call: Call, case: Case, one: Available, titles: Mapping[UUID, str]) -> Use:
    choice = one.answer.choice
    chosen = choice is not None and case.held.id == choice.case.held.id
    refusal = refusal_of(case)
    punches = 0
    if refusal is None and case.pass_type is not None:
        try:
            punches = case.pass_type.punches_for(Event.CHECK_IN, case.held, case.offer.candidate)
        except ReservationRefused as broken:
            refusal = broken
    counted = case.held.sessions_remaining is not None
    return Use(
        held=case.held,
        name=name_of(call, case.held, titles),
        punches=punches if counted else 0,
        chosen=chosen,
        reason=REASONS.get(choice.reason) if chosen and choice is not None else None,
        refusal=refusal,
    )


def _instead(one: Available, found: Sequence[Available]) -> Any:
    """Return the next session of the same class and part that can be reserved."""
    row = one.session
    later = (
        other.session
        for other in found
        if other.answer
        and other.session.class_id == row.class_id
        and other.session.step_id == row.step_id
        and other.session.starts_at > row.starts_at
    )
    return next(later, None)
