"""A studio's past, read for a replay: who reserved when, and what people did with it.

The same nine queries, whatever the number of reservations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassSession,
    CustomerSuspension,
    PerformerKind,
    ReservationHistory,
    SessionReservation,
    SessionStatus,
    StudioClass,
    SuspensionOrigin,
)
from studio_reservations.models.connection import connection
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import LIVE, Event, Status
from studio_reservations.policies.local_time import day_start
from studio_reservations.policies.past import Outcome, Past, PastReservation, StaffSuspension
from studio_reservations.services.past_passes import PastPasses

MOVES_LOOK_BACK = timedelta(days=365)
"""How long before the past a session may have been moved and still be known to be."""

_OF_PAST = (
    select(
        SessionReservation.id,
        SessionReservation.registration_id,
        SessionReservation.customer_id,
        SessionReservation.session_id,
        SessionReservation.step_id,
        SessionReservation.status,
        SessionReservation.reserved_at,
        SessionReservation.first_reserved_at,
        SessionReservation.checked_in_at,
        SessionReservation.cancelled_at,
        SessionReservation.auto_cancelled_at,
        SessionReservation.auto_cancelled_for_id,
        SessionReservation.waived_at,
        SessionReservation.late,
        SessionReservation.replaces_id,
        SessionReservation.makeup_for_id,
        SessionReservation.punches_held,
        SessionReservation.punches_used,
    )
    .join(ClassSession, ClassSession.id == SessionReservation.session_id)
    .where(
        SessionReservation.studio_id == bindparam("studio"),
        ClassSession.starts_at >= bindparam("since"),
        or_(SessionReservation.cancelled_at.is_(None), SessionReservation.cancelled_at >= bindparam("since")),
    )
)
_SESSIONS = select(
    ClassSession.id,
    ClassSession.class_id,
    ClassSession.starts_at,
    ClassSession.ends_at,
    ClassSession.location,
    ClassSession.status,
    StudioClass.title,
).join(StudioClass, StudioClass.id == ClassSession.class_id)


@dataclass(slots=True)
class _Acts:
    """What the history tells and the rows do not."""

    by_customer: set[UUID] = field(default_factory=set)
    marked_by_staff: dict[UUID, datetime] = field(default_factory=dict)
    restored: set[UUID] = field(default_factory=set)
    let_in: set[UUID] = field(default_factory=set)
    moved: dict[UUID, datetime] = field(default_factory=dict)


def past_of(
    db_session: Session, *, studio_id: UUID, timezone: str, first_day: date, until: datetime, pass_types: PassTypes
) -> Past:
    """Read what people did from the studio-local day ``first_day`` until now."""
    since = day_start(first_day, timezone=timezone)
    database = connection(db_session)
    rows = database.execute(_OF_PAST, {"studio": studio_id, "since": since}).all()
    sessions = {
        row.id: row
        for row in database.execute(
            _SESSIONS.where(ClassSession.studio_id == studio_id, ClassSession.starts_at >= since)
        )
    }
    acts = _acts(db_session, studio_id, since)
    given_up = {row.id for row in rows if row.status == Status.CANCELLED}
    moved_by_customer = {row.replaces_id for row in rows if row.replaces_id is not None and row.id in acts.by_customer}
    by_customer = acts.by_customer | moved_by_customer
    asked = PastPasses(pass_types, timezone=timezone, now=until)
    asked.read(
        db_session,
        {row.registration_id for row in rows if _may_cost(row, sessions[row.session_id], by_customer, until)},
        since=since,
        rows=rows,
        sessions=sessions,
    )
    reservations = []
    for row in rows:
        session = sessions[row.session_id]
        outcome, at = _outcome(row, acts, given_up)
        own = outcome is Outcome.CANCELLED and _on_own_terms(row, by_customer)
        held = asked.held.get(row.registration_id)
        reservations.append(
            PastReservation(
                id=row.id,
                registration_id=row.registration_id,
                customer_id=row.customer_id,
                session_id=row.session_id,
                class_id=session.class_id,
                starts_at=session.starts_at,
                ends_at=session.ends_at,
                called_off=session.status == SessionStatus.CANCELLED,
                reserved_at=row.reserved_at,
                first_reserved_at=row.first_reserved_at,
                outcome=outcome,
                at=at,
                own_terms=own,
                replaces_id=row.replaces_id,
                waived_at=row.waived_at,
                spared=row.id in acts.restored,
                let_in=row.id in acts.let_in,
                moved_at=acts.moved.get(row.session_id),
                grace_hours=asked.grace_hours.get(row.registration_id),
                punches=(row.punches_used or row.punches_held) if outcome is Outcome.CAME and held is not None else 0,
                no_show_punches=asked.cost(Event.NO_SHOW, row, session) if outcome is Outcome.MISSED else 0,
                late_punches=asked.cost(Event.LATE_CANCEL, row, session) if own else 0,
            )
        )
    suspended, lifted = _by_staff(db_session, studio_id, since)
    return Past(
        timezone=timezone,
        first_day=first_day,
        until=until,
        reservations=tuple(reservations),
        passes=asked.balances(db_session, studio_id=studio_id, since=since),
        suspended_by_staff=suspended,
        lifted=lifted,
        held=asked.held,
    )


def _may_cost(row: Any, session: Any, by_customer: set[UUID | None], until: datetime) -> bool:
    """Return whether it may have been missed or given up late: what a pass type is asked about."""
    if row.status == Status.CANCELLED:
        return _on_own_terms(row, by_customer)
    return row.status == Status.NO_SHOW or (row.status == Status.PENDING and session.ends_at <= until)


def _on_own_terms(row: Any, by_customer: set[UUID | None]) -> bool:
    return row.checked_in_at is None and (bool(row.late) or row.id in by_customer)


def _outcome(row: Any, acts: _Acts, given_up: set[UUID]) -> tuple[Outcome, datetime | None]:
    if row.status in LIVE and row.status != Status.PENDING:
        return Outcome.CAME, row.checked_in_at or row.starts_at
    if row.status == Status.CANCELLED:
        return Outcome.CANCELLED, row.cancelled_at
    if row.status == Status.AUTO_CANCELLED:
        # What hung on a class that the customer gave up went with it, by no policy. rules.md §4, full_course.
        if row.auto_cancelled_for_id in given_up:
            return Outcome.CANCELLED, row.auto_cancelled_at
        return Outcome.UNKNOWN, None
    return Outcome.MISSED, acts.marked_by_staff.get(row.id) if row.status == Status.NO_SHOW else None


def _acts(db_session: Session, studio_id: UUID, since: datetime) -> _Acts:
    told = ReservationHistory
    by_customer = told.performed_by_kind == PerformerKind.CUSTOMER.value
    rows = connection(db_session).execute(
        select(told.action, told.subject_id, told.details, told.created_at)
        .where(
            told.studio_id == studio_id,
            told.created_at >= since - MOVES_LOOK_BACK,
            or_(
                told.action == "session.moved",
                and_(
                    told.created_at >= since,
                    or_(
                        and_(told.action.in_(("reservation.cancelled", "reservation.rescheduled")), by_customer),
                        and_(
                            told.action == "reservation.no_show", told.performed_by_kind != PerformerKind.SYSTEM.value
                        ),
                        told.action == "reservation.restored",
                        and_(told.action == "reservation.created", told.reason.is_not(None)),
                    ),
                ),
            ),
        )
        .order_by(told.created_at, told.id)
    )
    acts = _Acts()
    for action, subject_id, details, created_at in rows:
        match action:
            case "session.moved":
                acts.moved[subject_id] = created_at
            case "reservation.no_show":
                acts.marked_by_staff[subject_id] = created_at
            case "reservation.restored":
                acts.restored.add(subject_id)
            case "reservation.created":
                if "customer_suspended" in (details or {}).get("overridden", ()):
                    acts.let_in.add(subject_id)
            case _:
                acts.by_customer.add(subject_id)
    return acts


def _by_staff(
    db_session: Session, studio_id: UUID, since: datetime
) -> tuple[tuple[StaffSuspension, ...], tuple[tuple[UUID, datetime], ...]]:
    """Return the suspensions that staff made, and whom they let off which; those that a waive undid are as though never made."""
    rows = db_session.scalars(
        select(CustomerSuspension)
        .where(
            CustomerSuspension.studio_id == studio_id,
            CustomerSuspension.ends_at > since,
            CustomerSuspension.voided_at.is_(None),
        )
        .order_by(CustomerSuspension.starts_at, CustomerSuspension.id)
    ).all()
    made = tuple(
        StaffSuspension(customer_id=one.customer_id, starts_at=one.starts_at, ends_at=one.ends_at)
        for one in rows
        if one.created_by_kind == SuspensionOrigin.STAFF
    )
    return made, tuple((one.customer_id, one.lifted_at) for one in rows if one.lifted_at is not None)
