"""The job that delivers the outbox: at least once, each delivery under an id that stays, never inside a transaction.

A worker claims what is due in a short transaction, sends, and records the result in another. A claim runs out, so that what a
killed worker had is taken over. Source: rules.md §8 (`deliver_outbox`), §9.
"""

from __future__ import annotations

import logging
import random as system_random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from studio_reservations.models import Channel, DeliveryState, OutboxDelivery
from studio_reservations.notifications.backoff import Random
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.expanding import BATCH, expand
from studio_reservations.notifications.failures import DeliveryFailure, Faulty, Refused, Unreachable, Unsent
from studio_reservations.notifications.occasions import Occasion, load_occasions
from studio_reservations.notifications.recording import Outcome, record_outcome

log = logging.getLogger(__name__)

T = TypeVar("T")

CLAIMED_AT_ONCE = 20
CLAIM = timedelta(minutes=10)
"""Longer than a whole batch can take: 20 sends of at most about 15 s each, and the one that is cut."""

BUDGET_SECONDS = 50.0
SERVER_ERROR = 500


class Transactions(Protocol):
    """Opens a transaction, runs ``work`` in it, commits and returns what it returned."""

    def __call__(self, work: Callable[[Session], T], /) -> T: ...


@dataclass(slots=True)
class Delivered:
    """What one run did, in numbers of messages and deliveries."""

    expanded: int = 0
    states: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        """Return the numbers by name: ``expanded``, ``sent``, ``dropped``, ``parked`` and ``postponed``."""
        return {
            "expanded": self.expanded,
            "sent": self.states[DeliveryState.SENT],
            "dropped": self.states[DeliveryState.DROPPED],
            "parked": self.states[DeliveryState.PARKED],
            "postponed": self.states[DeliveryState.DUE],
        }


def deliver_outbox(
    transactions: Transactions,
    *,
    as_of: datetime,
    courier: Courier,
    random: Random = system_random.random,
    timer: Callable[[], float] = monotonic,
    budget_seconds: float = BUDGET_SECONDS,
    on_batch: Callable[[Delivered], None] | None = None,
) -> Delivered:
    """Make deliveries of all new messages and send what is due, until nothing is left or the time is up.

    ``as_of`` is the instant of the start; it moves on by ``timer``. Any number of workers may run at once.
    """
    started = timer()
    report = Delivered()
    closed: set[tuple[str, UUID | None]] = set()
    """Ways found closed in this run: no other delivery tries them, so that one dead receiver holds up nobody."""

    def now() -> datetime:
        return as_of + timedelta(seconds=timer() - started)

    while timer() - started < budget_seconds:
        count = transactions(lambda db_session: expand(db_session, as_of=now(), sms=courier.texter is not None))
        report.expanded += count
        if count < BATCH:
            break
    while timer() - started < budget_seconds:
        occasions = transactions(
            lambda db_session: claim(db_session, now=now(), channels=courier.channels, closed=frozenset(closed))
        )
        if not occasions:
            break
        try:
            for occasion in occasions:
                outcome = _attempt(occasion, courier=courier, now=now(), closed=closed)
                state = transactions(_recorder(outcome, occasion, courier=courier, now=now(), random=random))
                report.states[state] += 1
        finally:
            if courier.mailer is not None:
                courier.mailer.close()
        if on_batch is not None:
            on_batch(report)
    return report


def claim(
    db_session: Session,
    *,
    now: datetime,
    channels: Sequence[Channel],
    closed: frozenset[tuple[str, UUID | None]] = frozenset(),
    limit: int = CLAIMED_AT_ONCE,
) -> list[Occasion]:
    """Take deliveries that are due, the longest waiting first, and return them with what they speak of.

    The attempt is counted here: one that kills its worker each time is parked in the end as well.
    """
    unclaimed = OutboxDelivery.claimed_until.is_(None) | (OutboxDelivery.claimed_until <= now)
    query = (
        select(OutboxDelivery.id)
        .where(
            OutboxDelivery.state == DeliveryState.DUE.value,
            OutboxDelivery.next_attempt_at <= now,
            OutboxDelivery.channel.in_([one.value for one in channels]),
            unclaimed,
        )
        .order_by(OutboxDelivery.next_attempt_at, OutboxDelivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if channels_closed := [channel for channel, endpoint in closed if endpoint is None]:
        query = query.where(OutboxDelivery.channel.not_in(channels_closed))
    if endpoints_closed := [endpoint for _, endpoint in closed if endpoint is not None]:
        query = query.where(OutboxDelivery.endpoint_id.is_(None) | OutboxDelivery.endpoint_id.not_in(endpoints_closed))
    ids = list(db_session.scalars(query))
    if not ids:
        return []
    db_session.execute(
        update(OutboxDelivery)
        .where(OutboxDelivery.id.in_(ids))
        .values(claimed_until=now + CLAIM, attempts=OutboxDelivery.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    return load_occasions(db_session, ids)


def _attempt(occasion: Occasion, *, courier: Courier, now: datetime, closed: set[tuple[str, UUID | None]]) -> Outcome:
    delivery = occasion.delivery
    way = (delivery.channel, delivery.endpoint_id)
    if way in closed:
        return Outcome(failure=Unreachable("Not tried: the one before it did not get through."), tried=False)
    if delivery.attempts > courier.settings.delivery_attempts:
        return Outcome(failure=Unsent("The last attempt ended its worker before there was a result."))
    try:
        return Outcome(status=courier.carry(occasion, now=now))
    except DeliveryFailure as error:
        failure = error
    except Exception as error:
        # A fault of ours: it is retried and in the end parked like any other, and the others go on.
        log.exception("Delivery %s failed in an unforeseen way.", delivery.id)
        return Outcome(failure=Faulty(f"{type(error).__name__}: {error}"))
    if isinstance(failure, Unreachable) or _is_down(delivery.channel, failure):
        closed.add(way)
    return Outcome(failure=failure)


def _is_down(channel: str, failure: DeliveryFailure) -> bool:
    """Say whether a webhook's receiver gave no answer, or one that says that it is ill; a 4xx is about the one event."""
    ill = failure.status is None or failure.status >= SERVER_ERROR
    return channel == Channel.WEBHOOK and isinstance(failure, Refused) and ill


def _recorder(
    outcome: Outcome, occasion: Occasion, *, courier: Courier, now: datetime, random: Random
) -> Callable[[Session], DeliveryState]:
    """Return the work of the second transaction; it is run again where that one fails."""
    limit = courier.settings.delivery_attempts
    return lambda db_session: record_outcome(
        db_session, occasion, outcome, now=now, random=random, limit=limit, address_of=courier.address_of
    )
