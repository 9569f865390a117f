"""Two records of one person made one.

Source: rules.md §1, §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, text, update
from sqlalchemy.orm import Session, aliased

from studio_reservations.errors import AlreadyReserved, Forbidden, InvalidRequest, ReasonRequired, StudioError
from studio_reservations.models import (
    AccessKind,
    ApiToken,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    CustomerStudio,
    CustomerSuspension,
    OutboxMessage,
    RegistrationMember,
    Role,
    SessionReservation,
    StudioClass,
)
from studio_reservations.models.reservations import LIVE_SQL
from studio_reservations.pass_types import LIVE, Status
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import atomic, lock_registrations
from studio_reservations.services.customers import has_role_everywhere, lock_customer, record_customer, require_known


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePreview:
    """What `merge_customers` would give to ``keep``, counted; or why it cannot: ``refusal``, and the sessions held by both."""

    keep: Customer
    gone: Customer
    passes: int
    reservations: int
    coming: int
    suspensions: int
    people: int
    refusal: StudioError | None = None
    clashes: Sequence[Any] = ()


def preview_merge(
    db_session: Session, *, studio_id: UUID, keep_id: UUID, merge_id: UUID, actor: Actor, now: datetime
) -> MergePreview:
    """Say what would move from ``merge_id`` to ``keep_id``; nothing is changed.

    :raises NotFound: where this studio does not know one of the two. :raises InvalidRequest: for the same customer twice.
    """
    keep, gone = _both(db_session, studio_id=studio_id, keep_id=keep_id, merge_id=merge_id, actor=actor)
    refusal: StudioError | None = None
    try:
        _check_everywhere(db_session, merge_id, actor)
        _check(db_session, keep_id, merge_id)
    except StudioError as error:
        refusal = error
    theirs = SessionReservation.customer_id == merge_id
    coming = and_(theirs, SessionReservation.status == Status.PENDING.value, ClassSession.ends_at > now)
    return MergePreview(
        keep=keep,
        gone=gone,
        passes=_count(db_session, ClassRegistration, ClassRegistration.customer_id == merge_id),
        reservations=_count(db_session, SessionReservation, theirs),
        coming=db_session.scalars(
            select(func.count()).select_from(SessionReservation).join(ClassSession).where(coming)
        ).one(),
        suspensions=_count(db_session, CustomerSuspension, CustomerSuspension.customer_id == merge_id),
        people=_count(db_session, CustomerAccess, CustomerAccess.customer_id == merge_id),
        refusal=refusal,
        clashes=db_session.execute(
            select(ClassSession.id, ClassSession.starts_at, StudioClass.title)
            .join(StudioClass, StudioClass.id == ClassSession.class_id)
            .where(ClassSession.id.in_(_clashing(keep_id, merge_id)), ClassSession.studio_id == studio_id)
            .order_by(ClassSession.starts_at, ClassSession.id)
        ).all(),
    )


def merge_customers(
    db_session: Session,
    *,
    studio_id: UUID,
    keep_id: UUID,
    merge_id: UUID,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Give all that ``merge_id`` has to ``keep_id``, whom alone one finds from then on; merged already, unchanged.

    What history tells of the one merged stays told of them; what the kept one lacks (e-mail, phone) is taken over.

    :raises NotFound: where this studio does not know one of the two.
    :raises Forbidden: where another studio knows the one merged, and the actor is no manager there.
    :raises InvalidRequest: where both are portal users of their own, or it is the same customer twice.
    :raises AlreadyReserved: where both have a live reservation of the same session: cancel one first.
    :raises ReasonRequired:
    """
    actor.require(studio_id, Role.MANAGER)
    if not reason.strip():
        raise ReasonRequired()
    gone = db_session.get(Customer, merge_id)
    if gone is not None and gone.merged_into_id == keep_id:
        return require_known(db_session, customer_id=keep_id, studio_id=studio_id)
    _both(db_session, studio_id=studio_id, keep_id=keep_id, merge_id=merge_id, actor=actor)
    _check_everywhere(db_session, merge_id, actor)
    with atomic(db_session):
        lock_registrations(db_session, _passes_of(db_session, keep_id, merge_id))
        keep, gone = (db_session.scalars(lock_customer(one)).one() for one in sorted((keep_id, merge_id)))
        if keep.id != keep_id:
            keep, gone = gone, keep
        _check(db_session, keep_id, merge_id)
        _merge_places(db_session, keep_id, merge_id, now)
        for column in (
            ClassRegistration.customer_id,
            SessionReservation.customer_id,
            RegistrationMember.customer_id,
            CustomerAccess.customer_id,
            CustomerStudio.customer_id,
            CustomerSuspension.customer_id,
            ApiToken.customer_id,
            OutboxMessage.customer_id,
            Customer.merged_into_id,
        ):
            db_session.execute(
                update(column.class_)
                .where(column == merge_id)
                .values({column.key: keep_id})
                .execution_options(synchronize_session=False)
            )
        keep.email = keep.email or gone.email
        keep.phone = keep.phone or gone.phone
        gone.merged_into_id = keep_id
        gone.feed_token_hash = None
        record_customer(
            db_session,
            keep,
            "customer.merged",
            actor=actor,
            now=now,
            studio_id=studio_id,
            reason=reason,
            details={"merged": str(merge_id)},
        )
        db_session.expire_all()
    return keep


def _both(
    db_session: Session, *, studio_id: UUID, keep_id: UUID, merge_id: UUID, actor: Actor
) -> tuple[Customer, Customer]:
    """:raises NotFound: where this studio does not know one of the two. :raises InvalidRequest: for the same one twice."""
    actor.require(studio_id, Role.MANAGER)
    keep, gone = (require_known(db_session, customer_id=one, studio_id=studio_id) for one in (keep_id, merge_id))
    if keep_id == merge_id:
        raise InvalidRequest(errors={"merge_id": "Choose two customers."})
    return keep, gone


def _check_everywhere(db_session: Session, merge_id: UUID, actor: Actor) -> None:
    """:raises Forbidden: where another studio knows the one merged, and the actor is no manager there."""
    if not has_role_everywhere(db_session, customer_id=merge_id, actor=actor, least=Role.MANAGER):
        raise Forbidden(role=Role.MANAGER.value)


def _count(db_session: Session, model: Any, condition: ColumnElement[bool]) -> int:
    return db_session.scalars(select(func.count()).select_from(model).where(condition)).one()


def _passes_of(db_session: Session, *people: UUID) -> set[UUID]:
    found: set[UUID] = set()
    for query in (
        select(ClassRegistration.id).where(ClassRegistration.customer_id.in_(people)),
        select(SessionReservation.registration_id).where(SessionReservation.customer_id.in_(people)),
        select(RegistrationMember.registration_id).where(RegistrationMember.customer_id.in_(people)),
    ):
        found |= set(db_session.scalars(query))
    return found


def _check(db_session: Session, keep_id: UUID, merge_id: UUID) -> None:
    """:raises InvalidRequest, AlreadyReserved: where two cannot be made one."""
    users = set(
        db_session.scalars(
            select(CustomerAccess.user_id).where(
                CustomerAccess.customer_id.in_((keep_id, merge_id)), CustomerAccess.kind == AccessKind.SELF.value
            )
        )
    )
    if len(users) > 1:
        raise InvalidRequest(errors={"merge_id": "Both sign in to the portal as themselves."})
    clash = db_session.scalar(_clashing(keep_id, merge_id).with_only_columns(SessionReservation.id).limit(1))
    if clash is not None:
        raise AlreadyReserved(reservation_id=clash)


def _clashing(keep_id: UUID, merge_id: UUID) -> Select[Any]:
    """Select the sessions in which both have a live reservation of their own."""
    theirs = aliased(SessionReservation)
    return (
        select(SessionReservation.session_id)
        .join(theirs, theirs.session_id == SessionReservation.session_id)
        .where(
            SessionReservation.customer_id == merge_id,
            SessionReservation.guest_name.is_(None),
            text(f"studio_session_reservation.{LIVE_SQL}"),
            theirs.customer_id == keep_id,
            theirs.guest_name.is_(None),
            theirs.status.in_(LIVE),
        )
    )


def _merge_places(db_session: Session, keep_id: UUID, merge_id: UUID, now: datetime) -> None:
    """Where both have a row of which there can be one only, fold the merged one's into the kept one's."""
    for mine, theirs in _pairs(db_session, CustomerStudio, keep_id, merge_id, CustomerStudio.studio_id):
        mine.notes = "\n".join(filter(None, (mine.notes, theirs.notes))) or None
        mine.internal = mine.internal or theirs.internal
        db_session.delete(theirs)
    for _, theirs in _pairs(db_session, CustomerAccess, keep_id, merge_id, CustomerAccess.user_id):
        db_session.delete(theirs)
    for _, theirs in _pairs(db_session, RegistrationMember, keep_id, merge_id, RegistrationMember.registration_id):
        db_session.delete(theirs)
    unended = CustomerSuspension.ended_at.is_(None)
    for mine, theirs in _pairs(
        db_session, CustomerSuspension, keep_id, merge_id, CustomerSuspension.studio_id, unended
    ):
        shorter = min(mine, theirs, key=lambda one: one.ends_at)
        shorter.ended_at = max(now, shorter.starts_at)
    db_session.flush()
    # A holder is no member of their own pass.
    held = select(ClassRegistration.id).where(ClassRegistration.customer_id.in_((keep_id, merge_id)))
    db_session.execute(
        delete(RegistrationMember)
        .where(RegistrationMember.customer_id.in_((keep_id, merge_id)), RegistrationMember.registration_id.in_(held))
        .execution_options(synchronize_session=False)
    )


def _pairs(
    db_session: Session, model: Any, keep_id: UUID, merge_id: UUID, key: Any, *only: ColumnElement[bool]
) -> list[tuple[Any, Any]]:
    """Return the rows of both that agree in ``key``: the kept one's and the merged one's."""
    rows = list(db_session.scalars(select(model).where(model.customer_id.in_((keep_id, merge_id)), *only)))
    mine = {getattr(one, key.key): one for one in rows if one.customer_id == keep_id}
    theirs = {getattr(one, key.key): one for one in rows if one.customer_id == merge_id}
    return [(mine[value], theirs[value]) for value in sorted(mine.keys() & theirs.keys())]
