"""A pass without counting: any number of sessions while it is valid.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from studio_pass_types.advance import AdvanceOptions
from studio_pass_types.french import FRENCH
from studio_reservations.pass_types import Issue, PassType


class UnlimitedSeries(PassType):
    """Any session that the pass covers, while it is valid."""

    key = "unlimited_series"
    label = "Unlimited series"
    rank = 10
    Options = AdvanceOptions
    translations: ClassVar = {"fr": FRENCH}

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin without a count."""
        return Issue(max_advance_reservations=options["max_advance"])
