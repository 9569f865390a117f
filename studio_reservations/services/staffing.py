"""A portal user as somebody who works in studios."""

from __future__ import annotations

from types import MappingProxyType

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from studio_reservations.models import Role, StudioStaff
from studio_reservations.services.actors import Actor, ActorKind

STAFF = select(StudioStaff.studio_id, StudioStaff.role, StudioStaff.id).where(
    StudioStaff.user_id == bindparam("user"), StudioStaff.active.is_(True)
)


def staff_actor(db_session: Session, *, user_id: str) -> Actor:
    """Return the portal user with their roles and nothing else: on staff screens nobody acts as a customer."""
    staff = db_session.execute(STAFF, {"user": user_id}).all()
    return Actor(
        kind=ActorKind.USER,
        id=user_id,
        roles=MappingProxyType({row.studio_id: Role(row.role) for row in staff}),
        staff_ids=MappingProxyType({row.studio_id: row.id for row in staff}),
    )
