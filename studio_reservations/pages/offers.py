"""Sessions as they are offered to somebody: which pass would be used and why, what is reserved, what else there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from studio_reservations.errors import MakeupRequired, NoUsablePass, ReservationRefused, ReservationsDisabled
from studio_reservations.language import N_
from studio_reservations.models import Studio
from studio_reservations.pages.calls import Call
from studio_reservations.pass_types import Event, HeldPass
from studio_reservations.policies.choosing import SET_ASIDE
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.missing import would_be_cancelled_at
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
NOTHING_SPENT = N_("Used before counted passes, so that nothing is spent.")
"""The same as ``uncounted_first`` where no other pass counts punches."""

EVERYWHERE = frozenset({"customer_suspended", "reservations_disabled"})
"""What refuses the person, whatever the session: told once, above them."""
OF_ONE = frozenset({"class_not_covered", "session_cancelled", "session_started", "already_reserved", "session_full"})
"""What refuses a session by itself: told there, however many there are of it."""

MANY = 3
"""Sessions, of which it is told once above them what refuses each pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A pass for one session: what it would ``cost`` (``1 punch``) and why it is taken, or why it cannot be.

    ``cancelled_at`` is the night that would cancel the reservation again, for a class that was missed with this pass.
    """

    held: HeldPass
    name: str
    cost: str | None
    chosen: bool
    reason: str | None
    refusal: ReservationRefused | None
    cancelled_at: datetime | None


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
    def makes_up(self) -> Use | None:
        """The pass with which the session could be reserved as a makeup, where it cannot be otherwise."""
        of_part = (one for one in self.uses if isinstance(one.refusal, MakeupRequired))
        return next(of_part, None) if isinstance(self.refusal, MakeupRequired) else None

    @property
    def live(self) -> bool:
        """Whether the person has a seat."""
        return self.mine is not None and self.mine.status in ("PENDING", "CHECKED_IN", "ATTENDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What refuses each pass for ``count`` sessions alike, so that it is told once above them; ``of_all`` that are shown."""

    reasons: Sequence[tuple[Any, ...]]
    uses: Sequence[Use]
    count: int
    of_all: bool

    def covers(self, refusal: ReservationRefused | None) -> bool:
        """Tell whether this is why."""
        return _reasons(refusal) == self.reasons


def told_once(found: Sequence[Available]) -> ReservationRefused | None:
    """Return what refuses these sessions alike, so that it is told once above them all; None where one can be reserved."""
    refusals = [one.answer.refusal for one in found if one.answer.refusal is not None]
    if len(refusals) < len(found) or any(isinstance(one, MakeupRequired) for one in refusals):
        return None
    of_person = [one for one in refusals if one.code not in OF_ONE]
    first = next((one for one in of_person if one.code in EVERYWHERE), of_person[0] if of_person else None)
    if first is None or first.code in EVERYWHERE:
        return first
    return first if all(is_same(one, first) for one in of_person) else None


def is_same(one: ReservationRefused | None, other: ReservationRefused | None) -> bool:
    """Tell whether two refusals say the same."""
    return one is not None and other is not None and (one.code, one.values) == (other.code, other.values)


def told_alike(call: Call, found: Sequence[Available], titles: Mapping[UUID, str]) -> Alike | None:
    """Return what refuses each pass, for different reasons, where many of these sessions have the same ones."""
    reasons = [_reasons(one.answer.refusal) for one in found]
    counts = [reasons.count(one) if one else 0 for one in reasons]
    count = max(counts, default=0)
    if count < MANY:
        return None
    first = counts.index(count)
    return Alike(
        reasons=reasons[first], uses=_uses(call, found[first], titles), count=count, of_all=count == len(found)
    )


def _reasons(refusal: ReservationRefused | None) -> list[tuple[Any, ...]]:
    """Return each pass that says something about a session, and what it says; nothing where they say it alike."""
    passes = refusal.values["passes"] if isinstance(refusal, NoUsablePass) else ()
    told = [(one["registration_id"], one["refusal"]) for one in passes if one["refusal"].code not in SET_ASIDE]
    return [(registration_id, why.code, why.values) for registration_id, why in told]


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
    """Return name, used and limit of each pass that has a limit and can be used on one of these days."""
    if not found or isinstance(found[0].answer.refusal, ReservationsDisabled):
        return []
    first, last = (local_date(one.session.starts_at, timezone=one.timezone) for one in (found[0], found[-1]))
    return [
        (name_of(call, one.held, titles), upcoming(one.held), one.held.max_advance_reservations)
        for one in found[0].cases
        if one.held.status == "ACTIVE"
        and one.pass_type is not None
        and one.held.max_advance_reservations is not None
        and (one.held.valid_from or first) <= last
        and (one.held.valid_until or last) >= first
    ]


def name_of(call: Call, held: HeldPass, titles: Mapping[UUID, str]) -> str:
    """Return how people tell a pass from another, such as ``Punch pass, every class``."""
    found = call.state.pass_types.find(held.pass_type)
    label = call.say("Pass") if found is None else found.say(found.label, language=call.language.tag)
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
    return Use(
        held=case.held,
        name=name_of(call, case.held, titles),
        cost=call.amount(punches, case.held) if punches and case.held.sessions_remaining is not None else None,
        chosen=chosen,
        reason=_reason(call, choice.reason, one.cases) if chosen and choice is not None else None,
        refusal=refusal,
        cancelled_at=would_be_cancelled_at(case.held, starts_at=one.session.starts_at),
    )


def _reason(call: Call, reason: str, cases: Sequence[Case]) -> str | None:
    counted = [case.held for case in cases if case.held.sessions_remaining is not None]
    if reason == "uncounted_first" and counted and all(call.word_for(1, held) for held in counted):
        return NOTHING_SPENT
    return REASONS.get(reason)


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
