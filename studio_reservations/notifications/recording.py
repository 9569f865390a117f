"""What became of an attempt, written down; and the end of a webhook that has failed for a day.

Source: rules.md §9.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    AccessKind,
    Customer,
    CustomerAccess,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    Role,
    Studio,
    StudioStaff,
    WebhookEndpoint,
    new_id,
)
from studio_reservations.notifications.backoff import Random, wait_after
from studio_reservations.notifications.expanding import WEBHOOK_DISABLED, insert_new
from studio_reservations.notifications.failures import (
    SWITCHED_OFF,
    DeliveryFailure,
    Faulty,
    Gone,
    Hopeless,
    NotNeeded,
    Unreachable,
    Unsent,
)
from studio_reservations.notifications.mail import addresses
from studio_reservations.notifications.occasions import Occasion

log = logging.getLogger(__name__)

AddressOf = Callable[[str], str | None]
"""Returns the e-mail address of a portal user by the portal's id, or None where there is none."""

FAILING_FOR = timedelta(days=1)
LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended: well where there is no ``failure``; not ``tried`` ones do not count."""

    status: int | None = None
    failure: DeliveryFailure | None = None
    tried: bool = True


def record_outcome(
    db_session: Session,
    occasion: Occasion,
    outcome: Outcome,
    *,
    now: datetime,
    random: Random,
    limit: int,
    address_of: AddressOf,
) -> DeliveryState:
    """Write an attempt's result and return the state since; what another worker has taken over meanwhile is left alone.

    ``limit`` is the number of attempts after which a refused delivery is parked. An outage never uses up more than half.
    ``address_of`` is asked where a studio's owners are told that a webhook is switched off.
    """
    delivery, failure = occasion.delivery, outcome.failure
    values: dict[str, Any] = {"claimed_until": None, "last_status": outcome.status, "last_error": None}
    if failure is None:
        state = DeliveryState.SENT
        values |= {"sent_at": now, "next_attempt_at": None}
    else:
        values |= {"last_status": failure.status, "last_error": str(failure)[:LONGEST_ERROR]}
        attempts = delivery.attempts if outcome.tried else delivery.attempts - 1
        outage = isinstance(failure, Unreachable)
        if isinstance(failure, NotNeeded):
            state = DeliveryState.DROPPED
        elif isinstance(failure, Hopeless) or (attempts >= limit and not outage):
            state = DeliveryState.PARKED
        else:
            state = DeliveryState.DUE
            if outage and outcome.tried:
                attempts = min(attempts, limit // 2)
            wait = wait_after(max(attempts, 1), random=random, outage=outage)
            values |= {"attempts": attempts, "next_attempt_at": now + wait}
        if state is not DeliveryState.DUE:
            values["next_attempt_at"] = None
    statement = update(OutboxDelivery).where(
        OutboxDelivery.id == delivery.id, OutboxDelivery.state == DeliveryState.DUE.value
    )
    if failure is not None:  # a success counts whoever has the claim by now: it was sent
        statement = statement.where(OutboxDelivery.claimed_until == delivery.claimed_until)
    written: Any = db_session.execute(
        statement.values(state=state.value, **values).execution_options(synchronize_session=False)
    )
    if isinstance(written, CursorResult) and written.rowcount and delivery.endpoint_id is not None and outcome.tried:
        _judge_endpoint(db_session, delivery.endpoint_id, failure, now=now, address_of=address_of)
    return state


def disable_endpoint(db_session: Session, endpoint: WebhookEndpoint, *, reason: str, now: datetime) -> None:
    """Switch a webhook off: what waits for it is parked, and can be sent again when it is on."""
    endpoint.disabled_at = now
    endpoint.disabled_reason = reason
    db_session.flush()
    db_session.execute(
        update(OutboxDelivery)
        .where(OutboxDelivery.endpoint_id == endpoint.id, OutboxDelivery.state == DeliveryState.DUE.value)
        .values(state=DeliveryState.PARKED.value, next_attempt_at=None, claimed_until=None, last_error=SWITCHED_OFF)
        .execution_options(synchronize_session=False)
    )


def _judge_endpoint(
    db_session: Session, endpoint_id: UUID, failure: DeliveryFailure | None, *, now: datetime, address_of: AddressOf
) -> None:
    if isinstance(failure, NotNeeded | Unsent | Faulty):  # the receiver was not asked, or it was our fault
        return
    endpoint = db_session.scalar(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if endpoint is None or endpoint.disabled_at is not None:
        return
    if failure is None:
        endpoint.failing_since = None
        return
    endpoint.failing_since = endpoint.failing_since or now
    if isinstance(failure, Gone) or now - endpoint.failing_since >= FAILING_FOR:
        _tell_owners(db_session, endpoint, error=str(failure), now=now, address_of=address_of)
        disable_endpoint(db_session, endpoint, reason=str(failure)[:LONGEST_ERROR], now=now)


def _tell_owners(
    db_session: Session, endpoint: WebhookEndpoint, *, error: str, now: datetime, address_of: AddressOf
) -> None:
    since = endpoint.failing_since or now
    row = {
        "id": new_id(),
        "studio_id": endpoint.studio_id,
        "customer_id": None,
        "reservation_id": None,
        "event": WEBHOOK_DISABLED,
        "payload": {
            "endpoint_id": str(endpoint.id),
            "url": endpoint.url,
            "failing_since": since.isoformat(),
            "error": error[:LONGEST_ERROR],
            "emails": owner_addresses(db_session, endpoint.studio_id, address_of=address_of),
        },
        "dedupe_key": f"{WEBHOOK_DISABLED}:{endpoint.id}:{since.isoformat()}",
        "expanded_at": None,
        "created_at": now,
    }
    insert_new(db_session, OutboxMessage, [row])


def owner_addresses(db_session: Session, studio_id: UUID, *, address_of: AddressOf) -> Sequence[str]:
    """Return where owners read mail: the studio's address, and theirs as the portal or their customer's record has it."""
    owns = (StudioStaff.studio_id == studio_id, StudioStaff.role == Role.OWNER.value, StudioStaff.active)
    users = db_session.scalars(select(StudioStaff.user_id).where(*owns).order_by(StudioStaff.id)).all()
    access = aliased(CustomerAccess)
    own = db_session.scalars(
        select(Customer.email)
        .join(access, (access.customer_id == Customer.id) & (access.kind == AccessKind.SELF.value))
        .join(StudioStaff, StudioStaff.user_id == access.user_id)
        .where(*owns, Customer.erased_at.is_(None))
        .order_by(Customer.id)
    ).all()
    contact = db_session.scalar(select(Studio.contact_email).where(Studio.id == studio_id))
    return addresses([contact, *_of_portal(db_session, users, address_of), *own])


def _of_portal(db_session: Session, users: Sequence[str], address_of: AddressOf) -> Iterator[str | None]:
    for user_id in users:
        try:
            with db_session.begin_nested():  # the portal may ask over this very connection, and fail
                address = address_of(user_id)
        except Exception:
            log.exception("The portal does not tell the address of its user %s.", user_id)
        else:
            yield address
