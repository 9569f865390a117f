"""A portal's database from nothing to the demo's world, by the commands that an operator uses and the product's own services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from config.settings import settings
from config.world.names import MAIN
from config.world.scenes import World
from config.world.schedule import MAPPING, TORONTO, move_excerpt
from studio_reservations.database import transaction
from wsgi import User, create_app, db


def seed(directory: Path, *, environ: Mapping[str, str], now: datetime) -> list[str]:
    """Make the tables, import the schedule and add the people; return a line for each step. Done already, nothing is added."""
    app = create_app(settings(environ))
    try:
        with app.app_context():
            return list(filter(None, _seeded(app, directory, now=now)))
    finally:
        with app.app_context():
            db.engine.dispose()


def _seeded(app: Flask, directory: Path, *, now: datetime) -> Iterator[str]:
    yield _command(app, "create-tables")
    yield _command(app, "studio", "db", "upgrade")
    if db.session.scalar(select(User.id).limit(1)) is not None:
        yield "The demo's people are there already."
        return
    schedule = directory / "toronto_moved.csv"
    weeks = move_excerpt(schedule, now=now)
    opening = ("--name", "Toronto Drop-In", "--timezone", TORONTO.key, "--rollout", "ON")
    yield _command(app, "studio", "create", MAIN, *opening)
    yield f"The schedule's excerpt, moved by {weeks} weeks:"
    yield _command(app, "studio", "import-schedule", str(schedule), "--mapping", str(MAPPING))
    with transaction() as db_session:
        World(db_session, now=now).build()


def _command(app: Flask, *arguments: str) -> str:
    """Run a ``flask`` command in this process, which saves a second each time, and return what it prints."""
    done = app.test_cli_runner().invoke(args=arguments)
    if done.exit_code:
        raise RuntimeError(f"flask {' '.join(arguments)}: {done.output}") from done.exception
    return done.stdout.strip()
