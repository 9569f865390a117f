"""May this be reserved? Eleven rules in their order; the first that fails is the answer.

Source: rules.md §3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from studio_reservations.errors import (
    AdvanceLimitReached,
    AlreadyReserved,
    ClassNotCovered,
    CustomerSuspended,
    MakeupNotAllowed,
    PassExpired,
    PassNotYetValid,
    PassTypeUnavailable,
    RegistrationInactive,
    ReservationRefused,
    ReservationsDisabled,
    SessionCancelled,
    SessionFull,
    SessionStarted,
)
from studio_reservations.pass_type_registry import InstalledPassType
from studio_reservations.pass_types import Candidate, HeldPass, Status
from studio_reservations.policies.checking_in import class_day
from studio_reservations.policies.local_time import local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A suspension that has not ended; ``no_shows`` is None where staff made it."""

    starts_at: datetime
    ends_at: datetime
    ends_on: date
    no_shows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Whom the studio lets in: its rollout (OFF, INTERNAL, ON), and how it knows the customer."""

    rollout: str
    internal: bool = False
    suspension: Suspension | None = None

    @property
    def is_open(self) -> bool:
        """Whether it lets the customer in at all: rule 1."""
        return self.rollout == "ON" or (self.rollout == "INTERNAL" and self.internal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A class session as it is offered."""

    studio_id: UUID
    candidate: Candidate
    class_active: bool
    allowed_pass_types: frozenset[str] | None
    status: str
    capacity: int
    seats_taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is judged: who asks at which door, with which pass, for what. ``pass_type`` None: its plugin is missing."""

    customer_id: UUID
    door: Door
    pass_studio_id: UUID
    held: HeldPass
    is_member: bool
    pass_type: InstalledPassType | None
    offer: Offer
    reserved_id: UUID | None = None

    @property
    def now(self) -> datetime:
        """The instant of judgement."""
        return self.held.now


Rule = Callable[[Case], None]


def judge(
    case: Case, *, set_aside: frozenset[str] = frozenset(), rules: Sequence[Rule] | None = None
) -> tuple[str, ...]:
    """Return quietly where the reservation may be made: with the codes of ``set_aside`` that were needed.

    ``rules`` are all eleven, or `RESTORING`. :raises ReservationRefused: the first rule that fails and is not set aside.
    """
    needed = []
    for rule in RULES if rules is None else rules:
        try:
            rule(case)
        except ReservationRefused as refusal:
            if refusal.code not in set_aside or not _may_be_set_aside(refusal, case):
                raise
            needed.append(refusal.code)
    return tuple(needed)


def refusal_of(case: Case, *, set_aside: frozenset[str] = frozenset()) -> ReservationRefused | None:
    """Return the refusal, or None where the reservation may be made."""
    try:
        judge(case, set_aside=set_aside)
    except ReservationRefused as refusal:
        return refusal
    return None


def upcoming(held: HeldPass) -> int:
    """Return the PENDING reservations of the pass whose session has not ended: what the advance limit counts."""
    return sum(1 for one in held.reservations if one.status is Status.PENDING and one.ends_at > held.now)


def check_limit(held: HeldPass) -> None:
    """:raises AdvanceLimitReached: rule 9."""
    limit = held.max_advance_reservations
    if limit is not None and (used := upcoming(held)) >= limit:
        raise AdvanceLimitReached(limit=limit, used=used)


def check_usable(held: HeldPass, pass_type: InstalledPassType | None) -> None:
    """:raises RegistrationInactive, PassTypeUnavailable: rule 2."""
    if held.status != "ACTIVE":
        raise RegistrationInactive(state=held.status)
    if pass_type is None:
        raise PassTypeUnavailable(pass_type=held.pass_type)


def check_validity(held: HeldPass, day: date) -> None:
    """:raises PassNotYetValid, PassExpired: rule 6, for a studio-local date."""
    if held.valid_from is not None and day < held.valid_from:
        raise PassNotYetValid(valid_from=held.valid_from)
    if held.valid_until is not None and day > held.valid_until:
        raise PassExpired(valid_until=held.valid_until)


def check_scheduled(offer: Offer) -> None:
    """:raises SessionCancelled: rule 4."""
    if offer.status != "SCHEDULED":
        raise SessionCancelled()


def check_not_started(offer: Offer, now: datetime) -> None:
    """:raises SessionStarted: rule 5."""
    if now >= offer.candidate.starts_at:
        raise SessionStarted(starts_at=offer.candidate.starts_at)


def check_seat(offer: Offer) -> None:
    """:raises SessionFull: rule 11."""
    if offer.seats_taken >= offer.capacity:
        raise SessionFull(capacity=offer.capacity)


def _door_is_open(case: Case) -> None:
    if not case.door.is_open:
        raise ReservationsDisabled()


def _pass_is_usable(case: Case) -> None:
    check_usable(case.held, case.pass_type)


def _class_is_covered(case: Case) -> None:
    offer, held = case.offer, case.held
    covered = (
        case.pass_studio_id == offer.studio_id
        and offer.class_active
        and (offer.allowed_pass_types is None or held.pass_type in offer.allowed_pass_types)
        and held.class_id in (None, offer.candidate.class_id)
        and case.is_member
    )
    if not covered:
        raise ClassNotCovered(class_title=offer.candidate.class_title)


def _session_is_scheduled(case: Case) -> None:
    check_scheduled(case.offer)


def _session_has_not_started(case: Case) -> None:
    check_not_started(case.offer, case.now)


def _pass_is_valid_that_day(case: Case) -> None:
    session = case.offer.candidate
    check_validity(case.held, local_date(session.starts_at, timezone=session.timezone))


def _customer_is_not_suspended(case: Case) -> None:
    suspension = case.door.suspension
    if suspension is not None and suspension.starts_at <= case.now < suspension.ends_at:
        raise CustomerSuspended(ends_on=suspension.ends_on, no_shows=suspension.no_shows)


def _not_reserved_yet(case: Case) -> None:
    if case.reserved_id is not None:
        raise AlreadyReserved(reservation_id=case.reserved_id)


def _limit_is_not_reached(case: Case) -> None:
    check_limit(case.held)


def _pass_type_agrees(case: Case) -> None:
    if case.pass_type is None:
        raise PassTypeUnavailable(pass_type=case.held.pass_type)
    makeup_for_id = case.offer.candidate.makeup_for_id
    if makeup_for_id is not None:
        missed = any(one.id == makeup_for_id and one.missed for one in case.held.reservations)
        if not missed or not case.pass_type.exclusive_steps(case.held):
            raise MakeupNotAllowed()  # only a pass that holds each part once knows makeups, and only of its own missed ones
    case.pass_type.allow_reservation(case.held, case.offer.candidate)


def _seat_is_free(case: Case) -> None:
    check_seat(case.offer)


RULES: tuple[Rule, ...] = (
    _door_is_open,
    _pass_is_usable,
    _class_is_covered,
    _session_is_scheduled,
    _session_has_not_started,
    _pass_is_valid_that_day,
    _customer_is_not_suspended,
    _not_reserved_yet,
    _limit_is_not_reached,
    _pass_type_agrees,
    _seat_is_free,
)
RESTORING = RULES[1:]
"""What was auto-cancelled comes back whatever the rollout is: rules 2 to 11. Source: rules.md §2."""


def _may_be_set_aside(refusal: ReservationRefused, case: Case) -> bool:
    """A session that has begun can still be reserved by staff until its end date ends."""
    if not isinstance(refusal, SessionStarted):
        return True
    session = case.offer.candidate
    return (
        case.now <= class_day(starts_at=session.starts_at, ends_at=session.ends_at, timezone=session.timezone).closes_at
    )
