"""``flask studio worker | scheduler | run-job | jobs``: what keeps the policy alive without anyone pressing a button."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations import jobs
from studio_reservations.cli.tables import show_table
from studio_reservations.database import reading, run_in_transaction, transaction
from studio_reservations.models import JobRun
from studio_reservations.policies.due import NIGHTLY, NightlyJob
from studio_reservations.policies.local_time import zone
from studio_reservations.services.nights.running import Progress, run_next, sweep
from studio_reservations.services.nights.runs import Nights, nights_of
from studio_reservations.services.nights.sweeps import Counts
from studio_reservations.state import current_state

T = TypeVar("T")

ALSO = {"send_reminders": jobs.send_reminders, "deliver_outbox": jobs.deliver_outbox}
NAMES = click.Choice([*(job.name for job in NIGHTLY), *ALSO])


@click.command("worker")
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
@with_appcontext
def worker_command(burst: bool) -> None:
    """Do the jobs that are due. Run as many of these as you like, on as many machines."""
    from studio_reservations.workers import keep_working

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    click.echo(f"Working on the queue {current_state().settings.queue}. Ctrl-C stops after the job in hand.")
    try:
        keep_working(app, burst=burst)
    except RedisError as error:
        raise click.ClickException(f"Redis does not answer: {error}") from error


@click.command("scheduler")
@click.option("--interval", type=click.IntRange(1, 60), default=10, show_default=True, help="Seconds between looks.")
@with_appcontext
def scheduler_command(interval: int) -> None:
    """Put the timetable's jobs into the queue at their time, in UTC. Several at once are safe; one is enough."""
    from studio_reservations.workers import keep_scheduling

    os.environ["TZ"] = "UTC"
    time.tzset()
    entries = jobs.timetable()
    click.echo("\n".join(f"{entry.cron:<16} {entry.name}" for entry in entries))
    keep_scheduling(entries, interval=interval)


@click.command("run-job")
@click.argument("name", type=NAMES)
@click.option("--studio", "slug", help="The slug of one studio; default: every studio.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]), help="An instant, UTC.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and change nothing.")
@with_appcontext
def run_job_command(name: str, slug: str | None, as_of: datetime | None, dry_run: bool) -> None:
    """Run the job NAME now, whatever the hour.

    Without --as-of it counts as the studio's run of every night that is due.
    """
    if name in ALSO:
        if slug is not None or as_of is not None or dry_run:
            raise click.UsageError(f"{name} takes no --studio, --as-of or --dry-run: it does what is due everywhere.")
        click.echo(f"{name}: {ALSO[name]()}")
        return
    now = current_state().clock()
    instant = now if as_of is None else as_of.replace(tzinfo=UTC)
    if instant > now and not dry_run:
        raise click.UsageError("--as-of is in the future, where only --dry-run can go.")
    job = next(one for one in NIGHTLY if one.name == name)
    with reading() as session:
        studios = [one for one in nights_of(session, now=now) if slug in (None, one.slug)]
    if not studios:
        raise click.ClickException(f"There is no studio {slug!r}." if slug is not None else "There is no studio yet.")
    rows, waiting = [], False
    for studio in studios:
        reason = _waits_for(job, studio, now=now) if as_of is None and not dry_run else None
        waiting = waiting or reason is not None
        told = reason or _told(_run(job, studio, instant=instant, now=now, dry_run=dry_run, own_night=as_of is None))
        rows.append((studio.slug, _local(instant, studio), told))
    click.echo(f"{name}, {'a rehearsal' if dry_run else 'done'}:")
    show_table(("studio", "as of", "what it would do" if dry_run else "what it did"), rows)
    if waiting:
        raise click.exceptions.Exit(1)


@click.command("jobs")
@with_appcontext
def jobs_command() -> None:
    """Show the last and the next run of every nightly job, and the timetable."""
    now = current_state().clock()
    rows = []
    with reading() as session:
        last = {(run.studio_id, run.job): run for run in session.scalars(select(JobRun).order_by(JobRun.business_date))}
        for studio in nights_of(session, now=now):
            for job in NIGHTLY:
                run = last.get((studio.studio_id, job.name))
                due = studio.next_due(now, job)
                rows.append(
                    (
                        studio.slug,
                        job.name,
                        f"{run.business_date} {run.state}" if run is not None else "never",
                        _told(Counts({k: v for k, v in run.counts.items() if isinstance(v, int)})) if run else "",
                        run.error or "" if run is not None else "",
                        _local(due, studio) if due > now else f"{_local(due, studio)} (overdue)",
                    )
                )
    show_table(("studio", "job", "last night", "what", "error", "next"), rows)
    click.echo()
    show_table(("every (UTC)", "job"), [(entry.cron, entry.name) for entry in jobs.timetable()])


def _waits_for(job: NightlyJob, studio: Nights, *, now: datetime) -> str | None:
    """Return why the job may not run as the studio's night, or None."""
    dates = studio.dates_due(now, job)
    if not dates or studio.due(now, jobs=[job]) is not None:
        return None
    if job.name in studio.running:
        return "not run: another worker is at it"
    return f"not run: {job.after} has not succeeded for {dates[-1]}; run that first, or sweep with --as-of"


def _run(
    job: NightlyJob, studio: Nights, *, instant: datetime, now: datetime, dry_run: bool, own_night: bool
) -> Counts:
    state = current_state()
    due = studio.due(now, jobs=[job]) if own_night and not dry_run else None
    with _progress(f"{studio.slug}: {job.name}") as watcher:
        if due is not None:
            done = run_next(
                opened=run_in_transaction,
                studio_id=studio.studio_id,
                clock=state.clock,
                pass_types=state.pass_types,
                jobs=[job],
                watcher=watcher,
            )
            return done[1] if done is not None else Counts()
        return sweep(
            job.name,
            opened=_rehearsed if dry_run else run_in_transaction,
            studio_id=studio.studio_id,
            as_of=instant,
            clock=state.clock,
            pass_types=state.pass_types,
            watcher=watcher,
        )


def _rehearsed(work: Callable[[Session], T]) -> T:
    """Return what ``work`` returns, and undo what it did."""
    with transaction() as session:
        result = work(session)
        session.rollback()
    return result


@contextmanager
def _progress(label: str) -> Iterator[Callable[[Progress], None]]:
    with click.progressbar(length=0, label=label) as bar:

        def watch(progress: Progress) -> None:
            bar.length = progress.rows
            bar.update(progress.done - bar.pos)

        yield watch


def _told(counts: Counts) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items())) or "nothing"


def _local(instant: datetime, studio: Nights) -> str:
    return f"{instant.astimezone(zone(studio.timezone)):%Y-%m-%d %H:%M} {studio.timezone}"
