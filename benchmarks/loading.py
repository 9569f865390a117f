"""A studio of some size: customers with logins, tokens, passes and a past, and a coming schedule.

Made by the server from numbers, so that whoever knows a number knows the id.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session

from studio_reservations.models import Base
from tests import factories
from tests.host import db

CUSTOMER, PASS, SPREAD, PAST, HOT = 0x8001, 0x8002, 0x8003, 0x8004, 0x8005
SPREAD_SESSIONS = 1_000
LISTED_SESSIONS = 200
HOT_SESSIONS = 100
SEATS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is loaded; each customer has ``past`` attended reservations on their one pass."""

    customers: int = 20_000
    past: int = 10

    @property
    def reservations(self) -> int:
        """How many reservations there are before anything is measured."""
        return self.customers * self.past


def row_id(kind: int, number: int) -> UUID:
    """Return the id of a row by its number."""
    return UUID(f"00000000-0000-7000-{kind:04x}-{number:012x}")


def token_of(number: int) -> str:
    """Return the bearer token of a customer."""
    return f"st_benchmark_{number}"


def load(url: str, size: Size) -> None:
    """Make the tables and fill them."""
    engine = create_engine(url)
    for metadata in (db.metadata, Base.metadata):
        metadata.create_all(engine)
    with Session(engine) as db_session:
        studio = factories.make_studio(db_session, slug="benchmark")
        taught = factories.make_class(db_session, studio)
        factories.make_policy(db_session, studio)
        db_session.commit()
        names = {"studio": studio.id, "class": taught.id, "now": factories.NOW}
    engine.dispose()
    counts = {"customers": size.customers, "past": size.past, "seats": SEATS}
    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        for statement in (*_PEOPLE, *_sessions(), _HISTORY):
            connection.execute(statement, names | counts)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _id(kind: int, number: str = "i") -> str:
    return f"('00000000-0000-7000-{kind:04x}-' || lpad(to_hex({number}), 12, '0'))::uuid"


_PEOPLE = (
    """INSERT INTO "user" (id, email, name)
    SELECT i, i || '@benchmark.example', 'Customer ' || i FROM generate_series(1, %(customers)s) AS i""",
    f"""INSERT INTO studio_customer (id, name, email, preferences, created_at)
    SELECT {_id(CUSTOMER)}, 'Customer ' || i, i || '@benchmark.example', '{{}}', %(now)s
    FROM generate_series(1, %(customers)s) AS i""",
    f"""INSERT INTO studio_customer_access (id, user_id, customer_id, kind, created_at)
    SELECT {_id(CUSTOMER)}, i::text, {_id(CUSTOMER)}, 'SELF', %(now)s FROM generate_series(1, %(customers)s) AS i""",
    f"""INSERT INTO studio_customer_studio (id, studio_id, customer_id, internal, created_at)
    SELECT {_id(CUSTOMER)}, %(studio)s, {_id(CUSTOMER)}, false, %(now)s FROM generate_series(1, %(customers)s) AS i""",
    f"""INSERT INTO studio_api_token (id, name, token_hash, customer_id, scope, created_at)
    SELECT {_id(CUSTOMER)}, 'benchmark', encode(sha256(('{token_of(0)[:-1]}' || i)::bytea), 'hex'), {_id(CUSTOMER)},
      'write', %(now)s
    FROM generate_series(1, %(customers)s) AS i""",
    f"""INSERT INTO studio_class_registration (id, studio_id, customer_id, pass_type, pass_options, sessions_included,
      sessions_remaining, sessions_attended, requires_sequential_attendance, status, issued_at)
    SELECT {_id(PASS)}, %(studio)s, {_id(CUSTOMER)}, 'punch_pass', '{{}}', 10000, 10000, %(past)s, false, 'ACTIVE', %(now)s
    FROM generate_series(1, %(customers)s) AS i""",
)


def _sessions() -> tuple[str, ...]:
    def of(kind: int, count: int, starts: str) -> str:
        return f"""INSERT INTO studio_class_session
          (id, studio_id, class_id, starts_at, ends_at, capacity, seats_taken, status, created_at)
        SELECT {_id(kind)}, %(studio)s, %(class)s, starts, starts + interval '2 hours', %(seats)s, 0, 'SCHEDULED', %(now)s
        FROM (SELECT i, %(now)s::timestamptz + {starts} AS starts FROM generate_series(1, {count}) AS i) AS made"""

    return (
        # The 200 that are listed lie within the next 30 days, all others behind them.
        of(
            SPREAD,
            SPREAD_SESSIONS,
            f"interval '2 days' + interval '3 hours' * i + CASE WHEN i > {LISTED_SESSIONS} "
            "THEN interval '60 days' ELSE interval '0' END",
        ),
        of(HOT, HOT_SESSIONS, "interval '300 days' + interval '1 hour' * i"),
        of(PAST, SPREAD_SESSIONS, "interval '-1 year' + interval '6 hours' * i"),
    )


_HISTORY = f"""INSERT INTO studio_session_reservation (id, studio_id, registration_id, session_id, customer_id, status,
  reserved_at, first_reserved_at, undo_until, attended_at, punches_held, punches_used, free_cancellation_until,
  late_cancel_punches, late_cancel_counts, late, counts_as_no_show, flags)
SELECT {_id(PAST, "i * 100 + j")}, %(studio)s, {_id(PASS)}, {_id(PAST, f"(i + 97 * j) %% {SPREAD_SESSIONS} + 1")},
  {_id(CUSTOMER)}, 'ATTENDED', %(now)s, %(now)s, %(now)s, %(now)s, 1, 1, %(now)s, 0, false, false, false, '[]'
FROM generate_series(1, %(customers)s) AS i, generate_series(1, %(past)s) AS j"""
