"""What the nightly jobs share: the sweep they are given, the way they open transactions, and rows in bulk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Select, Table, select
from sqlalchemy.orm import Session

from studio_reservations.models import ClassRegistration, ClassSession, CustomerSuspension, SessionReservation, Studio
from studio_reservations.models.connection import connection
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Clock
from studio_reservations.services.policies import policies_of
from studio_reservations.services.seen import load_held_passes

BATCH = 500
"""Rows or passes in one transaction, at the most. Source: rules.md §3, Concurrency."""

RESERVATION: Table = SessionReservation.__table__  # type: ignore[assignment]
REGISTRATION: Table = ClassRegistration.__table__  # type: ignore[assignment]
SESSION: Table = ClassSession.__table__  # type: ignore[assignment]
SUSPENSION: Table = CustomerSuspension.__table__  # type: ignore[assignment]

Counts = Counter[str]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Opener(Protocol):
    """Runs a piece of work in a transaction of its own and returns what it returns, once that is committed."""

    def __call__(self, work: Callable[[Session], T], /) -> T:
        """Run ``work``, again where the database asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One studio at one instant: what is due at ``as_of`` and has not been done is done, as at that instant.

    ``clock`` tells how far time has really gone on: what a batch takes away must not have begun by then. ``policy`` gives the
    policy in force for a class, or the studio's for None; ``batch`` is the rows in one transaction.
    """

    studio_id: UUID
    timezone: str
    as_of: datetime
    clock: Clock
    policy: Callable[[UUID | None], Policy]
    pass_types: PassTypes
    batch: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of a sweep, of so many ``rows``: one transaction. ``run`` counts what it did."""

    rows: int
    run: Callable[[Session], Counts]


@dataclass(frozen=True, slots=True)
class Plan:
    """A sweep before it begins: how many rows there are to look at, and the batches, found as they are asked for."""

    rows: int
    batches: Iterator[Batch]


def sweep_of(
    db_session: Session, *, studio_id: UUID, as_of: datetime, clock: Clock, pass_types: PassTypes, batch: int
) -> Sweep:
    """Read what a sweep needs to know of its studio."""
    timezone = db_session.scalars(select(Studio.timezone).where(Studio.id == studio_id)).one()
    return Sweep(
        studio_id=studio_id,
        timezone=timezone,
        as_of=as_of,
        clock=clock,
        policy=cache(policies_of(db_session, studio_id).of_class),
        pass_types=pass_types,
        batch=batch,
    )


def chunks(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Cut ``items`` into tuples of ``size``, the last one shorter."""
    iterator = iter(items)
    while chunk := tuple(islice(iterator, size)):
        yield chunk


def lock_passes(database: Connection, of: Select[tuple[UUID]] | Sequence[UUID]) -> dict[UUID, Any]:
    """Lock passes in ascending order and return what a no-show changes or asks of them. Source: rules.md §3, Concurrency."""
    rows = database.execute(
        select(
            REGISTRATION.c.id,
            REGISTRATION.c.sessions_remaining,
            REGISTRATION.c.sessions_attended,
            REGISTRATION.c.absence_grace_period_hours,
        )
        .where(REGISTRATION.c.id.in_(of))
        .order_by(REGISTRATION.c.id)
        .with_for_update(key_share=True, of=REGISTRATION)
    )
    return {row.id: row for row in rows}


def held_passes(db_session: Session, sweep: Sweep, ids: Sequence[UUID]) -> dict[UUID, HeldPass]:
    """Return what pass types see of these passes, which are locked: three queries for any number."""
    if not ids:
        return {}
    rows = connection(db_session).execute(select(REGISTRATION).where(REGISTRATION.c.id.in_(ids))).all()
    return load_held_passes(db_session, rows, now=sweep.as_of, timezone=sweep.timezone)
