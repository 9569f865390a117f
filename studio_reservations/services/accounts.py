"""Portal users as customers: who they are, what they may change of themselves, their calendar feed.

Source: rules.md §1, §9, §11.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.language import N_
from studio_reservations.models import AccessKind, Customer, CustomerAccess
from studio_reservations.services.actors import SYSTEM, Actor
from studio_reservations.services.contact import DEFAULT_REGION, LONGEST_TEXT, checked_phone, phone_number
from studio_reservations.services.customers import change_fields, lock_customer, record_customer

PREFERENCES = frozenset({"reminder", "check_in", "pass_expiring", "sms"})
"""The messages that a customer may switch off: 24 h reminder, check-in confirmation, pass expiring, SMS. Source: rules.md §9."""

_CHANGEABLE = frozenset({"phone", "locale", "preferences"})
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


class PortalPerson(Protocol):
    """A user of the portal, as its identity adapter tells them."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def email_verified(self) -> bool: ...
    @property
    def phone(self) -> str | None: ...


def customer_for_portal_user(
    db_session: Session, *, user: PortalPerson, now: datetime, region: str = DEFAULT_REGION
) -> Customer:
    """Return the customer that this portal user is; on the first call one is claimed, or made.

    The single customer with the user's verified e-mail whom nobody has access to is theirs. Two first calls at once make one.
    """
    if (known := db_session.scalar(_self_of(user.id))) is not None:
        return known
    try:
        with db_session.begin_nested():
            customer = _claimable(db_session, user)
            action = "customer.claimed"
            if customer is None:
                customer = Customer(created_at=now, **_details_of(user, region))
                action = "customer.created"
                db_session.add(customer)
                db_session.flush()
            db_session.add(
                CustomerAccess(user_id=user.id, customer_id=customer.id, kind=AccessKind.SELF.value, created_at=now)
            )
            record_customer(db_session, customer, action, actor=SYSTEM, now=now, details={"user_id": user.id})
    except IntegrityError:
        if (known := db_session.scalar(_self_of(user.id))) is None:
            raise
        return known
    return customer


def update_me(
    db_session: Session,
    *,
    customer_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    region: str = DEFAULT_REGION,
) -> Customer:
    """Change ``phone``, ``locale`` and ``preferences`` (the named ones only) of oneself or a ward.

    :raises InvalidRequest: for another field, a number that is none, or a message that cannot be switched off.
    """
    if not actor.acts_for(customer_id):
        raise NotFound()
    customer = db_session.scalars(lock_customer(customer_id)).one()
    errors = {name: N_("This cannot be changed here.") for name in changes if name not in _CHANGEABLE}
    values: dict[str, Any] = {}
    if "phone" in changes:
        values["phone"] = checked_phone(changes["phone"], region, errors)
    if "locale" in changes:
        values["locale"] = changes["locale"]
        if values["locale"] is not None and not _LOCALE.fullmatch(str(values["locale"])):
            errors["locale"] = N_("Write a language such as 'en' or 'fr-CA'.")
    if "preferences" in changes:
        wanted = changes["preferences"] or {}
        errors |= {
            f"preferences.{one}": N_("This message cannot be switched off.") for one in wanted if one not in PREFERENCES
        }
        errors |= {
            f"preferences.{one}": N_("Write true or false.") for one, on in wanted.items() if not isinstance(on, bool)
        }
        values["preferences"] = {**customer.preferences, **wanted}
    if errors:
        raise InvalidRequest(errors=errors)
    change_fields(db_session, customer, values, actor=actor, as_staff=False, now=now)
    return customer


def customer_changed(
    db_session: Session, *, user: PortalPerson, now: datetime, region: str = DEFAULT_REGION
) -> Customer | None:
    """Take over the portal user's name, e-mail and phone; None for one who is no customer. To be called by the portal.

    What the portal does not know stays as it is.
    """
    customer = db_session.scalar(_self_of(user.id).with_for_update(key_share=True, of=Customer))
    if customer is not None:
        told = {name: value for name, value in _details_of(user, region).items() if value is not None}
        if not user.name:
            told.pop("name", None)
        change_fields(db_session, customer, told, actor=SYSTEM, as_staff=True, now=now)
    return customer


def create_feed_token(db_session: Session, *, customer_id: UUID, actor: Actor) -> str:
    """Return a new token for the calendar feed; the one before is worthless from now on. Only its hash is kept."""
    if not actor.acts_for(customer_id):
        raise NotFound()
    token = secrets.token_urlsafe(32)
    db_session.scalars(lock_customer(customer_id)).one().feed_token_hash = _hashed(token)
    db_session.flush()
    return token


def delete_feed_token(db_session: Session, *, customer_id: UUID, actor: Actor) -> None:
    """Make the address of the calendar feed worthless; there is none from now on."""
    if not actor.acts_for(customer_id):
        raise NotFound()
    db_session.scalars(lock_customer(customer_id)).one().feed_token_hash = None
    db_session.flush()


def customer_by_feed_token(db_session: Session, *, token: str) -> Customer:
    """Return whose calendar feed this is. :raises NotFound:"""
    customer = db_session.scalar(select(Customer).where(Customer.feed_token_hash == _hashed(token)))
    if customer is None:
        raise NotFound()
    return customer


def locale_of(db_session: Session, customer: Customer) -> str | None:
    """Return the language that a customer chose, else that which somebody chose who acts for them."""
    if customer.locale is not None:
        return customer.locale
    ward, own = aliased(CustomerAccess), aliased(CustomerAccess)
    return db_session.scalar(
        select(Customer.locale)
        .join(own, (own.customer_id == Customer.id) & (own.kind == AccessKind.SELF.value))
        .join(ward, ward.user_id == own.user_id)
        .where(ward.customer_id == customer.id, Customer.locale.is_not(None))
        .order_by(ward.id)
        .limit(1)
    )


def _details_of(user: PortalPerson, region: str) -> dict[str, str | None]:
    """What the portal tells, as the columns have it; a phone number that is none is left out."""
    name = " ".join((user.name or "").split()) or (user.email or "").partition("@")[0] or f"Portal user {user.id}"
    return {
        "name": name[:LONGEST_TEXT],
        "email": (user.email or "").strip() or None,
        "phone": phone_number(user.phone, region=region) if user.phone else None,
    }


def _claimable(db_session: Session, user: PortalPerson) -> Customer | None:
    """Lock and return the single customer nobody has access to who has the user's verified e-mail."""
    if not (user.email and user.email_verified):
        return None
    unclaimed = select(Customer).where(
        func.lower(Customer.email) == user.email.strip().lower(),
        Customer.erased_at.is_(None),
        Customer.merged_into_id.is_(None),
        ~exists().where(CustomerAccess.customer_id == Customer.id),
    )
    found = list(db_session.scalars(unclaimed.order_by(Customer.id).limit(2)))
    if len(found) != 1:
        return None
    # Another portal user may be claiming them at this instant: wait, then look again.
    db_session.scalars(lock_customer(found[0].id)).one()
    return db_session.scalar(unclaimed.where(Customer.id == found[0].id))


def _self_of(user_id: str) -> Select[Customer]:
    return (
        select(Customer)
        .join(CustomerAccess, CustomerAccess.customer_id == Customer.id)
        .where(CustomerAccess.user_id == user_id, CustomerAccess.kind == AccessKind.SELF.value)
    )


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
