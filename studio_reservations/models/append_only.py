"""The triggers that keep the books: history and ledger are never changed, but for erasure.

PostgreSQL refuses DELETE, TRUNCATE and every UPDATE but one that only nulls ``reason`` and ``metadata``; SQLite the same and
REPLACE, as it has no TRUNCATE. Migrations and ``create_all`` make the same triggers. Source: rules.md §1.
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

from studio_reservations.models.history import ReservationHistory
from studio_reservations.models.registrations import PunchLedgerEntry

APPEND_ONLY: tuple[Table, ...] = (ReservationHistory.__table__, PunchLedgerEntry.__table__)  # type: ignore[assignment]
ERASABLE = ("reason", "metadata")
FUNCTION = "studio_refuse_change"


def create_statements(table: Table, dialect: str) -> list[str]:
    """Return the DDL that makes ``table`` append-only."""
    kept = [column.name for column in table.columns if column.name not in ERASABLE]
    if dialect == "postgresql":
        changed = " OR ".join(
            [f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in kept]
            + [f"NEW.{name} IS NOT NULL AND NEW.{name}::text IS DISTINCT FROM OLD.{name}::text" for name in ERASABLE]
        )
        return [
            f"""CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
            END $$""",
            f"""CREATE TRIGGER {table.name}_no_update BEFORE UPDATE ON {table.name} FOR EACH ROW
            WHEN ({changed}) EXECUTE FUNCTION {FUNCTION}()""",
            f"CREATE TRIGGER {table.name}_no_delete BEFORE DELETE ON {table.name} FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()",
            f"CREATE TRIGGER {table.name}_no_truncate BEFORE TRUNCATE ON {table.name} EXECUTE FUNCTION {FUNCTION}()",
        ]
    changed = " OR ".join(
        [f"NEW.{name} IS NOT OLD.{name}" for name in ("rowid", *kept)]
        + [f"(NEW.{name} IS NOT NULL AND NEW.{name} IS NOT OLD.{name})" for name in ERASABLE]
    )
    there = f"EXISTS (SELECT 1 FROM {table.name} WHERE id = NEW.id OR rowid = NEW.rowid)"  # noqa: S608 - a table of ours
    refuse = f"SELECT RAISE(ABORT, '{table.name} is append-only')"
    return [
        f"CREATE TRIGGER {table.name}_no_update BEFORE UPDATE ON {table.name} FOR EACH ROW WHEN {changed} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table.name}_no_delete BEFORE DELETE ON {table.name} FOR EACH ROW BEGIN {refuse}; END",
        # INSERT OR REPLACE takes away the row that is in its way without asking the trigger of DELETE.
        f"CREATE TRIGGER {table.name}_no_replace BEFORE INSERT ON {table.name} FOR EACH ROW WHEN {there} BEGIN {refuse}; END",
    ]


def drop_statements(table: Table, dialect: str) -> list[str]:
    """Return the DDL that lets ``table`` be changed again, as a migration of it needs."""
    if dialect == "postgresql":
        return [
            f"DROP TRIGGER IF EXISTS {table.name}_{name} ON {table.name}"
            for name in ("no_update", "no_delete", "no_truncate")
        ]
    return [f"DROP TRIGGER IF EXISTS {table.name}_{name}" for name in ("no_update", "no_delete", "no_replace")]


def _install() -> None:
    for table in APPEND_ONLY:
        for dialect in ("postgresql", "sqlite"):
            for statement in create_statements(table, dialect):
                ddl = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
                event.listen(table, "after_create", ddl)


_install()
