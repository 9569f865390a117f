"""The statements behind a studio's insights: seven, whatever the number of sessions. Reads only.

The database adds up what belongs to one session, one night or one balance; days and hours of the studio's clock are then read
from each instant, so that a change of the clocks is no case of its own. Source: rules.md §2, §5, §6, Time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, distinct, exists, extract, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    CustomerSuspension,
    PunchLedgerEntry,
    ReservationHistory,
    SessionReservation,
    Studio,
    StudioClass,
)
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import LIVE
from studio_reservations.policies.insights import Counts, Period, SessionCounts
from studio_reservations.policies.local_time import day_start, local_date, zone
from studio_reservations.services.actors import KIOSK_ID

PUNCH_PASS = "punch_pass"  # noqa: S105 - a kind of pass, not a secret
_replacing = aliased(SessionReservation, name="replacing")
_missed = aliased(SessionReservation, name="missed")
_since = aliased(SessionReservation, name="since")

# Moved to another session in time: the reservation that replaces it is counted instead.
_MOVED = and_(
    SessionReservation.status == "CANCELLED",
    SessionReservation.late.is_(False),
    exists().where(_replacing.replaces_id == SessionReservation.id).correlate(SessionReservation),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is read: a studio's period and the one before, of some classes or (None) of all, as known ``now``."""

    studio: Studio
    class_ids: Collection[UUID] | None
    period: Period
    now: datetime

    @property
    def earlier(self) -> datetime:
        """When the period before begins."""
        return day_start(self.period.before.first, timezone=self.studio.timezone)

    @property
    def since(self) -> datetime:
        """When the period begins."""
        return day_start(self.period.first, timezone=self.studio.timezone)

    @property
    def until(self) -> datetime:
        """When it ends; not after now."""
        return min(day_start(self.period.last + timedelta(days=1), timezone=self.studio.timezone), self.now)

    def of_class(self) -> list[Any]:
        """Return the condition on a session by its class, if there is one."""
        return [] if self.class_ids is None else [ClassSession.class_id.in_(sorted(self.class_ids))]


def classes_of(db_session: Session, studio: Studio) -> Mapping[UUID, str]:
    """Return the studio's classes by title, those that are not taught any more too."""
    rows = connection(db_session).execute(
        select(StudioClass.id, StudioClass.title)
        .where(StudioClass.studio_id == studio.id)
        .order_by(StudioClass.title, StudioClass.id)
    )
    return {row.id: row.title for row in rows}


def sessions_of(db_session: Session, asked: Asked) -> list[SessionCounts]:
    """Return what each session of both periods comes to, one row a session."""
    made = SessionReservation
    ahead = made.reserved_at < ClassSession.starts_at
    came = made.status.in_(["CHECKED_IN", "ATTENDED"])
    by_self = made.check_in_method == "SELF"
    at_kiosk = func.coalesce(made.checked_in_by, "").startswith(KIOSK_ID)

    def number(*conditions: Any) -> Any:
        return func.count(made.id).filter(*conditions)

    rows = connection(db_session).execute(
        select(
            ClassSession.class_id,
            ClassSession.starts_at,
            ClassSession.seats_taken.label("seats"),
            ClassSession.capacity,
            func.count(made.id).label("reserved"),
            number(ahead).label("ahead"),
            # Of one session: so many times its start less the sum of when they were made.
            func.sum(extract("epoch", made.reserved_at)).filter(ahead).label("made_at"),
            number(made.status == "CANCELLED").label("cancelled"),
            number(made.status == "CANCELLED", made.late.is_(True)).label("late"),
            number(came).label("came"),
            number(made.status == "NO_SHOW").label("missed"),
            number(made.status == "NO_SHOW", made.waived_at.is_not(None)).label("waived"),
            number(came, by_self, not_(at_kiosk)).label("by_phone"),
            number(came, by_self, at_kiosk).label("by_kiosk"),
            number(came, made.check_in_method == "STAFF").label("by_staff"),
            number(came, made.check_in_method == "AUTO").label("by_token"),
        )
        .outerjoin(made, and_(made.session_id == ClassSession.id, not_(_MOVED)))
        .where(
            ClassSession.studio_id == asked.studio.id,
            ClassSession.status == "SCHEDULED",
            ClassSession.starts_at >= asked.earlier,
            ClassSession.starts_at < asked.until,
            ClassSession.ends_at <= asked.now,
            *asked.of_class(),
        )
        .group_by(ClassSession.id)
    )
    return [_session(row._asdict(), asked.studio.timezone) for row in rows]


def _session(row: dict[str, Any], timezone: str) -> SessionCounts:
    starts_at: datetime = row.pop("starts_at")
    made_at, class_id = float(row.pop("made_at") or 0), row.pop("class_id")
    local = starts_at.astimezone(zone(timezone))
    seconds = round(row["ahead"] * starts_at.timestamp() - made_at)
    return SessionCounts(
        class_id=class_id, day=local.date(), hour=local.hour, counts=Counts(sessions=1, ahead_seconds=seconds, **row)
    )


def customers_of(db_session: Session, asked: Asked) -> tuple[int, int]:
    """Return how many people had reserved for the sessions of the period, and of the one before."""
    shown = ClassSession.starts_at >= asked.since
    row = connection(db_session).execute(
        select(
            func.count(distinct(case((shown, SessionReservation.customer_id)))),
            func.count(distinct(case((not_(shown), SessionReservation.customer_id)))),
        )
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .where(
            ClassSession.studio_id == asked.studio.id,
            ClassSession.starts_at >= asked.earlier,
            ClassSession.starts_at < asked.until,
        )
    )
    now, before = row.one()
    return now, before


def auto_cancelled(db_session: Session, asked: Asked) -> Sequence[Any]:
    """Return when how many were cancelled after a missed class; what fell with a part that was given up is no policy's."""
    gone = SessionReservation
    return (
        connection(db_session)
        .execute(
            select(gone.auto_cancelled_at, func.count())
            .join(ClassSession, ClassSession.id == gone.session_id)
            .outerjoin(_missed, _missed.id == gone.auto_cancelled_for_id)
            .where(
                ClassSession.studio_id == asked.studio.id,
                ClassSession.starts_at >= asked.earlier,  # nothing that has begun is cancelled
                gone.status == "AUTO_CANCELLED",
                gone.auto_cancelled_at >= asked.earlier,
                gone.auto_cancelled_at < asked.until,
                or_(_missed.id.is_(None), _missed.status != "CANCELLED"),
                *asked.of_class(),
            )
            .group_by(gone.auto_cancelled_at)
        )
        .all()
    )


def suspensions(db_session: Session, asked: Asked) -> Sequence[Any]:
    """Return the suspensions that began or were over in either period, without those that a waive undid."""
    one = CustomerSuspension
    over_at = func.coalesce(one.ended_at, one.ends_at)
    came_back = exists().where(
        _since.customer_id == one.customer_id,
        _since.studio_id == one.studio_id,
        _since.reserved_at >= over_at,
        _since.status.in_([status.value for status in LIVE]),
    )
    return (
        connection(db_session)
        .execute(
            select(one.customer_id, one.starts_at, over_at.label("over_at"), came_back.label("came_back")).where(
                one.studio_id == asked.studio.id,
                one.voided_at.is_(None),
                one.starts_at < asked.until,
                over_at >= asked.earlier,
            )
        )
        .all()
    )


def passes_ended(db_session: Session, asked: Asked) -> Sequence[Any]:
    """Return how many punch passes ended with how many punches spent: used up, or past their last day with some left."""
    one, entry = ClassRegistration, PunchLedgerEntry
    spent = case((entry.entry_type.in_(["CHECK_IN", "NO_SHOW", "LATE_CANCEL", "REFUND"]), -entry.delta), else_=0)
    last_day = min(asked.period.last, local_date(asked.now, timezone=asked.studio.timezone) - timedelta(days=1))
    earlier = asked.period.before.first
    ledger = (
        select(
            one.id,
            one.sessions_remaining.label("left"),
            one.valid_until,
            func.sum(spent).label("used"),
            func.max(entry.created_at).label("last_at"),
        )
        .join(entry, entry.registration_id == one.id)
        .where(
            one.studio_id == asked.studio.id,
            one.pass_type == PUNCH_PASS,
            or_(
                and_(one.sessions_remaining == 0, one.status != "CANCELLED"),
                and_(one.valid_until.between(earlier, last_day), one.status == "ACTIVE"),
            ),
        )
        .group_by(one.id)
        .subquery()
    )
    is_used_up, row = ledger.c.left == 0, ledger.c
    is_current = case((is_used_up, row.last_at >= asked.since), else_=row.valid_until >= asked.period.first)
    wanted = select(
        is_current.label("is_current"), row.used, (row.used + row.left).label("size"), func.count().label("number")
    )
    in_time = and_(row.last_at >= asked.earlier, row.last_at < asked.until)
    return (
        connection(db_session)
        .execute(
            wanted.where(or_(not_(is_used_up), in_time), row.used + row.left > 0)
            .group_by("is_current", row.used, row.left)
            .order_by(row.used, row.left)
        )
        .all()
    )


def policy_changes(db_session: Session, asked: Asked) -> Sequence[Any]:
    """Return when a policy was changed in the period, and how, the latest first."""
    told = ReservationHistory
    return (
        connection(db_session)
        .execute(
            select(told.created_at, told.details)
            .where(
                told.studio_id == asked.studio.id,
                told.action == "policy.changed",
                told.details.is_not(None),  # nothing is left of one that was erased
                told.created_at >= asked.since,
                told.created_at < asked.until,
            )
            .order_by(told.created_at.desc(), told.id.desc())
        )
        .all()
    )
