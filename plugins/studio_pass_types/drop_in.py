"""A pass for one class: what a walk-in buys.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio_pass_types.punch_pass import PunchPass
from studio_reservations.pass_types import Issue, Options


class DropIn(PunchPass):
    """A punch pass of one punch."""

    key = "drop_in"
    label = "Drop-in"
    Options = Options

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin with one punch, for one reservation."""
        return Issue(sessions_included=1, max_advance_reservations=1)
