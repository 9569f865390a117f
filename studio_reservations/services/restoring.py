"""Giving back what a no-show cost: futures that the night cancelled, a suspension that it built.

Source: rules.md §2 (AUTO_CANCELLED → PENDING), §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidTransition, NotFound, ReservationRefused
from studio_reservations.models import (
    ClassSession,
    CustomerSuspension,
    ReservationHistory,
    Role,
    SessionReservation,
    SubjectType,
    SuspensionNoShow,
    SuspensionOrigin,
)
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.policies.reserving import RESTORING, judge
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic, change_seats, lock_reservation
from studio_reservations.services.events import record
from studio_reservations.services.overrides import RESTORING as RESTORING_OVERRIDES
from studio_reservations.services.overrides import Override, allowed_rules
from studio_reservations.services.reserving import load_context
from studio_reservations.services.seats import violations_as_refusals
from studio_reservations.services.standing import record_act, whose_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one future: restored, or ``refusal`` says why it could not be."""

    reservation_id: UUID
    refusal: ReservationRefused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What may come back: the rules that had to be set aside for it, and when its session was seen to start."""

    overridden: tuple[str, ...]
    starts_at: datetime


class RestoringService:
    """Restores what was auto-cancelled; it lives for one request."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: PassTypes | None = None) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = installed_pass_types() if pass_types is None else pass_types

    def restore(
        self, *, reservation_id: UUID, actor: Actor, override: Override | None = None, reason: str | None = None
    ) -> SessionReservation:
        """Turn AUTO_CANCELLED back into PENDING, on the terms it had, or has since its session was moved; twice is once.

        :raises ReservationRefused: the first of the rules 2 to 11 that fails.
        :raises NotFound, Forbidden, OverrideNotAllowed, ReasonRequired, InvalidTransition:
        """
        with atomic(self.db_session):
            studio_id = whose_is(self.db_session, reservation_id).studio_id
            actor.require(studio_id, Role.MANAGER)
            set_aside = allowed_rules(override, actor=actor, studio_id=studio_id, permitted=RESTORING_OVERRIDES)
            _, reservation = lock_reservation(self.db_session, reservation_id)
            if reservation.status == Status.PENDING:
                return reservation
            if reservation.status != Status.AUTO_CANCELLED:
                raise InvalidTransition(state=reservation.status, action="restore")
            judged = self._judged(reservation, set_aside)
            needed = judged.overridden
            self._back(
                reservation,
                judged,
                actor=actor,
                reason=override.reason if override is not None and needed else reason,
                details={"overridden": list(needed)} if needed else {},
            )
            return reservation

    def restore_futures(self, *, because_of: SessionReservation, actor: Actor) -> list[Outcome]:
        """Restore what was cancelled for this missed class, whose pass is locked; each on its own, the soonest first."""
        futures = self.db_session.scalars(
            select(SessionReservation)
            .join(ClassSession, ClassSession.id == SessionReservation.session_id)
            .where(
                SessionReservation.auto_cancelled_for_id == because_of.id,
                SessionReservation.status == Status.AUTO_CANCELLED.value,
            )
            .order_by(ClassSession.starts_at, SessionReservation.id)  # an earlier part makes way for a later one
            .execution_options(populate_existing=True)
        ).all()
        lock_sessions(self.db_session, {because_of.session_id, *(one.session_id for one in futures)} if futures else ())
        outcomes = []
        for future in futures:
            try:
                with self.db_session.begin_nested():
                    judged = self._judged(future, frozenset())
                    self._back(future, judged, actor=actor, details={"because_of": str(because_of.id)})
            except ReservationRefused as refusal:
                outcomes.append(Outcome(reservation_id=future.id, refusal=refusal))
            else:
                outcomes.append(Outcome(reservation_id=future.id))
        return outcomes

    def void_suspensions(self, *, because_of: SessionReservation, actor: Actor) -> list[CustomerSuspension]:
        """Void each SYSTEM suspension that this no-show built and that has fewer unwaived ones left than its limit."""
        built = self.db_session.scalars(
            select(CustomerSuspension)
            .join(SuspensionNoShow, SuspensionNoShow.suspension_id == CustomerSuspension.id)
            .where(
                SuspensionNoShow.reservation_id == because_of.id,
                CustomerSuspension.created_by_kind == SuspensionOrigin.SYSTEM.value,
                CustomerSuspension.voided_at.is_(None),
            )
            .order_by(CustomerSuspension.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).all()
        return [one for one in built if self._voided(one, actor)]

    def _voided(self, suspension: CustomerSuspension, actor: Actor) -> bool:
        standing = self.db_session.scalars(
            select(func.count())
            .select_from(SuspensionNoShow)
            .join(SessionReservation, SessionReservation.id == SuspensionNoShow.reservation_id)
            .where(
                SuspensionNoShow.suspension_id == suspension.id,
                SessionReservation.counts_as_no_show.is_(True),
                SessionReservation.waived_at.is_(None),
            )
        ).one()
        if standing >= (suspension.limit or 0):
            return False
        suspension.voided_at = self.now
        suspension.voided_by = actor.id
        suspension.ended_at = suspension.ended_at or self.now
        record(
            self.db_session,
            action="suspension.voided",
            subject_type=SubjectType.SUSPENSION,
            subject_id=suspension.id,
            studio_id=suspension.studio_id,
            customer_id=suspension.customer_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            details={"no_shows_left": standing, "limit": suspension.limit},
        )
        return True

    def _judged(self, reservation: SessionReservation, set_aside: frozenset[str]) -> _Judged:
        context = load_context(
            self.db_session,
            registration_id=reservation.registration_id,
            session_id=reservation.session_id,
            customer_id=reservation.customer_id,
            now=self.now,
            pass_types=self.pass_types,
            lock=False,
            makeup_for_id=reservation.makeup_for_id,
            by_staff=True,
        )
        if context is None:
            raise NotFound()
        return _Judged(
            overridden=judge(context.case, set_aside=set_aside, rules=RESTORING),
            starts_at=context.case.offer.candidate.starts_at,
        )

    def _back(
        self,
        reservation: SessionReservation,
        judged: _Judged,
        *,
        actor: Actor,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        if self._moved_meanwhile(reservation):
            reservation.free_cancellation_until = judged.starts_at
        reservation.status = Status.PENDING.value
        reservation.auto_cancelled_at = None
        reservation.auto_cancelled_for_id = None
        with violations_as_refusals():
            self.db_session.flush()
        record_act(
            self.db_session,
            reservation,
            action="reservation.restored",
            from_status=Status.AUTO_CANCELLED.value,
            actor=actor,
            as_staff=True,
            now=self.now,
            reason=reason,
            details=details,
        )
        session_id = reservation.session_id
        change_seats(self.db_session, {session_id: 1}, seen_starts_at={session_id: judged.starts_at})

    def _moved_meanwhile(self, reservation: SessionReservation) -> bool:
        """Return whether the session was moved after this was cancelled: whoever holds it then may give it up for free."""
        moved = select(ReservationHistory.id).where(
            ReservationHistory.subject_id == reservation.session_id,
            ReservationHistory.action == "session.moved",
            ReservationHistory.created_at >= (reservation.auto_cancelled_at or reservation.reserved_at),
        )
        return self.db_session.scalar(select(moved.exists())) is True


def lock_sessions(db_session: Session, ids: Any) -> None:
    """Lock class sessions ascending by id, where several seats change one by one; nothing is locked after them."""
    if ids:
        db_session.execute(
            select(ClassSession.id)
            .where(ClassSession.id.in_(ids))
            .order_by(ClassSession.id)
            .with_for_update(key_share=True)
        ).all()
