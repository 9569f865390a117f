"""A portal with migrations of its own: neither history touches the other's tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from studio_reservations.cli.database import VERSION_TABLE
from studio_reservations.models import Base
from tests.processes import REPOSITORY

PORTAL = """
import sys
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column
from studio_reservations import StudioReservations

url, directory, order, commands = sys.argv[1:]
db = SQLAlchemy()

class Note(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]

def wanted(name, kind, parents):
    return kind != "table" or name != "kept_by_hand"

def create_app():
    app = Flask("portal")
    app.config.update(SECRET_KEY="x", SQLALCHEMY_DATABASE_URI=url)
    db.init_app(app)
    if order == "after":
        StudioReservations(db).init_app(app)
        with app.app_context():
            pass  # a factory that looks around
    Migrate(app, db, directory=directory, include_name=wanted)
    if order == "before":
        StudioReservations(db).init_app(app)
    return app

app = create_app()
for command in commands.split(";"):
    result = app.test_cli_runner().invoke(args=command.split())
    print(result.output)
    if result.exit_code:
        raise SystemExit(f"{command}: {result.exception!r}")
"""


class Portal:
    """A portal with Flask-Migrate, installed before or after the extension."""

    def __init__(self, url: str, directory: Path, order: str) -> None:
        self.url = url
        self.directory = directory
        self.order = order

    def flask(self, *commands: str) -> str:
        """Run ``flask …`` commands in a process of their own: Flask-Migrate sets up the logging of the whole process."""
        command = [sys.executable, "-c", PORTAL, self.url, str(self.directory), self.order, ";".join(commands)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tables(self) -> set[str]:
        engine = create_engine(self.url)
        names = set(inspect(engine).get_table_names())
        engine.dispose()
        return names

    def written(self) -> str:
        return "".join(path.read_text() for path in self.directory.glob("versions/*.py"))


STUDIO = {*Base.metadata.tables, VERSION_TABLE}


@pytest.fixture(params=["before", "after"], ids=["migrate-before", "migrate-after"])
def portal(request: pytest.FixtureRequest, empty_url: str, tmp_path: Path) -> Portal:
    return Portal(empty_url, tmp_path / "migrations", request.param)


def test_the_portals_autogenerate_knows_nothing_of_the_studio(portal):
    engine = create_engine(portal.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept_by_hand (id INTEGER)")
    engine.dispose()

    portal.flask("studio db upgrade", "db init", "db migrate -m first", "db upgrade", "db migrate -m second")

    assert len(list(portal.directory.glob("versions/*.py"))) == 1
    assert "create_table('note'" in portal.written()
    assert "studio_" not in portal.written()
    assert "kept_by_hand" not in portal.written()
    assert portal.tables() == {"note", "alembic_version", "kept_by_hand"} | STUDIO


def test_each_history_goes_down_and_up_without_the_other(portal):
    portal.flask("studio db upgrade", "db init", "db migrate -m first", "db upgrade", "studio db downgrade base")
    assert portal.tables() == {"note", "alembic_version", VERSION_TABLE}

    portal.flask("studio db upgrade", "db downgrade base", "studio db check")
    assert portal.tables() == {"alembic_version"} | STUDIO

    assert portal.flask("db upgrade", "db heads").count("(head)") == 1
    assert portal.tables() == {"note", "alembic_version"} | STUDIO
