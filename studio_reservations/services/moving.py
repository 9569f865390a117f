"""What moving a class session does to those who hold a seat in it.

Source: rules.md §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    PassExpired,
    PassNotYetValid,
    PassTypeUnavailable,
    ReservationRefused,
    SequenceNotMet,
    TimeConflict,
)
from studio_reservations.models import (
    ClassSession,
    OutboxMessage,
    ReservationHistory,
    SessionReservation,
    SubjectType,
)
from studio_reservations.models.reservations import LIVE_SQL
from studio_reservations.pass_type_registry import InstalledPassType, PassTypes
from studio_reservations.pass_types import LIVE, Candidate, HeldPass, HeldReservation, Status
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.reserving import check_validity
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import add_flag
from studio_reservations.services.cancelling import take_check_in_back
from studio_reservations.services.events import event_rows
from studio_reservations.services.rosters import Roster
from studio_reservations.services.seen import load_held_passes
from studio_reservations.services.standing import drop_flags

CONFLICT, SEQUENCE = TimeConflict.code, SequenceNotMet.code
VALIDITY = (PassExpired.code, PassNotYetValid.code)


class Move:
    """One move of a session, as it meets its holders; the session has its new time already."""

    def __init__(
        self,
        db_session: Session,
        *,
        class_session: ClassSession,
        roster: Roster,
        timezone: str,
        pass_types: PassTypes,
        actor: Actor,
        now: datetime,
    ) -> None:
        self.db_session = db_session
        self.class_session = class_session
        self.roster = roster
        self.holders = roster.of_status(*LIVE)
        self.timezone = timezone
        self.pass_types = pass_types
        self.actor = actor
        self.now = now

    def undo_check_ins(self, *, reason: str | None) -> int:
        """Return CHECKED_IN to PENDING, refunded; what depends on them stays, flagged. Return how many they were."""
        checked_in = self.roster.of_status(Status.CHECKED_IN)
        held = self._held_passes(checked_in)
        for reservation in checked_in:
            take_check_in_back(
                self.db_session,
                reservation,
                registration=self.roster.registrations[reservation.registration_id],
                held=held[reservation.registration_id],
                pass_types=self.pass_types,
                actor=self.actor,
                now=self.now,
                reason=reason,
                reason_code="session_moved",
            )
        return len(checked_in)

    def judge_anew(self) -> int:
        """Make giving up free until the new start, and flag what the new time breaks; return how many have a conflict."""
        engaged = self._engaged_elsewhere()
        day = local_date(self.class_session.starts_at, timezone=self.timezone)
        held = self._held_passes(self.holders)
        conflicts = 0
        for reservation in self.holders:
            reservation.free_cancellation_until = self.class_session.starts_at
            drop_flags(reservation, CONFLICT, *VALIDITY)
            if reservation.guest_name is None and reservation.customer_id in engaged:
                conflicts += 1
                add_flag(reservation, CONFLICT)
            try:
                check_validity(held[reservation.registration_id], day)
            except ReservationRefused as refusal:
                add_flag(reservation, refusal.code)
        self._judge_sequences(held)
        return conflicts

    def tell(self, *, reason: str | None, details: Mapping[str, Any]) -> None:
        """Write each holder's own history row and message; the session's own is written once, by the caller."""
        acts = [
            event_rows(
                action="session.moved",
                subject_type=SubjectType.SESSION,
                subject_id=self.class_session.id,
                reservation_id=reservation.id,
                studio_id=reservation.studio_id,
                customer_id=reservation.customer_id,
                actor=self.actor,
                as_staff=True,
                now=self.now,
                reason=reason,
                details={**details, "reservation_id": str(reservation.id), "flags": list(reservation.flags)},
            )
            for reservation in self.holders
        ]
        self.db_session.flush()
        if acts:
            self.db_session.execute(insert(ReservationHistory), [history for history, _ in acts])
            self.db_session.execute(insert(OutboxMessage), [message for _, message in acts if message is not None])

    def _held_passes(self, reservations: list[SessionReservation]) -> dict[UUID, HeldPass]:
        self.db_session.flush()
        passes = [self.roster.registrations[one] for one in sorted({one.registration_id for one in reservations})]
        return load_held_passes(self.db_session, passes, now=self.now, timezone=self.timezone)

    def _engaged_elsewhere(self) -> set[UUID]:
        """Return the holders who have another live reservation at the new time, in whatever studio."""
        return set(
            self.db_session.scalars(
                select(SessionReservation.customer_id)
                .join(ClassSession, ClassSession.id == SessionReservation.session_id)
                .where(
                    SessionReservation.customer_id.in_({one.customer_id for one in self.holders}),
                    SessionReservation.session_id != self.class_session.id,
                    text(f"studio_session_reservation.{LIVE_SQL}"),
                    SessionReservation.guest_name.is_(None),
                    ClassSession.starts_at < self.class_session.ends_at,
                    ClassSession.ends_at > self.class_session.starts_at,
                )
            )
        )

    def _judge_sequences(self, held: Mapping[UUID, HeldPass]) -> None:
        """Flag the coming parts of the course that are out of sequence now, the moved one and those around it."""
        broken: set[UUID] = set()
        mended: set[UUID] = set()
        for one in held.values():
            try:
                plugin = self.pass_types.get(one.pass_type)
                if not plugin.exclusive_steps(one):
                    continue
                for reservation in one.reservations:
                    if reservation.status is Status.PENDING and reservation.class_id == self.class_session.class_id:
                        in_sequence = self._is_in_sequence(plugin, one, reservation)
                        (mended if in_sequence else broken).add(reservation.id)
            except PassTypeUnavailable:
                continue
        rows = select(SessionReservation).where(SessionReservation.id.in_(broken | mended))
        for row in self.db_session.scalars(rows.order_by(SessionReservation.id)):
            if row.id in broken:
                add_flag(row, SEQUENCE)
            else:
                drop_flags(row, SEQUENCE)

    def _is_in_sequence(self, plugin: InstalledPassType, held: HeldPass, reservation: HeldReservation) -> bool:
        others = tuple(one for one in held.reservations if one.id != reservation.id)
        asked = Candidate(
            id=reservation.session_id,
            class_id=reservation.class_id,
            class_title="",
            starts_at=reservation.starts_at,
            ends_at=reservation.ends_at,
            timezone=self.timezone,
            step=next((step for step in held.steps if step.id == reservation.step_id), None),
            makeup_for_id=reservation.makeup_for_id,
            customer_id=reservation.customer_id,
            by_staff=True,
        )
        try:
            plugin.allow_reservation(replace(held, reservations=others), asked)
        except PassTypeUnavailable:
            raise
        except ReservationRefused as refusal:
            return refusal.code != SEQUENCE
        return True
