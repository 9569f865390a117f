"""Who is calling: a bearer token, or the portal's user through the identity adapter.

Source: rules.md §10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from flask import Request
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from studio_reservations.api.routes import READING
from studio_reservations.errors import Forbidden, NotAuthenticated
from studio_reservations.identity import Identity, PortalUser
from studio_reservations.models import (
    AccessKind,
    ApiToken,
    Customer,
    CustomerAccess,
    Role,
    StudioStaff,
    TokenScope,
)
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.services.tokens import token_hash

_TOKEN = (
    select(ApiToken, Customer.erased_at)
    .outerjoin(Customer, Customer.id == ApiToken.customer_id)
    .where(ApiToken.token_hash == bindparam("hash"))
)
_ACCESS = select(CustomerAccess.customer_id, CustomerAccess.kind).where(CustomerAccess.user_id == bindparam("user"))
_STAFF = select(StudioStaff.studio_id, StudioStaff.role, StudioStaff.id).where(
    StudioStaff.user_id == bindparam("user"), StudioStaff.active.is_(True)
)


class Stranger(Exception):
    """A portal user who is no customer yet; they become one before the call goes on. Source: rules.md §11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever showed a token or a login; which of the two is filled says how."""

    token_hash: str | None = None
    user: PortalUser | None = None

    @property
    def key(self) -> str:
        """What calls are counted by."""
        return f"token:{self.token_hash}" if self.user is None else f"user:{self.user.id}"


def caller_of(request: Request, identity: Identity) -> Caller | None:
    """Return who calls, or None; a bearer token counts before a login."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return Caller(token_hash=token_hash(secret.strip()))
    user = identity.current_user()
    return None if user is None else Caller(user=user)


def actor_for(db_session: Session, caller: Caller, *, method: str, now: datetime) -> Actor:
    """Return what the caller may do, in one query for a token and two for a user.

    :raises NotAuthenticated: where the token is unknown, expired or revoked.
    :raises Forbidden: where it may only read and this is a write.
    :raises Stranger: for a portal user who has not yet a customer of their own.
    """
    if caller.user is not None:
        return _user_actor(db_session, caller.user)
    row = db_session.execute(_TOKEN, {"hash": caller.token_hash}).one_or_none()
    if row is None or _is_over(row.ApiToken, now) or row.erased_at is not None:
        raise NotAuthenticated()
    token: ApiToken = row.ApiToken
    if token.scope == TokenScope.READ and method not in READING:
        raise Forbidden()
    if token.customer_id is not None:
        return Actor(
            kind=ActorKind.TOKEN,
            id=str(token.id),
            customer_ids=frozenset({token.customer_id}),
            own_customer_id=token.customer_id,
        )
    assert token.studio_id is not None  # noqa: S101 - the table sees to it
    return Actor(
        kind=ActorKind.TOKEN, id=str(token.id), roles=MappingProxyType({token.studio_id: Role(token.role or "")})
    )


def _is_over(token: ApiToken, now: datetime) -> bool:
    return token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now)


def _user_actor(db_session: Session, user: PortalUser) -> Actor:
    access = {row.customer_id: row.kind for row in db_session.execute(_ACCESS, {"user": user.id})}
    own = next((customer_id for customer_id, kind in access.items() if kind == AccessKind.SELF), None)
    if own is None:
        raise Stranger()
    staff = db_session.execute(_STAFF, {"user": user.id}).all()
    return Actor(
        kind=ActorKind.USER,
        id=user.id,
        customer_ids=frozenset(access),
        own_customer_id=own,
        roles=MappingProxyType({row.studio_id: Role(row.role) for row in staff}),
        staff_ids=MappingProxyType({row.studio_id: row.id for row in staff}),
    )
