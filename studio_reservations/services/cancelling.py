"""Giving up a reservation or a check-in: what every way of it shares. Seats are the caller's to free, last.

Source: rules.md §2, §4 (full_course), §5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidTransition, PassTypeUnavailable, SessionStarted
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    LedgerReason,
    SessionReservation,
)
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass, Status
from studio_reservations.policies.cancelling import is_free
from studio_reservations.policies.missing import grace_ends_at
from studio_reservations.services.actors import SYSTEM, Actor
from studio_reservations.services.books import add_flag, charge_up_to, refund, shortfall
from studio_reservations.services.policies import policy_of
from studio_reservations.services.standing import forget_check_in, record_act


def cancel_free(
    db_session: Session,
    *,
    registration: ClassRegistration,
    reservation: SessionReservation,
    actor: Actor,
    as_staff: bool,
    now: datetime,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    tell: bool = True,
) -> int:
    """Turn a locked PENDING or CHECKED_IN reservation into CANCELLED at no cost; return the punches refunded.

    ``tell=False`` writes no history of its own: a reschedule records one act, on the new reservation.
    """
    before = reservation.status
    refunded = refund(
        db_session, registration=registration, reservation=reservation, actor=actor, now=now, reason=reason
    )
    reservation.status = Status.CANCELLED.value
    reservation.cancelled_at = now
    if tell:
        record_act(
            db_session,
            reservation,
            action="reservation.cancelled",
            from_status=before,
            actor=actor,
            as_staff=as_staff,
            now=now,
            reason=reason,
            details={"late": False, "punches_refunded": refunded, "punches_charged": 0, **(details or {})},
        )
    return refunded


def cancel_late(
    db_session: Session,
    *,
    registration: ClassRegistration,
    reservation: SessionReservation,
    actor: Actor,
    as_staff: bool,
    now: datetime,
    reason: str | None = None,
    tell: bool = True,
) -> int:
    """Turn a locked PENDING reservation into a late CANCELLED on its stored terms; return the punches charged.

    A counted one gets its grace from now, and never touches coming reservations. Source: rules.md §5, §6.
    """
    reservation.status = Status.CANCELLED.value
    reservation.cancelled_at = now
    reservation.late = True
    if reservation.late_cancel_counts:
        policy = policy_of(
            db_session,
            studio_id=reservation.studio_id,
            class_id=db_session.get_one(ClassSession, reservation.session_id).class_id,
        )
        reservation.counts_as_no_show = True
        reservation.missed_at = now
        reservation.grace_ends_at = grace_ends_at(
            missed_at=now, policy=policy, absence_grace_period_hours=registration.absence_grace_period_hours
        )
    charged = charge_up_to(
        db_session,
        registration=registration,
        reservation=reservation,
        due=reservation.late_cancel_punches,
        entry_type=LedgerReason.LATE_CANCEL,
        actor=actor,
        now=now,
    )
    if tell:
        record_act(
            db_session,
            reservation,
            action="reservation.cancelled",
            from_status=Status.PENDING.value,
            actor=actor,
            as_staff=as_staff,
            now=now,
            reason=reason,
            details={
                "late": True,
                "punches_refunded": 0,
                "punches_charged": charged,
                **shortfall(due=reservation.late_cancel_punches, charged=charged),
            },
        )
    return charged


def check_cancellable(
    reservation: SessionReservation, class_session: ClassSession, *, now: datetime, by_customer: bool
) -> bool:
    """Return whether cancelling now is free.

    Staff cancel what is PENDING or CHECKED_IN; on the customer's terms PENDING until the start, CHECKED_IN only while early.
    :raises InvalidTransition, SessionStarted: where it cannot be cancelled. Source: rules.md §5.
    """
    checked_in = reservation.status == Status.CHECKED_IN
    if reservation.status not in (Status.PENDING, Status.CHECKED_IN):
        raise InvalidTransition(state=reservation.status, action="cancel")
    if not by_customer:
        return True
    if now >= class_session.starts_at:
        raise SessionStarted(starts_at=class_session.starts_at)
    free = is_free(
        now=now,
        free_until=reservation.free_cancellation_until,
        undo_until=reservation.undo_until,
        starts_at=class_session.starts_at,
        checked_in=checked_in,
    )
    if checked_in and not free:
        raise InvalidTransition(state=reservation.status, action="cancel")
    return free


def dependents_of(held: HeldPass, *, lost_id: UUID, pass_types: PassTypes) -> tuple[UUID, ...]:
    """Return the PENDING reservations of the pass that cannot stand without ``lost_id``; none where the plugin is at fault."""
    lost = next((one for one in held.reservations if one.id == lost_id), None)
    if lost is None:
        return ()
    try:
        return pass_types.get(held.pass_type).dependents(held, lost)
    except PassTypeUnavailable:
        return ()


def falling_with(held: HeldPass, *, lost_id: UUID, pass_types: PassTypes) -> tuple[UUID, ...]:
    """Return the dependents that are cancelled with it: a session already started is never. Source: rules.md §8."""
    begun = {one.id for one in held.reservations if one.starts_at <= held.now}
    return tuple(one for one in dependents_of(held, lost_id=lost_id, pass_types=pass_types) if one not in begun)


def auto_cancel(
    db_session: Session, *, ids: Iterable[UUID], because_of: SessionReservation, now: datetime
) -> list[SessionReservation]:
    """Turn PENDING reservations of one locked pass into AUTO_CANCELLED, never charged; return those it was done to."""
    rows = list(
        db_session.scalars(
            select(SessionReservation)
            .where(SessionReservation.id.in_(sorted(ids)), SessionReservation.status == Status.PENDING.value)
            .order_by(SessionReservation.id)
            .execution_options(populate_existing=True)
        )
    )
    for reservation in rows:
        reservation.status = Status.AUTO_CANCELLED.value
        reservation.auto_cancelled_at = now
        reservation.auto_cancelled_for_id = because_of.id
        record_act(
            db_session,
            reservation,
            action="reservation.auto_cancelled",
            from_status=Status.PENDING.value,
            actor=SYSTEM,
            as_staff=True,
            now=now,
            details={"because_of": str(because_of.id)},
        )
    return rows


def flag_dependents(db_session: Session, ids: Iterable[UUID]) -> None:
    """Flag reservations whose prerequisite staff took away: they stay, and staff see them."""
    for reservation in db_session.scalars(select(SessionReservation).where(SessionReservation.id.in_(sorted(ids)))):
        add_flag(reservation, "prerequisite_lost")


def take_check_in_back(
    db_session: Session,
    reservation: SessionReservation,
    *,
    registration: ClassRegistration,
    held: HeldPass,
    pass_types: PassTypes,
    actor: Actor,
    now: datetime,
    reason: str | None,
    **more: str,
) -> None:
    """Turn CHECKED_IN back into PENDING and refund it; what depends on it stays, flagged. ``more`` goes to the history."""
    dependents = dependents_of(held, lost_id=reservation.id, pass_types=pass_types)
    refunded = refund(
        db_session, registration=registration, reservation=reservation, actor=actor, now=now, reason=reason
    )
    forget_check_in(reservation)
    reservation.status = Status.PENDING.value
    flag_dependents(db_session, dependents)
    record_act(
        db_session,
        reservation,
        action="reservation.check_in_undone",
        from_status=Status.CHECKED_IN.value,
        actor=actor,
        as_staff=True,
        now=now,
        reason=reason,
        details={"punches_refunded": refunded, **more},
    )
