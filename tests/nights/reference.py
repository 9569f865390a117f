"""The four jobs row by row, as rules.md says them and as slowly as need be: what the real ones are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    CustomerSuspension,
    LedgerReason,
    SessionReservation,
    Studio,
    SubjectType,
    SuspensionNoShow,
)
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.policies.missing import auto_cancel_at, grace_ends_at
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.books import charge_up_to
from studio_reservations.services.cancelling import dependents_of
from studio_reservations.services.events import record
from studio_reservations.services.policies import policy_of
from studio_reservations.services.seen import load_held_passes


def run_night(session: Session, studio: Studio, as_of: datetime) -> None:
    """Run all four jobs at ``as_of``."""
    detect_no_shows(session, studio, as_of)
    cancel_futures(session, studio, as_of)
    enforce_suspensions(session, studio, as_of)
    lift_suspensions(session, studio, as_of)
    session.flush()


def detect_no_shows(session: Session, studio: Studio, as_of: datetime) -> None:
    for reservation, class_session in _reservations(session, studio, "CHECKED_IN"):
        if class_session.ends_at <= as_of and class_session.status == "SCHEDULED":
            reservation.status, reservation.attended_at = "ATTENDED", as_of
            session.get_one(ClassRegistration, reservation.registration_id).sessions_attended += 1
            _tell(session, reservation, "reservation.attended", "CHECKED_IN", as_of)
    for reservation, class_session in _reservations(session, studio, "PENDING"):
        policy = policy_of(session, studio_id=studio.id, class_id=class_session.class_id)
        closed = class_session.ends_at + timedelta(minutes=policy.check_in_closes_minutes_after)
        if closed < as_of and class_session.status == "SCHEDULED":
            registration = session.get_one(ClassRegistration, reservation.registration_id)
            charged = 0
            if policy.deduct_punch_on_no_show and registration.sessions_remaining is not None:
                try:
                    installed_pass_types().get(registration.pass_type)
                except PassTypeUnavailable:
                    reservation.flags = [*reservation.flags, "no_show_not_charged"]
                else:
                    charged = charge_up_to(
                        session,
                        registration=registration,
                        reservation=reservation,
                        due=1,
                        entry_type=LedgerReason.NO_SHOW,
                        actor=SYSTEM,
                        now=as_of,
                    )
            grace = grace_ends_at(
                missed_at=max(as_of, class_session.ends_at),
                policy=policy,
                absence_grace_period_hours=registration.absence_grace_period_hours,
            )
            reservation.status, reservation.no_show_at, reservation.counts_as_no_show = "NO_SHOW", as_of, True
            reservation.missed_at, reservation.grace_ends_at = class_session.ends_at, grace
            reservation.auto_cancel_at = auto_cancel_at(grace_ends_at=grace, timezone=studio.timezone, policy=policy)
            told = {"punches_refunded": 0, "punches_charged": charged, "grace_ends_at": grace.isoformat()}
            _tell(session, reservation, "reservation.no_show", "PENDING", as_of, told | {"seat_released": False})


def cancel_futures(session: Session, studio: Studio, as_of: datetime) -> None:
    due = [
        one
        for one, _ in _reservations(session, studio, "NO_SHOW")
        if one.waived_at is None
        and one.futures_cancelled_at is None
        and one.grace_ends_at is not None
        and (one.auto_cancel_at or one.grace_ends_at) <= as_of
    ]
    lost: list[tuple[SessionReservation, SessionReservation]] = []
    for no_show in sorted(due, key=lambda one: (one.auto_cancel_at or one.grace_ends_at, one.missed_at, one.id)):
        no_show.futures_cancelled_at = as_of
        session.flush()
        registration = session.get_one(ClassRegistration, no_show.registration_id)
        needs: Iterable[UUID] | None = None
        if no_show.auto_cancel_at is None:
            held = load_held_passes(session, [registration], now=as_of, timezone=studio.timezone)[registration.id]
            needs = dependents_of(held, lost_id=no_show.id, pass_types=installed_pass_types())
        for future, class_session in _reservations(session, studio, "PENDING"):
            if future.registration_id != registration.id or class_session.starts_at <= as_of:
                continue
            if needs is None or future.id in needs:
                future.status, future.auto_cancelled_at = "AUTO_CANCELLED", as_of
                future.auto_cancelled_for_id = no_show.id
                class_session.seats_taken -= 1
                lost.append((future, no_show))
    for future, no_show in sorted(lost, key=lambda one: one[0].id):
        together = sorted(
            other.id for other, cause in lost if cause is no_show and other.customer_id == future.customer_id
        )
        told: dict[str, Any] = {"because_of": str(no_show.id), "told_by": str(together[0])}
        if future.id == together[0]:
            told["together"] = [str(one) for one in together]
        _tell(session, future, "reservation.auto_cancelled", "PENDING", as_of, told)


def enforce_suspensions(session: Session, studio: Studio, as_of: datetime) -> None:
    policy = policy_of(session, studio_id=studio.id, class_id=UUID(int=0))
    if policy.max_no_shows is None:
        return
    suspensions = list(session.scalars(select(CustomerSuspension).where(CustomerSuspension.studio_id == studio.id)))
    everything = list(
        session.scalars(
            select(SessionReservation).where(SessionReservation.studio_id == studio.id).order_by(SessionReservation.id)
        )
    )
    for customer_id in sorted({one.customer_id for one in everything}):
        theirs = [one for one in suspensions if one.customer_id == customer_id]
        if any(one.ended_at is None for one in theirs):
            continue
        wiped_at = max((one.starts_at for one in theirs if one.voided_at is None), default=None)
        counted = []
        for one in everything:
            if one.customer_id != customer_id or not one.counts_as_no_show or one.waived_at is not None:
                continue
            assert one.missed_at is not None
            assert one.grace_ends_at is not None
            if one.grace_ends_at > as_of or (wiped_at is not None and one.missed_at <= wiped_at):
                continue
            if policy.no_show_window_days is not None:
                first = local_date(as_of, timezone=studio.timezone) - timedelta(days=policy.no_show_window_days)
                if one.missed_at < day_start(first, timezone=studio.timezone):
                    continue
            counted.append(one)
        if len(counted) < policy.max_no_shows:
            continue
        ends_on = local_date(as_of, timezone=studio.timezone) + timedelta(days=policy.suspension_days - 1)
        suspension = CustomerSuspension(
            studio_id=studio.id,
            customer_id=customer_id,
            no_show_count=len(counted),
            limit=policy.max_no_shows,
            starts_at=as_of,
            ends_on=ends_on,
            ends_at=day_start(ends_on + timedelta(days=1), timezone=studio.timezone),
            created_by_kind="SYSTEM",
            created_by="system",
            created_at=as_of,
        )
        session.add(suspension)
        session.flush()
        for one in counted:
            session.add(SuspensionNoShow(suspension_id=suspension.id, reservation_id=one.id, studio_id=studio.id))
        told = {
            "starts_at": as_of.isoformat(),
            "ends_on": ends_on.isoformat(),
            "ends_at": suspension.ends_at.isoformat(),
            "no_shows": len(counted),
            "limit": policy.max_no_shows,
        }
        _tell_suspension(session, suspension, "suspension.created", as_of, told)


def lift_suspensions(session: Session, studio: Studio, as_of: datetime) -> None:
    for one in session.scalars(select(CustomerSuspension).where(CustomerSuspension.studio_id == studio.id)):
        if one.ended_at is None and one.ends_at <= as_of:
            one.ended_at = one.ends_at
            told = {"ends_on": one.ends_on.isoformat(), "early": False}
            _tell_suspension(session, one, "suspension.lifted", as_of, told)


def _reservations(session: Session, studio: Studio, status: str) -> Iterable[tuple[SessionReservation, ClassSession]]:
    session.flush()
    return [
        (reservation, class_session)
        for reservation, class_session in session.execute(
            select(SessionReservation, ClassSession)
            .join(ClassSession, ClassSession.id == SessionReservation.session_id)
            .where(SessionReservation.studio_id == studio.id, SessionReservation.status == status)
            .order_by(ClassSession.ends_at, ClassSession.id, SessionReservation.id)
        )
    ]


def _tell(
    session: Session,
    reservation: SessionReservation,
    action: str,
    before: str,
    now: datetime,
    details: dict[str, Any] | None = None,
) -> None:
    record(
        session,
        action=action,
        subject_type=SubjectType.RESERVATION,
        subject_id=reservation.id,
        reservation_id=reservation.id,
        studio_id=reservation.studio_id,
        customer_id=reservation.customer_id,
        actor=SYSTEM,
        as_staff=True,
        now=now,
        from_status=before,
        to_status=reservation.status,
        details=details,
    )


def _tell_suspension(
    session: Session, suspension: CustomerSuspension, action: str, now: datetime, details: dict[str, Any]
) -> None:
    record(
        session,
        action=action,
        subject_type=SubjectType.SUSPENSION,
        subject_id=suspension.id,
        studio_id=suspension.studio_id,
        customer_id=suspension.customer_id,
        actor=SYSTEM,
        as_staff=True,
        now=now,
        details=details,
    )
