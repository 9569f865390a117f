"""Clients that cost little: each sends ready bytes over a connection of its own and reads the status of the answer."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

Request = Callable[[int], bytes]


def rate(
    address: str, request: Request, *, clients: int, seconds: float, first: int
) -> tuple[float, Counter[int], int]:
    """Send ``request(number)`` from ``first`` on for some seconds; return answers a second, statuses and the next number."""
    numbers = iter(range(first, first + 100_000_000))
    statuses: Counter[int] = Counter()
    begun = perf_counter()
    until = begun + seconds

    def run() -> None:
        with _connected(address) as connection:
            while perf_counter() < until:
                connection.sendall(request(next(numbers)))
                statuses[_status(connection)] += 1

    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(run) for _ in range(clients)]:
            done.result()
    return statuses.total() / (perf_counter() - begun), statuses, next(numbers)


def http(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    head = [f"{method} {path} HTTP/1.1", "Host: benchmark", *headers]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def _connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    connection.settimeout(30)
    return connection


def _status(connection: socket.socket) -> int:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    left = length - len(body)
    while left > 0:
        left -= len(_more(connection))
    return int(lines[0].split()[1])


def _more(connection: socket.socket) -> bytes:
    if not (received := connection.recv(65_536)):
        raise ConnectionError("the server hung up")
    return received
