"""Checking in: by the customer, at the kiosk, by staff, by a code, many at once; and taking it back.

Source: rules.md §2, §7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.errors import (
    CheckInTooEarly,
    CodeExpired,
    InvalidTransition,
    PunchesExhausted,
    ReservationRefused,
    SessionCancelled,
)
from studio_reservations.models import ClassSession, Role, SelfCheckIn, SessionReservation
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.policies.checking_in import Window, check_in_window
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.arriving import (
    Asked,
    Verdict,
    class_day_of,
    code_validity_of,
    judge_check_in,
    window_of,
)
from studio_reservations.services.books import add_flag, atomic, change_seats
from studio_reservations.services.bulk_check_in import BulkCheckIn, Transactions, check_in_each
from studio_reservations.services.cancelling import take_check_in_back
from studio_reservations.services.codes import CodeSigner, svg_of
from studio_reservations.services.no_shows import NoShowService, Waived
from studio_reservations.services.overrides import Override
from studio_reservations.services.policies import policy_of
from studio_reservations.services.punch_passes import charge_check_in
from studio_reservations.services.seats import violations_as_refusals
from studio_reservations.services.seen import load_held_passes
from studio_reservations.services.standing import (
    UNCHARGED,
    Standing,
    forget_no_show,
    let_check_in,
    record_act,
    standing_of,
    whose_is,
)

ARRIVED = (Status.CHECKED_IN, Status.ATTENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInAnswer:
    """Truthy where the check-in would do, or has been done; else it carries the ``refusal``.

    ``window`` is the one that this actor is held to. ``needs_door_code`` tells whether the digits of the door are asked for.
    """

    refusal: ReservationRefused | None
    window: Window
    needs_door_code: bool

    def __bool__(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInCode:
    """The QR of a reservation as ``text`` and ``svg``, and when it is ``valid``."""

    text: str
    svg: str
    valid: Window


class CheckInService:
    """Check-ins of one request. Without ``codes`` no door code is good and no QR is read."""

    def __init__(
        self,
        db_session: Session,
        *,
        clock: Clock = utc_now,
        pass_types: PassTypes | None = None,
        codes: CodeSigner | None = None,
    ) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = pass_types or installed_pass_types()
        self.codes = codes
        self.gave_back: Waived | None = None
        """What the last check-in of a no-show gave back: they were there after all."""

    def get_check_in_window(self, *, class_session: ClassSession, policy: Policy | None = None) -> Window:
        """Return when a customer may check in alone, both ends inclusive; without ``policy`` by the one in force."""
        policy = policy or policy_of(
            self.db_session, studio_id=class_session.studio_id, class_id=class_session.class_id
        )
        return check_in_window(starts_at=class_session.starts_at, ends_at=class_session.ends_at, policy=policy)

    def can_check_in(
        self, *, reservation_id: UUID, actor: Actor, override: Override | None = None, door_code: str | None = None
    ) -> CheckInAnswer:
        """Say whether `check_in` would do, by the same rules and without writing.

        :raises NotFound, Forbidden: for whoever may not ask.
        :raises OverrideNotAllowed, ReasonRequired: for a wrong ``override``.
        """
        asked = self._asked(reservation_id, actor=actor, override=override, door_code=door_code)
        standing = standing_of(self.db_session, reservation_id, lock=False)
        refusal = None
        if standing.reservation.status not in ARRIVED:
            try:
                judge_check_in(self.db_session, standing, asked)
            except ReservationRefused as refused:
                refusal = refused
        return CheckInAnswer(
            refusal=refusal,
            window=class_day_of(standing) if asked.as_staff else window_of(standing),
            needs_door_code=asked.alone and standing.policy.self_check_in == SelfCheckIn.DOOR_CODE,
        )

    def check_in(
        self, *, reservation_id: UUID, actor: Actor, override: Override | None = None, door_code: str | None = None
    ) -> SessionReservation:
        """Check somebody in and charge what was held; who is checked in already stays as they are, at no second charge.

        Staff may do it for a no-show too: they were there after all. Source: rules.md §2, §7.

        :raises NotFound, Forbidden, OverrideNotAllowed, ReasonRequired:
        :raises SessionCancelled, InvalidTransition, PunchesExhausted:
        :raises CheckInTooEarly, CheckInTooLate, SelfCheckInOff, CodeInvalid, CodeExpired: to customers.
        :raises NotClassDay: to staff.
        :raises AlreadyReserved, StepAlreadyReserved, SessionFull: for a no-show whose place is taken.
        """
        return self._check_in(
            reservation_id, self._asked(reservation_id, actor=actor, override=override, door_code=door_code)
        )

    def check_in_by_code(self, *, code: str, actor: Actor) -> SessionReservation:
        """Check in whoever holds this QR; it is worth something to staff of that studio and its kiosk alone.

        :raises CodeInvalid: where the code is none of ours.
        :raises CheckInTooEarly: before the class day. :raises CodeExpired: after the code's time.
        """
        if self.codes is None:
            raise RuntimeError("CheckInService needs `codes` to read a QR.")
        reservation_id = self.codes.read(code)
        whose = whose_is(self.db_session, reservation_id)
        actor.require(whose.studio_id, Role.INSTRUCTOR)
        standing = standing_of(self.db_session, reservation_id, lock=False)
        valid = code_validity_of(standing)
        try:
            if self.now < valid.opens_at:
                raise CheckInTooEarly(opens_at=valid.opens_at, closes_at=valid.closes_at)
            if self.now > valid.closes_at:
                raise CodeExpired()
            asked = self._asked(reservation_id, actor=actor, override=None, door_code=None)
            return self._check_in(reservation_id, replace(asked, by_code=True))
        except ReservationRefused as refusal:
            refusal.values.setdefault("timezone", standing.timezone)  # nobody else can tell it from a code
            raise

    def get_code(self, *, reservation_id: UUID, actor: Actor) -> CheckInCode:
        """Return the QR of a reservation, for whoever holds it and for the front desk. :raises NotFound, Forbidden:"""
        if self.codes is None:
            raise RuntimeError("CheckInService needs `codes` to make a QR.")
        whose = whose_is(self.db_session, reservation_id)
        actor.require_customer_or_staff(customer_id=whose.customer_id, studio_id=whose.studio_id)
        text = self.codes.code_for(reservation_id)
        standing = standing_of(self.db_session, reservation_id, lock=False)
        return CheckInCode(text=text, svg=svg_of(text), valid=code_validity_of(standing))

    def bulk_check_in(
        self, *, session_id: UUID, customer_ids: Iterable[UUID], actor: Actor, transactions: Transactions
    ) -> BulkCheckIn:
        """Check in many customers of one session, each in a transaction of its own that ``transactions`` opens.

        No transaction may be open: this service's own session is not used. :raises NotFound, Forbidden:
        """

        def check_in(db_session: Session, *, reservation_id: UUID) -> None:
            service = CheckInService(db_session, clock=lambda: self.now, pass_types=self.pass_types, codes=self.codes)
            service.check_in(reservation_id=reservation_id, actor=actor)

        return check_in_each(
            session_id=session_id,
            customer_ids=customer_ids,
            actor=actor,
            transactions=transactions,
            check_in=check_in,
        )

    def undo_check_in(self, *, reservation_id: UUID, actor: Actor, reason: str | None = None) -> SessionReservation:
        """Turn CHECKED_IN back into PENDING and refund it; what depends on it stays, flagged.

        :raises NotFound, Forbidden, InvalidTransition:
        """
        with atomic(self.db_session):
            actor.require(whose_is(self.db_session, reservation_id).studio_id, Role.FRONT_DESK)
            standing = standing_of(self.db_session, reservation_id, lock=True)
            reservation, registration = standing.reservation, standing.registration
            if reservation.status == Status.PENDING:
                return reservation
            if reservation.status != Status.CHECKED_IN:
                raise InvalidTransition(state=reservation.status, action="undo_check_in")
            if standing.session_cancelled:
                raise SessionCancelled()
            held = load_held_passes(self.db_session, [registration], now=self.now, timezone=standing.timezone)
            take_check_in_back(
                self.db_session,
                reservation,
                registration=registration,
                held=held[registration.id],
                pass_types=self.pass_types,
                actor=actor,
                now=self.now,
                reason=reason,
            )
            return reservation

    def _check_in(self, reservation_id: UUID, asked: Asked) -> SessionReservation:
        with atomic(self.db_session):
            standing = standing_of(self.db_session, reservation_id, lock=True)
            if standing.reservation.status not in ARRIVED:
                self._arrive(standing, judge_check_in(self.db_session, standing, asked), asked)
            return standing.reservation

    def _asked(self, reservation_id: UUID, *, actor: Actor, override: Override | None, door_code: str | None) -> Asked:
        return Asked(
            now=self.now,
            actor=actor,
            as_staff=let_check_in(actor, whose_is(self.db_session, reservation_id)),
            override=override,
            door_code=door_code,
            codes=self.codes,
        )

    def _arrive(self, standing: Standing, verdict: Verdict, asked: Asked) -> None:
        reservation, before = standing.reservation, standing.reservation.status
        takes_seat = reservation.seat_released_at is not None
        reason = asked.override.reason if asked.override is not None and verdict.overridden else None
        charge_check_in(
            self.db_session,
            registration=standing.registration,
            reservation=reservation,
            due=verdict.due,
            actor=asked.actor,
            now=self.now,
            reason=reason,
        )
        forget_no_show(reservation)
        if PunchesExhausted.code in verdict.overridden:
            add_flag(reservation, UNCHARGED)
        reservation.seat_released_at = None
        reservation.status = Status.CHECKED_IN.value
        reservation.checked_in_at = self.now
        reservation.check_in_method = asked.actor.check_in_method(as_staff=asked.as_staff).value
        reservation.checked_in_by = asked.actor.id
        with (
            violations_as_refusals()
        ):  # another pass of the customer may take the place meanwhile: its lock is not ours
            self.db_session.flush()
        record_act(
            self.db_session,
            reservation,
            action="reservation.checked_in",
            from_status=before,
            actor=asked.actor,
            as_staff=asked.as_staff,
            now=self.now,
            reason=reason,
            details={
                "method": reservation.check_in_method,
                "punches_charged": verdict.due,
                **({"overridden": list(verdict.overridden)} if verdict.overridden else {}),
            },
        )
        if before == Status.NO_SHOW:
            service = NoShowService(self.db_session, clock=lambda: self.now, pass_types=self.pass_types)
            self.gave_back = service.give_back(reservation, actor=asked.actor)
        if takes_seat:
            change_seats(self.db_session, {reservation.session_id: 1})
