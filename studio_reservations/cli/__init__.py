"""``flask studio …``: what an operator does from a shell."""

from __future__ import annotations

from flask import Flask
from flask.cli import AppGroup

from studio_reservations.cli.access import create_studio_command, customers, rollout_command, staff, tokens
from studio_reservations.cli.database import db_commands
from studio_reservations.cli.schedules import import_schedule_command


def register(app: Flask) -> None:
    """Add the ``studio`` commands to ``app``."""
    group = AppGroup("studio", help="Reservations for a studio: tables, staff, tokens, schedules.")
    for command in (
        db_commands,
        create_studio_command,
        rollout_command,
        staff,
        customers,
        tokens,
        import_schedule_command,
    ):
        group.add_command(command)
    app.cli.add_command(group)
