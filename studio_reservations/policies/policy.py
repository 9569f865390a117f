"""The policy in force as a frozen value.

Source: rules.md §6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the studio chose, a class's fields laid over it; the defaults are those of rules.md §6. Units are in the names."""

    grace_period_hours: int = 24
    auto_cancel_futures: bool = True
    max_no_shows: int | None = 3
    no_show_window_days: int | None = 90
    suspension_days: int = 14
    deduct_punch_on_no_show: bool = False
    cancellation_cutoff_hours: int = 24
    undo_minutes: int = 15
    deduct_punch_on_late_cancel: bool = False
    late_cancel_counts_as_no_show: bool = False
    check_in_opens_minutes_before: int = 120
    check_in_closes_minutes_after: int = 120
    self_check_in: str = "anywhere"

    @classmethod
    def in_force(cls, *layers: Mapping[str, Any] | None) -> Self:
        """Lay the rows of the studio and of the class over the defaults, in that order; a null field inherits.

        ``never_suspends`` and ``window_is_forever`` of the studio's row mean a null limit.
        """
        names = [one.name for one in fields(cls)]
        values: dict[str, Any] = {}
        for layer in layers:
            if layer is not None:
                values |= {name: layer[name] for name in names if layer.get(name) is not None}
                if layer.get("never_suspends"):
                    values["max_no_shows"] = None
                if layer.get("window_is_forever"):
                    values["no_show_window_days"] = None
        return cls(**values)
