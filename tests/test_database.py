"""Transactions of the extension on the portal's database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.orm import Session

from studio_reservations.database import reading, run_in_transaction, transaction
from studio_reservations.errors import NotFound, TryAgain
from studio_reservations.models import Studio
from studio_reservations.models.connection import connection
from tests import host
from tests.host import db
from tests.processes import run_at_once

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def new_studio(slug: str = "yoga") -> Studio:
    return Studio(slug=slug, name="Yoga", timezone="America/Toronto", created_at=datetime(2026, 3, 4, tzinfo=UTC))


def refuse(session: Session) -> None:
    session.scalars(select(Studio)).all()
    raise NotFound


def slugs(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Studio.slug)))


@pytest.fixture
def endings(app: Flask) -> list[str]:
    """Return the list that fills with how the engine's transactions end."""
    seen: list[str] = []
    with app.app_context():
        event.listen(db.engine, "commit", lambda _: seen.append("commit"))
        event.listen(db.engine, "rollback", lambda _: seen.append("rollback"))
    return seen


def test_what_was_written_is_committed(app):
    def work(session: Session) -> str:
        session.add(new_studio())
        return "done"

    with app.app_context():
        answer = run_in_transaction(work)

    assert answer == "done"
    assert slugs(app) == ["yoga"]


def test_an_error_leaves_nothing_behind(app):
    def work(session: Session) -> None:
        session.add(new_studio())
        session.flush()
        raise ZeroDivisionError

    with app.app_context(), pytest.raises(ZeroDivisionError):
        run_in_transaction(work)

    assert slugs(app) == []


@pytest.mark.parametrize("flush", [True, False])
def test_a_refusal_after_a_write_leaves_nothing_behind(app, endings, flush):
    def work(session: Session) -> None:
        session.add(new_studio())
        if flush:
            session.flush()
        raise NotFound

    with app.app_context(), pytest.raises(NotFound):
        run_in_transaction(work)

    assert endings == ["rollback"]
    assert slugs(app) == []


def test_a_refusal_after_a_core_write_leaves_nothing_behind(app, endings):
    def work(session: Session) -> None:
        connection(session).execute(text("WITH named AS (SELECT 1) DELETE FROM studio_studio"))
        raise NotFound

    with app.app_context(), pytest.raises(NotFound):
        run_in_transaction(work)

    assert endings == ["rollback"]


def test_a_refusal_before_any_write_ends_with_a_commit(app, endings):
    with app.app_context(), pytest.raises(NotFound):
        run_in_transaction(refuse)

    assert endings == ["commit"]


def test_a_write_of_an_earlier_transaction_is_forgotten(app, endings):
    with app.app_context():
        run_in_transaction(lambda session: session.add(new_studio()))
        with pytest.raises(NotFound):
            run_in_transaction(refuse)

    assert endings == ["commit", "commit"]


def test_reading_ends_with_a_commit(app, endings):
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(Studio)) == 0

    assert endings == ["commit"]


def test_what_the_portal_read_before_is_ended_with_a_commit(app, endings):
    with app.app_context():
        db.session.scalars(select(host.User)).all()
        run_in_transaction(lambda session: session.add(new_studio()))

    assert endings == ["commit", "commit"]
    assert slugs(app) == ["yoga"]


def test_a_transaction_inside_another_is_refused(app):
    with app.app_context():
        with transaction(), pytest.raises(RuntimeError, match="already open"), reading():
            pass
        with transaction():
            pass  # the first one is over


@on_postgresql
def test_a_deadlock_is_run_again_three_times(app):
    runs = []

    def work(session: Session) -> int:
        runs.append(session)
        session.add(new_studio())
        session.flush()
        if len(runs) <= 3:
            session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'told to' USING ERRCODE = 'deadlock_detected'; END $$"))
        return len(runs)

    with app.app_context():
        assert run_in_transaction(work) == 4

    assert slugs(app) == ["yoga"]


@on_postgresql
@pytest.mark.parametrize("condition", ["deadlock_detected", "serialization_failure"])
def test_a_deadlock_that_does_not_go_away_is_try_again(app, condition):
    runs = []

    def work(session: Session) -> None:
        runs.append(session)
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'told to' USING ERRCODE = '{condition}'; END $$"))

    with app.app_context(), pytest.raises(TryAgain):
        run_in_transaction(work)

    assert len(runs) == 4


def test_what_asks_to_be_tried_again_is(app):
    runs = []

    def work(session: Session) -> int:
        runs.append(session)
        session.add(new_studio())
        session.flush()
        if len(runs) <= 3:
            raise TryAgain
        return len(runs)

    with app.app_context():
        assert run_in_transaction(work) == 4

    assert slugs(app) == ["yoga"]


@on_postgresql
def test_a_broken_statement_is_not_run_again(app):
    runs = []

    def work(session: Session) -> None:
        runs.append(session)
        session.execute(text("SELECT nothing FROM nowhere"))

    with app.app_context(), pytest.raises(Exception, match="nowhere"):
        run_in_transaction(work)

    assert len(runs) == 1


@on_sqlite
def test_a_database_that_stays_locked_is_try_again(app, database_url):
    path = database_url.removeprefix("sqlite:///")
    with app.app_context():
        with reading() as session:
            session.execute(text("PRAGMA busy_timeout = 1"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(TryAgain):
                run_in_transaction(lambda session: session.add(new_studio()))
            other.execute("ROLLBACK")
        run_in_transaction(lambda session: session.add(new_studio()))

    assert slugs(app) == ["yoga"]


@on_sqlite
def test_the_write_lock_is_held_from_the_start(app, database_url):
    path = database_url.removeprefix("sqlite:///")
    with app.app_context(), closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        db.session.scalars(select(host.User)).all()  # the portal has read its user
        with transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with reading() as session:
            session.scalars(select(Studio)).all()
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")


@on_sqlite
def test_sqlite_enforces_foreign_keys_and_keeps_a_log(app):
    with app.app_context(), reading() as session:
        pragmas = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("foreign_keys", "journal_mode", "busy_timeout", "synchronous")
        }

    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 30_000, "synchronous": 1}


@on_sqlite
@pytest.mark.parametrize(
    "connect_args",
    [{}, {"isolation_level": "EXCLUSIVE"}, {"isolation_level": None}],
    ids=["plain", "exclusive", "none"],
)
def test_the_portals_own_transactions_begin_as_its_driver_does(database_url, clock, connect_args):
    engine_options = {"connect_args": connect_args}
    app = host.create_app(database_url, clock=clock, config={"SQLALCHEMY_ENGINE_OPTIONS": engine_options})

    def manners() -> Any:
        with db.engine.connect() as one:
            driver: Any = one.connection.driver_connection
            return driver.isolation_level

    with app.app_context():
        before = manners()
        run_in_transaction(lambda session: session.add(new_studio()))
        assert manners() == before
        with pytest.raises(ZeroDivisionError), transaction():
            raise ZeroDivisionError
        assert manners() == before
    host.dispose_engines(app)


@on_sqlite
def test_the_portals_own_begin_listener_is_no_hindrance(database_url, clock):
    app = host.create_app(database_url, clock=clock)
    with app.app_context():
        db.engine.dispose()
        engine = create_engine(database_url, connect_args={"isolation_level": None})
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN"))
        _put_engine(app, engine)

        run_in_transaction(lambda session: session.add(new_studio()))
        db.session.add(host.User(email="a@example.com", name="A"))
        db.session.rollback()
        assert db.session.scalars(select(host.User)).all() == []

    assert slugs(app) == ["yoga"]
    host.dispose_engines(app)


def _put_engine(app: Flask, engine: Any) -> None:
    """Give the portal another engine, prepared as `init_app` prepares one."""
    from studio_reservations.database import prepare_engine

    db.engines[None] = engine  # type: ignore[index]
    prepare_engine(engine)
    prepare_engine(engine)


@on_postgresql
def test_postgresql_runs_at_read_committed_whatever_the_portal_does(database_url, clock):
    config = {"SQLALCHEMY_ENGINE_OPTIONS": {"isolation_level": "REPEATABLE READ"}}
    app = host.create_app(database_url, clock=clock, config=config)
    show = text("SHOW transaction_isolation")

    with app.app_context():
        with transaction() as session:
            ours = session.scalar(show)
        portals = db.session.scalar(show)
        db.session.commit()
        with reading() as session:
            ours_again = session.scalar(show)

    assert (ours, portals, ours_again) == ("read committed", "repeatable read", "read committed")
    host.dispose_engines(app)


COUNTER = """
from sqlalchemy import text
from studio_reservations.database import run_in_transaction
from studio_reservations.models.connection import connection
from tests.host import Clock, create_app, db
app = create_app(sys.argv[1], clock=Clock())
TAKE = text("UPDATE counter SET taken = taken + 1 WHERE taken < 300")
def take(session):
    connection(session).execute(text("SELECT taken FROM counter")).scalar_one()
    return connection(session).execute(TAKE).rowcount
"""

TAKE_SEATS = """
taken = 0
for _ in range(60):
    with app.app_context():
        db.session.execute(text('SELECT 1 FROM "user"')).all()
        taken += run_in_transaction(take)
print(taken)
"""


@pytest.mark.concurrency
def test_eight_processes_take_exactly_what_there_is(database_url):
    engine = create_engine(database_url)
    with engine.begin() as setup:
        setup.execute(text("CREATE TABLE counter (taken INTEGER NOT NULL)"))
        setup.execute(text("INSERT INTO counter VALUES (0)"))

    printed = run_at_once(8, prepare=COUNTER, act=TAKE_SEATS, arguments=(database_url,))

    with engine.connect() as after:
        assert after.execute(text("SELECT taken FROM counter")).scalar_one() == 300
    assert sum(int(output) for output in printed) == 300
    engine.dispose()
