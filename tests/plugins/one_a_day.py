"""Pass types that tests install by a setting: one that works, and others that do not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from studio_reservations.pass_types import Candidate, Event, HeldPass, Issue, PassType, Remaining


class OneADay(PassType):
    """Three punches, one a class."""

    key = "one_a_day"
    label = "One a day"

    def issue(self, options: Mapping[str, Any]) -> Issue:
        return Issue(sessions_included=3)

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        return 1

    def remaining(self, held: HeldPass) -> Remaining:
        return Remaining(available=(held.sessions_remaining or 0) - held.punches_held, included=3, unit="punch")


class Broken(OneADay):
    """It cannot say what remains."""

    def remaining(self, held: HeldPass) -> Remaining:
        raise LookupError("the price list is empty")


class Slow(OneADay):
    """It thinks for longer than it may."""

    def remaining(self, held: HeldPass) -> Remaining:
        until = time.perf_counter() + 0.06
        while time.perf_counter() < until:
            pass
        return super().remaining(held)
