"""What giving a reservation up would cost its customer now, and where else it could be moved. Reads only.

Source: rules.md §4, §5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.errors import CancellationNotFree, NotFound, ReservationRefused
from studio_reservations.models import ClassRegistration, ClassSession, SessionReservation
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.reserving import Case, refusal_of, upcoming
from studio_reservations.services.actors import Actor
from studio_reservations.services.cancelling import check_cancellable, falling_with
from studio_reservations.services.listings import reservation_views
from studio_reservations.services.pass_views import registration_view
from studio_reservations.services.reservation_questions import Available, ReservationQuestions
from studio_reservations.services.reserving import without
from studio_reservations.services.seen import load_held_passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What giving up comes to: ``punches`` spent, whether it ``counts`` as missed, and what it takes with it.

    ``by_undo``: free cancellation is over, and it is free as an undo only. ``left`` and ``reserved`` are now and afterwards,
    ``left`` None for an uncounted pass. ``dependents`` are rows of `listings.RESERVATIONS`. ``refusal`` where it cannot be.
    """

    free: bool
    by_undo: bool
    free_until: datetime
    punches: int
    counts: bool
    left: tuple[int, int] | None
    reserved: tuple[int, int]
    dependents: Sequence[Any]
    held: HeldPass
    refusal: ReservationRefused | None = None

    def check_agreed(self, *, late: bool) -> None:
        """Return quietly where it is free, or a late one was agreed to. :raises CancellationNotFree:"""
        if not self.free and not late:
            raise CancellationNotFree(free_until=self.free_until, punches=self.punches)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDay:
    """A session (a row of `board.OFFERED`) to which a reservation could go, or why not."""

    row: Any
    refusal: ReservationRefused | None


def cost_of_giving_up(
    db_session: Session, *, actor: Actor, reservation_id: UUID, now: datetime, pass_types: PassTypes
) -> Cost:
    """Return what cancelling or moving would cost by the rules of the act itself. :raises NotFound:"""
    reservation = db_session.get(SessionReservation, reservation_id)
    if reservation is None or not actor.acts_for(reservation.customer_id):
        raise NotFound()
    registration = db_session.get_one(ClassRegistration, reservation.registration_id)
    class_session = db_session.get_one(ClassSession, reservation.session_id)
    zone = registration_view(db_session, registration.id).timezone
    held = load_held_passes(db_session, [registration], now=now, timezone=zone)[registration.id]
    free, refusal = False, None
    try:
        free = check_cancellable(reservation, class_session, now=now, by_customer=True)
    except ReservationRefused as refused:
        refusal = refused
    left = held.sessions_remaining
    punches = 0 if free or refusal else min(reservation.late_cancel_punches, left or 0)
    refunded = reservation.punches_used if free else 0
    lost = falling_with(held, lost_id=reservation.id, pass_types=pass_types) if refusal is None else ()
    views = reservation_views(db_session, lost)
    gone = {reservation.id, *lost}
    after = replace(held, reservations=tuple(one for one in held.reservations if one.id not in gone))
    return Cost(
        free=free,
        by_undo=free and now > reservation.free_cancellation_until,
        free_until=reservation.free_cancellation_until,
        punches=punches,
        counts=not free and refusal is None and reservation.late_cancel_counts,
        left=None if left is None else (left, left - punches + refunded),
        reserved=(upcoming(held), upcoming(after)),
        dependents=sorted(views.values(), key=lambda row: (row.starts_at, row.id)),
        held=held,
        refusal=refusal,
    )


def other_days(
    questions: ReservationQuestions,
    *,
    actor: Actor,
    reservation: Any,
    cost: Cost,
    ahead: timedelta,
    limit: int,
) -> list[OtherDay]:
    """Return the coming sessions of the same class and part, each judged as if ``reservation`` were given up.

    ``reservation`` is a row of `listings.RESERVATIONS` with its ``step_id``.
    """
    found = questions.available(
        actor=actor,
        studio_id=reservation.studio_id,
        starts_from=questions.now,
        starts_before=questions.now + ahead,
        customer_id=reservation.customer_id,
        registration_id=reservation.registration_id,
        class_id=reservation.class_id,
        keep=lambda one: one.session.id != reservation.session_id and one.session.step_id == reservation.step_id,
        limit=limit,
    )
    return [
        OtherDay(
            row=one.session,
            refusal=refusal_for(
                one, makeup_for_id=reservation.makeup_for_id, instead_of=reservation.id, charge=cost.punches
            ),
        )
        for one in found
    ]


def refusal_for(
    one: Available, *, makeup_for_id: UUID | None = None, instead_of: UUID | None = None, charge: int = 0
) -> ReservationRefused | None:
    """Judge a session again for the one pass it was asked for: as a makeup, or instead of another reservation."""
    case: Case = one.cases[0]
    if makeup_for_id is not None:
        candidate = replace(case.offer.candidate, makeup_for_id=makeup_for_id)
        case = replace(case, offer=replace(case.offer, candidate=candidate))
    if instead_of is not None:
        case = without(case, instead_of, charge=charge)
    return refusal_of(case)
