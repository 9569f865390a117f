"""A pass of a fixed number of sessions.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from studio_pass_types.advance import AdvanceOptions
from studio_pass_types.french import FRENCH
from studio_reservations.errors import PunchesExhausted
from studio_reservations.pass_types import Candidate, Event, HeldPass, Issue, Options, PassType, Remaining


class PunchPassOptions(AdvanceOptions):
    """How many sessions are sold."""

    sessions: int = Field(
        ge=1, le=500, title="Sessions", description="How many sessions the pass is good for: one punch each."
    )


class PunchPass(PassType):
    """A fixed number of sessions, one punch each, held at reservation and spent at check-in."""

    key = "punch_pass"
    label = "Punch pass"
    Options: ClassVar[type[Options]] = PunchPassOptions
    translations: ClassVar = {"fr": FRENCH}

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin with a punch for every session sold."""
        return Issue(sessions_included=options["sessions"], max_advance_reservations=options["max_advance"])

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Ask for a punch that no other reservation holds. :raises PunchesExhausted:"""
        if _available(held) < self.punches_for(Event.CHECK_IN, held, session):
            raise PunchesExhausted(remaining=_punches(held), held=held.punches_held)

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Cost one punch, whatever the event; whether a missed class is charged at all is the studio's policy."""
        return 1

    def remaining(self, held: HeldPass) -> Remaining:
        """Return the punches that no reservation holds."""
        return Remaining(available=_available(held), included=held.sessions_included, unit="punch")

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return how the punches are spread: ``remaining`` = ``held`` + ``available``, unless staff took held ones away."""
        return {"remaining": _punches(held), "held": held.punches_held, "available": _available(held)}


def _punches(held: HeldPass) -> int:
    return held.sessions_remaining or 0


def _available(held: HeldPass) -> int:
    return max(0, _punches(held) - held.punches_held)
