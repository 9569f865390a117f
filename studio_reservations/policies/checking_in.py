"""When somebody may be checked in.

Source: rules.md §7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.policies.policy import Policy


@dataclass(frozen=True, slots=True)
class Window:
    """From ``opens_at`` to ``closes_at``, both inclusive, UTC."""

    opens_at: datetime
    closes_at: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.opens_at <= instant <= self.closes_at


def check_in_window(*, starts_at: datetime, ends_at: datetime, policy: Policy) -> Window:
    """Return when a customer may check in alone."""
    return Window(
        starts_at - timedelta(minutes=policy.check_in_opens_minutes_before),
        ends_at + timedelta(minutes=policy.check_in_closes_minutes_after),
    )


def class_day(*, starts_at: datetime, ends_at: datetime, timezone: str) -> Window:
    """Return when staff may check in without an override: local 00:00 of the start date to the end of the end date."""
    last_day = local_date(ends_at, timezone=timezone)
    return Window(
        day_start(local_date(starts_at, timezone=timezone), timezone=timezone),
        day_start(last_day + timedelta(days=1), timezone=timezone) - timedelta(microseconds=1),
    )


def code_validity(*, starts_at: datetime, ends_at: datetime, timezone: str, policy: Policy) -> Window:
    """Return when the QR code of a reservation is worth something: class day's start to the later of window and class day."""
    day = class_day(starts_at=starts_at, ends_at=ends_at, timezone=timezone)
    window = check_in_window(starts_at=starts_at, ends_at=ends_at, policy=policy)
    return Window(day.opens_at, max(day.closes_at, window.closes_at))
