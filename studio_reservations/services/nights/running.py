"""Running nightly jobs: the whole of a claimed night, or a sweep that an operator asks for.

Source: rules.md §8.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.policies import due
from studio_reservations.services.actors import Clock
from studio_reservations.services.nights.detecting import detect_no_shows
from studio_reservations.services.nights.futures import cancel_futures
from studio_reservations.services.nights.runs import Claim, RunLost, beat, claim, fail, finish
from studio_reservations.services.nights.suspending import enforce_suspensions, lift_suspensions
from studio_reservations.services.nights.sweeps import BATCH, Batch, Counts, Opener, Plan, Sweep, sweep_of

log = logging.getLogger(__name__)

JOBS: MappingProxyType[str, Callable[[Opener, Sweep], Plan]] = MappingProxyType(
    {
        due.DETECT_NO_SHOWS: detect_no_shows,
        due.CANCEL_FUTURES: cancel_futures,
        due.ENFORCE_SUSPENSIONS: enforce_suspensions,
        due.LIFT_SUSPENSIONS: lift_suspensions,
    }
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep has come, after each committed batch and once before the first: rows done, of how many."""

    done: int
    rows: int


Watcher = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """Watch nothing."""


def sweep(
    job: str,
    *,
    opened: Opener,
    studio_id: UUID,
    as_of: datetime,
    clock: Clock,
    pass_types: PassTypes,
    also: Callable[[Session, Counts], None] = lambda _session, _counts: None,
    watcher: Watcher = unwatched,
    batch: int = BATCH,
) -> Counts:
    """Do all that ``job`` has to do in a studio at ``as_of``, batch by batch; return what was done.

    ``clock`` is read once a batch where the job takes something away, for ``as_of`` may be long ago by then.
    ``also`` is called within each batch's transaction, ``watcher`` after its commit.
    """
    given = opened(partial(sweep_of, studio_id=studio_id, as_of=as_of, clock=clock, pass_types=pass_types, batch=batch))
    plan = JOBS[job](opened, given)
    total, done = Counts(), 0
    watcher(Progress(done, plan.rows))
    for one in plan.batches:
        total.update(opened(partial(_one, batch=one, also=also)))
        done += one.rows
        watcher(Progress(done, plan.rows))
    return total


def run_next(
    *,
    opened: Opener,
    studio_id: UUID,
    clock: Clock,
    pass_types: PassTypes,
    jobs: Iterable[due.NightlyJob] = due.NIGHTLY,
    watcher: Watcher = unwatched,
    batch: int = BATCH,
) -> tuple[Claim, Counts] | None:
    """Claim what the studio has to do next and do it, all missed nights in one sweep; None where there is nothing to do.

    What goes wrong is written into the run and raised.
    """
    mine = opened(partial(claim, studio_id=studio_id, now=clock(), jobs=tuple(jobs)))
    if mine is None:
        return None
    try:
        sweep(
            mine.job,
            opened=opened,
            studio_id=studio_id,
            as_of=mine.as_of,
            clock=clock,
            pass_types=pass_types,
            also=lambda db_session, counts: beat(db_session, mine, counts=counts, now=clock()),
            watcher=watcher,
            batch=batch,
        )
        total = opened(partial(finish, mine=mine, now=clock()))
    except RunLost:
        log.warning("%s of %s was taken over by another worker", mine.job, mine.dates[-1])
        return None
    except Exception as error:
        opened(partial(fail, mine=mine, error=f"{type(error).__name__}: {error}", now=clock()))
        raise
    log.info("%s of %s: %s", mine.job, mine.dates[-1], dict(total))
    return mine, total


def run_due(*, opened: Opener, studio_id: UUID, clock: Clock, pass_types: PassTypes) -> list[tuple[Claim, Counts]]:
    """Do all that is due in a studio, one job after the other."""
    done = []
    while one := run_next(opened=opened, studio_id=studio_id, clock=clock, pass_types=pass_types):
        done.append(one)
    return done


def _one(db_session: Session, *, batch: Batch, also: Callable[[Session, Counts], None]) -> Counts:
    counts = batch.run(db_session)
    also(db_session, counts)
    return counts
