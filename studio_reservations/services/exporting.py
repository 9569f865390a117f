"""All that is held about a customer, for themselves. Reads only.

Source: rules.md §1, §10; Regulation (EU) 2016/679, articles 15 and 20.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound
from studio_reservations.models import (
    ApiToken,
    ClassRegistration,
    ClassSession,
    ClassStep,
    Customer,
    CustomerAccess,
    CustomerStudio,
    CustomerSuspension,
    OutboxDelivery,
    OutboxMessage,
    PunchLedgerEntry,
    RegistrationMember,
    ReservationHistory,
    SessionReservation,
    Studio,
    StudioClass,
    SuspensionNoShow,
)
from studio_reservations.services.actors import Actor

LEFT_OUT = frozenset({"feed_token_hash", "token_hash", "dedupe_key", "claimed_until", "endpoint_id"})
"""What opens a door, and what is the machine's own."""


def everything_about(db_session: Session, *, customer_id: UUID, actor: Actor, now: datetime) -> dict[str, Any]:
    """Return every row about somebody for whom ``actor`` acts, as JSON values; who of the staff acted is not in it.

    Instants are UTC. :raises NotFound: for whom the actor does not act.
    """
    if not actor.acts_for(customer_id):
        raise NotFound()
    people = [customer_id, *db_session.scalars(select(Customer.id).where(Customer.merged_into_id == customer_id))]
    passes = select(ClassRegistration.id).where(ClassRegistration.customer_id.in_(people))
    reservations = select(SessionReservation.id).where(SessionReservation.customer_id.in_(people))
    messages = select(OutboxMessage.id).where(OutboxMessage.customer_id.in_(people))
    wanted: Mapping[str, tuple[type[Any], ColumnElement[bool]]] = {
        "people_who_act": (CustomerAccess, CustomerAccess.customer_id.in_(people)),
        "studios": (CustomerStudio, CustomerStudio.customer_id.in_(people)),
        "passes": (ClassRegistration, ClassRegistration.customer_id.in_(people)),
        "passes_of_others": (RegistrationMember, RegistrationMember.customer_id.in_(people)),
        "punches": (
            PunchLedgerEntry,
            or_(PunchLedgerEntry.registration_id.in_(passes), PunchLedgerEntry.reservation_id.in_(reservations)),
        ),
        "suspensions": (CustomerSuspension, CustomerSuspension.customer_id.in_(people)),
        "suspensions_for": (SuspensionNoShow, SuspensionNoShow.reservation_id.in_(reservations)),
        "history": (
            ReservationHistory,
            or_(ReservationHistory.customer_id.in_(people), ReservationHistory.reservation_id.in_(reservations)),
        ),
        "messages": (OutboxMessage, OutboxMessage.customer_id.in_(people)),
        "deliveries": (
            OutboxDelivery,
            OutboxDelivery.message_id.in_(messages) & OutboxDelivery.endpoint_id.is_(None),
        ),
        "api_tokens": (ApiToken, ApiToken.customer_id.in_(people)),
    }
    return {
        "exported_at": _plain(now),
        "customer": next(iter(_rows(db_session, Customer, Customer.id == customer_id))),
        "merged_customers": _rows(db_session, Customer, Customer.id.in_(people[1:])),
        "reservations": _reservations(db_session, people),
        **{name: _rows(db_session, table, condition) for name, (table, condition) in wanted.items()},
        "names": _names(db_session, people),
    }


def _reservations(db_session: Session, people: Iterable[UUID]) -> list[dict[str, Any]]:
    """Return the reservations with the class and the session they are for."""
    rows = db_session.execute(
        select(
            *_columns(SessionReservation),
            ClassSession.starts_at,
            ClassSession.ends_at,
            ClassSession.location,
            StudioClass.title.label("class"),
            ClassStep.title.label("part"),
        )
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .outerjoin(ClassStep, ClassStep.id == SessionReservation.step_id)
        .where(SessionReservation.customer_id.in_(people))
        .order_by(SessionReservation.id)
    )
    return [_told(row) for row in rows]


def _names(db_session: Session, people: Iterable[UUID]) -> dict[str, str]:
    """Return what the ids of studios and classes in the other rows stand for."""
    studios = select(Studio.id, Studio.name).join(CustomerStudio, CustomerStudio.studio_id == Studio.id)
    classes = select(StudioClass.id, StudioClass.title).join(
        ClassRegistration, ClassRegistration.class_id == StudioClass.id
    )
    found = [
        *db_session.execute(studios.where(CustomerStudio.customer_id.in_(people))),
        *db_session.execute(classes.where(ClassRegistration.customer_id.in_(people))),
    ]
    return {str(one_id): name for one_id, name in found}


def _rows(db_session: Session, table: type[Any], condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    columns = _columns(table)
    return [_told(row) for row in db_session.execute(select(*columns).where(condition).order_by(columns[0]))]


def _columns(table: type[Any]) -> list[Any]:
    """Return the columns of a table but those that name staff, open a door, or belong to the machine."""
    named = {column.key: name for name, column in table.__mapper__.columns.items()}
    return [
        getattr(table, named[column.key]).label(column.name)
        for column in table.__table__.columns
        if column.key not in LEFT_OUT and not column.key.endswith("_by")
    ]


def _told(row: Any) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row._mapping.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID | date):
        return value.isoformat() if isinstance(value, date) else str(value)
    return value
