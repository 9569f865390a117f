"""A policy run over what people did: what the nights, the late terms and the suspensions would have made of it.

What people did stays as it was: who reserved when, came, gave up, was marked, waived, restored, lifted or suspended by staff.
What the policy does is done anew, each night on the hour. A reservation that would have been cancelled, or could not have been
made during a suspension, has no further effect; one that the policy of the day had cancelled and this one keeps is neither
missed nor attended. A pass that has run out is charged what is left. A class that was waived costs nothing, whenever it was
waived. The count begins at zero on the first day.
Source: rules.md §5, §6, §8; docs/decisions/0010.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldReservation, Status
from studio_reservations.policies.cancelling import free_cancellation_until, is_free, undo_until
from studio_reservations.policies.checking_in import check_in_window
from studio_reservations.policies.due import NIGHTLY, dates_due, due_at
from studio_reservations.policies.missing import auto_cancel_at, grace_ends_at
from studio_reservations.policies.past import Outcome, Past, PastReservation, Replayed, Tally
from studio_reservations.policies.policy import Policy
from studio_reservations.policies.replayed_suspensions import Suspensions

PolicyOf = Callable[[UUID | None], Policy]
PEOPLE, NIGHT = 0, 1
"""At the same instant people are first, then the jobs of a night in their order."""


def replay(past: Past, *, policy: PolicyOf, pass_types: PassTypes, class_id: UUID | None = None) -> Replayed:
    """Return what ``policy`` (of a class, or the studio's for None) would have made of the past.

    With ``class_id`` the numbers of missed and cancelled are those of one class; suspensions are always the studio's.
    """
    run = _Run(past, cache(policy), pass_types)
    for _, _, _, act, subject in sorted(run.timeline(), key=lambda one: one[:3]):
        act(subject)
    return run.outcome(class_id)


@dataclass(frozen=True, slots=True)
class _NoShow:
    """A no-show that acts: the night's order is that of rules.md §8, see `services.nights.futures`."""

    acts_at: datetime
    missed_at: datetime
    place: int
    cancels: bool


class _Run:
    """One replay. A reservation is known by its place in ``past.reservations``."""

    def __init__(self, past: Past, policy: PolicyOf, pass_types: PassTypes) -> None:
        self.past, self.policy, self.pass_types = past, policy, pass_types
        self.detect, self.cancel, self.enforce, self.lift = (_nights(past, job.at) for job in NIGHTLY)
        self.status = [Status.PENDING] * len(past.reservations)
        self.balance = {pass_id: one.punches for pass_id, one in past.passes.items()}
        self.charged: dict[int, int] = {}
        self.no_shows: list[int] = []
        self.late: list[int] = []
        self.cancelled: list[tuple[int, int]] = []
        self.acting: defaultdict[int, list[_NoShow]] = defaultdict(list)
        self.suspensions = Suspensions(timezone=past.timezone, policy=self.policy(None), nights=self.enforce)

    def timeline(self) -> Iterator[tuple[datetime, int, Any, Callable[[Any], None], Any]]:
        """Yield what happens: the instant, people before nights, a further order, and what is done with what."""
        until = self.past.until
        for place, one in enumerate(self.past.reservations):
            key = (one.ends_at, one.session_id, one.id)
            if one.outcome is Outcome.MISSED:
                at, by = self._missed_at(one)
                if at <= until:
                    yield at, by, key, self._miss, (place, at)
            elif (
                one.outcome is Outcome.CANCELLED and one.own_terms and one.at is not None and self._is_late(one, one.at)
            ):
                yield one.at, PEOPLE, key, self._give_up_late, (place, one.at)
            elif one.outcome is Outcome.CAME and one.punches and one.at is not None:
                yield one.at, PEOPLE, (), self._come, place
            if one.waived_at is not None:
                yield one.waived_at, PEOPLE, (), self._refund, place
        for pass_id, known in self.past.passes.items():
            for at, delta in known.changes:
                yield at, PEOPLE, (), self._change_punches, (pass_id, delta)
        for made in self.past.suspended_by_staff:
            yield made.starts_at, PEOPLE, (), self.suspensions.begin_by_staff, made
        for customer_id, at in self.past.lifted:
            yield at, PEOPLE, (), self.suspensions.let_off, (customer_id, at)
        jobs = (self.cancel, self._cancel), (self.enforce, self.suspensions.enforce), (self.lift, self.suspensions.lift)
        for rank, (nights, act) in enumerate(jobs, start=NIGHT + 1):
            for number, at in enumerate(nights):
                yield at, rank, (), act, (number, at)

    def outcome(self, class_id: UUID | None) -> Replayed:
        """Return what has happened."""
        past = self.past.reservations

        def counts(place: int) -> bool:
            return class_id is None or past[place].class_id == class_id

        late = [one for one in self.late if counts(one)]
        suspended = self.suspensions.by_policy()
        tally = Tally(
            no_shows=sum(map(counts, self.no_shows)),
            reservations_cancelled=sum(counts(cause) for _, cause in self.cancelled),
            late_cancellations=len(late),
            late_cancellations_charged=sum(bool(self.charged.get(one)) for one in late),
            late_cancellations_counted=sum(
                self.policy(past[one].class_id).late_cancel_counts_as_no_show and past[one].waived_at is None
                for one in late
            ),
            punches_charged=sum(punches for place, punches in self.charged.items() if counts(place)),
            customers_suspended=len(suspended),
            reservations_refused=sum(map(self._refused, range(len(past)))),
        )
        return Replayed(
            tally=tally,
            suspended=suspended,
            missed=self.suspensions.missed(),
        )

    def _missed_at(self, one: PastReservation) -> tuple[datetime, int]:
        """Return when it becomes a no-show, and by whom: staff, or the first night after the check-in window."""
        said = (one.at or datetime.max.replace(tzinfo=one.ends_at.tzinfo), PEOPLE)
        if one.called_off:
            return said
        window = check_in_window(starts_at=one.starts_at, ends_at=one.ends_at, policy=self.policy(one.class_id))
        number = bisect_right(self.detect, window.closes_at)
        return min(said, (self.detect[number], NIGHT)) if number < len(self.detect) else said

    def _is_late(self, one: PastReservation, at: datetime) -> bool:
        policy = self.policy(one.class_id)
        moved = one.moved_at is not None and one.reserved_at <= one.moved_at <= at
        until = free_cancellation_until(starts_at=one.starts_at, timezone=self.past.timezone, policy=policy)
        return not is_free(
            now=at,
            free_until=one.starts_at if moved else until,
            undo_until=undo_until(first_reserved_at=one.first_reserved_at, policy=policy),
            starts_at=one.starts_at,
            checked_in=False,
        )

    def _refused(self, place: int) -> bool:
        """Return whether it could not have been made, for the customer was suspended."""
        one = self.past.reservations[place]
        return not one.let_in and self.suspensions.cover(one.customer_id, one.reserved_at)

    def _stands(self, place: int) -> bool:
        return self.status[place] is Status.PENDING and not self._refused(place)

    def _status_at(self, place: int, now: datetime) -> Status:
        """Return the state of a reservation that was made, as of ``now``."""
        one = self.past.reservations[place]
        if self.status[place] is not Status.PENDING or one.at is None or one.at > now:
            return self.status[place]
        if one.outcome is Outcome.CAME:
            return Status.ATTENDED if one.ends_at <= now else Status.CHECKED_IN
        if one.outcome is Outcome.CANCELLED and not self._kept(place):
            return Status.CANCELLED
        return Status.PENDING

    def _kept(self, place: int) -> bool:
        """Return whether it was given up for another one that could not have been made."""
        other = self.past.replaced_by.get(place)
        return other is not None and self._refused(other)

    def _charge(self, place: int, due: int) -> None:
        pass_id = self.past.reservations[place].registration_id
        left = self.balance.get(pass_id, 0)
        if punches := min(due, left):
            self.balance[pass_id] = left - punches
            self.charged[place] = self.charged.get(place, 0) + punches

    def _refund(self, place: int) -> None:
        if punches := self.charged.pop(place, 0):
            self.balance[self.past.reservations[place].registration_id] += punches

    def _change_punches(self, change: tuple[UUID, int]) -> None:
        pass_id, delta = change
        self.balance[pass_id] = max(0, self.balance[pass_id] + delta)

    def _come(self, place: int) -> None:
        one = self.past.reservations[place]
        if self._stands(place) and one.registration_id in self.balance:
            left = self.balance[one.registration_id]
            self.balance[one.registration_id] = left - min(one.punches, left)

    def _give_up_late(self, act: tuple[int, datetime]) -> None:
        place, at = act
        if not self._stands(place) or self._kept(place):
            return
        one = self.past.reservations[place]
        policy = self.policy(one.class_id)
        self.status[place] = Status.CANCELLED
        self.late.append(place)
        if policy.deduct_punch_on_late_cancel:
            self._charge(place, one.late_punches)
        if policy.late_cancel_counts_as_no_show:
            self._count(one, at, self._grace(one, at))

    def _miss(self, act: tuple[int, datetime]) -> None:
        place, at = act
        if not self._stands(place):
            return
        one = self.past.reservations[place]
        policy = self.policy(one.class_id)
        self.status[place] = Status.NO_SHOW
        self.no_shows.append(place)
        if policy.deduct_punch_on_no_show:
            self._charge(place, one.no_show_punches)
        if one.waived_at is not None:
            return
        grace = self._grace(one, max(one.ends_at, at))
        night = auto_cancel_at(grace_ends_at=grace, timezone=self.past.timezone, policy=policy)
        self.acting[bisect_left(self.cancel, night or grace)].append(
            _NoShow(night or grace, one.ends_at, place, cancels=night is not None)
        )
        self._count(one, one.ends_at, grace)

    def _grace(self, one: PastReservation, missed_at: datetime) -> datetime:
        policy = self.policy(one.class_id)
        return grace_ends_at(missed_at=missed_at, policy=policy, absence_grace_period_hours=one.grace_hours)

    def _count(self, one: PastReservation, missed_at: datetime, grace: datetime) -> None:
        if one.waived_at is None:
            self.suspensions.count(one.customer_id, missed_at=missed_at, grace_ends_at=grace)

    def _cancel(self, night: tuple[int, datetime]) -> None:
        number, now = night
        past = self.past.reservations
        due = self.acting.pop(number, [])
        for no_show in sorted(due, key=lambda one: (one.acts_at, one.missed_at, past[one.place].id)):
            theirs = self.past.of_pass[past[no_show.place].registration_id]
            coming = [place for place in theirs if past[place].starts_at > now and self._is_pending(place, now)]
            if coming and not no_show.cancels:
                dependents = self._dependents(no_show.place, now)
                coming = [place for place in coming if past[place].id in dependents]
            for place in coming:
                if not past[place].spared:
                    self.status[place] = Status.AUTO_CANCELLED
                    self.cancelled.append((place, no_show.place))

    def _is_pending(self, place: int, now: datetime) -> bool:
        made = self.past.reservations[place].reserved_at <= now
        return made and self._stands(place) and self._status_at(place, now) is Status.PENDING

    def _dependents(self, lost: int, now: datetime) -> tuple[UUID, ...]:
        """Return what cannot stand without a missed prerequisite, as the pass type says of the pass as it was that night."""
        held = self.past.held.get(self.past.reservations[lost].registration_id)
        if held is None:
            return ()
        then = {one.id: seen for one in held.reservations if (seen := self._as_of(one, now)) is not None}
        held = replace(held, now=now, reservations=tuple(then.values()))
        try:
            return self.pass_types.get(held.pass_type).dependents(held, then[self.past.reservations[lost].id])
        except PassTypeUnavailable:
            return ()

    def _as_of(self, one: HeldReservation, now: datetime) -> HeldReservation | None:
        place = self.past.places.get(one.id)
        if place is None:
            return one
        if one.reserved_at > now or self._refused(place):
            return None
        return replace(one, status=self._status_at(place, now))


def _nights(past: Past, at: time) -> list[datetime]:
    """Return the instants of a nightly job from the first day on, ascending."""
    before = past.first_day - timedelta(days=1)
    days = dates_due(past.until, at, timezone=past.timezone, done=before, since=past.until)
    return [due_at(day, at, timezone=past.timezone) for day in days]
