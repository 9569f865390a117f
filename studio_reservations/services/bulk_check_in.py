"""Checking in a whole room: each customer in a transaction of their own, so that one refusal costs the others nothing.

Source: rules.md §3 (Concurrency), §7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound, StudioError
from studio_reservations.models import ClassSession, SessionReservation
from studio_reservations.pass_types import LIVE
from studio_reservations.services.actors import Actor
from studio_reservations.services.standing import require_front_desk_or_teacher

T = TypeVar("T")


class Transactions(Protocol):
    """Opens a transaction, runs ``work`` in it, commits and returns what it returned; `run_in_transaction` is one."""

    def __call__(self, work: Callable[[Session], T], /) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One row of a bulk check-in that is checked in."""

    customer_id: UUID
    reservation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One row of a bulk check-in that was refused, and why."""

    customer_id: UUID
    error: StudioError

    @property
    def code(self) -> str:
        """The permanent code of the refusal."""
        return self.error.code


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCheckIn:
    """What became of each customer, both lists in the order in which they were asked for."""

    checked_in: tuple[Arrival, ...]
    refused: tuple[Refusal, ...]


def act_on_each(
    *,
    session_id: UUID,
    reservation_ids: Iterable[UUID],
    actor: Actor,
    transactions: Transactions,
    act: Callable[..., object],
) -> dict[UUID, StudioError | None]:
    """Run ``act(db_session, reservation_id=…)`` for each reservation of the session, each in a transaction of its own.

    Return what was refused, None where it was done, in the order in which they were asked for.

    :raises NotFound, Forbidden: where the session is not the actor's to check in.
    """
    known = transactions(partial(_ids_of, session_id=session_id, actor=actor))
    outcome: dict[UUID, StudioError | None] = {}
    for reservation_id in dict.fromkeys(reservation_ids):
        try:
            if reservation_id not in known:
                raise NotFound()
            transactions(partial(act, reservation_id=reservation_id))
            outcome[reservation_id] = None
        except StudioError as error:
            outcome[reservation_id] = error
    return outcome


def check_in_each(
    *,
    session_id: UUID,
    customer_ids: Iterable[UUID],
    actor: Actor,
    transactions: Transactions,
    check_in: Callable[..., object],
) -> BulkCheckIn:
    """Run ``check_in(db_session, reservation_id=…)`` for each customer, named twice or not, and tell what became of it.

    :raises NotFound, Forbidden: where the session is not the actor's to check in.
    """
    found = transactions(partial(_reservations_of, session_id=session_id, actor=actor))
    checked_in, refused = [], []
    for customer_id in dict.fromkeys(customer_ids):
        try:
            if customer_id not in found:
                raise NotFound()
            reservation_id = found[customer_id]
            transactions(partial(check_in, reservation_id=reservation_id))
            checked_in.append(Arrival(customer_id=customer_id, reservation_id=reservation_id))
        except StudioError as error:
            refused.append(Refusal(customer_id=customer_id, error=error))
    return BulkCheckIn(checked_in=tuple(checked_in), refused=tuple(refused))


def _reservations_of(db_session: Session, *, session_id: UUID, actor: Actor) -> dict[UUID, UUID]:
    """Return each customer's own reservation for the session: the one that stands, else the latest."""
    _check_session(db_session, session_id=session_id, actor=actor)
    rows = db_session.execute(
        select(SessionReservation.customer_id, SessionReservation.id, SessionReservation.status)
        .where(SessionReservation.session_id == session_id, SessionReservation.guest_name.is_(None))
        .order_by(SessionReservation.reserved_at, SessionReservation.id)
    ).all()
    found = {row.customer_id: row.id for row in rows}
    return found | {row.customer_id: row.id for row in rows if row.status in LIVE}


def _ids_of(db_session: Session, *, session_id: UUID, actor: Actor) -> set[UUID]:
    _check_session(db_session, session_id=session_id, actor=actor)
    return set(db_session.scalars(select(SessionReservation.id).where(SessionReservation.session_id == session_id)))


def _check_session(db_session: Session, *, session_id: UUID, actor: Actor) -> None:
    session = db_session.get(ClassSession, session_id)
    if session is None:
        raise NotFound()
    require_front_desk_or_teacher(actor, studio_id=session.studio_id, instructor_id=session.instructor_id)
