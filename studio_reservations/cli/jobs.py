"""``flask studio worker | scheduler | jobs``: what keeps the policy alive without anyone pressing a button."""

from __future__ import annotations

import os
import time
from datetime import datetime

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from redis.exceptions import RedisError

from studio_reservations import jobs
from studio_reservations.cli.run_job import local, told
from studio_reservations.cli.tables import show_table
from studio_reservations.database import reading
from studio_reservations.policies.due import NIGHTLY, NightlyJob
from studio_reservations.services.nights.runs import Nights, latest_runs, nights_of
from studio_reservations.state import current_state


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


@click.command("jobs")
@with_appcontext
def jobs_command() -> None:
    """Show the last and the next run of every nightly job, and the timetable."""
    now = current_state().clock()
    rows = []
    with reading() as session:
        last = latest_runs(session)
        for studio in nights_of(session, now=now):
            for job in NIGHTLY:
                run = last.get((studio.studio_id, job.name))
                rows.append(
                    (
                        studio.slug,
                        job.name,
                        f"{run.business_date} {run.state}" if run is not None else "never",
                        told({k: v for k, v in run.counts.items() if isinstance(v, int)}) if run is not None else "",
                        run.error or "" if run is not None else "",
                        _next(studio, job, now=now),
                    )
                )
    show_table(("studio", "job", "last night", "what", "error", "next"), rows)
    click.echo()
    show_table(("every (UTC)", "job"), [(entry.cron, entry.name) for entry in jobs.timetable()])


def _next(studio: Nights, job: NightlyJob, *, now: datetime) -> str:
    if job.name in studio.running:
        return "under way"
    due = studio.next_due(now, job)
    return local(due, studio) if due > now else f"{local(due, studio)} (overdue)"
