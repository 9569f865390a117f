"""After a missed class: the customer explains, staff waive or decline, and a waive gives back what it cost.

A missed class is a NO_SHOW, or a late cancellation that counts. Source: rules.md §2, §6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    AlreadyExplained,
    ExplanationClosed,
    InvalidTransition,
    NotFound,
    SessionCancelled,
)
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    CustomerSuspension,
    ExplanationAnswer,
    LedgerReason,
    ReservationHistory,
    Role,
    SessionReservation,
    SessionStatus,
)
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic, charge_up_to, lock_reservation, refund
from studio_reservations.services.restoring import Outcome, RestoringService
from studio_reservations.services.standing import answer_explanation, forget_answer, record_act, whose_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """A waived missed class, the futures it had cost with what became of each, and the suspensions that fell with it."""

    reservation: SessionReservation
    punches_refunded: int = 0
    futures: Sequence[Outcome] = ()
    voided: Sequence[CustomerSuspension] = ()


class NoShowService:
    """What follows a missed class by people's hands; it lives for one request."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: PassTypes | None = None) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = installed_pass_types() if pass_types is None else pass_types

    def explain(self, *, reservation_id: UUID, actor: Actor, text: str) -> SessionReservation:
        """Keep the customer's one explanation, until the night that cancels (without one: until grace ends).

        :raises InvalidTransition: for what is no missed class. :raises ExplanationClosed, AlreadyExplained: :raises NotFound:
        """
        with atomic(self.db_session):
            if not actor.acts_for(whose_is(self.db_session, reservation_id).customer_id):
                raise NotFound()
            _, reservation = lock_reservation(self.db_session, reservation_id)
            self._check_missed(reservation, action="explain")
            if reservation.explained_at is not None:
                if reservation.explanation == text:
                    return reservation
                raise AlreadyExplained()
            until = reservation.auto_cancel_at or reservation.grace_ends_at
            if reservation.waived_at is not None or until is None or self.now >= until:
                raise ExplanationClosed()
            reservation.explanation = text
            reservation.explained_at = self.now
            self._record(reservation, "reservation.explained", actor, as_staff=False)
            return reservation

    def waive(self, *, reservation_id: UUID, actor: Actor, reason: str | None = None) -> Waived:
        """Forgive a missed class: refunded, not counted, and what it cost is given back where that is possible.

        :raises NotFound, Forbidden, InvalidTransition:
        """
        with atomic(self.db_session):
            registration, reservation = self._locked(reservation_id, actor)
            self._check_missed(reservation, action="waive")
            if reservation.waived_at is not None:
                return Waived(reservation=reservation)
            refunded = refund(
                self.db_session,
                registration=registration,
                reservation=reservation,
                actor=actor,
                now=self.now,
                reason=reason,
            )
            reservation.waived_at = self.now
            reservation.waived_by = actor.id
            answer_explanation(reservation, ExplanationAnswer.WAIVED, actor=actor, now=self.now)
            self._record(
                reservation, "reservation.waived", actor, reason=reason, details={"punches_refunded": refunded}
            )
            return self.give_back(reservation, actor=actor, punches_refunded=refunded)

    def give_back(self, reservation: SessionReservation, *, actor: Actor, punches_refunded: int = 0) -> Waived:
        """Restore the futures and void the suspensions that hung on a missed class which no longer counts."""
        self.db_session.flush()
        restoring = RestoringService(self.db_session, clock=lambda: self.now, pass_types=self.pass_types)
        voided = restoring.void_suspensions(because_of=reservation, actor=actor)
        futures = restoring.restore_futures(because_of=reservation, actor=actor)
        return Waived(reservation=reservation, punches_refunded=punches_refunded, futures=futures, voided=voided)

    def unwaive(self, *, reservation_id: UUID, actor: Actor, reason: str | None = None) -> SessionReservation:
        """Take a waive back, before grace ends: charged and counted as it was.

        :raises NotFound, Forbidden, InvalidTransition: :raises SessionCancelled: where the studio called it off.
        """
        with atomic(self.db_session):
            registration, reservation = self._locked(reservation_id, actor)
            self._check_missed(reservation, action="unwaive")
            if reservation.waived_at is None:
                return reservation
            if reservation.grace_ends_at is None or self.now >= reservation.grace_ends_at:
                raise InvalidTransition(state=reservation.status, action="unwaive")
            if self.db_session.get_one(ClassSession, reservation.session_id).status == SessionStatus.CANCELLED:
                raise SessionCancelled()  # nobody can have missed it
            no_show = reservation.status == Status.NO_SHOW
            charged = charge_up_to(
                self.db_session,
                registration=registration,
                reservation=reservation,
                due=self._refunded_by_the_waive(reservation),
                entry_type=LedgerReason.NO_SHOW if no_show else LedgerReason.LATE_CANCEL,
                actor=actor,
                now=self.now,
            )
            reservation.waived_at = reservation.waived_by = None
            if reservation.explanation_answer == ExplanationAnswer.WAIVED:
                forget_answer(reservation)
            self._record(
                reservation, "reservation.unwaived", actor, reason=reason, details={"punches_charged": charged}
            )
            return reservation

    def decline(self, *, reservation_id: UUID, actor: Actor, reason: str | None = None) -> SessionReservation:
        """Answer an explanation with no: what was to follow, follows.

        :raises NotFound, Forbidden: :raises InvalidTransition: where there is none, or it was waived.
        """
        with atomic(self.db_session):
            _, reservation = self._locked(reservation_id, actor)
            self._check_missed(reservation, action="decline")
            if reservation.explanation_answer == ExplanationAnswer.DECLINED:
                return reservation
            if reservation.explained_at is None or reservation.waived_at is not None:
                raise InvalidTransition(state=reservation.status, action="decline")
            answer_explanation(reservation, ExplanationAnswer.DECLINED, actor=actor, now=self.now)
            self._record(reservation, "reservation.explanation_declined", actor, reason=reason)
            return reservation

    def _locked(self, reservation_id: UUID, actor: Actor) -> tuple[ClassRegistration, SessionReservation]:
        actor.require(whose_is(self.db_session, reservation_id).studio_id, Role.MANAGER)
        return lock_reservation(self.db_session, reservation_id)

    def _check_missed(self, reservation: SessionReservation, *, action: str) -> None:
        if not (reservation.status == Status.NO_SHOW or is_counted_late_cancellation(reservation)):
            raise InvalidTransition(state=reservation.status, action=action)

    def _refunded_by_the_waive(self, reservation: SessionReservation) -> int:
        told = self.db_session.scalar(
            select(ReservationHistory.details)
            .where(
                ReservationHistory.reservation_id == reservation.id,
                ReservationHistory.action == "reservation.waived",
                ReservationHistory.created_at == reservation.waived_at,
            )
            .order_by(ReservationHistory.id.desc())
            .limit(1)
        )
        return int((told or {}).get("punches_refunded", 0))

    def _record(
        self,
        reservation: SessionReservation,
        action: str,
        actor: Actor,
        *,
        as_staff: bool = True,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        record_act(
            self.db_session,
            reservation,
            action=action,
            from_status=reservation.status,
            actor=actor,
            as_staff=as_staff,
            now=self.now,
            reason=reason,
            details=details,
        )


def is_counted_late_cancellation(reservation: SessionReservation) -> bool:
    """Tell whether this late cancellation counts as a missed class."""
    return reservation.status == Status.CANCELLED and reservation.late and reservation.counts_as_no_show
