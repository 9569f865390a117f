"""Many rows in one statement.

On PostgreSQL the rows travel as one JSON document, a single parameter; a statement for each of them, even sent all together,
takes several times as long. SQLite has no round trips to save, and runs one prepared statement for all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Executable,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)

Row = Mapping[str, Any]
"""Values by the names of columns, not of attributes."""


def insert_rows(database: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all name the same columns; none inserts none."""
    if not rows:
        return
    if database.dialect.name == "postgresql":
        names = tuple(rows[0])
        database.execute(_insert(table, names), {"rows": _document(rows)})
    else:
        database.execute(insert(table), rows)


def update_rows(database: Connection, table: Table, rows: Sequence[Row], **same: Any) -> None:
    """Set, by ``id``, what each row says and what is the ``same`` for all of them; none sets none."""
    if not rows:
        return
    names = tuple(rows[0])
    if database.dialect.name == "postgresql":
        database.execute(_update(table, names, tuple(same)), {"rows": _document(rows)} | _prefixed(same))
    else:
        database.execute(_update_one(table, names, tuple(same)), [_prefixed({**row, **same}) for row in rows])


def _document(rows: Sequence[Row]) -> str:
    """Return the rows as JSON; ids, dates and instants are their text, which the types of the columns read."""
    return json.dumps(rows, default=str, separators=(",", ":"))


def _prefixed(values: Row) -> dict[str, Any]:
    """Return the values by names that no column has, for those SQLAlchemy keeps to itself."""
    return {f"one_{name}": value for name, value in values.items()}


def _given(table: Table, names: tuple[str, ...]) -> Any:
    document = cast(bindparam("rows", type_=Text), JSON)
    columns = (column(name, table.c[name].type) for name in names)
    return func.json_to_recordset(document).table_valued(*columns, name="given").render_derived(with_types=True)


@cache
def _insert(table: Table, names: tuple[str, ...]) -> Executable:
    given = _given(table, names)
    return insert(table).from_select(names, select(*(given.c[name] for name in names)), include_defaults=False)


@cache
def _update(table: Table, names: tuple[str, ...], same: tuple[str, ...]) -> Executable:
    given = _given(table, names)
    values = {name: given.c[name] for name in names if name != "id"} | _same(table, same)
    return update(table).where(table.c.id == given.c.id).values(values)


@cache
def _update_one(table: Table, names: tuple[str, ...], same: tuple[str, ...]) -> Executable:
    values = _same(table, (*(name for name in names if name != "id"), *same))
    return update(table).where(table.c.id == bindparam("one_id")).values(values)


def _same(table: Table, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bindparam(f"one_{name}", type_=table.c[name].type) for name in names}
