"""Suspensions of a customer at a studio.

Source: rules.md §1, §6.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from studio_reservations.errors import (
    AlreadySuspended,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    ReasonRequired,
    TryAgain,
)
from studio_reservations.models import CustomerSuspension, Role, Studio, SubjectType, SuspensionOrigin
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.missing import suspension_over_at
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import atomic
from studio_reservations.services.customers import require_known
from studio_reservations.services.events import record

LONGEST_DAYS = 3_660


def current_suspension(
    db_session: Session, *, customer_id: UUID, studio_id: UUID, now: datetime
) -> CustomerSuspension | None:
    """Return the suspension that covers ``now``, or None."""
    return db_session.scalar(
        _unended(customer_id, studio_id).where(CustomerSuspension.starts_at <= now, CustomerSuspension.ends_at > now)
    )


def suspend_customer(
    db_session: Session,
    *,
    customer_id: UUID,
    studio_id: UUID,
    ends_on: date,
    reason: str,
    actor: Actor,
    now: datetime,
) -> CustomerSuspension:
    """Suspend from now through the studio-local day ``ends_on``; what is reserved already stays.

    :raises NotFound: for a customer whom the studio does not know.
    :raises InvalidRequest: for a day that is over, or one more than ten years ahead.
    :raises ReasonRequired, AlreadySuspended:
    """
    actor.require(studio_id, Role.MANAGER)
    require_known(db_session, customer_id=customer_id, studio_id=studio_id)
    if not reason.strip():
        raise ReasonRequired()
    timezone = db_session.scalars(select(Studio.timezone).where(Studio.id == studio_id)).one()
    today = local_date(now, timezone=timezone)
    if not today <= ends_on <= today + timedelta(days=LONGEST_DAYS):
        raise InvalidRequest(errors={"ends_on": "Choose today or a later day, at most ten years ahead."})
    with atomic(db_session):
        _close_what_is_over(db_session, customer_id=customer_id, studio_id=studio_id, now=now)
        suspension = CustomerSuspension(
            studio_id=studio_id,
            customer_id=customer_id,
            starts_at=now,
            ends_on=ends_on,
            ends_at=suspension_over_at(ends_on, timezone=timezone),
            created_by_kind=SuspensionOrigin.STAFF.value,
            created_by=actor.id,
            reason=reason,
            created_at=now,
        )
        try:
            with db_session.begin_nested():
                db_session.add(suspension)
        except IntegrityError as error:
            standing = db_session.scalar(_unended(customer_id, studio_id))
            if standing is None:  # made by somebody else at this instant, and lifted
                raise TryAgain() from error
            raise AlreadySuspended(ends_on=standing.ends_on) from None
        record(
            db_session,
            action="suspension.created",
            subject_type=SubjectType.SUSPENSION,
            subject_id=suspension.id,
            studio_id=studio_id,
            customer_id=customer_id,
            actor=actor,
            as_staff=True,
            now=now,
            reason=reason,
            details={
                "starts_at": now.isoformat(),
                "ends_on": ends_on.isoformat(),
                "ends_at": suspension.ends_at.isoformat(),
            },
        )
    return suspension


def lift_suspension(
    db_session: Session, *, suspension_id: UUID, reason: str, actor: Actor, now: datetime
) -> CustomerSuspension:
    """End a suspension early, by staff; done twice, it is done once.

    :raises NotFound, Forbidden, ReasonRequired: :raises InvalidTransition: for one that is over or voided.
    """
    studio_id = db_session.scalar(select(CustomerSuspension.studio_id).where(CustomerSuspension.id == suspension_id))
    if studio_id is None:
        raise NotFound()
    actor.require(studio_id, Role.MANAGER)
    if not reason.strip():
        raise ReasonRequired()
    with atomic(db_session):
        suspension = db_session.scalars(
            select(CustomerSuspension)
            .where(CustomerSuspension.id == suspension_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).one()
        if suspension.lifted_at is not None:
            return suspension
        if suspension.ended_at is not None or suspension.ends_at <= now:
            raise InvalidTransition(state="VOIDED" if suspension.voided_at is not None else "ENDED", action="lift")
        suspension.lifted_at = suspension.ended_at = now
        suspension.lifted_by = actor.id
        suspension.lift_reason = reason
        record(
            db_session,
            action="suspension.lifted",
            subject_type=SubjectType.SUSPENSION,
            subject_id=suspension.id,
            studio_id=suspension.studio_id,
            customer_id=suspension.customer_id,
            actor=actor,
            as_staff=True,
            now=now,
            reason=reason,
            details={"ends_on": suspension.ends_on.isoformat(), "early": True},
        )
        return suspension


def _close_what_is_over(db_session: Session, *, customer_id: UUID, studio_id: UUID, now: datetime) -> None:
    """End a suspension that is over but that the night has not come to; nobody is told, for another one follows.

    :raises AlreadySuspended: where it is not over.
    """
    standing = db_session.scalar(_unended(customer_id, studio_id).with_for_update(key_share=True))
    if standing is None:
        return
    if standing.ends_at > now:
        raise AlreadySuspended(ends_on=standing.ends_on)
    standing.ended_at = standing.ends_at
    db_session.flush()


def _unended(customer_id: UUID, studio_id: UUID) -> Select[CustomerSuspension]:
    return select(CustomerSuspension).where(
        CustomerSuspension.customer_id == customer_id,
        CustomerSuspension.studio_id == studio_id,
        CustomerSuspension.ended_at.is_(None),
    )
