"""``flask studio …``: what an operator does from a shell."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from studio_reservations.cli.access import create_studio_command, customers, rollout_command, staff, tokens
from studio_reservations.cli.database import db_commands
from studio_reservations.cli.jobs import jobs_command, scheduler_command, worker_command
from studio_reservations.cli.messages import messages
from studio_reservations.cli.pass_types import new_pass_type_command, pass_types_command
from studio_reservations.cli.run_job import run_job_command
from studio_reservations.cli.schedules import import_schedule_command
from studio_reservations.cli.webhooks import webhooks
from studio_reservations.settings import SettingsError


class StudioGroup(AppGroup):
    """Commands that say so where a setting is wrong, or the tables are not there yet, the likeliest first mistakes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. :raises ClickException: where a setting is wrong or a table missing."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            undefined = getattr(error.orig, "sqlstate", None) == "42P01" or "no such table: studio_" in str(error.orig)
            if not undefined:
                raise
            raise click.ClickException(
                "The studio tables are not there, or of an older release: flask studio db upgrade"
            ) from error


def register(app: Flask) -> None:
    """Add the ``studio`` commands to ``app``."""
    group = StudioGroup("studio", help="Reservations for a studio: tables, staff, tokens, schedules, jobs.")
    for command in (
        *(db_commands, create_studio_command, rollout_command, staff, customers, tokens, import_schedule_command),
        *(worker_command, scheduler_command, run_job_command, jobs_command, webhooks, messages),
        *(pass_types_command, new_pass_type_command),
    ):
        group.add_command(command)
    app.cli.add_command(group)
