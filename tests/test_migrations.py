"""The studio tables' own migration history, on both databases."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from studio_reservations.cli import database as commands
from studio_reservations.cli.database import VERSION_TABLE, migrations_folder
from studio_reservations.models import (
    Base,
    ClassRegistration,
    Customer,
    LedgerReason,
    PerformerKind,
    PunchLedgerEntry,
    ReservationHistory,
    Studio,
    SubjectType,
    new_id,
)
from tests import host
from tests.host import Clock
from tests.processes import run_at_once

NOW = datetime(2026, 3, 4, tzinfo=UTC)
BOOKS = ("studio_reservation_history", "studio_punch_ledger_entry")


@pytest.fixture
def portal(empty_url: str, clock: Clock) -> Iterator[Flask]:
    app = host.create_app(empty_url, clock=clock)
    yield app
    host.dispose_engines(app)


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    engine = create_engine(empty_url)
    yield engine
    engine.dispose()


def studio_db(portal: Flask, *words: str) -> str:
    """Run ``flask studio db …`` and return what it prints."""
    result = portal.test_cli_runner().invoke(args=["studio", "db", *words])
    assert result.exit_code == 0, result.output
    return result.output


def refused(portal: Flask, *words: str) -> str:
    result = portal.test_cli_runner().invoke(args=["studio", "db", *words])
    assert result.exit_code == 1, result.output
    return result.output


def catalogue(engine: Engine) -> dict[str, Any]:
    """Return all that the database itself knows about the studio tables, as text that can be compared."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return _sqlite_catalogue(connection)
        return _postgresql_catalogue(connection)


def _sqlite_catalogue(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name <> :it"), {"it": VERSION_TABLE}
    )
    found: dict[str, Any] = {}
    for kind, name, sql in rows:
        lines = [re.sub(r"\s+", " ", line).strip(" ,") for line in (sql or "").splitlines()]
        # Alembic orders a table's columns and constraints in its own way.
        found[f"{kind} {name}"] = sorted(lines) if kind == "table" else " ".join(lines)
    return found


def _postgresql_catalogue(connection: Connection) -> dict[str, Any]:
    queries = {
        "columns": """SELECT table_name, column_name, data_type, is_nullable, column_default
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> :it""",
        "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> :it""",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> :it",
        "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgname <> :it",
        "functions": """SELECT proname, regexp_replace(prosrc, '\\s+', ' ', 'g')
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname <> :it""",
    }
    return {
        name: sorted(tuple(map(str, row)) for row in connection.execute(text(query), {"it": VERSION_TABLE}))
        for name, query in queries.items()
    }


def test_from_empty_equals_the_metadata(portal, engine, new_database):
    made = create_engine(new_database())
    Base.metadata.create_all(made)

    studio_db(portal, "upgrade")

    assert catalogue(engine) == catalogue(made)
    assert len(str(catalogue(made))) > 20_000
    made.dispose()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_alembic_sees_no_difference(portal, engine):
    studio_db(portal, "upgrade")

    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name != VERSION_TABLE,
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_up_down_and_up_again(portal, engine):
    assert studio_db(portal, "current") == "Studio tables: none\n"
    assert studio_db(portal, "upgrade") == "Studio tables: 0001 (newest)\n"
    first = catalogue(engine)

    assert studio_db(portal, "downgrade", "base") == "Studio tables: none\n"
    assert inspect(engine).get_table_names() == [VERSION_TABLE]

    studio_db(portal, "upgrade")
    assert catalogue(engine) == first
    assert studio_db(portal, "check") == "The studio tables are those of this release.\n"


@pytest.mark.parametrize("index", ["ix_studio_class_session_class_id_starts_at", "ix_studio_customer_email_lower"])
def test_check_tells_what_is_wrong(portal, engine, index):
    assert "at no revision, this release needs 0001: run flask studio db upgrade" in refused(portal, "check")
    studio_db(portal, "upgrade")
    with engine.begin() as connection:
        connection.execute(text(f"DROP INDEX {index}"))

    assert index in refused(portal, "check")


def test_a_revision_that_does_not_exist_is_told(portal):
    assert "Can't locate revision identified by '9999'" in refused(portal, "upgrade", "9999")


UPGRADE = """
app = create_app(sys.argv[1], clock=Clock())
result = app.test_cli_runner().invoke(args=["studio", "db", "upgrade"])
print(result.output, end="")
sys.exit(result.exit_code)
"""


@pytest.mark.concurrency
def test_four_upgrades_at_once_all_succeed(empty_url, portal):
    printed = run_at_once(4, prepare="from tests.host import Clock, create_app", act=UPGRADE, arguments=(empty_url,))

    assert printed == ["Studio tables: 0001 (newest)\n"] * 4
    studio_db(portal, "check")


def populate(engine: Engine, *, slug: str = "yoga") -> None:
    """Write a studio, a customer, a pass and a row in each book."""
    with Session(engine) as session:
        studio = Studio(id=new_id(), slug=slug, name="Yoga", timezone="America/Toronto", created_at=NOW)
        customer = Customer(id=new_id(), name="Ana", created_at=NOW)
        session.add_all([studio, customer])
        session.flush()
        registration = ClassRegistration(
            id=new_id(), studio_id=studio.id, customer_id=customer.id, pass_type="punch_pass", issued_at=NOW
        )
        session.add(registration)
        session.flush()
        session.add(
            ReservationHistory(
                studio_id=studio.id,
                action="registration.issued",
                subject_type=SubjectType.REGISTRATION,
                subject_id=registration.id,
                performed_by_kind=PerformerKind.STAFF,
                reason="a gift",
                details={"note": "for her birthday"},
                created_at=NOW,
            )
        )
        session.add(
            PunchLedgerEntry(
                studio_id=studio.id,
                registration_id=registration.id,
                entry_type=LedgerReason.ISSUED,
                delta=5,
                balance=5,
                reason="a gift",
                details={"note": "for her birthday"},
                created_at=NOW,
            )
        )
        session.commit()


@pytest.mark.parametrize("table", BOOKS)
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM {table}",
        "UPDATE {table} SET created_at = '2001-01-01 00:00:00'",
        "UPDATE {table} SET performed_by = 'somebody else'",
        "UPDATE {table} SET reason = 'another'",
        "UPDATE {table} SET metadata = '{{}}'",
        "UPDATE {table} SET reason = NULL, performed_by = 'somebody else'",
        "TRUNCATE {table} CASCADE",
    ],
)
def test_the_books_refuse_to_be_changed(portal, engine, table, change):
    studio_db(portal, "upgrade")
    populate(engine)
    if change.startswith("TRUNCATE") and engine.dialect.name == "sqlite":
        change = "DELETE FROM {table} WHERE 1"  # what SQLite has in its place
    with engine.connect() as connection:
        before = connection.execute(text(f"SELECT * FROM {table}")).all()

    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table=table))

    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT * FROM {table}")).all() == before


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", BOOKS)
@pytest.mark.parametrize(
    "change",
    [
        "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "REPLACE INTO {table} SELECT * FROM {table}",
        "INSERT OR REPLACE INTO {table} (rowid, {columns}) SELECT rowid, {others} FROM {table}",
        "UPDATE OR REPLACE {table} SET rowid = (SELECT max(rowid) FROM {table})",
    ],
)
def test_the_books_refuse_to_be_replaced(portal, engine, table, change):
    studio_db(portal, "upgrade")
    populate(engine)
    populate(engine, slug="pottery")
    columns = [column["name"] for column in inspect(engine).get_columns(table)]
    others = ", ".join(columns).replace("id", "lower(hex(randomblob(16)))", 1)
    with engine.connect() as connection:
        before = connection.execute(text(f"SELECT rowid, * FROM {table}")).all()

    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table=table, columns=", ".join(columns), others=others))

    assert columns[0] == "id"
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT rowid, * FROM {table}")).all() == before


@pytest.mark.parametrize("table", BOOKS)
def test_erasure_may_null_reason_and_metadata(portal, engine, table):
    studio_db(portal, "upgrade")
    populate(engine)

    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET reason = NULL, metadata = NULL"))

    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT reason, metadata FROM {table}")).all() == [(None, None)]


LATER = '''"""The ledger is copied to change it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("studio_punch_ledger_entry", "studio_studio"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("colour", sa.String(), nullable=True))
            batch.alter_column("created_at", nullable=True)


def downgrade() -> None:
    for table in ("studio_punch_ledger_entry", "studio_studio"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("colour")
            batch.alter_column("created_at", nullable=False)
'''


@pytest.fixture
def later_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a further migration after the newest one, and return its number."""
    folder = tmp_path / "100% migrations"
    shutil.copytree(migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max(path.name[:4] for path in (folder / "versions").glob("*.py"))
    number = f"{int(newest) + 1:04}"
    (folder / "versions" / f"{number}_later.py").write_text(LATER.format(number=number, before=newest))
    monkeypatch.setattr(commands, "migrations_folder", lambda: folder)
    return number


def test_a_populated_database_keeps_rows_and_triggers(portal, engine, later_release):
    studio_db(portal, "upgrade", "0001")
    populate(engine)
    first = catalogue(engine)

    assert studio_db(portal, "upgrade") == f"Studio tables: {later_release} (newest)\n"
    _assert_the_ledger_is_closed(engine)
    studio_db(portal, "downgrade", "0001")

    _assert_the_ledger_is_closed(engine)
    assert {name for name in catalogue(engine) if "trigger" in name} == {name for name in first if "trigger" in name}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT slug FROM studio_studio")).scalars().all() == ["yoga"]


def _assert_the_ledger_is_closed(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SELECT delta FROM studio_punch_ledger_entry")).scalars().all() == [5]
    for change in ("DELETE FROM studio_punch_ledger_entry", "UPDATE studio_punch_ledger_entry SET delta = 50"):
        with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
            connection.execute(text(change))


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_a_reference_to_nothing_stops_a_migration(portal, engine, empty_url, later_release):
    studio_db(portal, "upgrade", "0001")
    populate(engine)
    with closing(sqlite3.connect(empty_url.removeprefix("sqlite:///"), isolation_level=None)) as careless:
        careless.execute("DELETE FROM studio_customer")

    said = refused(portal, "upgrade")

    assert "Nothing was changed: 1 rows refer to nothing" in said
    assert "studio_class_registration" in said
    assert studio_db(portal, "current") == "Studio tables: 0001\n"


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_the_portals_connections_enforce_foreign_keys_after_a_migration(portal):
    studio_db(portal, "upgrade")

    with portal.app_context(), host.db.engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_developer_writes_the_next_migration(portal, later_release):
    studio_db(portal, "upgrade")

    studio_db(portal, "revision", "-m", "As before")

    (written,) = commands.migrations_folder().glob("versions/*_as_before.py")
    assert written.name.startswith(f"{int(later_release) + 1:04}_")
    assert "batch_op.drop_column('colour')" in written.read_text()
