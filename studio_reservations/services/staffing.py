"""A portal user as somebody who acts: for themselves and their wards, and for the studios in which they work.

Source: rules.md §10.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid, bindparam, cast, null, select, union_all
from sqlalchemy.orm import Session

from studio_reservations.models import AccessKind, Customer, CustomerAccess, Role, StudioStaff
from studio_reservations.models.connection import connection
from studio_reservations.services.actors import Actor, ActorKind

# Whom they act for, and where they work: one question, asked with every call.
_USER: Any = union_all(
    select(CustomerAccess.customer_id, CustomerAccess.kind, cast(null(), Uuid()).label("staff_id"), Customer.locale)
    .join(Customer, Customer.id == CustomerAccess.customer_id)
    .where(CustomerAccess.user_id == bindparam("user")),
    select(StudioStaff.studio_id, StudioStaff.role, StudioStaff.id, cast(null(), String())).where(
        StudioStaff.user_id == bindparam("user"), StudioStaff.active.is_(True)
    ),
)


def user_actor(db_session: Session, *, user_id: str) -> Actor:
    """Return a portal user with all that they may, in one query; without an own customer where they are none yet."""
    customers: dict[UUID, str] = {}
    roles: dict[UUID, Role] = {}
    staff_ids: dict[UUID, UUID] = {}
    locales: dict[UUID, str | None] = {}
    for of_id, kind, staff_id, locale in connection(db_session).execute(_USER, {"user": user_id}):
        if staff_id is None:
            customers[of_id], locales[of_id] = kind, locale
        else:
            roles[of_id], staff_ids[of_id] = Role(kind), staff_id
    own = next((customer_id for customer_id, kind in customers.items() if kind == AccessKind.SELF), None)
    return Actor(
        kind=ActorKind.USER,
        id=user_id,
        customer_ids=frozenset(customers),
        own_customer_id=own,
        roles=MappingProxyType(roles),
        staff_ids=MappingProxyType(staff_ids),
        locale=None if own is None else locales[own],
    )
