"""``flask studio …``: what an operator does from a shell."""

from __future__ import annotations

from flask import Flask
from flask.cli import AppGroup

from studio_reservations.cli.database import database


def register(app: Flask) -> None:
    """Add the ``studio`` commands to ``app``."""
    group = AppGroup("studio", help="Reservations for a studio: tables, staff, tokens, schedules.")
    group.add_command(database)
    app.cli.add_command(group)
