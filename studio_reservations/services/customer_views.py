"""The customers of a studio as its front desk sees them: found, and each with what one asks on the phone. Reads only.

Source: rules.md §1, §6, §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    AccessKind,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    CustomerStudio,
    CustomerSuspension,
    RegistrationStatus,
    Role,
    SessionReservation,
    Studio,
)
from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor
from studio_reservations.services.contact import DEFAULT_REGION, phone_number
from studio_reservations.services.counting import counting
from studio_reservations.services.customers import known_to, matching
from studio_reservations.services.listings import RESERVATIONS
from studio_reservations.services.policies import policies_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The latest missed classes, how many of all count now, and the policy that counts them."""

    rows: Sequence[Any]
    counting: int
    policy: Policy


def customers_of_studio(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    q: str,
    now: datetime,
    limit: int,
    skip: int = 0,
    region: str = DEFAULT_REGION,
) -> Sequence[Any]:
    """Return the studio's customers by name, with their passes in use, their next session and their suspension: one query.

    :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.FRONT_DESK)
    today = local_date(now, timezone=studio.timezone)
    passes = (
        select(func.count())
        .select_from(ClassRegistration)
        .where(
            ClassRegistration.customer_id == Customer.id,
            ClassRegistration.studio_id == studio.id,
            ClassRegistration.status == RegistrationStatus.ACTIVE.value,
            or_(ClassRegistration.valid_until.is_(None), ClassRegistration.valid_until >= today),
        )
        .correlate(Customer)
        .scalar_subquery()
    )
    comes_next = (
        select(func.min(ClassSession.starts_at))
        .join(SessionReservation, SessionReservation.session_id == ClassSession.id)
        .where(
            SessionReservation.customer_id == Customer.id,
            SessionReservation.studio_id == studio.id,
            SessionReservation.status == Status.PENDING.value,
            ClassSession.ends_at > now,
        )
        .correlate(Customer)
        .scalar_subquery()
    )
    return db_session.execute(
        select(
            Customer.id,
            Customer.name,
            Customer.email,
            Customer.phone,
            CustomerStudio.internal,
            passes.label("passes"),
            comes_next.label("comes_next"),
            CustomerSuspension.ends_on.label("suspended_through"),
        )
        .join(CustomerStudio, CustomerStudio.customer_id == Customer.id)
        .outerjoin(
            CustomerSuspension,
            and_(
                CustomerSuspension.customer_id == Customer.id,
                CustomerSuspension.studio_id == studio.id,
                CustomerSuspension.ended_at.is_(None),
                CustomerSuspension.ends_at > now,
            ),
        )
        .where(
            CustomerStudio.studio_id == studio.id,
            Customer.erased_at.is_(None),
            Customer.merged_into_id.is_(None),
            *matching(q, region=region),
        )
        .order_by(Customer.name, Customer.id)
        .limit(limit)
        .offset(skip)
    ).all()


def likely_duplicates(
    db_session: Session,
    *,
    actor: Actor,
    studio_id: UUID,
    name: str,
    email: str | None,
    phone: str | None,
    region: str = DEFAULT_REGION,
    but: UUID | None = None,
) -> list[tuple[Customer, tuple[str, ...]]]:
    """Return whom the studio knows by the same name, e-mail or phone, with what is the same; at most ten, by name."""
    actor.require(studio_id, Role.FRONT_DESK)
    name, email = " ".join(name.split()).casefold(), (email or "").strip().lower()
    number = phone_number(phone, region=region) if phone and phone.strip() else None
    alike = [func.lower(Customer.name) == name.lower()]
    if email:
        alike.append(func.lower(Customer.email) == email)
    if number:
        alike.append(Customer.phone == number)
    found = db_session.scalars(
        known_to(studio_id).where(or_(*alike), Customer.id != but).order_by(Customer.name, Customer.id).limit(10)
    )
    return [
        (
            one,
            tuple(
                what
                for what, same in (
                    ("name", one.name.casefold() == name),
                    ("e-mail", bool(email) and (one.email or "").lower() == email),
                    ("phone", number is not None and one.phone == number),
                )
                if same
            ),
        )
        for one in found
    ]


def link_of(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> CustomerStudio:
    """Return how the studio knows a customer whom it knows."""
    return db_session.scalars(
        select(CustomerStudio).where(CustomerStudio.customer_id == customer_id, CustomerStudio.studio_id == studio_id)
    ).one()


def studio_that_knows(db_session: Session, *, customer_id: UUID, studios: Sequence[Studio]) -> Studio | None:
    """Return the first of ``studios`` that knows the customer."""
    known = set(
        db_session.scalars(select(CustomerStudio.studio_id).where(CustomerStudio.customer_id == customer_id)).all()
    )
    return next((one for one in studios if one.id in known), None)


def acting_for(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> Sequence[Any]:
    """Return who acts for a customer: ``kind``, and the guardian's id and name where this studio knows them."""
    themselves, guardian, known = aliased(CustomerAccess), aliased(Customer), aliased(CustomerStudio)
    return db_session.execute(
        select(CustomerAccess.kind, guardian.id.label("guardian_id"), guardian.name.label("guardian_name"))
        .outerjoin(
            themselves,
            and_(themselves.user_id == CustomerAccess.user_id, themselves.kind == AccessKind.SELF.value),
        )
        .outerjoin(known, and_(known.customer_id == themselves.customer_id, known.studio_id == studio_id))
        .outerjoin(guardian, guardian.id == known.customer_id)
        .where(CustomerAccess.customer_id == customer_id)
        .order_by(CustomerAccess.kind.desc(), CustomerAccess.created_at, CustomerAccess.id)
    ).all()


def wards_of(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> Sequence[Customer]:
    """Return those of this studio's customers for whom a customer acts, by name."""
    users = select(CustomerAccess.user_id).where(
        CustomerAccess.customer_id == customer_id, CustomerAccess.kind == AccessKind.SELF.value
    )
    return db_session.scalars(
        known_to(studio_id)
        .join(CustomerAccess, CustomerAccess.customer_id == Customer.id)
        .where(CustomerAccess.user_id.in_(users), CustomerAccess.kind == AccessKind.GUARDIAN.value)
        .order_by(Customer.name, Customer.id)
    ).all()


def coming_of(db_session: Session, *, customer_id: UUID, studio_id: UUID, now: datetime) -> Sequence[Any]:
    """Return what the customer holds at a studio and is not over, guests included, by start."""
    return db_session.execute(
        RESERVATIONS.where(
            SessionReservation.customer_id == customer_id,
            SessionReservation.studio_id == studio_id,
            SessionReservation.status.in_((Status.PENDING.value, Status.CHECKED_IN.value)),
            ClassSession.ends_at > now,
        ).order_by(ClassSession.starts_at, SessionReservation.id)
    ).all()


def missed_by(db_session: Session, *, customer_id: UUID, studio: Studio, now: datetime, limit: int = 10) -> Missed:
    """Return the customer's missed classes here, each with ``counts`` as of now."""
    policy = policies_of(db_session, studio.id).of_class(None)
    counts = counting(SessionReservation, studio_id=studio.id, as_of=now, timezone=studio.timezone, policy=policy)
    of_them = (
        SessionReservation.customer_id == customer_id,
        SessionReservation.studio_id == studio.id,
        SessionReservation.counts_as_no_show.is_(True),
    )
    rows = db_session.execute(
        RESERVATIONS.add_columns(SessionReservation.missed_at, counts.label("counts"))
        .where(*of_them)
        .order_by(SessionReservation.missed_at.desc(), SessionReservation.id.desc())
        .limit(limit)
    ).all()
    number = db_session.scalars(select(func.count()).select_from(SessionReservation).where(*of_them, counts)).one()
    return Missed(rows=rows, counting=number, policy=policy)


def suspensions_of(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> Sequence[CustomerSuspension]:
    """Return the customer's suspensions here, the latest first."""
    return db_session.scalars(
        select(CustomerSuspension)
        .where(CustomerSuspension.customer_id == customer_id, CustomerSuspension.studio_id == studio_id)
        .order_by(CustomerSuspension.starts_at.desc(), CustomerSuspension.id.desc())
        .limit(20)
    ).all()
