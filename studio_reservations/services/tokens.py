"""Bearer tokens: made once, shown once, kept as a hash.

Source: rules.md §10 (owner).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import ApiToken, Customer, CustomerStudio, Role, Studio, SubjectType, TokenScope
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic
from studio_reservations.services.customers import require_known
from studio_reservations.services.events import record

PREFIX = "st_"
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token and its secret, which is shown this once."""

    token: ApiToken
    secret: str


class TokenService:
    """The tokens of a studio and of its customers. It lives for one request; it flushes and never commits."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now) -> None:
        self.db_session = db_session
        self.now = read(clock)

    def create(
        self,
        *,
        studio_id: UUID,
        actor: Actor,
        name: str,
        role: Role | None = None,
        customer_id: UUID | None = None,
        scope: TokenScope = TokenScope.WRITE,
        expires_at: datetime | None = None,
    ) -> NewToken:
        """Return a new token, of the studio with ``role`` or of a customer of it.

        :raises InvalidRequest: naming each wrong field; a customer whom another studio knows too is one, for the token would open
            what is there.
        """
        actor.require(studio_id, Role.OWNER)
        errors = {}
        if not name.strip() or len(name) > LONGEST_NAME:
            errors["name"] = f"Write what the token is for, in at most {LONGEST_NAME} characters."
        if (role is None) == (customer_id is None):
            errors["role"] = "Choose a role, or a customer."
        if expires_at is not None and expires_at <= self.now:
            errors["expires_at"] = "Choose a day that is not over."
        if customer_id is not None and "role" not in errors:
            require_known(self.db_session, customer_id=customer_id, studio_id=studio_id)
            if self._known_elsewhere(customer_id, studio_id):
                errors["customer_id"] = (
                    "Another studio knows this customer too, and the token would open what is there."
                )
        if errors:
            raise InvalidRequest(errors=errors)
        with atomic(self.db_session):
            token, secret = _add_token(
                self.db_session,
                name=name,
                now=self.now,
                studio_id=studio_id if role is not None else None,
                role=role,
                customer_id=customer_id,
                scope=scope,
                expires_at=expires_at,
                created_by=actor.id,
            )
            self._record(token, "token.created", studio_id, actor)
        return NewToken(token=token, secret=secret)

    def revoke(self, *, token_id: UUID, studio_id: UUID, actor: Actor) -> ApiToken:
        """Make a token of the studio, or of a customer of it, worthless from now on. :raises NotFound:"""
        actor.require(studio_id, Role.OWNER)
        with atomic(self.db_session):
            token = self.db_session.get(ApiToken, token_id, with_for_update=True, populate_existing=True)
            if token is None:
                raise NotFound()
            if token.customer_id is not None:
                require_known(self.db_session, customer_id=token.customer_id, studio_id=studio_id)
            elif token.studio_id != studio_id:
                raise NotFound()
            if token.revoked_at is None:
                token.revoked_at = self.now
                self.db_session.flush()
                self._record(token, "token.revoked", studio_id, actor)
        return token

    def _known_elsewhere(self, customer_id: UUID, studio_id: UUID) -> bool:
        elsewhere = select(CustomerStudio.id).where(
            CustomerStudio.customer_id == customer_id, CustomerStudio.studio_id != studio_id
        )
        return self.db_session.scalar(elsewhere.limit(1)) is not None

    def _record(self, token: ApiToken, action: str, studio_id: UUID, actor: Actor) -> None:
        record(
            self.db_session,
            action=action,
            subject_type=SubjectType.STUDIO,
            subject_id=studio_id,
            studio_id=studio_id,
            customer_id=token.customer_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            details={"token_id": str(token.id), "name": token.name, "role": token.role, "scope": token.scope},
        )


def create_token(
    session: Session,
    *,
    name: str,
    now: datetime,
    studio_id: UUID | None = None,
    role: Role | None = None,
    customer_id: UUID | None = None,
    scope: TokenScope = TokenScope.WRITE,
    expires_at: datetime | None = None,
    created_by: str | None = None,
) -> str:
    """Return a new token, of a studio with a role or of a customer; it cannot be had again. Source: rules.md §10.

    :raises InvalidRequest: without a name, by which it is known when it must go.
    :raises ValueError: where it is of neither or of both.
    """
    if not name.strip():
        raise InvalidRequest(errors={"name": "Write what the token is for."})
    of_studio, of_customer = studio_id is not None and role is not None, customer_id is not None
    if of_studio == of_customer or (of_customer and (studio_id is not None or role is not None)):
        raise ValueError("a token is of a studio with a role, or of a customer")
    _, secret = _add_token(
        session,
        name=name,
        now=now,
        studio_id=studio_id,
        role=role,
        customer_id=customer_id,
        scope=scope,
        expires_at=expires_at,
        created_by=created_by,
    )
    return secret


def tokens_of(session: Session, *, studio_id: UUID | None = None) -> list[tuple[ApiToken, str | None, str | None]]:
    """Return each token, oldest first, with its studio's slug or its customer's name; of one studio, or all."""
    query = (
        select(ApiToken, Studio.slug, Customer.name)
        .outerjoin(Studio, Studio.id == ApiToken.studio_id)
        .outerjoin(Customer, Customer.id == ApiToken.customer_id)
    )
    if studio_id is not None:
        query = query.where(ApiToken.studio_id == studio_id)
    return [(token, slug, name) for token, slug, name in session.execute(query.order_by(ApiToken.id))]


def revoke_token(session: Session, *, token_id: UUID, now: datetime) -> ApiToken:
    """Make a token worthless from now on; done twice, the first instant stands. :raises NotFound:"""
    token = session.get(ApiToken, token_id, with_for_update=True, populate_existing=True)
    if token is None:
        raise NotFound()
    token.revoked_at = token.revoked_at or now
    session.flush()
    return token


def token_hash(token: str) -> str:
    """Return what is stored of a token: SHA-256 in hex. Its 256 random bits need no salt and no slow hash."""
    return sha256(token.encode()).hexdigest()


def _add_token(session: Session, *, name: str, now: datetime, **values: Any) -> tuple[ApiToken, str]:
    secret = PREFIX + token_urlsafe(32)
    token = ApiToken(name=name.strip(), token_hash=token_hash(secret), created_at=now, **values)
    session.add(token)
    session.flush()
    return token, secret
