"""Reservations over HTTP at a steady rate, whatever else happens, and how each was answered."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Lock, Thread
from time import perf_counter, sleep

CALLERS = 8
LIMIT_SECONDS = 30.0
START_SECONDS = 60.0


@dataclass(slots=True)
class Phase:
    """A stretch of time: the reservations made in it, how calls were answered, and the longest that one took (seconds)."""

    name: str
    reserved: set[str] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


class Calls:
    """Each call reserves for another customer; after the last of them comes the next session."""

    def __init__(self, address: Path, *, tokens: Sequence[str], session_ids: Sequence[str], rate: float) -> None:
        self._address = address
        self._tokens, self._session_ids = tokens, session_ids
        self._rate = rate
        self._phase = Phase("")
        self._begun = Event()
        self._lock = Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Call, from the first `during` until the block ends, a portal that answers; wait for the last answers."""
        until = perf_counter() + START_SECONDS
        while self._call("GET", "/", token=self._tokens[0])[0] != "200":
            if perf_counter() > until:
                raise TimeoutError("The portal does not answer.")
            sleep(0.1)
        stop = Event()
        with ThreadPoolExecutor(CALLERS) as pool:
            thread = Thread(target=self._steadily, args=(pool, stop))
            thread.start()
            try:
                yield
            finally:
                stop.set()
                self._begun.set()
                thread.join()

    def during(self, name: str, act: Callable[[], None]) -> Phase:
        """Return what was called while ``act`` went on."""
        print(f"{name} …", flush=True)
        phase = self._phase = Phase(name)
        self._begun.set()
        act()
        return phase

    def _steadily(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        self._begun.wait()
        begun, number = perf_counter(), 0
        while not stop.wait(max(0.0, begun + number / self._rate - perf_counter())):
            pool.submit(self._reserve, number, self._phase)
            number += 1

    def _reserve(self, number: int, phase: Phase) -> None:
        session, customer = divmod(number, len(self._tokens))
        begun = perf_counter()
        status, answer = self._call(
            "POST",
            "/api/reservations",
            token=self._tokens[customer],
            body=json.dumps({"session_id": self._session_ids[session]}),
        )
        took = perf_counter() - begun
        with self._lock:
            phase.statuses[status] += 1
            phase.slowest = max(phase.slowest, took)
            if status == "201":
                phase.reserved.add(str(json.loads(answer)["id"]))

    def _call(self, method: str, path: str, *, token: str, body: str | None = None) -> tuple[str, bytes]:
        connection = _Connection(str(self._address))
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return str(response.status), response.read()
        except (OSError, HTTPException) as error:
            return type(error).__name__, b""
        finally:
            connection.close()


class _Connection(HTTPConnection):
    """A connection to a server on a unix socket."""

    def __init__(self, address: str) -> None:
        super().__init__("localhost", timeout=LIMIT_SECONDS)
        self._address = address

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT_SECONDS)
        self.sock.connect(self._address)
