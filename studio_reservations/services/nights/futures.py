"""02:00: an unwaived no-show whose grace is over costs the coming reservations of its pass.

Source: rules.md §4 (full_course), §6, §8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from studio_reservations.models import SubjectType
from studio_reservations.models.bulk import update_rows
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.cancelling import dependents_of
from studio_reservations.services.events import record_many
from studio_reservations.services.nights.sweeps import (
    RESERVATION,
    SESSION,
    Batch,
    Counts,
    Opener,
    Plan,
    Sweep,
    chunks,
    held_passes,
    lock_passes,
)

ROWS_PER_PASS = 5
"""What a pass brings into a batch: its no-shows and coming reservations, a few of either."""

_ACT_UPON = (
    update(RESERVATION)
    .where(RESERVATION.c.id.in_(bindparam("ids", expanding=True)))
    .values(futures_cancelled_at=bindparam("now"))
)
_FREE_SEATS = (
    update(SESSION)
    .where(SESSION.c.id == bindparam("session"))
    .values(seats_taken=SESSION.c.seats_taken - bindparam("freed"))
)
# Written out, for a parameter list can hide the partial index from a generic plan.
_NOT_ACTED_UPON = and_(
    RESERVATION.c.status == "NO_SHOW", RESERVATION.c.waived_at.is_(None), RESERVATION.c.futures_cancelled_at.is_(None)
)


def cancel_futures(opened: Opener, sweep: Sweep) -> Plan:
    """Plan, by whole passes, how what comes after an unwaived no-show is cancelled."""
    passes = opened(partial(_passes_due, sweep=sweep))
    return Plan(
        len(passes),
        (
            Batch(len(ids), partial(_cancel, sweep=sweep, ids=ids))
            for ids in chunks(passes, max(1, sweep.batch // ROWS_PER_PASS))
        ),
    )


def _passes_due(db_session: Session, *, sweep: Sweep) -> list[UUID]:
    return list(
        connection(db_session).scalars(
            select(RESERVATION.c.registration_id)
            .where(RESERVATION.c.studio_id == sweep.studio_id, _due(sweep))
            .distinct()
            .order_by(RESERVATION.c.registration_id)
        )
    )


def _due(sweep: Sweep) -> Any:
    """Return the condition on a no-show that acts now: at its own night, or, where the policy has none, once grace is over."""
    return and_(
        _NOT_ACTED_UPON,
        RESERVATION.c.grace_ends_at <= sweep.as_of,
        or_(RESERVATION.c.auto_cancel_at.is_(None), RESERVATION.c.auto_cancel_at <= sweep.as_of),
    )


def _cancel(db_session: Session, *, sweep: Sweep, ids: Sequence[UUID]) -> Counts:
    database = connection(db_session)
    lock_passes(database, ids)
    begun = max(sweep.as_of, sweep.clock())
    rows = database.execute(
        select(
            RESERVATION.c.id,
            RESERVATION.c.registration_id,
            RESERVATION.c.customer_id,
            RESERVATION.c.session_id,
            RESERVATION.c.status,
            RESERVATION.c.missed_at,
            RESERVATION.c.grace_ends_at,
            RESERVATION.c.auto_cancel_at,
            SESSION.c.starts_at,
        )
        .join(SESSION, SESSION.c.id == RESERVATION.c.session_id)
        .where(
            RESERVATION.c.registration_id.in_(ids),
            or_(_due(sweep), and_(RESERVATION.c.status == "PENDING", SESSION.c.starts_at > begun)),
        )
        .order_by(RESERVATION.c.id)
        .with_for_update(key_share=True, of=RESERVATION)
    ).all()
    no_shows = sorted((row for row in rows if row.status == Status.NO_SHOW), key=_turn)
    if not no_shows:
        return Counter()
    pending: dict[UUID, dict[UUID, Any]] = {}
    for row in rows:
        if row.status == Status.PENDING:
            pending.setdefault(row.registration_id, {})[row.id] = row
    needs = sorted({one.registration_id for one in no_shows if one.auto_cancel_at is None} & pending.keys())
    held = held_passes(db_session, sweep, needs)
    lost: list[tuple[Any, Any]] = []
    for no_show in no_shows:
        coming = pending.get(no_show.registration_id, {})
        falling = list(coming)
        if coming and no_show.auto_cancel_at is None:
            dependents = dependents_of(held[no_show.registration_id], lost_id=no_show.id, pass_types=sweep.pass_types)
            falling = [one for one in coming if one in dependents]
        lost += [(coming.pop(one), no_show) for one in falling]
    _write(db_session, sweep=sweep, lost=lost, acted_upon=[one.id for one in no_shows])
    return +Counter(no_shows=len(no_shows), auto_cancelled=len(lost))


def _turn(no_show: Any) -> Any:
    """Order no-shows by when they act: what two of them would cost, the earlier one costs."""
    return no_show.auto_cancel_at or no_show.grace_ends_at, no_show.missed_at, no_show.id


def _write(db_session: Session, *, sweep: Sweep, lost: Sequence[tuple[Any, Any]], acted_upon: Sequence[UUID]) -> None:
    database = connection(db_session)
    database.execute(_ACT_UPON, {"ids": acted_upon, "now": sweep.as_of})
    update_rows(
        database,
        RESERVATION,
        [{"id": row.id, "auto_cancelled_for_id": no_show.id} for row, no_show in lost],
        status=Status.AUTO_CANCELLED.value,
        auto_cancelled_at=sweep.as_of,
    )
    record_many(db_session, _acts(sweep, lost))
    freed = Counter(row.session_id for row, _ in lost)
    if freed:
        database.execute(_FREE_SEATS, [{"session": one, "freed": freed[one]} for one in sorted(freed)])


def _acts(sweep: Sweep, lost: Sequence[tuple[Any, Any]]) -> Iterator[dict[str, Any]]:
    """Yield an act for each; the first of a customer's carries all of them, so that they are told once."""
    told: dict[tuple[UUID, UUID], list[UUID]] = {}
    for row, no_show in lost:
        told.setdefault((no_show.id, row.customer_id), []).append(row.id)
    for row, no_show in lost:
        together = told[no_show.id, row.customer_id]
        details: dict[str, Any] = {"because_of": str(no_show.id), "told_by": str(together[0])}
        if row.id == together[0]:
            details["together"] = [str(one) for one in together]
        yield {
            "action": "reservation.auto_cancelled",
            "subject_type": SubjectType.RESERVATION,
            "subject_id": row.id,
            "reservation_id": row.id,
            "studio_id": sweep.studio_id,
            "customer_id": row.customer_id,
            "actor": SYSTEM,
            "as_staff": True,
            "now": sweep.as_of,
            "from_status": Status.PENDING.value,
            "to_status": Status.AUTO_CANCELLED.value,
            "details": details,
        }
