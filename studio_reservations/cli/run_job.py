"""``flask studio run-job``: one job now, studio by studio, for real or as a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from studio_reservations import jobs
from studio_reservations.cli.tables import show_table
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.models import Channel
from studio_reservations.notifications import expanding, reminders
from studio_reservations.policies.due import NIGHTLY, NightlyJob
from studio_reservations.policies.local_time import zone
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.messages import count_due
from studio_reservations.services.nights.running import Progress, run_next, sweep
from studio_reservations.services.nights.runs import Nights, nights_of
from studio_reservations.services.nights.sweeps import Opener
from studio_reservations.state import current_state

T = TypeVar("T")

BY_NAME = {job.name: job for job in NIGHTLY}
SEND_REMINDERS, DELIVER_OUTBOX = "send_reminders", "deliver_outbox"
EVERY_STUDIO = "every studio"
NEEDED = {Channel.EMAIL: "a mail server", Channel.SMS: "an SMS provider"}
"""Without which what is due on a channel waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an operator asked for; ``own_night``: as the studio's run of every night that is due."""

    as_of: datetime
    now: datetime
    dry_run: bool
    own_night: bool


class NotRun(Exception):
    """A studio's job cannot run now; the text says why."""


@click.command("run-job")
@click.argument("name", type=click.Choice([*BY_NAME, SEND_REMINDERS, DELIVER_OUTBOX]))
@click.option("--studio", "slug", help="The slug of one studio; default: every studio.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]), help="An instant, UTC.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and change nothing.")
@with_appcontext
def run_job_command(name: str, slug: str | None, as_of: datetime | None, dry_run: bool) -> None:
    """Run the job NAME now, whatever the hour.

    A nightly one without --as-of counts as the studio's run of every night that is due.

    A rehearsal does the work of a studio in one transaction and takes it back at the end. Until then it holds its locks: on
    SQLite nobody else writes meanwhile, on PostgreSQL whoever uses a pass or a session that it has touched waits.
    """
    now = current_state().clock()
    instant = now if as_of is None else as_of.replace(tzinfo=UTC)
    if instant > now and not dry_run:
        raise click.UsageError("--as-of is in the future, where only --dry-run can go.")
    if name == DELIVER_OUTBOX and not dry_run and (slug is not None or as_of is not None):
        raise click.UsageError(
            f"{name} sends what is due now in every studio: --studio and --as-of are for its --dry-run."
        )
    with reading() as session:
        studios = [one for one in nights_of(session, now=now) if slug in (None, one.slug)]
    if not studios:
        raise click.ClickException(f"There is no studio {slug!r}." if slug is not None else "There is no studio yet.")
    asked = Asked(as_of=instant, now=now, dry_run=dry_run, own_night=as_of is None and not dry_run)
    rows, waiting = [], False
    if name == DELIVER_OUTBOX and not dry_run:
        rows.append((EVERY_STUDIO, f"{instant:%Y-%m-%d %H:%M} UTC", told(_deliver())))
        studios = []
    for studio in studios:
        try:
            what = told(_run(name, studio, asked))
        except NotRun as reason:
            what, waiting = f"not run: {reason}", True
        rows.append((studio.slug, local(instant, studio), what))
    click.echo(f"{name}, a rehearsal:" if dry_run else f"{name}:")
    show_table(("studio", "as of", "what it would do" if dry_run else "what it did"), rows)
    if waiting:
        raise click.exceptions.Exit(1)


def told(counts: Mapping[str, int]) -> str:
    """Return the numbers as a sentence, without those that are zero."""
    did = [f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items()) if count]
    return ", ".join(did) or "nothing"


def local(instant: datetime, studio: Nights) -> str:
    """Return the instant by the studio's clock."""
    return f"{instant.astimezone(zone(studio.timezone)):%Y-%m-%d %H:%M} {studio.timezone}"


def _run(name: str, studio: Nights, asked: Asked) -> Mapping[str, int]:
    if name == DELIVER_OUTBOX:
        return _rehearsed(lambda opened: opened(lambda session: _due(session, studio, asked)))
    with _progress(f"{studio.slug}: {name}") as watcher:
        if name == SEND_REMINDERS:
            return _remind(studio, asked, watcher)
        return _nightly(BY_NAME[name], studio, asked, watcher)


def _nightly(job: NightlyJob, studio: Nights, asked: Asked, watcher: Callable[[Progress], None]) -> Mapping[str, int]:
    state = current_state()
    dates = studio.dates_due(asked.now, job) if asked.own_night else ()
    if dates:
        if studio.due(asked.now, jobs=[job]) is None and job.name not in studio.running:
            raise NotRun(f"{job.after} has not succeeded for {dates[-1]}; run that first, or sweep with --as-of")
        done = run_next(
            opened=run_in_transaction,
            studio_id=studio.studio_id,
            clock=state.clock,
            pass_types=state.pass_types,
            jobs=[job],
            watcher=watcher,
        )
        if done is None:
            raise NotRun("another worker is at it")
        return done[1]
    return _done(
        asked,
        lambda opened: sweep(
            job.name,
            opened=opened,
            studio_id=studio.studio_id,
            as_of=asked.as_of,
            clock=state.clock,
            pass_types=state.pass_types,
            watcher=watcher,
        ),
    )


def _remind(studio: Nights, asked: Asked, watcher: Callable[[Progress], None]) -> Mapping[str, int]:
    written = 0

    def watch(number: int) -> None:
        nonlocal written
        written += number
        watcher(Progress(written, written))

    return _done(
        asked,
        lambda opened: reminders.send_reminders(
            opened, as_of=asked.as_of, now=asked.now, studio_id=studio.studio_id, on_batch=watch
        ),
    )


def _deliver() -> Mapping[str, int]:
    with _progress(DELIVER_OUTBOX) as watcher:
        return jobs.deliver_outbox(lambda one: watcher(Progress(sum(one.states.values()), sum(one.states.values()))))


def _due(session: Session, studio: Nights, asked: Asked) -> Mapping[str, int]:
    """Return how many deliveries are due, by channel, and which of them wait for a way of sending."""
    open_ways = jobs.courier().channels
    while expanding.expand(session, as_of=asked.as_of, sms=Channel.SMS in open_ways) == expanding.BATCH:
        pass
    due = count_due(session, studio_id=studio.studio_id, actor=SYSTEM, as_of=asked.as_of)
    return {
        one.value.lower() if one in open_ways else f"{one.value.lower()} waiting for {NEEDED[one]}": number
        for one, number in due.items()
    }


def _done(asked: Asked, do: Callable[[Opener], T]) -> T:
    return _rehearsed(do) if asked.dry_run else do(run_in_transaction)


def _rehearsed(do: Callable[[Opener], T]) -> T:
    """Return what ``do`` returns, and undo it: in one transaction, so that each piece finds what those before it did."""

    def rehearsal(session: Session) -> T:
        def opened(work: Callable[[Session], T], /) -> T:
            result = work(session)
            session.flush()
            session.expire_all()  # as a commit would
            return result

        result = do(opened)  # type: ignore[arg-type]
        session.rollback()
        return result

    return run_in_transaction(rehearsal)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[Progress], None]]:
    with click.progressbar(length=0, label=label) as bar:

        def watch(progress: Progress) -> None:
            bar.length = progress.rows
            bar.update(progress.done - bar.pos)

        yield watch
