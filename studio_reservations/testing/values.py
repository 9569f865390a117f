"""Frozen values for the tests of a pass type: a pass, what it holds, and the session asked for; all with sensible defaults."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from studio_reservations.pass_types import Candidate, HeldPass, HeldReservation, PassType, Status, Step

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
"""Tuesday, 1 December 2026, 10:00 in Toronto: the instant of `make_held_pass`."""

TIMEZONE = "America/Toronto"
_ROOT = UUID("8f6d1f0e-0000-4000-8000-000000000000")
_numbers = count(1)


def known_id(name: str) -> UUID:
    """Return the id that stands for ``name`` in every value made here: ``known_id("Ada")`` is the customer of the pass."""
    return uuid5(_ROOT, name)


def make_step(position: int = 1, *, class_id: UUID | None = None, **fields: Any) -> Step:
    """Return one part of the class "Pottery", or of another."""
    of_class = class_id or known_id("Pottery")
    fields = {"title": f"Part {position}"} | fields
    return Step(id=uuid5(of_class, f"part {position}"), class_id=of_class, position=position, **fields)


def make_held_reservation(
    status: Status = Status.PENDING,
    *,
    starts_at: datetime = NOW + timedelta(days=1),
    minutes: int = 120,
    step: Step | None = None,
    **fields: Any,
) -> HeldReservation:
    """Return a reservation of Ada's for tomorrow, two hours long, that holds one punch while it is PENDING."""
    number = next(_numbers)
    made: dict[str, Any] = {
        "id": known_id(f"reservation {number}"),
        "customer_id": known_id("Ada"),
        "session_id": known_id(f"session of reservation {number}"),
        "class_id": step.class_id if step is not None else known_id("Pottery"),
        "step_id": step.id if step is not None else None,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "reserved_at": min(starts_at, NOW) - timedelta(days=2),
        "punches_held": 1,
    }
    return HeldReservation(status=status, starts_at=starts_at, **(made | fields))


def make_held_pass(
    *reservations: HeldReservation,
    pass_type: PassType | None = None,
    steps: Iterable[Step] = (),
    **fields: Any,
) -> HeldPass:
    """Return Ada's pass at `NOW`, issued a month ago.

    With ``pass_type`` it has that type's options (``options``, completed with their defaults) and the counters that it issues;
    otherwise it is an uncounted pass. Every field of `HeldPass` can be given.
    """
    made: dict[str, Any] = {
        "id": known_id("the pass"),
        "customer_id": known_id("Ada"),
        "class_id": None,
        "pass_type": "any",
        "status": "ACTIVE",
        "now": NOW,
        "timezone": TIMEZONE,
        "issued_at": NOW - timedelta(days=30),
        "max_advance_reservations": 3,
    }
    if pass_type is not None:
        # As JSON, in which an option's date, time or id is its text.
        text = json.dumps(dict(fields.pop("options", {})), default=str)
        chosen = pass_type.Options.model_validate_json(text).model_dump(mode="json")
        issue = pass_type.issue(chosen)
        made |= {
            "pass_type": pass_type.key,
            "options": chosen,
            "sessions_included": issue.sessions_included,
            "sessions_remaining": issue.sessions_included,
            "max_advance_reservations": issue.max_advance_reservations,
            "requires_sequential_attendance": issue.requires_sequential_attendance,
        }
    held = HeldPass(**(made | fields), reservations=tuple(reservations), steps=tuple(steps))
    return replace(held, options=MappingProxyType(dict(held.options)))


def make_candidate(
    *,
    starts_at: datetime = NOW + timedelta(days=7),
    minutes: int = 120,
    step: Step | None = None,
    **fields: Any,
) -> Candidate:
    """Return a session of "Pottery" in a week, two hours long, that Ada asks for herself."""
    made: dict[str, Any] = {
        "id": known_id(f"session {next(_numbers)}"),
        "class_id": step.class_id if step is not None else known_id("Pottery"),
        "class_title": "Pottery",
        "ends_at": starts_at + timedelta(minutes=minutes),
        "timezone": TIMEZONE,
        "customer_id": known_id("Ada"),
    }
    return Candidate(starts_at=starts_at, step=step, **(made | fields))
