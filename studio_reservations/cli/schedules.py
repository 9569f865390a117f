"""``flask studio import-schedule FILE --mapping PATH``: the schedule of a studio from a file, as often as one likes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from studio_reservations.database import reading, run_in_transaction
from studio_reservations.errors import TryAgain
from studio_reservations.models import Studio
from studio_reservations.services.schedule_files import BadRow, ScheduledSession, read_schedule
from studio_reservations.services.schedule_import import ImportReport, import_schedule, new_studio, studio_of
from studio_reservations.services.schedule_mapping import ScheduleMapping, ScheduleUnusable, read_mapping
from studio_reservations.state import current_state

_PROGRESS_EVERY = 200
_path = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("import-schedule")
@click.argument("file", type=_path)
@click.option(
    "--mapping", "mapping_path", type=_path, required=True, help="The TOML file that says what each column is."
)
@click.option("--dry-run", is_flag=True, help="Read everything and tell what would be done; write nothing.")
@click.option("--yes", is_flag=True, help="Create the studio without asking, where there is none yet.")
@with_appcontext
def import_schedule_command(file: Path, mapping_path: Path, dry_run: bool, yes: bool) -> None:
    """Create and update classes and sessions from FILE (CSV or XLSX).

    A second run changes nothing. Bad rows are left out and told with their line; sessions that are no longer in the file are
    told and kept. The exit code is 0 where good rows were kept.
    """
    now = current_state().clock()
    try:
        mapping = read_mapping(mapping_path)
        with reading() as db_session:
            create = studio_of(db_session, mapping=mapping) is None
        if create and not (dry_run or yes):
            click.confirm(f"There is no studio {mapping.studio!r}. Create it, in {mapping.zone.key}?", abort=True)
        if dry_run:
            with reading() as db_session:
                report = _import(db_session, file, mapping, now, dry_run)
        else:
            report = run_in_transaction(lambda db_session: _import(db_session, file, mapping, now, dry_run))
    except ScheduleUnusable as error:
        raise click.ClickException(str(error)) from error
    except TryAgain as error:
        raise click.ClickException("The database was busy; nothing was imported. Run it again.") from error
    _tell(report, mapping, create, dry_run)


def _import(db_session: Session, file: Path, mapping: ScheduleMapping, now: datetime, dry_run: bool) -> ImportReport:
    studio = studio_of(db_session, mapping=mapping) or _created(db_session, mapping, now, dry_run)
    with file.open("rb") as raw:
        report = import_schedule(
            db_session,
            studio=studio,
            source=mapping.source,
            rows=_with_progress(read_schedule(path=file, mapping=mapping, raw=raw), raw, file.stat().st_size),
            now=now,
            dry_run=dry_run,
        )
    if report.bad_rows and not report.good_rows:
        first = report.bad_rows[0]
        raise ScheduleUnusable(
            f"No row of {file.name} can be used ({len(report.bad_rows)} are bad). Line {first.line}: {first.reason}"
        )
    return report


def _created(db_session: Session, mapping: ScheduleMapping, now: datetime, dry_run: bool) -> Studio:
    studio = new_studio(mapping=mapping, now=now)
    if not dry_run:
        db_session.add(studio)
    return studio


def _with_progress(
    rows: Iterator[ScheduledSession | BadRow], raw: BinaryIO, size: int
) -> Iterator[ScheduledSession | BadRow]:
    """Pass the rows on, and show how far into the file they are; on standard error, and only to a person."""
    with click.progressbar(length=size, label="Importing", file=sys.stderr) as bar:
        for count, row in enumerate(rows, start=1):
            if count % _PROGRESS_EVERY == 0:
                bar.update(max(0, raw.tell() - bar.pos))
            yield row
        bar.update(max(0, size - bar.pos))


def _tell(report: ImportReport, mapping: ScheduleMapping, created_studio: bool, dry_run: bool) -> None:
    for bad in report.bad_rows:
        click.echo(f"Line {bad.line}: {bad.reason}")
    for conflict in report.conflicts:
        click.echo(f"Line {conflict.line}: left as it is, {conflict.external_ref}. {conflict.reason}")
    for gone in report.vanished:
        local = gone.starts_at.astimezone(mapping.zone)
        click.echo(
            f"No longer in the file: {gone.external_ref}, {local:%Y-%m-%d %H:%M}, seats taken: {gone.seats_taken}"
        )
    if created_studio:
        click.echo(f"Studio {mapping.studio!r} {'would be' if dry_run else 'was'} created; its rollout is OFF.")
    for name, count in (
        ("Sessions created", report.created),
        ("Sessions updated", report.updated),
        ("Sessions unchanged", report.unchanged),
        ("Classes created", report.classes_created),
        ("Classes updated", report.classes_updated),
        ("Conflicts, left as they are", len(report.conflicts)),
        ("No longer in the file", len(report.vanished)),
        ("Bad rows, left out", len(report.bad_rows)),
    ):
        click.echo(f"{name:<28}{count:>8}")
    if dry_run:
        click.echo("Dry run: nothing was written.")
