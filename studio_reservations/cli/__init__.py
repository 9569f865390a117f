"""``flask studio …``: what an operator does from a shell."""

from __future__ import annotations

from flask import Flask
from flask.cli import AppGroup

from studio_reservations.cli.access import create_studio_command, customers, rollout_command, staff, tokens
from studio_reservations.cli.database import db_commands
from studio_reservations.cli.jobs import jobs_command, run_job_command, scheduler_command, worker_command
from studio_reservations.cli.messages import messages
from studio_reservations.cli.schedules import import_schedule_command
from studio_reservations.cli.webhooks import webhooks


def register(app: Flask) -> None:
    """Add the ``studio`` commands to ``app``."""
    group = AppGroup("studio", help="Reservations for a studio: tables, staff, tokens, schedules, jobs.")
    for command in (
        *(db_commands, create_studio_command, rollout_command, staff, customers, tokens, import_schedule_command),
        *(worker_command, scheduler_command, run_job_command, jobs_command, webhooks, messages),
    ):
        group.add_command(command)
    app.cli.add_command(group)
