"""Until when a cancellation is free.

Source: rules.md §5.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from studio_reservations.policies.local_time import hours_before
from studio_reservations.policies.policy import Policy


def free_cancellation_until(*, starts_at: datetime, timezone: str, policy: Policy) -> datetime:
    """Return the last instant, UTC, at which cancelling is early; counted on the studio's wall clock."""
    return hours_before(starts_at, policy.cancellation_cutoff_hours, timezone=timezone)


def undo_until(*, first_reserved_at: datetime, policy: Policy) -> datetime:
    """Return the last instant at which a fresh reservation can be undone, also inside the cutoff."""
    return first_reserved_at + timedelta(minutes=policy.undo_minutes)


def is_free(
    *, now: datetime, free_until: datetime, undo_until: datetime, starts_at: datetime, checked_in: bool
) -> bool:
    """Return whether a customer's cancellation at ``now`` costs nothing: early, or an undo before start and check-in."""
    return now <= free_until or (now <= undo_until and now < starts_at and not checked_in)
