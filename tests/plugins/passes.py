"""Frozen values for the tests of pass types: a pass, its reservations and the session asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from studio_reservations.pass_types import Candidate, HeldPass, HeldReservation, Status, Step

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
ZONE = "America/Toronto"
ROOT = UUID(int=0)
POTTERY = uuid5(ROOT, "pottery")
GLAZING = uuid5(ROOT, "glazing")
ANA = uuid5(ROOT, "Ana")


def day(number: int) -> datetime:
    """Return the start of a class ``number`` days after now."""
    return NOW + timedelta(days=number)


def part(position: int, *, class_id: UUID = POTTERY, sequence: bool = True, makeup: bool = True) -> Step:
    """Return one part of a class."""
    return Step(
        id=uuid5(class_id, f"part {position}"),
        class_id=class_id,
        position=position,
        title=f"Part {position}",
        requires_sequence=sequence,
        allow_makeup=makeup,
    )


def reservation(
    name: str,
    status: Status = Status.PENDING,
    *,
    on: int = 1,
    step: Step | None = None,
    waived: bool = False,
    makeup_for: str | None = None,
    punches_held: int = 1,
) -> HeldReservation:
    """Return a reservation called ``name`` for a class of two hours, ``on`` days after now."""
    return HeldReservation(
        id=uuid5(ROOT, name),
        customer_id=ANA,
        session_id=uuid5(ROOT, f"session of {name}"),
        class_id=step.class_id if step else POTTERY,
        step_id=step.id if step else None,
        status=status,
        starts_at=day(on),
        ends_at=day(on) + timedelta(hours=2),
        reserved_at=NOW - timedelta(days=20),
        punches_held=punches_held,
        waived=waived,
        makeup_for_id=uuid5(ROOT, makeup_for) if makeup_for else None,
    )


def session(
    step: Step | None = None,
    *,
    on: int = 10,
    makeup_for: str | None = None,
    by_staff: bool = False,
) -> Candidate:
    """Return the session that is asked for, ``on`` days after now."""
    return Candidate(
        id=uuid5(ROOT, f"session on day {on}"),
        class_id=step.class_id if step else POTTERY,
        class_title="Pottery",
        starts_at=day(on),
        ends_at=day(on) + timedelta(hours=2),
        timezone=ZONE,
        step=step,
        makeup_for_id=uuid5(ROOT, makeup_for) if makeup_for else None,
        customer_id=ANA,
        by_staff=by_staff,
    )


def held(
    *reservations: HeldReservation,
    remaining: int | None = None,
    steps: tuple[Step, ...] = (),
    options: Mapping[str, Any] | None = None,
    sequential: bool = True,
    class_id: UUID | None = POTTERY,
) -> HeldPass:
    """Return a pass that holds these reservations."""
    return HeldPass(
        id=uuid5(ROOT, "pass"),
        customer_id=ANA,
        class_id=class_id,
        pass_type="any",
        status="ACTIVE",
        now=NOW,
        timezone=ZONE,
        options=options or {},
        sessions_included=remaining,
        sessions_remaining=remaining,
        requires_sequential_attendance=sequential,
        reservations=reservations,
        steps=steps,
    )


def named(*names: str) -> set[UUID]:
    """Return the ids of the reservations of these names."""
    return {uuid5(ROOT, name) for name in names}
