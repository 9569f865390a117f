"""Which pass is used when none is named, and why.

Source: rules.md §4, last paragraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from studio_reservations.errors import NoUsablePass, ReservationRefused
from studio_reservations.policies.reserving import Case, refusal_of

SET_ASIDE = frozenset({"registration_inactive", "pass_type_unavailable", "class_not_covered"})
"""Rules 2 and 3: a pass that fails them says nothing about the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The case that is taken, and ``reason``: only_one, uncounted_first, soonest_expiry, fewest_left or oldest."""

    case: Case
    reason: str


def choose(cases: Sequence[Case], *, set_aside: frozenset[str] = frozenset()) -> Choice:
    """Return the best usable pass: plugin's rank, soonest expiry, fewest left, oldest.

    :raises ReservationRefused: what all of them say alike; else `NoUsablePass` with each pass and its refusal.
    """
    judged = [(case, refusal_of(case, set_aside=set_aside)) for case in cases]
    usable = sorted((case for case, refusal in judged if refusal is None), key=_order)
    if usable:
        return Choice(case=usable[0], reason=_reason(usable))
    raise _common_refusal([(case, refusal) for case, refusal in judged if refusal is not None])


def _order(case: Case) -> tuple[Any, ...]:
    held = case.held
    rank = case.pass_type.rank if case.pass_type is not None else 0
    left = held.sessions_remaining
    return (
        rank,
        held.valid_until or date.max,
        left if left is not None else 1_000_000_000,
        held.issued_at or datetime.max.replace(tzinfo=UTC),
        held.id,
    )


def _reason(usable: Sequence[Case]) -> str:
    if len(usable) == 1:
        return "only_one"
    first, second = _order(usable[0]), _order(usable[1])
    names = ("uncounted_first", "soonest_expiry", "fewest_left", "oldest", "oldest")
    return next(name for name, mine, other in zip(names, first, second, strict=True) if mine != other)


def _common_refusal(refused: Sequence[tuple[Case, ReservationRefused]]) -> ReservationRefused:
    telling = [one for one in refused if one[1].code not in SET_ASIDE] or refused
    codes = {refusal.code for _, refusal in telling}
    if len(codes) == 1:
        return telling[0][1]
    return NoUsablePass(
        passes=[
            {"registration_id": case.held.id, "pass_type": case.held.pass_type, "refusal": refusal}
            for case, refusal in refused
        ]
    )
