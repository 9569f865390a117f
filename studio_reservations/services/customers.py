"""The people whom a studio knows: how the front desk finds and adds them.

Source: rules.md §1, §10.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import Customer, CustomerStudio, Role, SubjectType
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import atomic
from studio_reservations.services.contact import (
    DEFAULT_REGION,
    checked_email,
    checked_name,
    checked_phone,
    phone_number,
)
from studio_reservations.services.events import record

LONGEST_NOTES = 1_000
FEWEST_DIGITS = 3
_PART_OF_A_NUMBER = re.compile(r"[0-9+\-()./]+")


def create_customer(
    db_session: Session,
    *,
    studio_id: UUID,
    name: str,
    actor: Actor,
    now: datetime,
    email: str | None = None,
    phone: str | None = None,
    notes: str | None = None,
    region: str = DEFAULT_REGION,
) -> tuple[Customer, bool]:
    """Add a customer at the front desk; return them, and whether they are new.

    Whoever this studio knows already by the same e-mail and the same name (case and spaces aside) is returned as they are:
    the same address alone is often that of a parent. Other studios' customers are never looked at.

    :raises InvalidRequest: naming each wrong field.
    """
    actor.require(studio_id, Role.FRONT_DESK)
    errors: dict[str, str] = {}
    name, email = checked_name(name, errors), checked_email(email, errors)
    number = checked_phone(phone, region, errors)
    if errors:
        raise InvalidRequest(errors=errors)
    if (known := same_person(db_session, studio_id=studio_id, name=name, email=email)) is not None:
        return known, False
    with atomic(db_session):
        customer = Customer(name=name, email=email, phone=number, created_at=now)
        db_session.add(customer)
        db_session.flush()
        link_customer(db_session, customer_id=customer.id, studio_id=studio_id, now=now, notes=notes)
        record_customer(db_session, customer, "customer.created", actor=actor, now=now, studio_id=studio_id)
    return customer, True


def find_customers(
    db_session: Session,
    *,
    studio_id: UUID,
    actor: Actor,
    q: str = "",
    limit: int = 50,
    after: tuple[str, UUID] | None = None,
    region: str = DEFAULT_REGION,
) -> list[Customer]:
    """Return this studio's customers by name, those whom ``q`` is `matching`.

    ``after`` is the (name, id) of the last one of the page before.
    """
    actor.require(studio_id, Role.FRONT_DESK)
    query = known_to(studio_id).where(*matching(q, region=region))
    if after is not None:
        name, customer_id = after
        query = query.where(or_(Customer.name > name, (Customer.name == name) & (Customer.id > customer_id)))
    return list(db_session.scalars(query.order_by(Customer.name, Customer.id).limit(limit)))


def matching(q: str, *, region: str = DEFAULT_REGION) -> list[ColumnElement[bool]]:
    """Return the conditions that each word of ``q`` is found in a customer's name, e-mail or phone.

    Words of digits and ``+-()./`` are looked for in phones, where together they have `FEWEST_DIGITS` digits; a whole number is
    found however it is written, as one dials it in ``region`` too.
    """
    words = q.split()
    numbers = [word for word in words if _PART_OF_A_NUMBER.fullmatch(word)]
    by_phone = sum(map(str.isdigit, "".join(numbers))) >= FEWEST_DIGITS
    conditions = []
    for word in words:
        found = [Customer.name.icontains(word, autoescape=True), Customer.email.icontains(word, autoescape=True)]
        if by_phone and word in numbers and (digits := re.sub(r"[^0-9]", "", word)):
            found.append(Customer.phone.contains(digits, autoescape=True))
        conditions.append(or_(*found))
    if words and numbers == words and (number := phone_number(q, region=region)) is not None:
        return [or_(and_(*conditions), Customer.phone == number)]
    return conditions


def set_notes(
    db_session: Session, *, studio_id: UUID, customer_id: UUID, notes: str, actor: Actor, now: datetime
) -> Customer:
    """Write what this studio's staff know of a customer; empty takes it away. The text stays out of history.

    :raises NotFound: for whom the studio does not know. :raises InvalidRequest: for a longer one than `LONGEST_NOTES`.
    """
    actor.require(studio_id, Role.FRONT_DESK)
    customer = require_known(db_session, customer_id=customer_id, studio_id=studio_id)
    text = notes.strip()
    if len(text) > LONGEST_NOTES:
        raise InvalidRequest(errors={"notes": f"Write at most {LONGEST_NOTES:,} characters."})
    link = _locked_link(db_session, customer_id=customer_id, studio_id=studio_id)
    if (link.notes or "") != text:
        link.notes = text or None
        record_customer(
            db_session,
            customer,
            "customer.changed",
            actor=actor,
            now=now,
            studio_id=studio_id,
            details={"fields": ["notes"]},
        )
    return customer


def link_customer(
    db_session: Session, *, customer_id: UUID, studio_id: UUID, now: datetime, notes: str | None = None
) -> None:
    """Let the studio know the customer; done twice, it is done once."""
    link = select(CustomerStudio.id).where(
        CustomerStudio.customer_id == customer_id, CustomerStudio.studio_id == studio_id
    )
    if db_session.scalar(link) is not None:
        return
    try:
        with db_session.begin_nested():
            db_session.add(
                CustomerStudio(
                    customer_id=customer_id, studio_id=studio_id, notes=notes, internal=False, created_at=now
                )
            )
    except IntegrityError:
        if db_session.scalar(link) is None:
            raise


def customers_by_email(db_session: Session, *, studio_id: UUID, email: str) -> list[Customer]:
    """Return those whom this studio knows by that e-mail, capitals aside: a family may share one."""
    query = known_to(studio_id).where(func.lower(Customer.email) == email.strip().lower())
    return list(db_session.scalars(query.order_by(Customer.id)))


def same_person(
    db_session: Session, *, studio_id: UUID, name: str, email: str | None, but: UUID | None = None
) -> Customer | None:
    """Return whom this studio knows by the same e-mail and the same name, case and spaces aside."""
    known = () if email is None else customers_by_email(db_session, studio_id=studio_id, email=email)
    same_name = (one for one in known if " ".join(one.name.split()).casefold() == name.casefold())
    return next((one for one in same_name if one.id != but), None)


def set_internal(
    db_session: Session, *, studio_id: UUID, customer_id: UUID, internal: bool, actor: Actor, now: datetime
) -> Customer:
    """Say whether the studio lets a customer in while its rollout is INTERNAL. Source: rules.md §1, §3 rule 1.

    :raises NotFound: for whom the studio does not know.
    """
    actor.require(studio_id, Role.OWNER)
    customer = require_known(db_session, customer_id=customer_id, studio_id=studio_id)
    link = _locked_link(db_session, customer_id=customer_id, studio_id=studio_id)
    if link.internal != internal:
        link.internal = internal
        record_customer(
            db_session,
            customer,
            "customer.changed",
            actor=actor,
            now=now,
            studio_id=studio_id,
            details={"fields": ["internal"], "internal": internal},
        )
    return customer


def require_known(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> Customer:
    """Return a customer whom this studio knows. :raises NotFound: for all others, unknown or another studio's."""
    customer = db_session.scalar(known_to(studio_id).where(Customer.id == customer_id))
    if customer is None:
        raise NotFound()
    return customer


def known_to(studio_id: UUID) -> Select[Customer]:
    """Select the customers whom this studio knows, but those erased or merged into another."""
    return (
        select(Customer)
        .join(CustomerStudio, CustomerStudio.customer_id == Customer.id)
        .where(CustomerStudio.studio_id == studio_id, Customer.erased_at.is_(None), Customer.merged_into_id.is_(None))
    )


def has_role_everywhere(db_session: Session, *, customer_id: UUID, actor: Actor, least: Role) -> bool:
    """Return whether the actor has the role ``least`` in every studio that knows the customer."""
    known = db_session.scalars(select(CustomerStudio.studio_id).where(CustomerStudio.customer_id == customer_id))
    return all(actor.has_role(one, least) for one in known)


def change_fields(
    db_session: Session,
    customer: Customer,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    as_staff: bool,
    now: datetime,
    studio_id: UUID | None = None,
) -> None:
    """Give a customer those of ``values`` that are others than they have, and write into history which these are."""
    changed = sorted(name for name, value in values.items() if getattr(customer, name) != value)
    if not changed:
        return
    for name in changed:
        setattr(customer, name, values[name])
    # Which fields, not what they say: history outlives the person's data.
    record_customer(
        db_session,
        customer,
        "customer.changed",
        actor=actor,
        now=now,
        as_staff=as_staff,
        studio_id=studio_id,
        details={"fields": changed},
    )


def record_customer(
    db_session: Session,
    customer: Customer,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    as_staff: bool = True,
    studio_id: UUID | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an act upon a customer into history; nothing personal goes into ``details``, which outlive erasure."""
    record(
        db_session,
        action=action,
        subject_type=SubjectType.CUSTOMER,
        subject_id=customer.id,
        studio_id=studio_id,
        customer_id=customer.id,
        actor=actor,
        as_staff=as_staff,
        now=now,
        reason=reason,
        details=details,
    )


def lock_customer(customer_id: UUID) -> Select[Customer]:
    """Select a customer fresh and under a lock."""
    return (
        select(Customer)
        .where(Customer.id == customer_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _locked_link(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> CustomerStudio:
    return db_session.scalars(
        select(CustomerStudio)
        .where(CustomerStudio.customer_id == customer_id, CustomerStudio.studio_id == studio_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
