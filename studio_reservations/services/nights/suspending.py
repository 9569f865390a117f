"""03:00: customers at or over the studio's limit are suspended. 04:00: suspensions past their end are over.

Source: rules.md §6, §8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from studio_reservations.models import SubjectType, SuspensionNoShow, SuspensionOrigin, new_id
from studio_reservations.models.bulk import insert_rows
from studio_reservations.models.connection import connection
from studio_reservations.policies.missing import suspension_end
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.counting import counting
from studio_reservations.services.events import record_many
from studio_reservations.services.nights.sweeps import (
    RESERVATION,
    SUSPENSION,
    Batch,
    Counts,
    Opener,
    Plan,
    Sweep,
    chunks,
    lock_passes,
)

_BUILT_BY: Table = SuspensionNoShow.__table__  # type: ignore[assignment]
_END = (
    update(SUSPENSION)
    .where(SUSPENSION.c.id.in_(bindparam("ids", expanding=True)))
    .values(ended_at=SUSPENSION.c.ends_at)
)


def enforce_suspensions(opened: Opener, sweep: Sweep) -> Plan:
    """Plan how whoever has missed too many classes is suspended; pending reservations stay."""
    limit = sweep.policy(None).max_no_shows
    if limit is None:
        return Plan(0, iter(()))
    customers = opened(partial(_over_limit, sweep=sweep, limit=limit))
    return Plan(
        len(customers),
        (
            Batch(len(ids), partial(_suspend, sweep=sweep, limit=limit, ids=ids))
            for ids in chunks(customers, sweep.batch)
        ),
    )


def lift_suspensions(opened: Opener, sweep: Sweep) -> Plan:
    """Plan how the suspensions whose last day is over are ended."""
    over = opened(partial(_past_their_end, sweep=sweep))
    return Plan(len(over), (Batch(len(ids), partial(_lift, sweep=sweep, ids=ids)) for ids in chunks(over, sweep.batch)))


def _counting(sweep: Sweep) -> Any:
    return counting(
        RESERVATION.c,
        studio_id=sweep.studio_id,
        as_of=sweep.as_of,
        timezone=sweep.timezone,
        policy=sweep.policy(None),
    )


def _unended(sweep: Sweep) -> Any:
    return exists().where(
        SUSPENSION.c.studio_id == sweep.studio_id,
        SUSPENSION.c.customer_id == RESERVATION.c.customer_id,
        SUSPENSION.c.ended_at.is_(None),
    )


def _over_limit(db_session: Session, *, sweep: Sweep, limit: int) -> list[UUID]:
    return list(
        connection(db_session).scalars(
            select(RESERVATION.c.customer_id)
            .where(_counting(sweep), ~_unended(sweep))
            .group_by(RESERVATION.c.customer_id)
            .having(func.count() >= limit)
            .order_by(RESERVATION.c.customer_id)
        )
    )


def _suspend(db_session: Session, *, sweep: Sweep, limit: int, ids: Sequence[UUID]) -> Counts:
    database = connection(db_session)
    theirs = and_(RESERVATION.c.customer_id.in_(ids), _counting(sweep), ~_unended(sweep))
    # A waive holds the pass: so that what is counted below is what stands.
    lock_passes(database, select(RESERVATION.c.registration_id).where(theirs))
    counted: dict[UUID, list[UUID]] = {}
    for row in database.execute(
        select(RESERVATION.c.customer_id, RESERVATION.c.id)
        .where(theirs)
        .order_by(RESERVATION.c.customer_id, RESERVATION.c.missed_at, RESERVATION.c.id)
    ):
        counted.setdefault(row.customer_id, []).append(row.id)
    ends_on, ends_at = suspension_end(
        starts_at=sweep.as_of, days=sweep.policy(None).suspension_days, timezone=sweep.timezone
    )
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "studio_id": sweep.studio_id,
            "customer_id": customer_id,
            "no_show_count": len(no_shows),
            "no_show_limit": limit,
            "starts_at": sweep.as_of,
            "ends_on": ends_on,
            "ends_at": ends_at,
            "created_by_kind": SuspensionOrigin.SYSTEM.value,
            "created_by": SYSTEM.id,
            "created_at": sweep.as_of,
        }
        for customer_id, no_shows in counted.items()
        if len(no_shows) >= limit
    ]
    if not rows:
        return Counter()
    # Staff may suspend the same customer at this instant: then theirs stands.
    own_insert = postgresql_insert if database.dialect.name == "postgresql" else sqlite_insert
    database.execute(own_insert(SUSPENSION).on_conflict_do_nothing(), rows)
    made = set(database.scalars(select(SUSPENSION.c.id).where(SUSPENSION.c.id.in_([row["id"] for row in rows]))))
    rows = [row for row in rows if row["id"] in made]
    insert_rows(
        database,
        _BUILT_BY,
        [
            {"suspension_id": row["id"], "reservation_id": one, "studio_id": sweep.studio_id}
            for row in rows
            for one in counted[row["customer_id"]]
        ],
    )
    record_many(
        db_session,
        [
            _act(
                sweep,
                "suspension.created",
                row["id"],
                row["customer_id"],
                {
                    "starts_at": sweep.as_of.isoformat(),
                    "ends_on": ends_on.isoformat(),
                    "ends_at": ends_at.isoformat(),
                    "no_shows": row["no_show_count"],
                    "limit": limit,
                },
            )
            for row in rows
        ],
    )
    return +Counter(suspended=len(rows))


def _past_their_end(db_session: Session, *, sweep: Sweep) -> list[UUID]:
    return list(
        connection(db_session).scalars(
            select(SUSPENSION.c.id)
            .where(
                SUSPENSION.c.studio_id == sweep.studio_id,
                SUSPENSION.c.ended_at.is_(None),
                SUSPENSION.c.ends_at <= sweep.as_of,
            )
            .order_by(SUSPENSION.c.id)
        )
    )


def _lift(db_session: Session, *, sweep: Sweep, ids: Sequence[UUID]) -> Counts:
    database = connection(db_session)
    rows = database.execute(
        select(SUSPENSION.c.id, SUSPENSION.c.customer_id, SUSPENSION.c.ends_on, SUSPENSION.c.ends_at)
        .where(SUSPENSION.c.id.in_(ids), SUSPENSION.c.ended_at.is_(None), SUSPENSION.c.ends_at <= sweep.as_of)
        .order_by(SUSPENSION.c.id)
        .with_for_update(key_share=True)
    ).all()
    if not rows:
        return Counter()
    database.execute(_END, {"ids": [row.id for row in rows]})
    record_many(
        db_session,
        [
            _act(
                sweep,
                "suspension.lifted",
                row.id,
                row.customer_id,
                {"ends_on": row.ends_on.isoformat(), "early": False},
            )
            for row in rows
        ],
    )
    return Counter(lifted=len(rows))


def _act(sweep: Sweep, action: str, subject_id: UUID, customer_id: UUID, details: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": action,
        "subject_type": SubjectType.SUSPENSION,
        "subject_id": subject_id,
        "studio_id": sweep.studio_id,
        "customer_id": customer_id,
        "actor": SYSTEM,
        "as_staff": True,
        "now": sweep.as_of,
        "details": details,
    }
