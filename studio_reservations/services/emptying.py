"""What cancelling a whole class session does to those who are in it.

Source: rules.md §5.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from sqlalchemy.orm import Session

from studio_reservations.models import ExplanationAnswer, SessionReservation
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import refund
from studio_reservations.services.cancelling import cancel_free, dependents_of, flag_dependents
from studio_reservations.services.rosters import Roster
from studio_reservations.services.seen import load_held_passes
from studio_reservations.services.standing import answer_explanation, record_act

CAUSE = "session_cancelled"


class Emptied(TypedDict):
    """How many reservations were cancelled, no-shows waived and punches refunded."""

    cancelled: int
    waived: int
    punches_refunded: int


def empty(
    db_session: Session,
    *,
    roster: Roster,
    timezone: str,
    pass_types: PassTypes,
    actor: Actor,
    now: datetime,
    reason: str | None,
) -> Emptied:
    """Cancel what is PENDING or CHECKED_IN free and waive the no-shows; the seats are the caller's to free, last."""
    given_up = roster.of_status(Status.PENDING, Status.CHECKED_IN)
    passes = [roster.registrations[one] for one in sorted({one.registration_id for one in given_up})]
    held = load_held_passes(db_session, passes, now=now, timezone=timezone)
    refunded = 0
    for reservation in given_up:
        dependents = dependents_of(held[reservation.registration_id], lost_id=reservation.id, pass_types=pass_types)
        refunded += cancel_free(
            db_session,
            registration=roster.registrations[reservation.registration_id],
            reservation=reservation,
            actor=actor,
            as_staff=True,
            now=now,
            reason=reason,
            details={"reason_code": CAUSE},
        )
        flag_dependents(db_session, dependents)
    missed = [one for one in roster.of_status(Status.NO_SHOW) if one.waived_at is None]
    for reservation in missed:
        refunded += _waive(db_session, reservation, roster, actor=actor, now=now, reason=reason)
    return Emptied(cancelled=len(given_up), waived=len(missed), punches_refunded=refunded)


def _waive(
    db_session: Session,
    reservation: SessionReservation,
    roster: Roster,
    *,
    actor: Actor,
    now: datetime,
    reason: str | None,
) -> int:
    refunded = refund(
        db_session,
        registration=roster.registrations[reservation.registration_id],
        reservation=reservation,
        actor=actor,
        now=now,
        reason=reason,
    )
    reservation.waived_at = now
    reservation.waived_by = actor.id
    answer_explanation(reservation, ExplanationAnswer.WAIVED, actor=actor, now=now)
    record_act(
        db_session,
        reservation,
        action="reservation.waived",
        from_status=reservation.status,
        actor=actor,
        as_staff=True,
        now=now,
        reason=reason,
        details={"punches_refunded": refunded, "reason_code": CAUSE},
    )
    return refunded
