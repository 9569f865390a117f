"""The one way in which the edges open transactions on the portal's database.

On SQLite a transaction of ours takes the write lock at its start, so that nobody oversells and nobody meets "database is
locked"; on PostgreSQL it runs at READ COMMITTED, whatever the portal's engine does. The portal's own transactions keep the
manners of its own engine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from studio_reservations.errors import StudioError, TryAgain
from studio_reservations.models import SessionReservation
from studio_reservations.models.connection import connection
from studio_reservations.services.books import OWN_TRANSACTION
from studio_reservations.state import current_state

RETRIES = 3
RETRIED_SQLSTATES = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
RETRIED_SQLITE_CODES = frozenset({5, 6})  # SQLITE_BUSY, SQLITE_LOCKED
BEGIN_OPTION = "studio_begin"
T = TypeVar("T")


def run_in_transaction(work: Callable[[Session], T]) -> T:
    """Return what ``work`` returns, once its transaction is committed.

    A deadlock, a serialisation failure or `TryAgain` runs ``work`` again, three times at the most: it must do nothing that a
    rollback does not undo, and make its answer inside, before the commit. Source: rules.md §3, Concurrency.

    :raises TryAgain: where it failed each time.
    """
    for attempt in range(RETRIES + 1):
        try:
            with transaction() as session:
                return work(session)
        except TryAgain:
            if attempt == RETRIES:
                raise
        except DBAPIError as error:
            if not is_transient(error):
                raise
            if attempt == RETRIES:
                raise TryAgain() from error
    raise AssertionError("unreachable")


@contextmanager
def transaction() -> Iterator[Session]:
    """Yield the portal's session in a write transaction and commit it; an exception rolls back.

    A refusal before the first write ends with a commit as well, for a rollback makes psycopg forget its prepared
    statements. `run_in_transaction` does the same and retries.
    """
    with _opened("IMMEDIATE") as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """Yield the portal's session in a transaction that only reads; it ends with a commit, whatever the answer is."""
    with _opened("DEFERRED") as session:
        yield session


@contextmanager
def _opened(begin: str) -> Iterator[Session]:
    session = current_state().db.session()
    if session.info.get(OWN_TRANSACTION):
        raise RuntimeError("A transaction is already open here: pass its session on instead of opening another.")
    if session.in_transaction():
        # The portal has read its user; from here on the transaction is of our kind.
        (session.commit if session.is_active else session.rollback)()
    session.info[OWN_TRANSACTION] = True
    try:
        ours = connection(session, **_options(session, begin))
        ours.info.pop("studio_wrote", None)
        try:
            yield session
        except StudioError:
            if _has_written(session, ours):
                session.rollback()
            else:
                session.commit()
            raise
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(OWN_TRANSACTION, None)


def _options(session: Session, begin: str) -> dict[str, Any]:
    options: dict[str, Any] = {BEGIN_OPTION: begin}
    if session.get_bind(SessionReservation).dialect.name == "postgresql":
        options["isolation_level"] = "READ COMMITTED"
    return options


def _has_written(session: Session, ours: Connection) -> bool:
    unflushed = session.new or session.dirty or session.deleted
    return bool(unflushed) or ours.closed or ours.info.get("studio_wrote", False)


def is_transient(error: DBAPIError) -> bool:
    """Say whether the same transaction may succeed when it is run again."""
    sqlite_code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & 0xFF in RETRIED_SQLITE_CODES  # the low byte: BUSY_SNAPSHOT is a kind of BUSY
    return getattr(error.orig, "sqlstate", None) in RETRIED_SQLSTATES


def prepare_engine(engine: Engine) -> None:
    """Make ``engine`` serve our transactions; done twice, it is done once.

    On SQLite each connection gets WAL, enforced foreign keys and a wait of 30 s for the lock; that holds for the portal's
    own statements on it too. Its transactions otherwise stay as its driver begins them.
    """
    if event.contains(engine, "before_cursor_execute", _note_write):
        return
    event.listen(engine, "before_cursor_execute", _note_write)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "checkout", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "checkin", _give_back_sqlite)


def _note_write(conn: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
    if statement[:6].upper() != "SELECT":
        conn.info["studio_wrote"] = True


def _prepare_sqlite(_dbapi_connection: Any, record: Any, _proxy: Any) -> None:
    # At checkout rather than on connect: the portal may have opened connections before the extension came.
    if "studio_prepared" in record.info:
        return
    record.info["studio_prepared"] = True
    driver = record.driver_connection
    driver.execute("PRAGMA busy_timeout=30000")
    with suppress(sqlite3.OperationalError):  # another process is switching it at this instant; it stays switched
        driver.execute("PRAGMA journal_mode=WAL")
    driver.execute("PRAGMA synchronous=NORMAL")
    driver.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(conn: Connection) -> None:
    begin = conn.get_execution_options().get(BEGIN_OPTION)
    if begin is None:
        return
    driver: Any = conn.connection.driver_connection
    manners = {name: getattr(driver, name) for name in ("isolation_level", "autocommit") if hasattr(driver, name)}
    conn.info.setdefault("studio_manners", manners)
    if "autocommit" in manners:
        driver.autocommit = -1  # sqlite3.LEGACY_TRANSACTION_CONTROL, from Python 3.12
    driver.isolation_level = None
    if driver.in_transaction:  # opened by a listener of the portal's, or by its driver's autocommit=False
        driver.execute("ROLLBACK")
    conn.exec_driver_sql(f"BEGIN {begin}")


def _give_back_sqlite(dbapi_connection: Any, record: Any) -> None:
    if dbapi_connection is None:
        return
    for name, value in record.info.pop("studio_manners", {}).items():
        setattr(record.driver_connection, name, value)
