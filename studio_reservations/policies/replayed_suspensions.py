"""Whom a replay suspends, as `services.nights.suspending` does it.

Source: rules.md §6, §8.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.policies.missing import suspension_end
from studio_reservations.policies.past import StaffSuspension
from studio_reservations.policies.policy import Policy


@dataclass(slots=True)
class _Suspension:
    starts_at: datetime
    ends_at: datetime
    by_policy: bool
    ended_at: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        return self.starts_at <= instant < min(self.ends_at, self.ended_at or self.ends_at)


class Suspensions:
    """What counts against each customer, and their suspensions, as time goes by; ``nights`` are those that enforce.

    A customer is looked at in the nights in which their count can have grown: when a grace or a suspension is over.
    """

    def __init__(self, *, timezone: str, policy: Policy, nights: Sequence[datetime]) -> None:
        self._timezone, self._policy, self._nights = timezone, policy, nights
        self._counted: defaultdict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
        self._due: defaultdict[int, set[UUID]] = defaultdict(set)
        self._made: defaultdict[UUID, list[_Suspension]] = defaultdict(list)

    def by_policy(self) -> dict[UUID, datetime]:
        """Return whom the policy suspended, and when first."""
        return {
            customer_id: min(begun)
            for customer_id, theirs in self._made.items()
            if (begun := [one.starts_at for one in theirs if one.by_policy])
        }

    def missed(self) -> dict[UUID, int]:
        """Return what has counted or will, by customer."""
        return {customer_id: len(theirs) for customer_id, theirs in self._counted.items()}

    def cover(self, customer_id: UUID, instant: datetime) -> bool:
        """Return whether the customer was suspended at ``instant``, which is past."""
        return any(one.covers(instant) for one in self._made.get(customer_id, ()))

    def count(self, customer_id: UUID, *, missed_at: datetime, grace_ends_at: datetime) -> None:
        """Hold a missed class against the customer from the end of its grace."""
        self._counted[customer_id].append((missed_at, grace_ends_at))
        self._due[bisect_left(self._nights, grace_ends_at)].add(customer_id)

    def enforce(self, night: tuple[int, datetime]) -> None:
        """Suspend whoever is at or over the limit and is not suspended, in the night of that number and instant."""
        number, now = night
        policy, due = self._policy, self._due.pop(number, set())
        if policy.max_no_shows is None:
            return
        for customer_id in due:
            theirs = self._made.get(customer_id, [])
            if all(one.ended_at is not None for one in theirs) and self._count(customer_id, now) >= policy.max_no_shows:
                _, ends_at = suspension_end(starts_at=now, days=policy.suspension_days, timezone=self._timezone)
                self._made[customer_id].append(_Suspension(now, ends_at, by_policy=True))

    def lift(self, night: tuple[int, datetime]) -> None:
        """End what is over."""
        _, now = night
        for customer_id, theirs in self._made.items():
            for one in theirs:
                if one.ended_at is None and one.ends_at <= now:
                    self._end(customer_id, one, one.ends_at, now)

    def let_off(self, act: tuple[UUID, datetime]) -> None:
        """End what stands, for staff lifted the customer's suspension at that instant."""
        customer_id, at = act
        for one in self._made.get(customer_id, ()):
            if one.ended_at is None:
                self._end(customer_id, one, min(at, one.ends_at), at)

    def begin_by_staff(self, made: StaffSuspension) -> None:
        """Suspend as staff did, unless the customer is suspended already."""
        theirs = self._made[made.customer_id]
        for one in theirs:
            if one.ended_at is None:
                if one.ends_at > made.starts_at:
                    return
                one.ended_at = one.ends_at
        theirs.append(_Suspension(made.starts_at, made.ends_at, by_policy=False))

    def _count(self, customer_id: UUID, now: datetime) -> int:
        """Return what counts at ``now``: as `services.counting.counting` says it."""
        since = max((one.starts_at for one in self._made.get(customer_id, ())), default=None)
        first = None
        if self._policy.no_show_window_days is not None:
            day = local_date(now, timezone=self._timezone) - timedelta(days=self._policy.no_show_window_days)
            first = day_start(day, timezone=self._timezone)
        return sum(
            grace_ends_at <= now and (since is None or missed_at > since) and (first is None or missed_at >= first)
            for missed_at, grace_ends_at in self._counted[customer_id]
        )

    def _end(self, customer_id: UUID, suspension: _Suspension, ended_at: datetime, now: datetime) -> None:
        suspension.ended_at = ended_at
        self._due[bisect_right(self._nights, now)].add(customer_id)
