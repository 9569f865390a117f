"""What waits for somebody's decision in each studio: one glance for the first page of the staff. Reads only.

Source: rules.md §4, §6, §9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, cast, func, select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    DeliveryState,
    OutboxDelivery,
    RegistrationStatus,
    Role,
    SessionReservation,
    StudioClass,
)
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import LIVE
from studio_reservations.services.actors import Actor
from studio_reservations.services.decisions import waiting

NIGHT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits in one studio.

    ``explained`` and ``flagged`` are rows with ``customer_name`` and what is said of them; ``unusable`` are keys of pass types
    that are missing though passes of them are held, with how many.
    """

    no_shows: int
    tonight: int
    explained: Sequence[Any]
    parked: int
    unusable: Mapping[str, int]
    flagged: Sequence[Any]

    @property
    def total(self) -> int:
        """How many lines there are to read."""
        return bool(self.no_shows) + len(self.explained) + bool(self.parked) + len(self.unusable) + len(self.flagged)


def waiting_for(db_session: Session, *, actor: Actor, pass_types: PassTypes, now: datetime) -> Mapping[UUID, Waiting]:
    """Return what waits in each studio where the actor is at the front desk or more, by the studio's id.

    Five queries, whatever the number of studios and rows. Parked messages and pass types are a manager's.
    """
    desk = [studio_id for studio_id in actor.roles if actor.has_role(studio_id, Role.FRONT_DESK)]
    managed = [studio_id for studio_id in desk if actor.has_role(studio_id, Role.MANAGER)]
    if not desk:
        return {}
    missed = _missed(db_session, desk, now)
    explained = _explained(db_session, desk)
    flagged = _flagged(db_session, desk, now)
    parked = _parked(db_session, managed)
    held = _held_types(db_session, managed)
    return {
        studio_id: Waiting(
            no_shows=missed.get(studio_id, (0, 0))[0],
            tonight=missed.get(studio_id, (0, 0))[1],
            explained=[row for row in explained if row.studio_id == studio_id],
            parked=parked.get(studio_id, 0),
            unusable={
                row.pass_type: row.held
                for row in held
                if row.studio_id == studio_id and row.pass_type not in pass_types
            },
            flagged=[row for row in flagged if row.studio_id == studio_id],
        )
        for studio_id in desk
    }


def _missed(db_session: Session, studios: Sequence[UUID], now: datetime) -> dict[UUID, tuple[int, int]]:
    # A night that has passed and did nothing is made up for by the next.
    tonight = and_(SessionReservation.auto_cancel_at <= now + NIGHT, SessionReservation.futures_cancelled_at.is_(None))
    rows = db_session.execute(
        select(SessionReservation.studio_id, func.count(), func.count().filter(tonight))
        .where(SessionReservation.studio_id.in_(studios), waiting(now))
        .group_by(SessionReservation.studio_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _explained(db_session: Session, studios: Sequence[UUID]) -> Sequence[Any]:
    return db_session.execute(
        select(
            SessionReservation.id,
            SessionReservation.studio_id,
            SessionReservation.explanation,
            SessionReservation.explained_at,
            Customer.name.label("customer_name"),
        )
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .where(
            SessionReservation.studio_id.in_(studios),
            SessionReservation.counts_as_no_show.is_(True),
            SessionReservation.waived_at.is_(None),
            SessionReservation.explained_at.is_not(None),
            SessionReservation.explanation_answer.is_(None),
        )
        .order_by(SessionReservation.explained_at, SessionReservation.id)
        .limit(10)
    ).all()


def _flagged(db_session: Session, studios: Sequence[UUID], now: datetime) -> Sequence[Any]:
    """Return the sessions to come in which somebody's reservation is flagged, soonest first, with how many."""
    return db_session.execute(
        select(
            ClassSession.studio_id,
            ClassSession.id,
            ClassSession.starts_at,
            StudioClass.title.label("class_title"),
            func.count().label("reservations"),
        )
        .join(SessionReservation, SessionReservation.session_id == ClassSession.id)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .where(
            ClassSession.studio_id.in_(studios),
            ClassSession.ends_at > now,
            SessionReservation.status.in_([one.value for one in LIVE]),
            cast(SessionReservation.flags, Text) != "[]",
        )
        .group_by(ClassSession.id, StudioClass.title)
        .order_by(ClassSession.starts_at, ClassSession.id)
        .limit(10)
    ).all()


def _parked(db_session: Session, studios: Sequence[UUID]) -> dict[UUID, int]:
    rows = db_session.execute(
        select(OutboxDelivery.studio_id, func.count())
        .where(OutboxDelivery.studio_id.in_(studios), OutboxDelivery.state == DeliveryState.PARKED.value)
        .group_by(OutboxDelivery.studio_id)
    )
    return {row[0]: row[1] for row in rows}


def _held_types(db_session: Session, studios: Sequence[UUID]) -> Sequence[Any]:
    return db_session.execute(
        select(ClassRegistration.studio_id, ClassRegistration.pass_type, func.count().label("held"))
        .where(ClassRegistration.studio_id.in_(studios), ClassRegistration.status == RegistrationStatus.ACTIVE.value)
        .group_by(ClassRegistration.studio_id, ClassRegistration.pass_type)
        .order_by(ClassRegistration.pass_type)
    ).all()
