"""A customer deletes what is held about them, or a guardian what is held about a ward.

Source: rules.md §11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    RegistrationStatus,
    SessionReservation,
)
from studio_reservations.services.actors import Actor
from studio_reservations.services.erasure import erase_customer
from studio_reservations.services.listings import RESERVATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What deleting ends: ``coming`` are rows of `listings.RESERVATIONS`, ``passes`` usable ones, ``others`` act for them too."""

    coming: Sequence[Any]
    passes: int
    others: int


def preview_leaving(db_session: Session, *, customer_id: UUID, actor: Actor, now: datetime) -> Leaving:
    """Say what `leave` would do. :raises NotFound:"""
    _require(actor, customer_id)
    coming = db_session.execute(
        RESERVATIONS.where(
            SessionReservation.customer_id == customer_id,
            SessionReservation.status.in_(("PENDING", "CHECKED_IN")),
            ClassSession.starts_at > now,
        ).order_by(ClassSession.starts_at, SessionReservation.id)
    ).all()
    passes = select(func.count()).where(
        ClassRegistration.customer_id == customer_id,
        ClassRegistration.status != RegistrationStatus.CANCELLED.value,
    )
    people = select(func.count()).where(
        CustomerAccess.customer_id == customer_id, CustomerAccess.user_id != str(actor.id)
    )
    return Leaving(coming=coming, passes=db_session.scalars(passes).one(), others=db_session.scalars(people).one())


def leave(db_session: Session, *, customer_id: UUID, actor: Actor, now: datetime) -> Customer:
    """Erase somebody for whom the actor acts; the books stay, without them. :raises NotFound:"""
    _require(actor, customer_id)
    return erase_customer(db_session, customer_id=customer_id, now=now, actor=actor)


def _require(actor: Actor, customer_id: UUID) -> None:
    if not actor.acts_for(customer_id):
        raise NotFound()
