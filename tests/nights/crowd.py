"""A studio with many customers and work for every job of its night, made in bulk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Table

from studio_reservations.models import ClassRegistration, Customer, SessionReservation, new_id
from studio_reservations.models.bulk import insert_rows
from tests import factories
from tests.nights.night import NIGHT, Night


def populate(engine: Engine, *, customers: int, suspended: int, nights: int = 1) -> UUID:
    """Add a studio with work for every job; return its id. Each pass has 4 to miss, 1 missed and 1 to come.

    So many others were ``suspended``, until now. The last of so many ``nights`` is the one that runs; those before were missed.
    """
    with Night(engine) as night:
        studio = night.studio
        studio.created_at = NIGHT - timedelta(days=nights)
        factories.make_policy(night.db_session, studio, deduct_punch_on_no_show=True, max_no_shows=1)
        over = [
            night.over(hours=5 + number + 8 * (nights - 1) * number, capacity=customers, seats_taken=customers)
            for number in range(4)
        ]
        missed = night.over(hours=60 + 24 * nights, capacity=customers, seats_taken=customers)
        coming = night.coming(capacity=customers, seats_taken=customers)
        for number in range(suspended):
            factories.make_suspension(
                night.db_session,
                night.customer(),
                studio,
                now=NIGHT - timedelta(days=9),
                ends_on=(NIGHT - timedelta(days=1 + number % nights)).date(),
            )
        database = night.db_session.connection()
        people = [new_id() for _ in range(customers)]
        passes = [new_id() for _ in range(customers)]
        at = {"studio_id": studio.id}
        long_ago = NIGHT - timedelta(days=30)
        known: dict[str, Any] = {"name": "Ada", "preferences": {}, "created_at": long_ago}
        insert_rows(
            database,
            _table(Customer),
            [{"id": one, "email": f"{one}@example.org", **known} for one in people],
        )
        insert_rows(
            database,
            _table(ClassRegistration),
            [
                {
                    **at,
                    "id": one,
                    "customer_id": person,
                    "pass_type": "punch_pass",
                    "pass_options": {},
                    "sessions_included": 3,
                    "sessions_remaining": 3,
                    "sessions_attended": 0,
                    "requires_sequential_attendance": False,
                    "status": "ACTIVE",
                    "issued_at": long_ago,
                }
                for one, person in zip(passes, people, strict=True)
            ],
        )
        terms = {
            **at,
            **dict.fromkeys(("reserved_at", "first_reserved_at", "undo_until", "free_cancellation_until"), long_ago),
            "punches_held": 1,
            "punches_used": 0,
            "late_cancel_punches": 0,
            "late_cancel_counts": False,
            "late": False,
            "flags": [],
        }
        fate = {
            "status": "NO_SHOW",
            "counts_as_no_show": True,
            "missed_at": missed.ends_at,
            "grace_ends_at": NIGHT - timedelta(hours=1),
            "auto_cancel_at": NIGHT,
        }
        pending = {
            "status": "PENDING",
            "counts_as_no_show": False,
            **dict.fromkeys(("missed_at", "grace_ends_at", "auto_cancel_at")),
        }
        rows = [
            {**terms, **state, "id": new_id(), "session_id": session.id, "registration_id": one, "customer_id": person}
            for session, state in (*((session, pending) for session in over), (missed, fate), (coming, pending))
            for one, person in zip(passes, people, strict=True)
        ]
        insert_rows(database, _table(SessionReservation), rows)
        night.db_session.commit()
        return studio.id


def _table(model: type) -> Table:
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found
