"""Reserving, cancelling, rescheduling.

Source: rules.md §3, §5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert

from studio_reservations.errors import (
    AlreadyReserved,
    CancellationNotFree,
    InvalidTransition,
    NotFound,
    OverrideNotAllowed,
    TryAgain,
)
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    OutboxMessage,
    ReservationHistory,
    Role,
    SessionReservation,
    Studio,
    SubjectType,
)
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import HeldPass, Status
from studio_reservations.policies.choosing import Choice
from studio_reservations.policies.reserving import judge
from studio_reservations.services import seats
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import atomic, change_seats, lock_reservation, seat_changes
from studio_reservations.services.cancelling import (
    auto_cancel,
    cancel_free,
    cancel_late,
    check_cancellable,
    dependents_of,
    falling_with,
    flag_dependents,
)
from studio_reservations.services.events import announce, event_rows, record
from studio_reservations.services.overrides import RESERVING, Override, allowed_rules
from studio_reservations.services.reservation_questions import ReservationQuestions
from studio_reservations.services.reservation_rows import as_held, described, reservation_row, shown
from studio_reservations.services.reserving import Context, load_context, without
from studio_reservations.services.seen import load_held_passes

ATTEMPTS = 3
_RESERVATIONS: Table = SessionReservation.__table__  # type: ignore[assignment]
_HISTORY: Table = ReservationHistory.__table__  # type: ignore[assignment]
_OUTBOX: Table = OutboxMessage.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new reservation. ``choice`` says which pass was taken and why, where none was named; ``replaces_id`` what it replaces.

    ``shown`` has the attributes of a row of `listings.RESERVATIONS`.
    """

    reservation_id: UUID
    registration_id: UUID
    shown: Any
    choice: Choice | None = None
    replaces_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A cancelled reservation and what the cancelling did to the pass."""

    reservation: SessionReservation
    late: bool
    punches_refunded: int = 0
    punches_charged: int = 0


class ReservationService(ReservationQuestions):
    """Seats taken with passes, given back and moved. It lives for one request; it flushes and never commits."""

    def create_reservation(
        self,
        *,
        actor: Actor,
        session_id: UUID,
        customer_id: UUID | None = None,
        registration_id: UUID | None = None,
        makeup_for_id: UUID | None = None,
        override: Override | None = None,
    ) -> Created:
        """Reserve a seat, with the named pass or the best one.

        :raises ReservationRefused: the first rule that fails (rules.md §3).
        :raises NotFound: where the session, the pass or the customer is none of the actor's business.
        :raises OverrideNotAllowed, ReasonRequired: for an override that this actor may not make.
        """
        customer = self._customer(actor, customer_id)
        by_staff = not actor.acts_for(customer)
        set_aside = self._set_aside(override, actor=actor, by_staff=by_staff, session_id=session_id)
        for _ in range(ATTEMPTS):
            choice = (
                self._choice(actor, customer, session_id, makeup_for_id, set_aside) if registration_id is None else None
            )
            named = choice.case.held.id if choice is not None else registration_id
            context = self._context(
                actor,
                registration_id=named,
                session_id=session_id,
                customer_id=customer,
                makeup_for_id=makeup_for_id,
                by_staff=by_staff,
            )
            needed = judge(context.case, set_aside=set_aside)
            row = reservation_row(context)
            if self._write(context, row, actor=actor, by_staff=by_staff, override=override, needed=needed):
                return _made(context, row, choice=choice)
            # The session filled up, moved or was cancelled in between: judged again, the answer is what is so now.
        raise TryAgain()

    def cancel_reservation(
        self,
        *,
        actor: Actor,
        reservation_id: UUID,
        reason: str | None = None,
        if_free: bool = False,
        as_customer: bool = False,
    ) -> Cancelled:
        """Give a reservation up: staff for free, or ``as_customer`` on the customer's terms.

        :raises SessionStarted, InvalidTransition: where it cannot be cancelled any more.
        :raises CancellationNotFree: with ``if_free``, where it would be a late one.
        """
        with atomic(self.db_session):
            registration, reservation = lock_reservation(self.db_session, reservation_id)
            by_staff = actor.require_customer_or_staff(
                customer_id=reservation.customer_id, studio_id=reservation.studio_id
            )
            if reservation.status == Status.CANCELLED:
                charged = reservation.punches_used if reservation.late else 0
                return Cancelled(reservation=reservation, late=reservation.late, punches_charged=charged)
            by_customer = not by_staff or as_customer
            class_session = self._class_session(reservation.session_id)
            free = check_cancellable(reservation, class_session, now=self.now, by_customer=by_customer)
            if if_free and not free:
                raise CancellationNotFree(
                    free_until=reservation.free_cancellation_until,
                    punches=min(reservation.late_cancel_punches, registration.sessions_remaining or 0),
                )
            held = self._held_pass(registration)
            outcome = self._give_up(registration, reservation, free=free, actor=actor, by_staff=by_staff, reason=reason)
            fallen = self._give_up_dependents(held, reservation, by_customer=by_customer)
            change_seats(self.db_session, seat_changes((reservation.session_id, -1), *fallen))
            return outcome

    def reschedule(self, *, actor: Actor, reservation_id: UUID, session_id: UUID) -> Created:
        """Move a PENDING reservation to another session in one step; a late one is a late cancellation.

        The new one is judged as if the old one were cancelled. One act is recorded, on the new reservation.
        :raises ReservationRefused: the first rule that fails; the old reservation stands unchanged then.
        """
        with atomic(self.db_session):
            registration, old = lock_reservation(self.db_session, reservation_id)
            by_staff = actor.require_customer_or_staff(customer_id=old.customer_id, studio_id=old.studio_id)
            if old.status != Status.PENDING:
                raise InvalidTransition(state=old.status, action="reschedule")
            if old.session_id == session_id:
                raise AlreadyReserved(reservation_id=old.id)
            class_session = self._class_session(old.session_id)
            free = check_cancellable(old, class_session, now=self.now, by_customer=not by_staff)
            context = self._context(
                actor,
                registration_id=registration.id,
                session_id=session_id,
                customer_id=old.customer_id,
                makeup_for_id=old.makeup_for_id,
                by_staff=by_staff,
            )
            charge = 0 if free else min(old.late_cancel_punches, registration.sessions_remaining or 0)
            context = replace(context, case=without(context.case, old.id, charge=charge))
            judge(context.case)
            row = reservation_row(context, replaces_id=old.id, first_reserved_at=old.first_reserved_at)
            held = self._held_pass(registration)
            self._give_up(registration, old, free=free, actor=actor, by_staff=by_staff, tell=False)
            self.db_session.flush()  # the old one leaves the unique indexes before the new one enters them
            with seats.violations_as_refusals():
                self.db_session.execute(insert(SessionReservation), [row])
            record(
                self.db_session,
                **self._created(row, "reservation.rescheduled", actor, by_staff),
                details={**described(row), "replaces": str(old.id), "late": not free, "punches_charged": charge},
            )
            moved = replace(held, reservations=(*held.reservations, as_held(row, context.case)))
            fallen = self._give_up_dependents(moved, old, by_customer=not by_staff)
            change_seats(
                self.db_session,
                seat_changes((old.session_id, -1), (session_id, +1), *fallen),
                seen_starts_at={session_id: context.case.offer.candidate.starts_at},
            )
            return _made(context, row, replaces_id=old.id)

    def _set_aside(
        self, override: Override | None, *, actor: Actor, by_staff: bool, session_id: UUID
    ) -> frozenset[str]:
        if override is None:
            return frozenset()
        if not by_staff:
            raise OverrideNotAllowed(rules=sorted(override.rules))
        studio_id = self._studio_of_session(session_id)
        actor.require(studio_id, Role.FRONT_DESK)  # a stranger learns nothing of the session by its refusal
        return allowed_rules(override, actor=actor, studio_id=studio_id, permitted=RESERVING)

    def _context(
        self,
        actor: Actor,
        *,
        registration_id: UUID | None,
        session_id: UUID,
        customer_id: UUID,
        makeup_for_id: UUID | None,
        by_staff: bool,
    ) -> Context:
        """Lock the pass and read the case; whatever is none of the actor's business is not found."""
        context = load_context(
            self.db_session,
            registration_id=registration_id,
            session_id=session_id,
            customer_id=customer_id,
            now=self.now,
            pass_types=self.pass_types,
            lock=True,
            makeup_for_id=makeup_for_id,
            by_staff=by_staff,
        )
        if context is None or not context.known:
            raise NotFound()
        case = context.case
        if by_staff:
            actor.require(case.offer.studio_id, Role.FRONT_DESK)
            if case.pass_studio_id != case.offer.studio_id:
                raise NotFound()
        elif not (case.is_member or actor.acts_for(context.holder_id)):
            raise NotFound()
        return context

    def _write(
        self,
        context: Context,
        row: dict[str, Any],
        *,
        actor: Actor,
        by_staff: bool,
        override: Override | None,
        needed: tuple[str, ...],
    ) -> bool:
        """Write the reservation, its history and its message together with the seat, or nothing; tell which."""
        history, message = event_rows(
            **self._created(row, "reservation.created", actor, by_staff),
            reason=override.reason if override and needed else None,
            details=described(row) | ({"overridden": list(needed)} if needed else {}),
        )
        rows = [(_RESERVATIONS, row), (_HISTORY, history)]
        if message is not None:
            rows.append((_OUTBOX, message))
        session = context.case.offer.candidate
        with seats.violations_as_refusals(), atomic(self.db_session):
            written = seats.write_with_seat(
                connection(self.db_session), session_id=session.id, seen_starts_at=session.starts_at, rows=rows
            )
        if written and message is not None:
            announce(self.db_session, message)
        return written

    def _created(self, row: dict[str, Any], action: str, actor: Actor, by_staff: bool) -> dict[str, Any]:
        return {
            "action": action,
            "subject_type": SubjectType.RESERVATION,
            "subject_id": row["id"],
            "reservation_id": row["id"],
            "studio_id": row["studio_id"],
            "customer_id": row["customer_id"],
            "actor": actor,
            "as_staff": by_staff,
            "now": self.now,
            "to_status": row["status"],
        }

    def _give_up(
        self,
        registration: ClassRegistration,
        reservation: SessionReservation,
        *,
        free: bool,
        actor: Actor,
        by_staff: bool,
        reason: str | None = None,
        tell: bool = True,
    ) -> Cancelled:
        cancel = cancel_free if free else cancel_late
        punches = cancel(
            self.db_session,
            registration=registration,
            reservation=reservation,
            actor=actor,
            as_staff=by_staff,
            now=self.now,
            reason=reason,
            tell=tell,
        )
        return Cancelled(
            reservation=reservation,
            late=not free,
            punches_refunded=punches if free else 0,
            punches_charged=0 if free else punches,
        )

    def _give_up_dependents(
        self, held: HeldPass, lost: SessionReservation, *, by_customer: bool
    ) -> list[tuple[UUID, int]]:
        """Cancel what cannot stand without ``lost``, or flag it where staff took that away; return the seats freed."""
        if not by_customer:
            flag_dependents(self.db_session, dependents_of(held, lost_id=lost.id, pass_types=self.pass_types))
            return []
        ids = falling_with(held, lost_id=lost.id, pass_types=self.pass_types)
        fallen = auto_cancel(self.db_session, ids=ids, because_of=lost, now=self.now) if ids else []
        return [(one.session_id, -1) for one in fallen]

    def _held_pass(self, registration: ClassRegistration) -> HeldPass:
        timezone = self.db_session.get_one(Studio, registration.studio_id).timezone
        return load_held_passes(self.db_session, [registration], now=self.now, timezone=timezone)[registration.id]

    def _class_session(self, session_id: UUID) -> ClassSession:
        return self.db_session.get_one(ClassSession, session_id, populate_existing=True)


def _made(context: Context, row: dict[str, Any], **more: Any) -> Created:
    return Created(reservation_id=row["id"], registration_id=row["registration_id"], shown=shown(context, row), **more)
