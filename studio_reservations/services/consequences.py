"""What follows for a customer from the classes that they missed: what can still be explained, and what is paused. Reads only.

Source: rules.md §6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from studio_reservations.models import ClassSession, CustomerSuspension, SessionReservation, SuspensionNoShow
from studio_reservations.pass_types import HeldPass, Status
from studio_reservations.services.listings import RESERVATIONS

_MISSED = RESERVATIONS.add_columns(
    SessionReservation.missed_at,
    SessionReservation.explanation,
    SessionReservation.explained_at,
    SessionReservation.explanation_answer,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A missed class that can still be explained until ``until``, and the reservations that it takes with it then.

    ``held`` is its pass, where they still hold it.
    """

    row: Any
    held: HeldPass | None
    until: datetime
    threatens: Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A suspension that covers now, and the missed classes on which it was built, rows of `listings.RESERVATIONS`."""

    suspension: CustomerSuspension
    missed: Sequence[Any]


def missed_of(
    db_session: Session, customer_id: UUID, now: datetime, coming: Sequence[Any], held: Mapping[UUID, HeldPass]
) -> list[Missed]:
    """Return what a customer missed and can still explain; ``coming`` are their reservations that are not over."""
    rows = db_session.execute(
        _MISSED.where(
            SessionReservation.customer_id == customer_id,
            SessionReservation.waived_at.is_(None),
            SessionReservation.missed_at.is_not(None),
            or_(SessionReservation.status == "NO_SHOW", SessionReservation.counts_as_no_show.is_(True)),
            or_(SessionReservation.auto_cancel_at > now, SessionReservation.grace_ends_at > now),
        ).order_by(ClassSession.starts_at, SessionReservation.id)
    ).all()
    found = []
    for row in rows:
        until = row.auto_cancel_at or row.grace_ends_at
        if until is not None and until > now:
            threatens = [
                one
                for one in coming
                if row.auto_cancel_at is not None
                and one.registration_id == row.registration_id
                and one.status == Status.PENDING
                and one.starts_at > row.auto_cancel_at
            ]
            found.append(Missed(row=row, held=held.get(row.registration_id), until=until, threatens=threatens))
    return found


def pauses_of(db_session: Session, customer_id: UUID, now: datetime) -> dict[UUID, Pause]:
    """Return the suspensions that cover ``now``, by studio."""
    suspensions = db_session.scalars(
        select(CustomerSuspension).where(
            CustomerSuspension.customer_id == customer_id,
            CustomerSuspension.ended_at.is_(None),
            CustomerSuspension.starts_at <= now,
            CustomerSuspension.ends_at > now,
        )
    ).all()
    missed = db_session.execute(
        RESERVATIONS.add_columns(SuspensionNoShow.suspension_id)
        .join(SuspensionNoShow, SuspensionNoShow.reservation_id == SessionReservation.id)
        .where(SuspensionNoShow.suspension_id.in_([one.id for one in suspensions]))
        .order_by(ClassSession.starts_at, SessionReservation.id)
    ).all()
    return {
        one.studio_id: Pause(suspension=one, missed=[row for row in missed if row.suspension_id == one.id])
        for one in suspensions
    }
