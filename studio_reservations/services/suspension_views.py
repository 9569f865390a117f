"""Suspensions as staff look at them: what built each, what it has cost, how it ended and who came back. Reads only.

Source: rules.md §6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    ClassSession,
    CustomerSuspension,
    Role,
    SessionReservation,
    Studio,
    StudioClass,
    SuspensionNoShow,
)
from studio_reservations.pass_types import LIVE
from studio_reservations.services.actors import Actor
from studio_reservations.services.decisions import staff_names
from studio_reservations.services.listings import Page
from studio_reservations.services.no_show_views import suspensions_for

PAGE = 50
_lost = aliased(SessionReservation, name="lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A suspension with its story; ``built`` are the missed classes behind it, the earliest first."""

    row: Any
    built: Sequence[Any]
    set_by: str | None
    ended_by: str | None
    reserved_since: int

    @property
    def lost(self) -> int:
        """How many later reservations those missed classes cost, restored ones not counted."""
        return sum(one.lost for one in self.built)

    @property
    def punches(self) -> int:
        """How many punches they cost."""
        return sum(one.punches_used for one in self.built)


def suspensions_told(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    active: bool,
    now: datetime,
    after: tuple[datetime, UUID] | None = None,
) -> tuple[Sequence[Told], bool]:
    """Return 50 suspensions, those that cover now or all others, the latest first, and whether more follow.

    The number of queries is the same for any number of rows. :raises NotFound, Forbidden:
    """
    rows = suspensions_for(
        db_session, actor=actor, studio=studio, active=active, now=now, page=Page(limit=PAGE, after=after)
    )
    shown = rows[:PAGE]
    built = _built(db_session, [row.id for row in shown])
    names = staff_names(db_session, studio.id)
    since = _reserved_since(db_session, [row.id for row in shown])
    return (
        [
            Told(
                row=row,
                built=built.get(row.id, ()),
                set_by=names.get(row.created_by, "staff") if row.created_by else None,
                ended_by=names.get(row.lifted_by, "staff") if row.lifted_by else None,
                reserved_since=since.get(row.id, 0),
            )
            for row in shown
        ],
        len(rows) > PAGE,
    )


def count_of_suspensions(db_session: Session, *, actor: Actor, studio: Studio, now: datetime) -> tuple[int, int]:
    """Return how many suspensions cover now, and how many others there are. :raises NotFound, Forbidden:"""
    actor.require(studio.id, Role.FRONT_DESK)
    covers = and_(
        CustomerSuspension.starts_at <= now, CustomerSuspension.ends_at > now, CustomerSuspension.ended_at.is_(None)
    )
    row = db_session.execute(
        select(func.count(case((covers, 1))), func.count()).where(CustomerSuspension.studio_id == studio.id)
    ).one()
    return row[0], row[1] - row[0]


def _built(db_session: Session, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Any]]:
    found = defaultdict(list)
    lost = (
        select(func.count())
        .select_from(_lost)
        .where(_lost.auto_cancelled_for_id == SessionReservation.id, _lost.status == "AUTO_CANCELLED")
        .correlate(SessionReservation)
        .scalar_subquery()
    )
    for row in db_session.execute(
        select(
            SuspensionNoShow.suspension_id,
            SessionReservation.id,
            SessionReservation.punches_used,
            SessionReservation.waived_at,
            SessionReservation.explanation,
            SessionReservation.explained_at,
            ClassSession.starts_at,
            StudioClass.title.label("class_title"),
            lost.label("lost"),
        )
        .join(SessionReservation, SessionReservation.id == SuspensionNoShow.reservation_id)
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .where(SuspensionNoShow.suspension_id.in_(ids))
        .order_by(ClassSession.starts_at, SessionReservation.id)
    ):
        found[row.suspension_id].append(row)
    return found


def _reserved_since(db_session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many seats each customer took at that studio after their suspension ended."""
    rows = db_session.execute(
        select(CustomerSuspension.id, func.count(SessionReservation.id))
        .join(
            SessionReservation,
            and_(
                SessionReservation.customer_id == CustomerSuspension.customer_id,
                SessionReservation.studio_id == CustomerSuspension.studio_id,
                SessionReservation.reserved_at >= CustomerSuspension.ended_at,
                SessionReservation.status.in_([one.value for one in LIVE]),
            ),
        )
        .where(CustomerSuspension.id.in_(ids))
        .group_by(CustomerSuspension.id)
    )
    return {row[0]: row[1] for row in rows}
