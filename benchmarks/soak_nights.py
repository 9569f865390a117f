"""``python -m benchmarks.soak_nights``: the workers of a night killed with -9 at random points of each job, over and over.

Each round has a database of its own; afterwards its tables are compared with those of an undisturbed night. It ends with 1
where they differ in more than ids and instants.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter

from sqlalchemy import create_engine

from config.processes import stop_on_sigterm
from studio_reservations.models import Base
from studio_reservations.policies.due import NIGHTLY
from studio_reservations.services.nights.sweeps import BATCH
from tests.host import db
from tests.nights import killing
from tests.nights.crowd import populate
from tests.servers import postgres_server, valkey_server


def main() -> int:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--points", type=int, default=20, help="kills that hit each job at work (default 20)")
    parser.add_argument("--customers", type=int, default=1_500, help="in each round's studio (default 1500)")
    parser.add_argument("--nights", type=int, default=1, help="how many nights are due, all but the last missed")
    parser.add_argument("--seed", type=int, default=1, help="of the random points (default 1)")
    given = parser.parse_args()
    stop_on_sigterm()
    chance = random.Random(given.seed)
    rows = {
        "detect_no_shows": 4 * given.customers,
        "cancel_futures": given.customers,
        "enforce_suspensions": given.customers,
        "lift_suspensions": given.customers,
    }
    faults = rounds = kills_made = 0
    hits: Counter[str] = Counter()
    begun = perf_counter()
    with postgres_server() as server, valkey_server() as redis_url:
        template = server.create_database()
        engine = create_engine(template)
        for metadata in (db.metadata, Base.metadata):
            metadata.create_all(engine)
        studio_id = populate(engine, customers=given.customers, suspended=given.customers, nights=given.nights)
        engine.dispose()
        clean = server.create_database(template=template)
        killing.run_clean(clean, studio_id)
        expected = killing.timeless(clean), killing.marked(clean)
        print(f"undisturbed: {sum(map(len, expected[0].values()))} rows, {len(expected[1])} nights of jobs marked")
        while any(hits[job.name] < given.points for job in NIGHTLY):
            # A round kills once in each job; a kill that comes when the job is done counts for nothing.
            wanted = [job.name for job in NIGHTLY if hits[job.name] < given.points]
            kills = [(name, chance.randrange(max(rows[name] - BATCH, 1))) for name in wanted]
            url = server.create_database(template=template)
            with tempfile.TemporaryDirectory() as directory:
                hit = killing.run_killed(url, redis_url=redis_url, directory=Path(directory), kills=kills)
            alike = (killing.timeless(url), killing.marked(url)) == expected
            hits.update(hit)
            faults += not alike
            rounds += 1
            kills_made += len(kills)
            points = ", ".join(f"{job} at {at}{'' if job in hit else ' (done)'}" for job, at in kills)
            print(f"{rounds}: {points}: {'as undisturbed' if alike else 'DIFFERENT'}", flush=True)
            server.drop_database(url)
    print(f"{rounds} times {given.nights} nights, {kills_made} kills, of which in the middle of a job: {dict(hits)}")
    print(f"different from the undisturbed: {faults}; {perf_counter() - begun:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
