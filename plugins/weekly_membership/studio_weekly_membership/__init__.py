"""So many sessions a week, by the studio's week; unused ones lapse, or roll over up to a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from pydantic import Field

from studio_reservations.errors import ReservationRefused
from studio_reservations.pass_types import Candidate, Figure, HeldPass, Issue, Options, PassType, Remaining, week_of

WEEK = timedelta(days=7)
NOTHING_LEFT = (
    "This membership gives {a_week:# session|# sessions} a week, and nothing is left in the week of {week}. "
    "Choose another week, or cancel a session of that one."
)


class WeekUsedUp(ReservationRefused):
    """``a_week``: what the membership gives; ``week``: the Monday of the week that was asked for."""

    code = "week_used_up"
    sentence = NOTHING_LEFT


FRENCH = {
    "Weekly membership": "Abonnement hebdomadaire",
    "Sessions a week": "Séances par semaine",
    "From Monday to Sunday, by the studio's clock.": "Du lundi au dimanche, à l’heure du studio.",
    "Carried over": "Séances reportées",
    "How many unused sessions the next week gets at most.": "Ce que la semaine suivante en reçoit au plus.",
    "Weeks without a session": "Semaines sans séance",
    "Week used up": "Semaine épuisée",
    NOTHING_LEFT: (
        "Cet abonnement donne {a_week:# séance|# séances} par semaine, et il ne reste rien la semaine du {week}. "
        "Choisissez une autre semaine, ou annulez une séance de celle-ci."
    ),
}


class WeeklyMembershipOptions(Options):
    """How much a week, and what becomes of the rest."""

    a_week: int = Field(
        ge=1, le=14, title="Sessions a week", description="From Monday to Sunday, by the studio's clock."
    )
    carried: int = Field(
        default=0, ge=0, le=14, title="Carried over", description="How many unused sessions the next week gets at most."
    )


class WeeklyMembership(PassType):
    """A membership that is used week by week."""

    contract = 1
    key = "weekly_membership"
    label = "Weekly membership"
    rank = 30
    Options = WeeklyMembershipOptions
    translations: ClassVar = {"fr": FRENCH}

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin without a count, for the weeks are counted; four weeks can be reserved ahead."""
        return Issue(max_advance_reservations=4 * options["a_week"])

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Allow what leaves no week with more than it gives, later weeks that count on this one's rest among them.

        :raises WeekUsedUp:
        """
        week = week_of(session.local_start.date())
        if _goes_over(held, week):
            raise WeekUsedUp(a_week=held.options["a_week"], week=week)

    def remaining(self, held: HeldPass) -> Remaining:
        """Return what this week still gives, or the first one where the membership has not begun."""
        week = max(_began(held), _week(held, held.now))
        left = next(sessions for sessions in count() if _goes_over(held, week, sessions + 1))
        return Remaining(available=left, included=left + _used(held)[week])

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        """Return how many weeks passed without a session, for staff: who does not come does not stay."""
        began, this_week = _began(held), _week(held, held.now)
        idle = (this_week - began) // WEEK - sum(began <= week < this_week for week in _used(held))
        return (Figure(key="idle_weeks", label="Weeks without a session", value=max(0, idle), staff_only=True),)


def _week(held: HeldPass, instant: datetime) -> date:
    return week_of(held.local(instant).date())


def _began(held: HeldPass) -> date:
    return week_of(held.valid_from or held.local(held.issued_at or held.now).date())


def _used(held: HeldPass) -> Counter[date]:
    """Count by week what stands and what was missed."""
    return Counter(_week(held, one.starts_at) for one in held.reservations if one.live or one.missed)


def _goes_over(held: HeldPass, week: date, sessions: int = 1) -> bool:
    """Tell whether so many sessions more take what no week gives; what was over before (staff moved one) is forgiven."""
    used = _used(held)
    return _missing(held, used + Counter({week: sessions})) > _missing(held, used)


def _missing(held: HeldPass, used: Counter[date]) -> int:
    """Return how many of the sessions ``used`` no week gives."""
    a_week, carried = held.options["a_week"], held.options["carried"]
    if not used:
        return 0
    # So many unused weeks before the first used one carry as much as can be carried.
    week, left, missing = max(_began(held), min(used) - carried * WEEK), 0, 0
    while week <= max(used):
        left = min(left, carried) + a_week - used[week]
        missing, left = missing - min(left, 0), max(left, 0)
        week += WEEK
    return missing
