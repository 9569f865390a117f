"""Whether the customer was there: attended, or a no-show, and taking attendance back.

Source: rules.md §2, §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidTransition, PassTypeUnavailable, SessionCancelled, SessionNotStarted
from studio_reservations.models import ClassSession, LedgerReason, Role, SessionReservation, StudioClass
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import Event, Status
from studio_reservations.policies import missing
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import add_flag, atomic, change_seats, charge_up_to, refund, shortfall
from studio_reservations.services.seen import candidate, load_held_passes
from studio_reservations.services.standing import (
    NOT_CHARGED,
    Standing,
    forget_check_in,
    record_act,
    standing_of,
    whose_is,
)

MISSABLE = (Status.PENDING, Status.CHECKED_IN, Status.ATTENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """What is fixed when a no-show is made: when the class counts as missed, and what follows when."""

    missed_at: datetime
    grace_ends_at: datetime
    auto_cancel_at: datetime | None


def missed(
    *, ends_at: datetime, now: datetime, timezone: str, policy: Policy, absence_grace_period_hours: int | None
) -> Missed:
    """Return the instants of a no-show made at ``now``; grace runs from the session's end, or from now where that is later."""
    grace_ends_at = missing.grace_ends_at(
        missed_at=max(ends_at, now), policy=policy, absence_grace_period_hours=absence_grace_period_hours
    )
    return Missed(
        missed_at=ends_at,
        grace_ends_at=grace_ends_at,
        auto_cancel_at=missing.auto_cancel_at(grace_ends_at=grace_ends_at, timezone=timezone, policy=policy),
    )


class AttendanceService:
    """What the front desk says of attendance; it lives for one request."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: PassTypes | None = None) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = pass_types or installed_pass_types()

    def mark_attended(self, *, reservation_id: UUID, actor: Actor, reason: str | None = None) -> SessionReservation:
        """Turn CHECKED_IN into ATTENDED, from the start of the session, and count it on the pass.

        :raises NotFound, Forbidden, InvalidTransition, SessionNotStarted:
        """
        with atomic(self.db_session):
            standing = self._locked(reservation_id, actor)
            reservation = standing.reservation
            if reservation.status == Status.ATTENDED:
                return reservation
            if reservation.status != Status.CHECKED_IN:
                raise InvalidTransition(state=reservation.status, action="attended")
            self._check_started(standing.class_session)
            reservation.status = Status.ATTENDED.value
            reservation.attended_at = self.now
            standing.registration.sessions_attended += 1
            self._record(reservation, "reservation.attended", Status.CHECKED_IN, actor, reason)
            return reservation

    def undo_attended(self, *, reservation_id: UUID, actor: Actor, reason: str | None = None) -> SessionReservation:
        """Turn ATTENDED back into CHECKED_IN. :raises NotFound, Forbidden, InvalidTransition:"""
        with atomic(self.db_session):
            standing = self._locked(reservation_id, actor)
            reservation = standing.reservation
            if reservation.status == Status.CHECKED_IN:
                return reservation
            if reservation.status != Status.ATTENDED:
                raise InvalidTransition(state=reservation.status, action="undo_attended")
            self._check_not_called_off(standing)
            reservation.status = Status.CHECKED_IN.value
            reservation.attended_at = None
            standing.registration.sessions_attended -= 1
            self._record(reservation, "reservation.attendance_undone", Status.ATTENDED, actor, reason)
            return reservation

    def mark_no_show(
        self, *, reservation_id: UUID, actor: Actor, reason: str | None = None, release_seat: bool = False
    ) -> SessionReservation:
        """Say that the customer is absent (after all), from the start of the session: charged by policy, grace begins.

        ``release_seat`` gives the seat to whoever walks in; for a no-show it can be said later too.

        :raises NotFound, Forbidden, InvalidTransition, SessionNotStarted:
        """
        with atomic(self.db_session):
            standing = self._locked(reservation_id, actor)
            reservation = standing.reservation
            if reservation.status == Status.NO_SHOW:
                if release_seat and reservation.seat_released_at is None:
                    reservation.seat_released_at = self.now
                    self._record(reservation, "reservation.seat_released", Status.NO_SHOW, actor, reason)
                    change_seats(self.db_session, {reservation.session_id: -1})
                return reservation
            if reservation.status not in MISSABLE:
                raise InvalidTransition(state=reservation.status, action="no_show")
            self._check_not_called_off(standing)
            self._check_started(standing.class_session)
            self._miss(standing, actor=actor, reason=reason, release_seat=release_seat)
            return reservation

    def _miss(self, standing: Standing, *, actor: Actor, reason: str | None, release_seat: bool) -> None:
        reservation, registration = standing.reservation, standing.registration
        before = Status(reservation.status)
        due = self._no_show_charge(standing)
        refunded = refund(
            self.db_session,
            registration=registration,
            reservation=reservation,
            actor=actor,
            now=self.now,
            reason=reason,
        )
        charged = charge_up_to(
            self.db_session,
            registration=registration,
            reservation=reservation,
            due=due or 0,
            entry_type=LedgerReason.NO_SHOW,
            actor=actor,
            now=self.now,
        )
        if due is None:
            add_flag(reservation, NOT_CHARGED)
        if before is Status.ATTENDED:
            registration.sessions_attended -= 1
        forget_check_in(reservation)
        instants = missed(
            ends_at=standing.class_session.ends_at,
            now=self.now,
            timezone=standing.timezone,
            policy=standing.policy,
            absence_grace_period_hours=registration.absence_grace_period_hours,
        )
        reservation.status = Status.NO_SHOW.value
        reservation.no_show_at = self.now
        reservation.counts_as_no_show = True
        reservation.missed_at = instants.missed_at
        reservation.grace_ends_at = instants.grace_ends_at
        reservation.auto_cancel_at = instants.auto_cancel_at
        reservation.seat_released_at = self.now if release_seat else None
        details = {
            "punches_refunded": refunded,
            "punches_charged": charged,
            "grace_ends_at": instants.grace_ends_at.isoformat(),
            "seat_released": release_seat,
            **shortfall(due=due or 0, charged=charged),
        }
        self._record(reservation, "reservation.no_show", before, actor, reason, details)
        if release_seat:
            change_seats(self.db_session, {reservation.session_id: -1})

    def _no_show_charge(self, standing: Standing) -> int | None:
        """Return the punches that the policy takes; None where the pass type is at fault and cannot say."""
        registration, class_session = standing.registration, standing.class_session
        if not standing.policy.deduct_punch_on_no_show or registration.sessions_remaining is None:
            return 0
        held = load_held_passes(self.db_session, [registration], now=self.now, timezone=standing.timezone)
        mine = held[registration.id]
        seen = candidate(
            class_session,
            class_title=self.db_session.get_one(StudioClass, class_session.class_id).title,
            timezone=standing.timezone,
            step=next((one for one in mine.steps if one.id == class_session.step_id), None),
            customer_id=standing.reservation.customer_id,
            makeup_for_id=standing.reservation.makeup_for_id,
            by_staff=True,
        )
        try:
            return self.pass_types.get(registration.pass_type).punches_for(Event.NO_SHOW, mine, seen)
        except PassTypeUnavailable:
            return None

    def _locked(self, reservation_id: UUID, actor: Actor) -> Standing:
        actor.require(whose_is(self.db_session, reservation_id).studio_id, Role.FRONT_DESK)
        return standing_of(self.db_session, reservation_id, lock=True)

    def _check_not_called_off(self, standing: Standing) -> None:
        if standing.session_cancelled:
            raise SessionCancelled()

    def _check_started(self, class_session: ClassSession) -> None:
        if self.now < class_session.starts_at:
            raise SessionNotStarted(starts_at=class_session.starts_at)

    def _record(
        self,
        reservation: SessionReservation,
        action: str,
        before: Status,
        actor: Actor,
        reason: str | None,
        details: dict[str, object] | None = None,
    ) -> None:
        record_act(
            self.db_session,
            reservation,
            action=action,
            from_status=before.value,
            actor=actor,
            as_staff=True,
            now=self.now,
            reason=reason,
            details=details,
        )
