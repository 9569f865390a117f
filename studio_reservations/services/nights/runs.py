"""Who runs which night: a claim on one studio's job for a date, its heartbeat, and what it did.

One run at a time for each studio and job. A run that was cut off is taken over ten minutes after its last heartbeat; what it
had counted stays counted. Source: rules.md §1 (JobRun), §8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import Table, and_, func, insert, select, update
from sqlalchemy.orm import Session

from studio_reservations.models import JobRun, JobState, Studio, new_id
from studio_reservations.models.connection import connection
from studio_reservations.policies.due import NIGHTLY, NightlyJob, dates_due, next_due
from studio_reservations.services.nights.sweeps import Counts

if TYPE_CHECKING:
    from sqlalchemy import CursorResult

STALE = timedelta(minutes=10)
ERROR_LENGTH = 2_000

_RUN: Table = JobRun.__table__  # type: ignore[assignment]


class RunLost(Exception):
    """Another worker has taken this run over: stop, for whatever is not committed is theirs to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a studio has to do next: the job, and the dates that it is for, the last of them the one that is claimed."""

    studio_id: UUID
    job: NightlyJob
    dates: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run of ours; ``attempt`` tells it from those that were given up before."""

    run_id: UUID
    studio_id: UUID
    job: str
    dates: tuple[date, ...]
    attempt: int
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """How far a studio's nights have come: the last date for which each job succeeded, and the jobs that somebody is at."""

    studio_id: UUID
    slug: str
    timezone: str
    since: datetime
    done: Mapping[str, date]
    running: frozenset[str]

    def due(self, now: datetime, *, jobs: Iterable[NightlyJob] = NIGHTLY) -> Due | None:
        """Return the first of ``jobs`` that is due and may run: its predecessor has succeeded, and nobody is at it."""
        for job in jobs:
            dates = self.dates_due(now, job)
            if not dates or job.name in self.running:
                continue
            before = dates[-1] if job.after is None else self.done.get(job.after)
            if before is not None and before >= dates[-1]:
                return Due(studio_id=self.studio_id, job=job, dates=dates)
        return None

    def dates_due(self, now: datetime, job: NightlyJob) -> tuple[date, ...]:
        """Return the dates for which ``job`` is due, ascending."""
        return dates_due(now, job.at, timezone=self.timezone, done=self.done.get(job.name), since=self.since)

    def next_due(self, now: datetime, job: NightlyJob) -> datetime:
        """Return when ``job`` is due next; in the past where a night has been missed."""
        return next_due(now, job.at, timezone=self.timezone, done=self.done.get(job.name), since=self.since)


def nights_of(db_session: Session, *, now: datetime, studio_id: UUID | None = None) -> list[Nights]:
    """Return how far the nights of each studio, or of one, have come; a success covers every date before it."""
    database = connection(db_session)
    one = [] if studio_id is None else [_RUN.c.studio_id == studio_id]
    done: dict[UUID, dict[str, date]] = {}
    for studio, job, day in database.execute(
        select(_RUN.c.studio_id, _RUN.c.job, func.max(_RUN.c.business_date))
        .where(_RUN.c.state == JobState.SUCCEEDED.value, *one)
        .group_by(_RUN.c.studio_id, _RUN.c.job)
    ):
        done.setdefault(studio, {})[job] = day
    running: dict[UUID, set[str]] = {}
    for studio, job in database.execute(
        select(_RUN.c.studio_id, _RUN.c.job).where(
            _RUN.c.state == JobState.RUNNING.value, _RUN.c.heartbeat_at > now - STALE, *one
        )
    ):
        running.setdefault(studio, set()).add(job)
    studios = select(Studio.id, Studio.slug, Studio.timezone, Studio.created_at).order_by(Studio.slug)
    if studio_id is not None:
        studios = studios.where(Studio.id == studio_id)
    return [
        Nights(
            studio_id=row.id,
            slug=row.slug,
            timezone=row.timezone,
            since=row.created_at,
            done=done.get(row.id, {}),
            running=frozenset(running.get(row.id, ())),
        )
        for row in database.execute(studios)
    ]


def latest_runs(db_session: Session) -> dict[tuple[UUID, str], JobRun]:
    """Return each job's run of its last date, by studio and job."""
    latest = (
        select(_RUN.c.studio_id, _RUN.c.job, func.max(_RUN.c.business_date).label("business_date"))
        .group_by(_RUN.c.studio_id, _RUN.c.job)
        .subquery()
    )
    rows = db_session.scalars(
        select(JobRun).join(
            latest,
            and_(
                JobRun.studio_id == latest.c.studio_id,
                JobRun.job == latest.c.job,
                JobRun.business_date == latest.c.business_date,
            ),
        )
    )
    return {(run.studio_id, run.job): run for run in rows}


def claim(db_session: Session, *, studio_id: UUID, now: datetime, jobs: Iterable[NightlyJob] = NIGHTLY) -> Claim | None:
    """Take what the studio has to do next; None where that is nothing, or somebody else's."""
    database = connection(db_session)
    # Claims of one studio go one after the other, for as long as this short transaction.
    database.execute(select(Studio.id).where(Studio.id == studio_id).with_for_update(key_share=True))
    due = next((one.due(now, jobs=jobs) for one in nights_of(db_session, now=now, studio_id=studio_id)), None)
    if due is None:
        return None
    of_night = (
        _RUN.c.studio_id == studio_id,
        _RUN.c.job == due.job.name,
        _RUN.c.business_date == due.dates[-1],
    )
    begun = {"state": JobState.RUNNING.value, "as_of": now, "heartbeat_at": now, "started_at": now, "error": None}
    standing = database.execute(select(_RUN.c.id, _RUN.c.attempts).where(*of_night)).one_or_none()
    if standing is None:
        run_id, attempt = new_id(), 1
        night = {"studio_id": studio_id, "job": due.job.name, "business_date": due.dates[-1]}
        database.execute(insert(_RUN), {"id": run_id, "attempts": attempt, "counts": {}, **night, **begun})
    else:
        run_id, attempt = standing.id, standing.attempts + 1
        database.execute(update(_RUN).where(_RUN.c.id == run_id).values(attempts=attempt, finished_at=None, **begun))
    return Claim(run_id=run_id, studio_id=studio_id, job=due.job.name, dates=due.dates, attempt=attempt, as_of=now)


def beat(db_session: Session, mine: Claim, *, counts: Counts, now: datetime) -> None:
    """Say that the run is alive and what one more batch has done, in that batch's transaction. :raises RunLost:"""
    total = _held(db_session, mine)
    total.update(counts)
    connection(db_session).execute(
        update(_RUN).where(_RUN.c.id == mine.run_id).values(heartbeat_at=now, counts=dict(total))
    )


def finish(db_session: Session, mine: Claim, *, now: datetime) -> Counts:
    """Mark the run and every missed date that it swept as succeeded; return what it did in all. :raises RunLost:"""
    total = _held(db_session, mine)
    database = connection(db_session)
    done = {"state": JobState.SUCCEEDED.value, "heartbeat_at": now, "finished_at": now, "error": None}
    database.execute(update(_RUN).where(_RUN.c.id == mine.run_id).values(**done))
    *missed, last = mine.dates
    for_date: dict[str, Any] = {
        "as_of": mine.as_of,
        "started_at": mine.as_of,
        "counts": {"swept_on": last.isoformat()},
        **done,
    }
    ours = (_RUN.c.studio_id == mine.studio_id, _RUN.c.job == mine.job)
    begun = {
        row.business_date: row.counts
        for row in database.execute(
            select(_RUN.c.business_date, _RUN.c.counts).where(*ours, _RUN.c.business_date.in_(missed))
        )
    }
    for day, counted in begun.items():  # cut off; a night or two
        counts = {**counted, **for_date["counts"]}
        database.execute(
            update(_RUN).where(*ours, _RUN.c.business_date == day).values(**{**for_date, "counts": counts})
        )
    rows = [
        {"id": new_id(), "studio_id": mine.studio_id, "job": mine.job, "business_date": day, "attempts": 1, **for_date}
        for day in missed
        if day not in begun
    ]
    if rows:
        database.execute(insert(_RUN), rows)
    return total


def fail(db_session: Session, mine: Claim, *, error: str, now: datetime) -> None:
    """Say why the run failed; the next tick tries again."""
    connection(db_session).execute(
        _of(mine).values(state=JobState.FAILED.value, finished_at=now, error=error[:ERROR_LENGTH])
    )


def _held(db_session: Session, mine: Claim) -> Counts:
    """Lock our run and return what it has counted. :raises RunLost: where it is not ours any more."""
    database = connection(db_session)
    touched = cast("CursorResult[Any]", database.execute(_of(mine).values(attempts=mine.attempt)))
    if touched.rowcount != 1:
        raise RunLost(f"{mine.job} of {mine.dates[-1]}, attempt {mine.attempt}")
    counts: Mapping[str, int] = database.scalars(select(_RUN.c.counts).where(_RUN.c.id == mine.run_id)).one()
    return Counts(counts)


def _of(mine: Claim) -> Any:
    return update(_RUN).where(
        _RUN.c.id == mine.run_id, _RUN.c.attempts == mine.attempt, _RUN.c.state == JobState.RUNNING.value
    )
