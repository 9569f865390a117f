"""A pass for every part of a multi-part class, each part once, in sequence where the studio wants it.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from studio_pass_types.advance import AdvanceOptions
from studio_pass_types.french import FRENCH
from studio_reservations.errors import MakeupNotAllowed, MakeupRequired, SequenceNotMet, StepAlreadyReserved
from studio_reservations.pass_types import (
    Candidate,
    HeldPass,
    HeldReservation,
    Issue,
    PassType,
    Remaining,
    Status,
    Step,
)

TAKEN = {Status.PENDING: "reserved", Status.CHECKED_IN: "checked_in", Status.ATTENDED: "attended"}
ATTENDING = (Status.CHECKED_IN, Status.ATTENDED)


class FullCourseOptions(AdvanceOptions):
    """What an earlier part must be before a later one can be reserved."""

    sequence_rule: Literal["attended", "reserved"] = Field(
        default="attended",
        title="Before the next part",
        description="attended: the earlier parts have been attended. "
        "reserved: they are reserved and end before this part begins, on the same day too.",
    )


class FullCourse(PassType):
    """Every part of a class once, at days of one's choice."""

    key = "full_course"
    label = "Full course"
    rank = 20  # after what is not counted at all, before what would cost a punch
    Options = FullCourseOptions
    translations: ClassVar = {"fr": FRENCH}

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin with the parts in sequence."""
        return Issue(max_advance_reservations=options["max_advance"], requires_sequential_attendance=True)

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Allow each part once, in sequence, and after a no-show as a makeup only; a session without a part is free.

        :raises StepAlreadyReserved:
        :raises MakeupRequired:
        :raises MakeupNotAllowed:
        :raises SequenceNotMet:
        """
        step = session.step
        if step is None:
            if session.makeup_for_id is not None:
                raise MakeupNotAllowed()
            return
        standing = _standing(held, step)
        if standing is not None:
            raise StepAlreadyReserved(step=step.position, starts_at=standing.starts_at, state=standing.status.value)
        missed = [one for one in held.reservations if one.step_id == step.id and one.missed]
        if missed or session.makeup_for_id is not None:
            _check_makeup(step, session, missed)
        else:
            _check_sequence(held, step, session)

    def exclusive_steps(self, held: HeldPass) -> bool:
        """Hold each part by one live reservation only."""
        return True

    def dependents(self, held: HeldPass, lost: HeldReservation) -> tuple[UUID, ...]:
        """Return the PENDING reservations that needed ``lost``, or one that falls with it, and have nothing in its place."""
        steps: dict[UUID | None, Step] = {one.id: one for one in held.steps}
        pending = [
            one
            for one in held.reservations
            if one.status is Status.PENDING and one.makeup_for_id is None and one.step_id in steps and one.id != lost.id
        ]
        fallen = {lost.id: lost.step_id}
        while falling := [
            one
            for one in pending
            if one.id not in fallen
            and any(
                step.id in fallen.values()
                for step in _missing(held, steps[one.step_id], starts_at=one.starts_at, without=fallen)
            )
        ]:
            fallen |= {one.id: one.step_id for one in falling}
        return tuple(fallen)[1:]

    def remaining(self, held: HeldPass) -> Remaining:
        """Return how many parts are neither reserved nor attended; without limit where the class has no parts."""
        parts = _parts(held)
        if not parts:
            return Remaining(unit="part")
        return Remaining(available=sum(_standing(held, one) is None for one in parts), included=len(parts), unit="part")

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return the parts in order, each attended, checked_in, reserved, missed, open or locked."""
        return {
            "parts": [
                {"position": one.position, "title": one.title, "state": _state(held, one)} for one in _parts(held)
            ]
        }


def _parts(held: HeldPass) -> list[Step]:
    return [one for one in held.steps if held.class_id is None or one.class_id == held.class_id]


def _standing(held: HeldPass, step: Step) -> HeldReservation | None:
    return next((one for one in held.reservations if one.step_id == step.id and one.live), None)


def _state(held: HeldPass, step: Step) -> str:
    standing = _standing(held, step)
    if standing is not None:
        return TAKEN[standing.status]
    if any(one.step_id == step.id and one.missed for one in held.reservations):
        return "missed"
    return "locked" if _missing(held, step, starts_at=None) else "open"


def _check_makeup(step: Step, session: Candidate, missed: list[HeldReservation]) -> None:
    missed_a_makeup = any(one.makeup_for_id is not None for one in missed)
    if not step.allow_makeup or (missed_a_makeup and not session.by_staff):
        raise MakeupNotAllowed(step=step.position)
    if session.makeup_for_id is None:
        latest = max(missed, key=lambda one: one.starts_at)
        raise MakeupRequired(step=step.position, makeup_for_id=latest.id)
    if session.makeup_for_id not in {one.id for one in missed}:
        raise MakeupNotAllowed(step=step.position)


def _check_sequence(held: HeldPass, step: Step, session: Candidate) -> None:
    missing = _missing(held, step, starts_at=session.starts_at)
    if missing:
        standing = _standing(held, missing[0])
        missed = [one.starts_at for one in held.reservations if one.step_id == missing[0].id and one.missed]
        raise SequenceNotMet(
            step=step.position,
            missing=missing[0].position,
            starts_at=standing.starts_at if standing else None,
            missed_at=None if standing else max(missed, default=None),
            rule=_rule(held),
        )


def _rule(held: HeldPass) -> str:
    return str(held.options.get("sequence_rule", "attended"))


def _missing(held: HeldPass, step: Step, *, starts_at: datetime | None, without: Collection[UUID] = ()) -> list[Step]:
    """Return the earlier parts, first to last, that ``step`` waits for at ``starts_at`` (None: at any later time)."""
    if not (step.requires_sequence and held.requires_sequential_attendance):
        return []
    ready = {
        one.step_id
        for one in held.reservations
        if one.id not in without
        and (
            one.status in ATTENDING
            or (_rule(held) == "reserved" and one.live and (starts_at is None or one.ends_at <= starts_at))
        )
    }
    earlier = [one for one in held.steps if one.class_id == step.class_id and one.position < step.position]
    return sorted((one for one in earlier if one.id not in ready), key=lambda one: one.position)
