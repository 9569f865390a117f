"""Giving up a reservation: what every way of cancelling shares. Seats are the caller's to free, last.

Source: rules.md §2, §4 (full_course), §5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import ClassRegistration, SessionReservation, SubjectType
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass, Status
from studio_reservations.services.actors import SYSTEM, Actor
from studio_reservations.services.books import add_flag, refund
from studio_reservations.services.events import record


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
        record(
            db_session,
            action="reservation.cancelled",
            subject_type=SubjectType.RESERVATION,
            subject_id=reservation.id,
            reservation_id=reservation.id,
            studio_id=reservation.studio_id,
            customer_id=reservation.customer_id,
            actor=actor,
            as_staff=as_staff,
            now=now,
            from_status=before,
            to_status=Status.CANCELLED.value,
            reason=reason,
            details={"late": False, "punches_refunded": refunded, "punches_charged": 0, **(details or {})},
        )
    return refunded


def dependents_of(held: HeldPass, *, lost_id: UUID, pass_types: PassTypes) -> tuple[UUID, ...]:
    """Return the PENDING reservations of the pass that cannot stand without ``lost_id``; none where the plugin is at fault."""
    lost = next((one for one in held.reservations if one.id == lost_id), None)
    if lost is None:
        return ()
    try:
        return pass_types.get(held.pass_type).dependents(held, lost)
    except PassTypeUnavailable:
        return ()


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
        record(
            db_session,
            action="reservation.auto_cancelled",
            subject_type=SubjectType.RESERVATION,
            subject_id=reservation.id,
            reservation_id=reservation.id,
            studio_id=reservation.studio_id,
            customer_id=reservation.customer_id,
            actor=SYSTEM,
            as_staff=True,
            now=now,
            from_status=Status.PENDING.value,
            to_status=Status.AUTO_CANCELLED.value,
            details={"because_of": str(because_of.id)},
        )
    return rows


def flag_dependents(db_session: Session, ids: Iterable[UUID]) -> None:
    """Flag reservations whose prerequisite staff took away: they stay, and staff see them."""
    for reservation in db_session.scalars(select(SessionReservation).where(SessionReservation.id.in_(sorted(ids)))):
        add_flag(reservation, "prerequisite_lost")
