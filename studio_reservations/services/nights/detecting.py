"""01:00: who was there attended; who did not come is a no-show.

Source: rules.md §2, §4, §6, §8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from studio_reservations.models import SubjectType
from studio_reservations.models.bulk import update_rows
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import Status
from studio_reservations.policies.checking_in import check_in_window
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.attendance import missed
from studio_reservations.services.events import record_many
from studio_reservations.services.nights.charging import charges_of, counts_of, write_charges
from studio_reservations.services.nights.sweeps import (
    REGISTRATION,
    RESERVATION,
    SESSION,
    Batch,
    Counts,
    Opener,
    Plan,
    Sweep,
    chunks,
    lock_passes,
)

READ_AHEAD = 10
"""Batches whose ids are read in one go: one query for so many transactions, and memory for no more."""

_ATTEND = (
    update(RESERVATION)
    .where(RESERVATION.c.id.in_(bindparam("ids", expanding=True)))
    .values(status=Status.ATTENDED.value, attended_at=bindparam("now"))
)


def detect_no_shows(opened: Opener, sweep: Sweep) -> Plan:
    """Plan how CHECKED_IN become ATTENDED, and then PENDING become NO_SHOW, in the order in which the sessions ended."""
    attended = opened(partial(_sessions_over, sweep=sweep, status=Status.CHECKED_IN))
    missing = opened(partial(_sessions_over, sweep=sweep, status=Status.PENDING))

    def batches() -> Iterator[Batch]:
        for ids in _in_order(opened, sweep, attended, Status.CHECKED_IN):
            yield Batch(len(ids), partial(_attend, sweep=sweep, ids=ids))
        for ids in _in_order(opened, sweep, missing, Status.PENDING):
            yield Batch(len(ids), partial(_miss, sweep=sweep, ids=ids))

    return Plan(sum(count for _, count in attended + missing), batches())


def _in_order(
    opened: Opener, sweep: Sweep, sessions: Sequence[tuple[UUID, int]], status: Status
) -> Iterator[tuple[UUID, ...]]:
    """Yield the ids of the reservations of these sessions in that state, by batches."""
    ahead: list[UUID] = []
    count = 0
    for place, (session_id, reservations) in enumerate(sessions, start=1):
        ahead.append(session_id)
        count += reservations
        if count >= READ_AHEAD * sweep.batch or place == len(sessions):
            yield from chunks(opened(partial(_in_sessions, session_ids=ahead, status=status)), sweep.batch)
            ahead, count = [], 0


def _sessions_over(db_session: Session, *, sweep: Sweep, status: Status) -> list[tuple[UUID, int]]:
    rows = connection(db_session).execute(
        select(SESSION.c.id, SESSION.c.class_id, SESSION.c.starts_at, SESSION.c.ends_at, func.count())
        .join(RESERVATION, RESERVATION.c.session_id == SESSION.c.id)
        .where(
            SESSION.c.studio_id == sweep.studio_id,
            SESSION.c.status == "SCHEDULED",
            SESSION.c.starts_at < sweep.as_of,
            SESSION.c.ends_at <= sweep.as_of,
            RESERVATION.c.status == status.value,
        )
        .group_by(SESSION.c.id, SESSION.c.class_id, SESSION.c.starts_at, SESSION.c.ends_at)
        .order_by(SESSION.c.ends_at, SESSION.c.id)
    )
    return [
        (session_id, count)
        for session_id, class_id, starts_at, ends_at, count in rows
        if _over(sweep, status, class_id=class_id, starts_at=starts_at, ends_at=ends_at)
    ]


def _in_sessions(db_session: Session, *, session_ids: Sequence[UUID], status: Status) -> list[UUID]:
    return list(
        connection(db_session).scalars(
            select(RESERVATION.c.id)
            .join(SESSION, SESSION.c.id == RESERVATION.c.session_id)
            .where(RESERVATION.c.session_id.in_(session_ids), RESERVATION.c.status == status.value)
            .order_by(SESSION.c.ends_at, SESSION.c.id, RESERVATION.c.id)
        )
    )


def _over(sweep: Sweep, status: Status, *, class_id: UUID, starts_at: datetime, ends_at: datetime) -> bool:
    """Return whether the session has ended, for who checked in; whether the check-in window has closed, for who did not."""
    if status is Status.CHECKED_IN:
        return ends_at <= sweep.as_of
    window = check_in_window(starts_at=starts_at, ends_at=ends_at, policy=sweep.policy(class_id))
    return window.closes_at < sweep.as_of


def _locked(
    db_session: Session, *, sweep: Sweep, ids: Sequence[UUID], status: Status
) -> tuple[dict[UUID, Any], list[Any]]:
    """Lock the passes, then the reservations, and return both as they are now; what is no longer due is left out."""
    database = connection(db_session)
    passes = lock_passes(database, select(RESERVATION.c.registration_id).where(RESERVATION.c.id.in_(ids)))
    rows = database.execute(
        select(
            RESERVATION.c.id,
            RESERVATION.c.registration_id,
            RESERVATION.c.customer_id,
            RESERVATION.c.session_id,
            RESERVATION.c.makeup_for_id,
            RESERVATION.c.flags,
            SESSION.c.class_id,
            SESSION.c.step_id,
            SESSION.c.starts_at,
            SESSION.c.ends_at,
            SESSION.c.location,
        )
        .join(SESSION, SESSION.c.id == RESERVATION.c.session_id)
        .where(RESERVATION.c.id.in_(ids), RESERVATION.c.status == status.value, SESSION.c.status == "SCHEDULED")
        .order_by(RESERVATION.c.id)
        .with_for_update(key_share=True, of=RESERVATION)
    )
    due = [
        row
        for row in rows
        if row.registration_id in passes
        and _over(sweep, status, class_id=row.class_id, starts_at=row.starts_at, ends_at=row.ends_at)
    ]
    return passes, sorted(due, key=lambda row: (row.ends_at, row.session_id, row.id))


def _attend(db_session: Session, *, sweep: Sweep, ids: Sequence[UUID]) -> Counts:
    passes, rows = _locked(db_session, sweep=sweep, ids=ids, status=Status.CHECKED_IN)
    if not rows:
        return Counter()
    database = connection(db_session)
    database.execute(_ATTEND, {"ids": [row.id for row in rows], "now": sweep.as_of})
    attended = Counter(row.registration_id for row in rows)
    update_rows(
        database,
        REGISTRATION,
        [{"id": one, "sessions_attended": passes[one].sessions_attended + attended[one]} for one in sorted(attended)],
    )
    record_many(
        db_session,
        [_act(sweep, row, "reservation.attended", Status.CHECKED_IN, Status.ATTENDED) for row in rows],
    )
    return Counter(attended=len(rows))


def _miss(db_session: Session, *, sweep: Sweep, ids: Sequence[UUID]) -> Counts:
    passes, rows = _locked(db_session, sweep=sweep, ids=ids, status=Status.PENDING)
    if not rows:
        return Counter()
    charges = charges_of(db_session, sweep=sweep, passes=passes, rows=rows)
    misses, acts = [], []
    for row in rows:
        instants = missed(
            ends_at=row.ends_at,
            now=sweep.as_of,
            timezone=sweep.timezone,
            policy=sweep.policy(row.class_id),
            absence_grace_period_hours=passes[row.registration_id].absence_grace_period_hours,
        )
        misses.append(
            {
                "id": row.id,
                "missed_at": instants.missed_at,
                "grace_ends_at": instants.grace_ends_at,
                "auto_cancel_at": instants.auto_cancel_at,
            }
        )
        details = {
            "punches_refunded": 0,
            "punches_charged": charges[row.id].punches if row.id in charges else 0,
            "grace_ends_at": instants.grace_ends_at.isoformat(),
            "seat_released": False,
        }
        acts.append(_act(sweep, row, "reservation.no_show", Status.PENDING, Status.NO_SHOW, details))
    update_rows(
        connection(db_session),
        RESERVATION,
        misses,
        status=Status.NO_SHOW.value,
        no_show_at=sweep.as_of,
        counts_as_no_show=True,
        seat_released_at=None,
    )
    write_charges(db_session, sweep=sweep, charges=charges)
    record_many(db_session, acts)
    return Counter(no_shows=len(rows)) + counts_of(charges)


def _act(
    sweep: Sweep, row: Any, action: str, before: Status, after: Status, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "action": action,
        "subject_type": SubjectType.RESERVATION,
        "subject_id": row.id,
        "reservation_id": row.id,
        "studio_id": sweep.studio_id,
        "customer_id": row.customer_id,
        "actor": SYSTEM,
        "as_staff": True,
        "now": sweep.as_of,
        "from_status": before.value,
        "to_status": after.value,
        "details": details,
    }
