"""What a customer is called and how they are reached, put right at the front desk.

Source: rules.md §10, §11, decision 16.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, InvalidRequest
from studio_reservations.models import AccessKind, Customer, CustomerAccess, Role
from studio_reservations.services.actors import Actor
from studio_reservations.services.contact import DEFAULT_REGION, checked_email, checked_name, checked_phone
from studio_reservations.services.customers import (
    change_fields,
    has_role_everywhere,
    lock_customer,
    require_known,
    same_person,
)


def may_correct(db_session: Session, *, customer_id: UUID, actor: Actor) -> bool:
    """Return whether the actor is at the front desk of every studio that knows the customer."""
    return has_role_everywhere(db_session, customer_id=customer_id, actor=actor, least=Role.FRONT_DESK)


def fields_of_portal(db_session: Session, *, customer_id: UUID) -> Collection[str]:
    """Return what the portal says of a customer: name and e-mail of whoever signs in to it as themselves."""
    signs_in = select(CustomerAccess.id).where(
        CustomerAccess.customer_id == customer_id, CustomerAccess.kind == AccessKind.SELF.value
    )
    return () if db_session.scalar(signs_in) is None else ("name", "email")


def correct_customer(
    db_session: Session,
    *,
    studio_id: UUID,
    customer_id: UUID,
    name: str,
    email: str | None,
    phone: str | None,
    actor: Actor,
    now: datetime,
    region: str = DEFAULT_REGION,
) -> Customer:
    """Change a customer's name, e-mail and phone; what is as it was is not judged.

    :raises NotFound: for whom the studio does not know.
    :raises Forbidden: where another studio knows them too, and the actor is not at its front desk.
    :raises InvalidRequest: naming each wrong field, each that is the portal's, and a second record of one person.
    """
    actor.require(studio_id, Role.FRONT_DESK)
    # Whoever erases, merges or claims them holds the same lock: all that follows is read behind it.
    db_session.scalars(lock_customer(customer_id)).one_or_none()
    customer = require_known(db_session, customer_id=customer_id, studio_id=studio_id)
    if not may_correct(db_session, customer_id=customer_id, actor=actor):
        raise Forbidden(role=Role.FRONT_DESK.value)
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    if " ".join(name.split()) != customer.name:
        values["name"] = checked_name(name, errors)
    if ((email or "").strip() or None) != customer.email:
        values["email"] = checked_email(email, errors)
    if ((phone or "").strip() or None) != customer.phone:
        values["phone"] = checked_phone(phone, region, errors)
    errors |= {
        one: "The portal says this. It is changed in the customer’s account there."
        for one in fields_of_portal(db_session, customer_id=customer_id)
        if one in values
    }
    if not errors and values.keys() & {"name", "email"}:
        called = {name: values.get(name, getattr(customer, name)) for name in ("name", "email")}
        if same_person(db_session, studio_id=studio_id, **called, but=customer_id) is not None:
            errors["email"] = "Another record here has this name and e-mail. A manager can merge the two."
    if errors:
        raise InvalidRequest(errors=errors)
    as_staff = not actor.acts_for(customer_id)  # decision 15
    change_fields(db_session, customer, values, actor=actor, as_staff=as_staff, now=now, studio_id=studio_id)
    db_session.flush()
    return customer
