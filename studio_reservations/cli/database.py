"""``flask studio db …``: the studio tables' own migration history, beside the portal's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

import click
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask.cli import AppGroup
from sqlalchemy import Column, Connection, text

from studio_reservations.database import BEGIN_OPTION
from studio_reservations.models import Base
from studio_reservations.state import current_state

VERSION_TABLE = "studio_reservations_version"
ADVISORY_LOCK = 7_346_108_213_057
"""Any number, as long as it is nobody else's in this database."""

db_commands = AppGroup("db", help="Create and upgrade the studio tables.")


@db_commands.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the studio tables to REVISION (default: the newest)."""
    with _migration() as config:
        command.upgrade(config, revision)
    _say_where_we_are()


@db_commands.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the studio tables back to REVISION; "base" removes them and all they hold."""
    with _migration() as config:
        command.downgrade(config, revision)
    _say_where_we_are()


@db_commands.command()
def current() -> None:
    """Say which revision the studio tables are at."""
    _say_where_we_are()


@db_commands.command()
def check() -> None:
    """Fail where the studio tables are not those of this release."""
    with _engine().connect() as connection:
        _refuse_old_tables(connection)
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours, "compare_type": True})
        with _expression_indexes_unseen():
            differences = [*compare_metadata(context, Base.metadata), *_missing_expression_indexes(connection)]
    if differences:
        listed = "\n".join(f"  {one}" for one in differences)
        raise click.ClickException(f"The studio tables are not as this release made them:\n{listed}")
    click.echo("The studio tables are those of this release.")


@db_commands.command()
@click.option("--message", "-m", required=True)
def revision(message: str) -> None:
    """Write the next migration, for those who develop studio-reservations."""
    with _migration() as config:
        command.revision(config, message, autogenerate=True, rev_id=f"{len(list(_scripts().walk_revisions())) + 1:04}")


def migrations_folder() -> Path:
    """Return the folder of the migrations: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


@contextmanager
def _migration() -> Iterator[Config]:
    """Yield Alembic's configuration with a connection that holds the only lock on migrating."""
    engine = _engine()
    sqlite = engine.dialect.name == "sqlite"
    options = {BEGIN_OPTION: "IMMEDIATE"} if sqlite else {"isolation_level": "READ COMMITTED"}
    with engine.connect().execution_options(**options) as connection:
        driver: Any = connection.connection.driver_connection
        if sqlite:
            # A table is changed by dropping and renaming, and the switch does nothing inside a transaction.
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                with _expression_indexes_unseen():
                    yield _config(connection)
                if sqlite:
                    _check_foreign_keys(connection)
        except CommandError as error:
            raise click.ClickException(str(error)) from error
        finally:
            if sqlite:
                driver.execute("PRAGMA foreign_keys=ON")


@contextmanager
def _expression_indexes_unseen() -> Iterator[None]:
    """Do not warn that SQLite cannot tell about indexes on expressions; a test compares them by their text."""
    with catch_warnings():
        filterwarnings("ignore", "autogenerate skipping metadata-specified expression-based index")
        filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
        yield


def _missing_expression_indexes(connection: Connection) -> list[str]:
    """Return what Alembic cannot see on SQLite."""
    if connection.dialect.name != "sqlite":
        return []
    found = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index'")))
    return [
        f"missing index {index.name} on {table.name}"
        for table in Base.metadata.sorted_tables
        for index in table.indexes
        if index.name not in found and not all(isinstance(one, Column) for one in index.expressions)
    ]


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection, "metadata": Base.metadata, "version_table": VERSION_TABLE})
    # The path is a value of an ini file, where % begins a reference.
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def _engine() -> Any:
    state = current_state()
    return state.db.engines[state.settings.bind_key]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _is_ours(name: str | None, kind: str, _: Any) -> bool:
    return kind != "table" or name in Base.metadata.tables


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _refuse_old_tables(connection: Connection) -> None:
    found, newest = _revision(connection), _scripts().get_current_head()
    if found != newest:
        raise click.ClickException(
            f"The studio tables are at {found or 'no revision'}, this release needs {newest}: run flask studio db upgrade."
        )


def _say_where_we_are() -> None:
    with _engine().connect() as connection:
        found = _revision(connection)
    newest = _scripts().get_current_head()
    click.echo(f"Studio tables: {found or 'none'}{' (newest)' if found == newest else ''}")


def _check_foreign_keys(connection: Connection) -> None:
    broken = [row for row in connection.execute(text("PRAGMA foreign_key_check")) if _is_ours(row[0], "table", None)]
    if broken:
        table, row, parent, _ = broken[0]
        raise click.ClickException(
            f"Nothing was changed: {len(broken)} rows refer to nothing, the first in {table} (rowid {row}) to {parent}."
        )
