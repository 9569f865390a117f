"""Missed classes as staff decide on them: what waits, what followed, and who misses most. Reads only.

Source: rules.md §6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassSession,
    Customer,
    CustomerSuspension,
    ReservationHistory,
    Role,
    SessionReservation,
    Studio,
    StudioClass,
    StudioStaff,
    SuspensionNoShow,
)
from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.policies.missing import next_night
from studio_reservations.services.actors import Actor
from studio_reservations.services.listings import RESERVATION
from studio_reservations.services.no_show_views import missed_classes
from studio_reservations.services.policies import policies_of

PAGE = 50
REGULARS = 100
_DEADLINE = func.coalesce(SessionReservation.auto_cancel_at, SessionReservation.grace_ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """A coming reservation that a missed class threatens or has cost."""

    id: UUID
    starts_at: datetime
    class_title: str
    status: str
    session_status: str
    capacity: int
    seats_taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One missed class: its row of `no_show_views.missed_classes`, and by name what hangs on it."""

    row: Any
    night: datetime | None = None
    """When ``threatened`` are cancelled, unless it is waived."""
    threatened: Sequence[Future] = ()
    lost: Sequence[Future] = ()
    waived_by: str | None = None
    reasons: Mapping[str, str | None] = field(default_factory=dict)
    """The reason staff gave, by the name of the act."""
    suspended_at: datetime | None = None

    @property
    def decide_by(self) -> datetime:
        """The instant until which waiving keeps everything: the night that cancels, else the end of grace."""
        until: datetime = self.row.auto_cancel_at or self.row.grace_ends_at
        return until


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """A page of missed classes; ``limit`` of them in ``window_days`` suspend, None never and for ever; ``more`` follow."""

    missed: Sequence[Missed]
    limit: int | None
    window_days: int | None
    more: bool = False


def to_decide(db_session: Session, *, actor: Actor, studio: Studio, now: datetime) -> Decisions:
    """Return what can still be waived before its night acts, and whatever was explained and not answered; soonest first.

    The number of queries is the same for any number of rows. :raises NotFound, Forbidden:
    """
    return _decisions(
        db_session,
        actor=actor,
        studio=studio,
        now=now,
        conditions=(waiting(now),),
        order=(_DEADLINE, SessionReservation.id),
        limit=PAGE * 4,
    )


def acted_on(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    now: datetime,
    customer_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> Decisions:
    """Return missed classes with what followed, the latest first, of one customer or of all; 50, from ``before`` on.

    :raises NotFound, Forbidden:
    """
    conditions: list[Any] = []
    if customer_id is None:
        conditions.append(~waiting(now))
    else:
        conditions.append(SessionReservation.customer_id == customer_id)
    if before is not None:
        conditions.append(tuple_(SessionReservation.missed_at, SessionReservation.id) < before)
    return _decisions(
        db_session,
        actor=actor,
        studio=studio,
        now=now,
        conditions=conditions,
        order=(SessionReservation.missed_at.desc(), SessionReservation.id.desc()),
        limit=PAGE,
    )


def regulars(db_session: Session, *, actor: Actor, studio: Studio, now: datetime) -> Sequence[Any]:
    """Return who missed most within the policy's window: name, missed, waived, attended and last missed; 100 at the most.

    :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.FRONT_DESK)
    days = policies_of(db_session, studio.id).of_class(None).no_show_window_days
    missed = func.count().filter(SessionReservation.counts_as_no_show.is_(True))
    wanted = (
        select(
            Customer.id,
            Customer.name,
            missed.label("missed"),
            func.count()
            .filter(SessionReservation.counts_as_no_show.is_(True), SessionReservation.waived_at.is_not(None))
            .label("waived"),
            func.count()
            .filter(SessionReservation.status.in_((Status.CHECKED_IN.value, Status.ATTENDED.value)))
            .label("attended"),
            func.max(SessionReservation.missed_at).label("last_missed_at"),
        )
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .where(SessionReservation.studio_id == studio.id)
        .group_by(Customer.id, Customer.name)
        .having(missed > 0)
        .order_by(missed.desc(), Customer.name, Customer.id)
        .limit(REGULARS)
    )
    if days is not None:
        first = local_date(now, timezone=studio.timezone) - timedelta(days=days)
        wanted = wanted.where(ClassSession.starts_at >= day_start(first, timezone=studio.timezone))
    return db_session.execute(wanted).all()


def count_to_decide(db_session: Session, *, actor: Actor, studio: Studio, now: datetime) -> int:
    """Return the number of rows of `to_decide`. :raises NotFound, Forbidden:"""
    actor.require(studio.id, Role.FRONT_DESK)
    return int(
        db_session.scalar(
            select(func.count())
            .select_from(SessionReservation)
            .where(SessionReservation.studio_id == studio.id, waiting(now))
        )
        or 0
    )


def to_act_on(db_session: Session, reservation_id: UUID) -> Any:
    """Return a reservation as `listings` shows it, with its customer, studio and explanation; no permission is asked."""
    wanted = RESERVATION.add_columns(
        Customer.name.label("customer_name"),
        Studio.slug.label("studio_slug"),
        SessionReservation.missed_at,
        SessionReservation.explanation,
        SessionReservation.explained_at,
    ).join(Customer, Customer.id == SessionReservation.customer_id)
    return db_session.execute(wanted, {"id": reservation_id}).one()


def waiting(now: datetime) -> Any:
    """Return the condition that a missed class waits for a decision."""
    # A night that has passed and did nothing is made up for by the next.
    night_to_come = and_(
        SessionReservation.status == Status.NO_SHOW.value,
        SessionReservation.auto_cancel_at.is_not(None),
        SessionReservation.futures_cancelled_at.is_(None),
    )
    unanswered = and_(SessionReservation.explained_at.is_not(None), SessionReservation.explanation_answer.is_(None))
    return and_(
        SessionReservation.counts_as_no_show == literal_column("true"),  # as the partial index has it, on SQLite too
        SessionReservation.waived_at.is_(None),
        or_(now < _DEADLINE, night_to_come, unanswered),
    )


def _decisions(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    now: datetime,
    conditions: Sequence[Any],
    order: Sequence[Any],
    limit: int,
) -> Decisions:
    actor.require(studio.id, Role.FRONT_DESK)
    policy = policies_of(db_session, studio.id).of_class(None)
    wanted = missed_classes(studio, policy=policy, now=now).add_columns(
        SessionReservation.waived_by, SessionReservation.no_show_at, SessionReservation.cancelled_at
    )
    rows = db_session.execute(wanted.where(*conditions).order_by(*order).limit(limit + 1)).all()
    shown = rows[:limit]
    ids = [row.id for row in shown]
    nights = {
        row.id: next_night(row.auto_cancel_at, now=now, timezone=studio.timezone)
        for row in shown
        if row.futures_threatened
    }
    threatened = _threatened(db_session, shown, nights)
    lost = _lost(db_session, ids)
    names = staff_names(db_session, studio.id)
    reasons = _reasons(db_session, ids)
    suspended = {
        row.reservation_id: row.starts_at
        for row in db_session.execute(
            select(SuspensionNoShow.reservation_id, CustomerSuspension.starts_at)
            .join(CustomerSuspension, CustomerSuspension.id == SuspensionNoShow.suspension_id)
            .where(SuspensionNoShow.reservation_id.in_(ids), CustomerSuspension.voided_at.is_(None))
        )
    }
    return Decisions(
        missed=[
            Missed(
                row=row,
                night=nights.get(row.id),
                threatened=threatened.get(row.id, ()),
                lost=lost.get(row.id, ()),
                waived_by=names.get(row.waived_by, "staff") if row.waived_by else None,
                reasons=reasons.get(row.id, {}),
                suspended_at=suspended.get(row.id),
            )
            for row in shown
        ],
        limit=policy.max_no_shows,
        window_days=policy.no_show_window_days,
        more=len(rows) > limit,
    )


def staff_names(db_session: Session, studio_id: UUID) -> Mapping[str, str]:
    """Return what the people who work, or worked, at a studio are called, by the portal's user id."""
    found = db_session.execute(
        select(StudioStaff.user_id, StudioStaff.name).where(
            StudioStaff.studio_id == studio_id, StudioStaff.name.is_not(None)
        )
    )
    return {row.user_id: row.name for row in found}


def _threatened(db_session: Session, rows: Sequence[Any], nights: Mapping[UUID, datetime]) -> dict[UUID, list[Future]]:
    """Return what its night will take for each of these that has one, unless it is waived."""
    passes = {row.id: row.registration_id for row in rows if row.id in nights}
    coming = defaultdict(list)
    for row in db_session.execute(
        _futures().where(
            SessionReservation.registration_id.in_(set(passes.values())),
            SessionReservation.status == Status.PENDING.value,
        )
    ):
        coming[row.registration_id].append(row)
    return {
        row_id: [_future(row) for row in coming[registration_id] if row.starts_at > nights[row_id]]
        for row_id, registration_id in passes.items()
    }


def _lost(db_session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Future]]:
    """Return what was cancelled for each of these, restored since or not."""
    found: dict[UUID, list[Future]] = defaultdict(list)
    for row in db_session.execute(_futures().where(SessionReservation.auto_cancelled_for_id.in_(ids))):
        found[row.because_of].append(_future(row))
    return found


def _futures() -> Any:
    return (
        select(
            SessionReservation.id,
            SessionReservation.registration_id,
            SessionReservation.auto_cancelled_for_id.label("because_of"),
            SessionReservation.status,
            ClassSession.starts_at,
            ClassSession.status.label("session_status"),
            ClassSession.capacity,
            ClassSession.seats_taken,
            StudioClass.title.label("class_title"),
        )
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .order_by(ClassSession.starts_at, SessionReservation.id)
    )


def _future(row: Any) -> Future:
    return Future(
        id=row.id,
        starts_at=row.starts_at,
        class_title=row.class_title,
        status=row.status,
        session_status=row.session_status,
        capacity=row.capacity,
        seats_taken=row.seats_taken,
    )


def _reasons(db_session: Session, ids: Sequence[UUID]) -> dict[UUID, dict[str, str | None]]:
    acts = ("reservation.waived", "reservation.no_show", "reservation.explanation_declined")
    found: dict[UUID, dict[str, str | None]] = defaultdict(dict)
    for row in db_session.execute(
        select(ReservationHistory.reservation_id, ReservationHistory.action, ReservationHistory.reason)
        .where(ReservationHistory.reservation_id.in_(ids), ReservationHistory.action.in_(acts))
        .order_by(ReservationHistory.created_at, ReservationHistory.id)
    ):
        found[row.reservation_id][row.action.removeprefix("reservation.")] = row.reason
    return found
