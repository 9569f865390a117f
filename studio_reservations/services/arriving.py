"""May this reservation be checked in now? The one list of rules behind the question and the act.

Source: rules.md §2, §3 (Overrides), §7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    AlreadyReserved,
    CheckInTooEarly,
    CheckInTooLate,
    CodeInvalid,
    InvalidTransition,
    NotClassDay,
    OverrideNotAllowed,
    PunchesExhausted,
    SelfCheckInOff,
    SessionCancelled,
    SessionFull,
    StepAlreadyReserved,
)
from studio_reservations.models import ClassSession, ClassStep, SelfCheckIn, SessionReservation, SessionStatus
from studio_reservations.pass_types import LIVE, Status
from studio_reservations.policies.checking_in import Window, check_in_window, class_day, code_validity
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.services.codes import CodeSigner
from studio_reservations.services.overrides import CHECKING_IN, Override, allowed_rules
from studio_reservations.services.punch_passes import check_affordable, check_in_charge
from studio_reservations.services.standing import Standing

_LIVE = SessionReservation.status.in_([one.value for one in LIVE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a check-in, when, and with what; ``codes`` None means that no door code is good.

    ``by_code``: staff read a QR that is valid now, which may be later than the class day.
    """

    now: datetime
    actor: Actor
    as_staff: bool
    override: Override | None = None
    door_code: str | None = None
    codes: CodeSigner | None = None
    by_code: bool = False

    @property
    def alone(self) -> bool:
        """Whether it is the customer by their own means, on their own page or with their own token."""
        return not self.as_staff and self.actor.kind is not ActorKind.KIOSK


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A check-in that may be: the punches it costs, and the rules that staff had to set aside for it."""

    due: int
    overridden: tuple[str, ...] = ()


def judge_check_in(db_session: Session, standing: Standing, asked: Asked) -> Verdict:
    """Return what the check-in of a PENDING reservation, or of a no-show by staff, comes to; nothing is written.

    :raises ReservationRefused: whichever rule fails first.
    :raises OverrideNotAllowed, ReasonRequired: for a wrong override.
    """
    reservation, overridden = standing.reservation, []
    allowed = _allowed(standing, asked)
    if standing.class_session.status == SessionStatus.CANCELLED:
        raise SessionCancelled()
    if reservation.status not in ((Status.PENDING, Status.NO_SHOW) if asked.as_staff else (Status.PENDING,)):
        raise InvalidTransition(state=reservation.status, action="check_in")
    if not asked.as_staff:
        _check_customer(standing, asked)
    elif not asked.by_code and asked.now not in (day := class_day_of(standing)):
        if NotClassDay.code not in allowed:
            raise NotClassDay(opens_at=day.opens_at, closes_at=day.closes_at)
        overridden.append(NotClassDay.code)
    if reservation.status == Status.NO_SHOW:
        _check_place(db_session, standing)
    due = check_in_charge(standing.registration, reservation)
    try:
        check_affordable(db_session, standing.registration, reservation, due=due)
    except PunchesExhausted:
        if PunchesExhausted.code not in allowed:
            raise
        overridden.append(PunchesExhausted.code)
        due = 0
    return Verdict(due=due, overridden=tuple(overridden))


def window_of(standing: Standing) -> Window:
    """Return when the customer may check in."""
    session = standing.class_session
    return check_in_window(starts_at=session.starts_at, ends_at=session.ends_at, policy=standing.policy)


def class_day_of(standing: Standing) -> Window:
    """Return when staff may check in."""
    session = standing.class_session
    return class_day(starts_at=session.starts_at, ends_at=session.ends_at, timezone=standing.timezone)


def code_validity_of(standing: Standing) -> Window:
    """Return when the reservation's QR is worth something."""
    session = standing.class_session
    return code_validity(
        starts_at=session.starts_at, ends_at=session.ends_at, timezone=standing.timezone, policy=standing.policy
    )


def _allowed(standing: Standing, asked: Asked) -> frozenset[str]:
    if asked.as_staff:
        return allowed_rules(
            asked.override, actor=asked.actor, studio_id=standing.reservation.studio_id, permitted=CHECKING_IN
        )
    if asked.override is not None:  # what is one's own is done as a customer, staff or not
        raise OverrideNotAllowed(rules=sorted(asked.override.rules))
    return frozenset()


def _check_customer(standing: Standing, asked: Asked) -> None:
    means = standing.policy.self_check_in
    if asked.alone and means == SelfCheckIn.OFF:
        raise SelfCheckInOff()
    window = window_of(standing)
    if asked.now < window.opens_at:
        raise CheckInTooEarly(opens_at=window.opens_at, closes_at=window.closes_at)
    if asked.now > window.closes_at:
        raise CheckInTooLate(opens_at=window.opens_at, closes_at=window.closes_at)
    if asked.alone and means == SelfCheckIn.DOOR_CODE:
        if asked.codes is None:
            raise CodeInvalid()
        asked.codes.check_door_code(asked.door_code, studio_id=standing.reservation.studio_id, now=asked.now)


def _check_place(db_session: Session, standing: Standing) -> None:
    """Return quietly where a no-show's place is still theirs: nothing else stands for it, and a seat is there."""
    mine, session = standing.reservation, standing.class_session
    if mine.guest_name is None:
        other = db_session.scalar(
            select(SessionReservation.id).where(
                _LIVE,
                SessionReservation.customer_id == mine.customer_id,
                SessionReservation.session_id == mine.session_id,
                SessionReservation.guest_name.is_(None),
            )
        )
        if other is not None:
            raise AlreadyReserved(reservation_id=other)
    if mine.exclusive_step_id is not None:
        same_step = db_session.execute(
            select(ClassStep.position, ClassSession.starts_at, SessionReservation.status)
            .select_from(SessionReservation)
            .join(ClassStep, ClassStep.id == SessionReservation.exclusive_step_id)
            .join(ClassSession, ClassSession.id == SessionReservation.session_id)
            .where(
                _LIVE,
                SessionReservation.registration_id == mine.registration_id,
                SessionReservation.exclusive_step_id == mine.exclusive_step_id,
            )
        ).first()
        if same_step is not None:
            raise StepAlreadyReserved(step=same_step.position, starts_at=same_step.starts_at, state=same_step.status)
    if mine.seat_released_at is not None and session.seats_taken >= session.capacity:
        raise SessionFull(capacity=session.capacity)
