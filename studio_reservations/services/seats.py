"""Taking a seat: the one guarded write that makes overselling impossible.

Source: rules.md §3, Concurrency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Executable, Table, bindparam, cast, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from studio_reservations.errors import AlreadyReserved, ReservationRefused, SessionFull, StepAlreadyReserved
from studio_reservations.models import ClassSession

Rows = Sequence[tuple[Table, Mapping[str, Any]]]

_SESSION: Table = ClassSession.__table__  # type: ignore[assignment]
TAKE_SEAT = (
    update(_SESSION)
    .where(
        _SESSION.c.id == bindparam("guarded_session"),
        _SESSION.c.status == "SCHEDULED",
        _SESSION.c.starts_at == bindparam("seen_starts_at"),
        _SESSION.c.seats_taken < _SESSION.c.capacity,
    )
    .values(seats_taken=_SESSION.c.seats_taken + 1)
)
_REFUSALS: Mapping[str, type[ReservationRefused]] = {
    "uq_studio_session_reservation_live_customer": AlreadyReserved,
    "uq_studio_session_reservation_live_step": StepAlreadyReserved,
    "ck_studio_class_session_seats_taken_within_capacity": SessionFull,
    # SQLite names the columns of a unique index.
    "studio_session_reservation.customer_id, studio_session_reservation.session_id": AlreadyReserved,
    "studio_session_reservation.registration_id, studio_session_reservation.exclusive_step_id": StepAlreadyReserved,
}


def write_with_seat(database: Connection, *, session_id: UUID, seen_starts_at: datetime, rows: Rows) -> bool:
    """Take a seat and insert ``rows`` in order, or do neither; tell which.

    The seat is taken only while the session is scheduled, starts when it was seen to, and has one. On PostgreSQL it is a
    single statement: the inserts draw from the row that the guard let through.
    """
    guard = {"guarded_session": session_id, "seen_starts_at": seen_starts_at}
    if database.dialect.name == "postgresql":
        shape = tuple((table, tuple(values)) for table, values in rows)
        flat = {_bound(row, name): value for row, (_, values) in enumerate(rows) for name, value in values.items()}
        return bool(database.execute(_one_statement(shape), guard | flat).scalar_one())
    if database.execute(TAKE_SEAT, guard).rowcount != 1:
        return False
    for table, values in rows:
        database.execute(insert(table), _by_column(table, values))
    return True


@cache
def _one_statement(shape: tuple[tuple[Table, tuple[str, ...]], ...]) -> Executable:
    seat = TAKE_SEAT.returning(_SESSION.c.id).cte("seat")
    statement = select(func.count()).select_from(seat)
    for row, (table, names) in enumerate(shape):
        columns = [_column(table, name) for name in names]
        # A cast each: in a SELECT nothing else tells the server the type of a parameter.
        drawn = select(
            *(
                cast(bindparam(_bound(row, name), type_=column.type), column.type)
                for name, column in zip(names, columns, strict=True)
            )
        ).select_from(seat)
        statement = statement.add_cte(
            insert(table).from_select(columns, drawn, include_defaults=False).cte(table.name + "_row")
        )
    return statement


def _bound(row: int, name: str) -> str:
    # Short, for psycopg parses a statement of more than 4,096 characters anew each time.
    return f"{name}_{row}"


def _column(table: Table, name: str) -> Any:
    """Return the column of an attribute; ``details`` is called ``metadata`` in the tables."""
    return table.c[name if name in table.c else "metadata"]


def _by_column(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {_column(table, name).name: value for name, value in values.items()}


@contextmanager
def violations_as_refusals() -> Iterator[None]:
    """Turn the violation of a constraint that stands for a rule into its refusal."""
    try:
        yield
    except IntegrityError as error:
        text = str(error.orig)
        refusal = next((refusal for name, refusal in _REFUSALS.items() if name in text), None)
        if refusal is None:
            raise
        raise refusal() from error
