"""``make soak ARGS="--seconds 300"``: the tests' race of everything against everything, for as long as one likes.

It ends with 1 where a caller met a 5xx or the books are wrong afterwards.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from studio_reservations.database import prepare_engine
from studio_reservations.models import Base
from tests.concurrency.mix import Script, make_cast, play
from tests.concurrency.people import book_faults
from tests.concurrency.racing import race
from tests.host import db
from tests.servers import postgres_server

DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


def main() -> int:
    """Run the race on each database and print what came of it."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long on each database (default 60)")
    parser.add_argument("--processes", type=int, default=8, help="how many portals (default 8)")
    parser.add_argument("--seed", type=int, default=1, help="of the random acts (default 1)")
    parser.add_argument("--database", choices=sorted(DATABASES), action="append", help="default: both")
    given = parser.parse_args()
    faults = 0
    for name in given.database or sorted(DATABASES):
        with DATABASES[name]() as url:
            faults += _soak(name, url, processes=given.processes, seconds=given.seconds, seed=given.seed)
    print("no faults" if not faults else f"{faults} faults")
    return 1 if faults else 0


def _soak(name: str, url: str, *, processes: int, seconds: float, seed: int) -> int:
    print(f"{name}: {processes} processes, {seconds:g} s", flush=True)
    engine = create_engine(url)
    prepare_engine(engine)
    for metadata in (db.metadata, Base.metadata):
        metadata.create_all(engine)
    with Session(engine) as db_session:
        cast = make_cast(db_session)
        db_session.commit()
    scripts = [Script(seed=seed * 1000 + number, cast=cast, seconds=seconds) for number in range(processes)]
    told = Counter(chain.from_iterable(race(play, scripts, database_url=url)))
    for (act, outcome), times in sorted(told.items()):
        print(f"  {act:<16} {outcome:<24} {times:>7}")
    with Session(engine) as db_session:
        wrong = book_faults(db_session)
        deadlocks = db_session.scalar(DEADLOCKS) if engine.dialect.name == "postgresql" else None
    engine.dispose()
    crashes = sum(times for (_, outcome), times in told.items() if outcome.startswith("5"))
    print(f"  {told.total()} acts, {told.total() / seconds:.0f} a second; 5xx: {crashes}")
    if deadlocks is not None:
        print(f"  deadlocks that the database broke and a retry mended: {deadlocks}")
    for law, rows in wrong.items():
        print(f"  BROKEN: {law}: {rows[:5]}")
    return crashes + len(wrong)


@contextmanager
def _postgresql() -> Iterator[str]:
    with postgres_server() as server:
        url = server.create_database()
        yield url
        server.drop_database(url)


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="studio-soak-") as directory:
        yield f"sqlite:///{Path(directory) / 'studio.sqlite'}"


DATABASES = {"postgresql": _postgresql, "sqlite": _sqlite}

if __name__ == "__main__":
    sys.exit(main())
