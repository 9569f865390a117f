"""The studio tables' own Alembic environment; it is run by ``flask studio db …``, which gives it the connection."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

connection: Connection | None = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("These migrations run inside a portal: flask studio db upgrade")
metadata = context.config.attributes["metadata"]


def sqlite_triggers() -> dict[str, tuple[str, str]]:
    """Return the table and the text of every trigger, by name."""
    rows = connection.execute(text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {name: (table, sql) for name, table, sql in rows}


kept = sqlite_triggers() if connection.dialect.name == "sqlite" else {}


def make_triggers_again(**_: Any) -> None:
    """Restore the triggers of tables that a batch has copied, dropped and renamed: the books stay closed."""
    tables = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
    present = sqlite_triggers()
    for name, (table, sql) in kept.items():
        if name not in present and table in tables:
            connection.exec_driver_sql(sql)
    kept.update(present)


def render_item(kind: str, item: Any, _: Any) -> str | bool:
    """Write a column type of ours as the plain type beneath it: a migration outlives the code."""
    if kind == "type" and type(item).__module__.startswith("studio_reservations"):
        return f"sa.{item.impl!r}"
    return False


context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    include_name=lambda name, kind, _: kind != "table" or name in metadata.tables,
    on_version_apply=make_triggers_again if connection.dialect.name == "sqlite" else None,
    render_as_batch=True,
    render_item=render_item,
)
context.run_migrations()
