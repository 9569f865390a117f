"""A studio's past as frozen values, and what a policy would have made of it.

Source: rules.md §5, §6, §8; docs/decisions/0010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from studio_reservations.pass_types import HeldPass


class Outcome(StrEnum):
    """What became of a reservation by what people did."""

    CAME = "CAME"
    CANCELLED = "CANCELLED"
    MISSED = "MISSED"
    UNKNOWN = "UNKNOWN"
    """The policy of the day had cancelled it: nobody knows whether the customer would have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReservation:
    """A reservation, its session as it stands now, and what people did with it.

    ``at`` is when they did: checked in, gave it up, or staff said that the customer was missing (None: nobody said).
    ``own_terms``: the customer gave it up, not the studio. ``spared``: a manager restored it. ``let_in``: a manager set a
    suspension aside for it. ``moved_at``: when its session was last moved. ``grace_hours`` are the pass's own.
    ``punches`` is what it cost to come, ``no_show_punches`` and ``late_punches`` what the pass type asks.
    """

    id: UUID
    registration_id: UUID
    customer_id: UUID
    session_id: UUID
    class_id: UUID
    starts_at: datetime
    ends_at: datetime
    called_off: bool
    reserved_at: datetime
    first_reserved_at: datetime
    outcome: Outcome
    at: datetime | None = None
    own_terms: bool = False
    replaces_id: UUID | None = None
    waived_at: datetime | None = None
    spared: bool = False
    let_in: bool = False
    moved_at: datetime | None = None
    grace_hours: int | None = None
    punches: int = 0
    no_show_punches: int = 0
    late_punches: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPass:
    """A counted pass: its punches when the past begins, and what changed them since but for the reservations of the past."""

    punches: int
    changes: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSuspension:
    """A suspension that staff made."""

    customer_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Past:
    """What people did at a studio from the local day ``first_day`` until ``until``.

    ``reservations`` are those of the sessions from that day on, also of coming ones. ``lifted``: who was let off a suspension
    by staff, and when. ``held``: the passes with something missed, as they stand now.
    """

    timezone: str
    first_day: date
    until: datetime
    reservations: tuple[PastReservation, ...] = ()
    passes: Mapping[UUID, PastPass] = field(default_factory=dict)
    suspended_by_staff: tuple[StaffSuspension, ...] = ()
    lifted: tuple[tuple[UUID, datetime], ...] = ()
    held: Mapping[UUID, HeldPass] = field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[UUID, int]:
        """Where in ``reservations`` each of them stands."""
        return {one.id: place for place, one in enumerate(self.reservations)}

    @cached_property
    def of_pass(self) -> Mapping[UUID, Sequence[int]]:
        """The places of each pass's reservations."""
        found: dict[UUID, list[int]] = {}
        for place, one in enumerate(self.reservations):
            found.setdefault(one.registration_id, []).append(place)
        return found

    @cached_property
    def replaced_by(self) -> Mapping[int, int]:
        """The place of the reservation for which another one was given up."""
        return {
            self.places[one.replaces_id]: place
            for place, one in enumerate(self.reservations)
            if one.replaces_id is not None and one.replaces_id in self.places
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What would have happened, in numbers; punches are those of missed classes and late cancellations."""

    no_shows: int
    reservations_cancelled: int
    late_cancellations: int
    late_cancellations_charged: int
    late_cancellations_counted: int
    punches_charged: int
    customers_suspended: int
    reservations_refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a policy would have made of the past: the tally, whom it would have suspended, and how often each missed a class.

    ``suspended``: when first, by customer; ``missed``: unwaived missed classes and counted late cancellations, by customer.
    """

    tally: Tally
    suspended: Mapping[UUID, datetime]
    missed: Mapping[UUID, int]
