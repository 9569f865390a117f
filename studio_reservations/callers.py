"""Who is calling: a bearer token, or the portal's user through the identity adapter.

Source: rules.md §10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from flask import Request
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from studio_reservations.database import run_in_transaction
from studio_reservations.errors import Forbidden, NotAuthenticated
from studio_reservations.identity import Identity, PortalUser
from studio_reservations.models import (
    ApiToken,
    Customer,
    Role,
    TokenScope,
)
from studio_reservations.models.connection import connection
from studio_reservations.services.accounts import customer_for_portal_user
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.services.staffing import user_actor
from studio_reservations.services.tokens import token_hash

READING = frozenset({"GET", "HEAD", "OPTIONS"})

_TOKEN = (
    select(
        ApiToken.id,
        ApiToken.scope,
        ApiToken.customer_id,
        ApiToken.studio_id,
        ApiToken.role,
        ApiToken.revoked_at,
        ApiToken.expires_at,
        Customer.erased_at,
        Customer.locale,
    )
    .outerjoin(Customer, Customer.id == ApiToken.customer_id)
    .where(ApiToken.token_hash == bindparam("hash"))
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
        """What calls are counted by; a wrong token too by itself: 256 random bits are not found by trying."""
        return f"token:{self.token_hash}" if self.user is None else f"user:{self.user.id}"


def caller_of(request: Request, identity: Identity) -> Caller | None:
    """Return who calls, or None; a bearer token counts before a login."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return Caller(token_hash=token_hash(secret.strip()))
    user = identity.current_user()
    return None if user is None else Caller(user=user)


def actor_for(db_session: Session, caller: Caller, *, method: str, now: datetime) -> Actor:
    """Return what the caller may do, in one query.

    :raises NotAuthenticated: where the token is unknown, expired or revoked.
    :raises Forbidden: where it may only read and this is a write.
    :raises Stranger: for a portal user who has not yet a customer of their own.
    """
    if caller.user is not None:
        actor = user_actor(db_session, user_id=caller.user.id)
        if actor.own_customer_id is None:
            raise Stranger()
        return actor
    token = connection(db_session).execute(_TOKEN, {"hash": caller.token_hash}).one_or_none()
    if token is None or _is_over(token, now):
        raise NotAuthenticated()
    if token.scope == TokenScope.READ and method not in READING:
        raise Forbidden()
    if token.customer_id is not None:
        return Actor(
            kind=ActorKind.TOKEN,
            id=str(token.id),
            customer_ids=frozenset({token.customer_id}),
            own_customer_id=token.customer_id,
            locale=token.locale,
        )
    return Actor(kind=ActorKind.TOKEN, id=str(token.id), roles=MappingProxyType({token.studio_id: Role(token.role)}))


def welcome(caller: Caller, *, now: datetime, region: str) -> None:
    """Make a stranger a customer, or let them claim the one that they are. Source: rules.md §11."""
    user = caller.user
    assert user is not None  # noqa: S101 - only a user can be a stranger
    run_in_transaction(lambda db_session: customer_for_portal_user(db_session, user=user, now=now, region=region))


def _is_over(token: Any, now: datetime) -> bool:
    expired = token.expires_at is not None and token.expires_at <= now
    return expired or token.revoked_at is not None or token.erased_at is not None
