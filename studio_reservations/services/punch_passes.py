"""Punches: what a pass has left, what a check-in takes from it, and the two corrections by hand.

Source: rules.md §2, §4 (punch_pass).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidTransition, NotFound, PunchesExhausted
from studio_reservations.models import (
    ClassRegistration,
    LedgerReason,
    RegistrationMember,
    Role,
    SessionReservation,
)
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic, change_punches, lock_reservation, refund
from studio_reservations.services.standing import UNCHARGED, drop_flags, record_act


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingPunches:
    """Punches ``remaining`` on the pass, those ``held`` for PENDING reservations, and those ``available`` for new ones.

    ``remaining`` and ``available`` are None for an uncounted pass.
    """

    remaining: int | None
    held: int
    available: int | None


class PunchPassService:
    """The punches of passes; it lives for one request."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now) -> None:
        self.db_session = db_session
        self.now = read(clock)

    def get_remaining_punches(self, *, registration_id: UUID, actor: Actor) -> RemainingPunches:
        """Return what the pass has left, for whoever may use it and for staff.

        :raises NotFound, Forbidden:
        """
        registration = self.db_session.get(ClassRegistration, registration_id)
        if registration is None:
            raise NotFound()
        if not self._uses(registration, actor):
            actor.require(registration.studio_id, Role.FRONT_DESK)
        remaining, held = registration.sessions_remaining, punches_held(self.db_session, registration_id)
        return RemainingPunches(
            remaining=remaining, held=held, available=None if remaining is None else max(remaining - held, 0)
        )

    def deduct_punch(
        self, *, registration_id: UUID, reservation_id: UUID, actor: Actor, reason: str | None = None
    ) -> int:
        """Charge a check-in that was not charged (see `Override`), or whose charge was given back; return the punches.

        A reservation that is charged already stays as it is, and the answer is 0.

        :raises InvalidTransition: where nobody was checked in.
        :raises PunchesExhausted, NotFound, Forbidden:
        """
        with atomic(self.db_session):
            registration, reservation = self._locked(registration_id, reservation_id, actor)
            if reservation.status not in (Status.CHECKED_IN, Status.ATTENDED):
                raise InvalidTransition(state=reservation.status, action="deduct_punch")
            due = check_in_charge(registration, reservation)
            if reservation.punches_used or due == 0:
                return 0
            check_affordable(self.db_session, registration, reservation, due=due)
            charge_check_in(
                self.db_session,
                registration=registration,
                reservation=reservation,
                due=due,
                actor=actor,
                now=self.now,
                reason=reason,
            )
            drop_flags(reservation, UNCHARGED)
            self._record(reservation, "reservation.punches_deducted", actor, due, reason)
            return due

    def refund_punch(
        self, *, registration_id: UUID, reservation_id: UUID, actor: Actor, reason: str | None = None
    ) -> int:
        """Give back whatever the reservation was charged; return the punches, 0 where there is nothing left to give back.

        :raises NotFound, Forbidden:
        """
        with atomic(self.db_session):
            registration, reservation = self._locked(registration_id, reservation_id, actor)
            punches = refund(
                self.db_session,
                registration=registration,
                reservation=reservation,
                actor=actor,
                now=self.now,
                reason=reason,
            )
            if punches:
                self._record(reservation, "reservation.punches_refunded", actor, punches, reason)
            return punches

    def _locked(
        self, registration_id: UUID, reservation_id: UUID, actor: Actor
    ) -> tuple[ClassRegistration, SessionReservation]:
        studio_id = self.db_session.scalar(
            select(SessionReservation.studio_id).where(
                SessionReservation.id == reservation_id, SessionReservation.registration_id == registration_id
            )
        )
        if studio_id is None:
            raise NotFound()
        actor.require(studio_id, Role.MANAGER)
        return lock_reservation(self.db_session, reservation_id)

    def _record(
        self, reservation: SessionReservation, action: str, actor: Actor, punches: int, reason: str | None
    ) -> None:
        record_act(
            self.db_session,
            reservation,
            action=action,
            from_status=reservation.status,
            actor=actor,
            as_staff=True,
            now=self.now,
            reason=reason,
            details={"punches": punches},
        )

    def _uses(self, registration: ClassRegistration, actor: Actor) -> bool:
        if actor.acts_for(registration.customer_id):
            return True
        member = select(RegistrationMember.id).where(
            RegistrationMember.registration_id == registration.id,
            RegistrationMember.customer_id.in_(sorted(actor.customer_ids)),
        )
        return bool(actor.customer_ids) and self.db_session.scalar(member.limit(1)) is not None


def punches_held(db_session: Session, registration_id: UUID) -> int:
    """Return the punches that the pass's PENDING reservations will cost at check-in."""
    return db_session.scalars(
        select(func.coalesce(func.sum(SessionReservation.punches_held), 0)).where(
            SessionReservation.registration_id == registration_id, SessionReservation.status == Status.PENDING.value
        )
    ).one()


def check_in_charge(registration: ClassRegistration, reservation: SessionReservation) -> int:
    """Return what checking in costs: the punches held since the reservation was made, whatever became of the plugin."""
    return 0 if registration.sessions_remaining is None else reservation.punches_held


def check_affordable(
    db_session: Session, registration: ClassRegistration, reservation: SessionReservation, *, due: int
) -> None:
    """Return quietly where the pass has ``due`` punches, counting those that the reservation gives back.

    :raises PunchesExhausted:
    """
    remaining = registration.sessions_remaining
    if remaining is not None and remaining + reservation.punches_used < due:
        held = punches_held(db_session, registration.id)
        own = reservation.punches_held if reservation.status == Status.PENDING else 0
        raise PunchesExhausted(remaining=remaining, held=held - own)


def charge_check_in(
    db_session: Session,
    *,
    registration: ClassRegistration,
    reservation: SessionReservation,
    due: int,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Charge a check-in; an earlier charge of the reservation is given back first, so that there are never two."""
    refund(db_session, registration=registration, reservation=reservation, actor=actor, now=now, reason=reason)
    change_punches(
        db_session,
        registration=registration,
        reservation=reservation,
        delta=-due,
        entry_type=LedgerReason.CHECK_IN,
        actor=actor,
        now=now,
        reason=reason,
    )
