"""A pass type without a fault, of which the tests change one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio_reservations.errors import PunchesExhausted
from studio_reservations.pass_types import Candidate, Event, HeldPass, Issue, PassType, Remaining


class TwoPunches(PassType):
    """Two punches, one a class."""

    key = "two_punches"
    label = "Two punches"

    def issue(self, options: Mapping[str, Any]) -> Issue:
        return Issue(sessions_included=2)

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        if (held.sessions_remaining or 0) - held.punches_held < 1:
            raise PunchesExhausted(remaining=held.sessions_remaining, held=held.punches_held)

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        return 1

    def remaining(self, held: HeldPass) -> Remaining:
        left = held.sessions_remaining or 0
        return Remaining(available=max(0, left - held.punches_held), included=2, unit="punch")
