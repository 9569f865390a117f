"""``python -m benchmarks.soak_nights``: the workers of a night killed with -9 at random points of each job, over and over.

Each round has a database of its own; afterwards its tables are compared with those of an undisturbed night. It ends with 1
where they differ in more than ids and instants.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from sqlalchemy import create_engine

from studio_reservations.models import Base
from studio_reservations.policies.due import NIGHTLY
from tests.host import db
from tests.nights import killing
from tests.servers import postgres_server, valkey_server


def main() -> int:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--points", type=int, default=20, help="kills in each job (default 20)")
    parser.add_argument("--customers", type=int, default=1_000, help="in each round's studio (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random points (default 1)")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    rows = {
        "detect_no_shows": 4 * given.customers,
        "cancel_futures": given.customers,
        "enforce_suspensions": given.customers,
        "lift_suspensions": given.customers // 10,
    }
    faults = rounds = taken_over = 0
    begun = perf_counter()
    with postgres_server() as server, valkey_server() as redis_url:
        template = server.create_database()
        engine = create_engine(template)
        for metadata in (db.metadata, Base.metadata):
            metadata.create_all(engine)
        studio_id = killing.populate(engine, customers=given.customers)
        engine.dispose()
        clean = server.create_database(template=template)
        killing.run_clean(clean, studio_id)
        expected = killing.timeless(clean)
        for point in range(given.points):
            # A round kills once in each job, somewhere.
            kills = [(job.name, chance.randint(0 if point % 4 == 0 else 1, rows[job.name])) for job in NIGHTLY]
            url = server.create_database(template=template)
            with tempfile.TemporaryDirectory() as directory:
                killing.run_killed(url, redis_url=redis_url, directory=Path(directory), kills=kills)
            alike = killing.timeless(url) == expected
            attempts = killing.attempts(url)
            faults += not alike
            rounds += 1
            taken_over += sum(attempts.values()) - len(attempts)
            print(f"{kills} attempts {attempts}: {'as undisturbed' if alike else 'DIFFERENT'}", flush=True)
            server.drop_database(url)
    kills_made = rounds * len(NIGHTLY)
    print(
        f"{rounds} nights, {kills_made} kills, {taken_over} runs taken over, {faults} nights different, "
        f"{perf_counter() - begun:.0f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
