"""``python -m benchmarks.nights [SIZE]``: a night over a million pending reservations, against hand-written SQL.

Both on PostgreSQL, each on a copy of the same database; the floor is one transaction of set-based statements, without locks
per pass, batches, heartbeats, or charges worked out by pass types. The tables are compared afterwards.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TypeVar
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from studio_reservations.models import Base
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services.nights.running import sweep
from tests.servers import postgres_server

T = TypeVar("T")
STUDIO = UUID(int=1)
AS_OF = datetime(2026, 12, 2, 6, tzinfo=UTC)
SEATS = 20

POPULATE = """
INSERT INTO studio_studio (id, slug, name, timezone, rollout, sms_enabled, created_at)
  VALUES (:studio, 'big', 'Big', 'America/Toronto', 'ON', false, '2020-01-01Z');
INSERT INTO studio_class (id, studio_id, title, default_capacity, default_duration_minutes, active, created_at)
  VALUES (:studio, :studio, 'Wheel', 20, 120, true, '2020-01-01Z');
INSERT INTO studio_customer (id, name, preferences, created_at)
  SELECT uuidv7(), 'Customer ' || n, '{}', '2020-01-01Z' FROM generate_series(1, :size / 4) n;
INSERT INTO studio_class_registration (id, studio_id, customer_id, pass_type, pass_options, sessions_included,
    sessions_remaining, sessions_attended, requires_sequential_attendance, status, issued_at)
  SELECT uuidv7(), :studio, id, 'punch_pass', '{}', 10, 10, 0, false, 'ACTIVE', '2020-01-01Z' FROM studio_customer;
INSERT INTO studio_class_session (id, studio_id, class_id, starts_at, ends_at, capacity, seats_taken, status, created_at)
  SELECT uuidv7(), :studio, :studio, at, at + interval '2 hours', 20, 20, 'SCHEDULED', '2020-01-01Z'
  FROM (SELECT timestamptz '2026-12-01 14:00Z' - n * interval '1 minute' AS at FROM generate_series(1, :size / 20) n) t;
WITH passes AS (SELECT id, customer_id, row_number() OVER (ORDER BY id) - 1 AS n FROM studio_class_registration),
     sessions AS (SELECT id, starts_at, row_number() OVER (ORDER BY starts_at) - 1 AS n FROM studio_class_session),
     seats AS (SELECT s.id, s.starts_at, s.n * 20 + seat AS n FROM sessions s, generate_series(0, 19) seat)
INSERT INTO studio_session_reservation (id, studio_id, registration_id, session_id, customer_id, status, reserved_at,
    first_reserved_at, undo_until, punches_held, punches_used, free_cancellation_until, late_cancel_punches,
    late_cancel_counts, late, counts_as_no_show, flags)
  SELECT uuidv7(), :studio, p.id, s.id, p.customer_id, 'PENDING', '2026-11-01Z', '2026-11-01Z', '2026-11-01 00:15Z',
    1, 0, s.starts_at - interval '1 day', 0, false, false, false, '[]'
  FROM seats s JOIN passes p ON p.n = s.n % (:size / 4);
"""
FLOOR = """
UPDATE studio_session_reservation r SET status = 'NO_SHOW', no_show_at = :now, counts_as_no_show = true,
    missed_at = s.ends_at, grace_ends_at = greatest(s.ends_at, :now) + interval '24 hours',
    auto_cancel_at = timestamptz '2026-12-03 07:00Z', seat_released_at = NULL
  FROM studio_class_session s
  WHERE s.id = r.session_id AND r.studio_id = :studio AND r.status = 'PENDING' AND s.status = 'SCHEDULED'
    AND s.ends_at + interval '120 minutes' < :now;
CREATE TEMP TABLE told ON COMMIT DROP AS
  SELECT uuidv7() AS id, r.id AS reservation_id, r.customer_id, json_build_object('punches_refunded', 0,
    'punches_charged', 0, 'grace_ends_at', r.grace_ends_at, 'seat_released', false) AS details
  FROM studio_session_reservation r WHERE r.studio_id = :studio AND r.no_show_at = :now;
INSERT INTO studio_reservation_history (id, studio_id, action, subject_type, subject_id, reservation_id, customer_id,
    from_status, to_status, performed_by_kind, performed_by, metadata, created_at)
  SELECT id, :studio, 'reservation.no_show', 'reservation', reservation_id, reservation_id, customer_id,
    'PENDING', 'NO_SHOW', 'SYSTEM', 'system', details, :now FROM told;
INSERT INTO studio_outbox_message (id, studio_id, customer_id, reservation_id, event, payload, dedupe_key, created_at)
  SELECT uuidv7(), :studio, customer_id, reservation_id, 'reservation.no_show', json_build_object('reservation_id',
    reservation_id, 'customer_id', customer_id, 'from_status', 'PENDING', 'status', 'NO_SHOW', 'at', :now,
    'details', details), 'reservation.no_show:' || id, :now FROM told;
"""
RESULT = """
SELECT count(*), count(DISTINCT r.missed_at), min(r.grace_ends_at), max(r.auto_cancel_at),
  md5(string_agg(r.id::text || r.missed_at::text, '' ORDER BY r.id)),
  (SELECT count(*) FROM studio_reservation_history), (SELECT count(*) FROM studio_outbox_message)
FROM studio_session_reservation r WHERE r.status = 'NO_SHOW' AND r.counts_as_no_show
"""


def main() -> int:
    """Print the two times, their ratio, and the peak memory of ours."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with postgres_server() as server:
        template = server.create_database()
        begun = perf_counter()
        _prepare(template, size)
        ours, floor = (server.create_database(template=template) for _ in range(2))
        print(f"{size:,} pending reservations, made in {perf_counter() - begun:.0f} s", flush=True)
        floor_seconds = _floor(floor)
        print(f"hand-written SQL, one transaction: {floor_seconds:.1f} s", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.nights", "--sweep", ours],
            cwd=Path(__file__).parents[1],
            check=True,
            capture_output=True,
            text=True,
        )
        result = json.loads(done.stdout)
        print(
            f"detect_no_shows: {result['seconds']:.1f} s, {result['counts']}, peak memory {result['mb']:.0f} MB "
            f"({result['before_mb']:.0f} MB before it began)"
        )
        print(f"ratio {result['seconds'] / floor_seconds:.2f} (ours / hand-written)")
        alike = _result(ours) == _result(floor)
        print("The tables are alike." if alike else f"NOT alike: {_result(ours)} {_result(floor)}")
        return 0 if alike and result["counts"] == {"no_shows": size} else 1


def _prepare(url: str, size: int) -> None:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for statement in POPULATE.split(";\n"):
            if statement.strip():
                used = {name: value for name, value in (("studio", STUDIO), ("size", size)) if f":{name}" in statement}
                connection.execute(text(statement), used)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _floor(url: str) -> float:
    engine = create_engine(url)
    begun = perf_counter()
    with engine.begin() as connection:
        for statement in FLOOR.split(";\n"):
            if statement.strip():
                literal = statement.replace(":now", f"timestamptz '{AS_OF.isoformat()}'")
                connection.execute(text(literal.replace(":studio", f"'{STUDIO}'::uuid")))
    seconds = perf_counter() - begun
    engine.dispose()
    return seconds


def _sweep(url: str) -> int:
    """Run ours; print what it took. This is the process whose memory is measured."""
    engine = create_engine(url)

    def opened(work: Callable[[Session], T]) -> T:
        with Session(engine) as session, session.begin():
            return work(session)

    pass_types = installed_pass_types()
    before = _peak_mb()
    begun = perf_counter()
    counts = sweep(
        "detect_no_shows",
        opened=opened,
        studio_id=STUDIO,
        as_of=AS_OF,
        clock=lambda: AS_OF,
        pass_types=pass_types,
    )
    seconds = perf_counter() - begun
    print(json.dumps({"seconds": seconds, "counts": counts, "mb": _peak_mb(), "before_mb": before}))
    return 0


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _result(url: str) -> tuple[object, ...]:
    engine = create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(text(RESULT)).one()
    engine.dispose()
    return tuple(row)


if __name__ == "__main__":
    sys.exit(_sweep(sys.argv[2]) if sys.argv[1:2] == ["--sweep"] else main())
