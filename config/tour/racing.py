"""Many at once for one last seat, and for one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from config.tour.client import Answer, Client
from config.tour.stage import Stage

CALLERS = 24
LAST_SEATS = 1
T = TypeVar("T")


def the_last_seat(stage: Stage) -> None:
    """Nobody is oversold, and nobody meets a 500."""
    tell = stage.tell
    token = stage.kept["token"]
    session = stage.session("Portrait Sketching", stage.at(20, 19), capacity=LAST_SEATS)
    customers = [stage.guest(f"Racer {number}", "unlimited_series")[0] for number in range(CALLERS)]

    def reserve(caller: Client, customer: str) -> Answer:
        return caller.post("/reservations", session_id=session, customer_id=customer)

    answers = _at_once(stage.port, token, reserve, customers)
    outcome = Counter(f"{one.status} {one.word}" for one in answers)
    tell.check(
        f"{CALLERS} callers, two server processes, one seat",
        f"{len(answers)} answers",
        right=outcome == {"201 PENDING": LAST_SEATS, "409 session_full": CALLERS - LAST_SEATS},
        said=_told(outcome),
    )
    tell.step(
        "The table says the same",
        stage.person("desk").get(f"/sessions/{session}"),
        200,
        "SCHEDULED",
        capacity=LAST_SEATS,
        seats_left=0,
    )

    customer, registration = stage.guest("One Pass", "punch_pass", {"sessions": 10})
    sessions = [stage.session("Beginner Wheel Throwing", stage.at(21 + number, 8)) for number in range(8)]

    def spread(caller: Client, of: str) -> Answer:
        return caller.post("/reservations", session_id=of, customer_id=customer, registration_id=registration)

    outcome = Counter(f"{one.status} {one.word}" for one in _at_once(stage.port, token, spread, sessions))
    tell.check(
        "8 callers with one pass that holds 3, each for another day",
        "8 answers",
        right=outcome == {"201 PENDING": 3, "409 advance_limit_reached": 5},
        said=_told(outcome),
    )


def _at_once(port: int, token: str, ask: Callable[[Client, T], Answer], things: Sequence[T]) -> list[Answer]:
    barrier = Barrier(len(things))

    def one(thing: T) -> Answer:
        caller = Client(port, token=token)
        barrier.wait()
        return ask(caller, thing)

    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(one, things))


def _told(outcome: Counter[str]) -> str:
    return ", ".join(f"{count} × {came}" for came, count in sorted(outcome.items()))
