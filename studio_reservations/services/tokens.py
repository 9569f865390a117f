"""Bearer tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import ApiToken, Customer, Role, Studio, TokenScope

PREFIX = "st_"


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
    token = PREFIX + token_urlsafe(32)
    session.add(
        ApiToken(
            name=name.strip(),
            token_hash=token_hash(token),
            studio_id=studio_id,
            role=role,
            customer_id=customer_id,
            scope=scope,
            expires_at=expires_at,
            created_by=created_by,
            created_at=now,
        )
    )
    session.flush()
    return token


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
