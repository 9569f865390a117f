"""Fixtures: a fresh database for each test, on SQLite and on PostgreSQL, and a portal on it."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine
from werkzeug.routing import Rule

from studio_reservations.database import BEGIN_OPTION, prepare_engine
from studio_reservations.models import Base
from tests import host
from tests.host import Clock
from tests.servers import Postgres, postgres_server, valkey_server

POSTGRES = pytest.StashKey[Postgres]()
LONG = {"test_demo.py", "test_processes.py", "test_whole_night.py", "test_database.py", "test_door_walk.py"}


def pytest_configure() -> None:
    """Compile what makes a route's address once a process: the tests make thousands of apps of the same routes."""
    compiled: dict[Any, Any] = {}
    compile_builder: Any = Rule._compile_builder

    def compiled_once(rule: Any, append_unknown: bool = True) -> Any:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = compiled_once  # type: ignore[assignment]


def pytest_sessionstart() -> None:
    """Look for garbage less often: what the tests have imported by now stays, and a seventh of their time was spent on it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 25, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that take longest, lest one worker wait for another in the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the workers of pytest-xdist one PostgreSQL between them, held by the process that outlives them."""
    node.workerinput["postgres_url"] = _postgres_of(node.config).url


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Postgres:
    """Return the PostgreSQL server of this run."""
    workerinput = getattr(pytestconfig, "workerinput", None)
    return Postgres(workerinput["postgres_url"]) if workerinput else _postgres_of(pytestconfig)


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> Iterator[str]:
    """Return the URL of a PostgreSQL database that holds all tables and no rows."""
    url = postgres.create_database()
    _create_tables(url)
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file that holds all tables and no rows."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database of the test's own: all tables, no rows.

    A test of one database only asks with ``@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)``.
    """
    if request.param == "sqlite":
        path = tmp_path / "studio.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create_database(template=request.getfixturevalue("postgres_template"))
    yield url
    server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Return what makes a database without any table and returns its URL."""
    made: list[str] = []

    def make() -> str:
        if request.param == "sqlite":
            made.append(f"sqlite:///{tmp_path / f'{len(made)}.sqlite'}")
        else:
            made.append(request.getfixturevalue("postgres").create_database())
        return made[-1]

    yield make
    if request.param == "postgresql":
        for url in made:
            request.getfixturevalue("postgres").drop_database(url)


@pytest.fixture
def empty_url(new_database: Callable[[], str]) -> str:
    """Return the URL of a database without any table."""
    return new_database()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Return an engine whose transactions are of our kind: the write lock first on SQLite."""
    engine = create_engine(database_url, execution_options={BEGIN_OPTION: "IMMEDIATE"})
    prepare_engine(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def own_bind() -> Iterator[None]:
    """Let a test choose the tables' bind, which a process has only one of."""
    before = Base.metadata.info.pop("bind_key", None)
    yield
    Base.metadata.info.pop("bind_key", None)
    if before is not None:
        Base.metadata.info["bind_key"] = before


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """Return the URL of a valkey server; use `redis_url`, which is empty."""
    with valkey_server() as url:
        yield url


@pytest.fixture
def redis_url(valkey: str) -> str:
    """Return the URL of an empty valkey that no other test uses meanwhile."""
    with redis.Redis.from_url(valkey) as client:
        client.flushall()
    return valkey


@pytest.fixture
def clock() -> Clock:
    """Return the test's clock, which stands still."""
    return Clock()


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    """Return a portal with the extension installed."""
    app = host.create_app(database_url, clock=clock)
    yield app
    host.dispose_engines(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser at the portal, not logged in."""
    return app.test_client()


def _postgres_of(config: pytest.Config) -> Postgres:
    """Return the run's PostgreSQL, started when first asked for and stopped when the run ends."""
    if POSTGRES not in config.stash:
        servers = ExitStack()
        config.stash[POSTGRES] = servers.enter_context(postgres_server())
        config.add_cleanup(servers.close)
    return config.stash[POSTGRES]


def _create_tables(url: str) -> None:
    engine = create_engine(url)
    for metadata in (host.db.metadata, Base.metadata):
        metadata.create_all(engine)
    engine.dispose()
