"""What follows a missed class: grace, the night that cancels, the window in which it counts.

Source: rules.md §2, §6.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.local_time import day_start, local_date, next_wall_time
from studio_reservations.policies.policy import Policy

AUTO_CANCEL_HOUR = time(2)


def grace_ends_at(*, missed_at: datetime, policy: Policy, absence_grace_period_hours: int | None) -> datetime:
    """Return until when staff may forgive without consequence; the registration's own hours win over the policy's."""
    hours = policy.grace_period_hours if absence_grace_period_hours is None else absence_grace_period_hours
    return missed_at + timedelta(hours=hours)


def auto_cancel_at(*, grace_ends_at: datetime, timezone: str, policy: Policy) -> datetime | None:
    """Return the first local 02:00 at or after the end of grace; None where the policy leaves coming reservations alone."""
    return next_wall_time(grace_ends_at, AUTO_CANCEL_HOUR, timezone=timezone) if policy.auto_cancel_futures else None


def next_night(threatened_at: datetime, *, now: datetime, timezone: str) -> datetime:
    """Return the night that cancels for a missed class: its own, or the next where that has passed and did nothing."""
    return threatened_at if threatened_at > now else next_wall_time(now, AUTO_CANCEL_HOUR, timezone=timezone)


def cancelled_at(
    threatened_at: datetime | None, *, starts_at: datetime, now: datetime, timezone: str
) -> datetime | None:
    """Return the night that cancels what starts at ``starts_at``, or None where none comes before it."""
    if threatened_at is None:
        return None
    night = next_night(threatened_at, now=now, timezone=timezone)
    return night if night < starts_at else None


def would_be_cancelled_at(held: HeldPass, *, starts_at: datetime) -> datetime | None:
    """Return the night that would cancel a new reservation of this pass for a class that was missed, or None."""
    threats = [one.threatens_at for one in held.reservations if one.threatens_at is not None]
    return cancelled_at(min(threats, default=None), starts_at=starts_at, now=held.now, timezone=held.timezone)


def suspension_end(*, starts_at: datetime, days: int, timezone: str) -> tuple[date, datetime]:
    """Return the last suspended local date and the instant at which it is over."""
    ends_on = local_date(starts_at, timezone=timezone) + timedelta(days=days - 1)
    return ends_on, suspension_over_at(ends_on, timezone=timezone)


def suspension_over_at(ends_on: date, *, timezone: str) -> datetime:
    """Return the first instant after the local day ``ends_on``."""
    return day_start(ends_on + timedelta(days=1), timezone=timezone)
