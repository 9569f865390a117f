"""What the processes of a race do; each act tells how the API answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tests.concurrency import doubles
from tests.concurrency.racing import Portal


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One call for a reservation by whoever holds ``token``."""

    token: str
    session_id: UUID
    registration_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One call for another session in the place of a reservation's."""

    token: str
    reservation_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """One call to give a reservation up."""

    token: str
    reservation_id: UUID


def do(portal: Portal, act: Try | Move | Cancel) -> str:
    """Make the call and return its outcome: ``201``, ``200`` or a code."""
    match act:
        case Try():
            body = {"session_id": str(act.session_id)}
            if act.registration_id is not None:
                body["registration_id"] = str(act.registration_id)
            return portal.post("/reservations", body, token=act.token)
        case Move():
            path = f"/reservations/{act.reservation_id}/reschedule"
            return portal.post(path, {"session_id": str(act.session_id)}, token=act.token)
        case Cancel():
            return portal.post(f"/reservations/{act.reservation_id}/cancel", token=act.token)


def one_after_the_other(portal: Portal, acts: Sequence[Try | Move | Cancel]) -> list[str]:
    """Make the calls as fast as they are answered."""
    return [do(portal, act) for act in acts]


def in_rounds(portal: Portal, acts: Sequence[Try | Move | Cancel]) -> list[str]:
    """Make each call at the instant at which the other processes make theirs."""
    outcomes = []
    for act in acts:
        portal.together()
        outcomes.append(do(portal, act))
    return outcomes


def one_after_the_other_unguarded(portal: Portal, acts: Sequence[Try | Move | Cancel]) -> list[str]:
    """Make the calls without the guard of the seats."""
    with doubles.unguarded_seats():
        return one_after_the_other(portal, acts)


def in_rounds_locked_while_counting(portal: Portal, acts: Sequence[Try | Move | Cancel]) -> list[str]:
    """Make the calls in rounds, with lock and count of the pass in one statement."""
    with doubles.lock_and_count_at_once():
        return in_rounds(portal, acts)
