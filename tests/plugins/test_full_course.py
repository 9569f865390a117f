"""The pass type of multi-part classes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_pass_types import FullCourse

from studio_reservations.errors import (
    MakeupNotAllowed,
    MakeupRequired,
    ReservationRefused,
    SequenceNotMet,
    StepAlreadyReserved,
)
from studio_reservations.pass_types import HeldPass, HeldReservation, Issue, Remaining, Status
from tests.plugins.passes import GLAZING, day, held, named, part, reservation, session

PENDING, CHECKED_IN, ATTENDED = Status.PENDING, Status.CHECKED_IN, Status.ATTENDED
NO_SHOW, CANCELLED, AUTO_CANCELLED = Status.NO_SHOW, Status.CANCELLED, Status.AUTO_CANCELLED
ONE, TWO, THREE, FOUR = PARTS = tuple(part(position) for position in (1, 2, 3, 4))
RESERVED_RULE = {"sequence_rule": "reserved"}


def course(*reservations: HeldReservation, **changes: Any) -> HeldPass:
    return held(*reservations, **({"steps": PARTS} | changes))


def refusal(held_pass: HeldPass, candidate: Any) -> ReservationRefused | None:
    try:
        FullCourse().allow_reservation(held_pass, candidate)
    except ReservationRefused as refused:
        return refused
    return None


def test_a_course_begins_uncounted_and_in_sequence() -> None:
    issued = FullCourse().issue(FullCourse.Options().model_dump())

    assert issued == Issue(sessions_included=None, max_advance_reservations=3, requires_sequential_attendance=True)


def test_its_parts_are_exclusive() -> None:
    assert FullCourse().exclusive_steps(course()) is True


# One reservation a part.


@pytest.mark.parametrize("status", [PENDING, CHECKED_IN, ATTENDED])
def test_a_part_that_is_held_or_done_is_not_given_again(status: Status) -> None:
    refused = refusal(course(reservation("first", status, on=2, step=ONE)), session(ONE))

    assert isinstance(refused, StepAlreadyReserved)
    assert refused.values == {"step": 1, "starts_at": day(2), "state": status.value}


@pytest.mark.parametrize("status", [CANCELLED, AUTO_CANCELLED])
def test_a_part_that_was_cancelled_can_be_reserved_again(status: Status) -> None:
    assert refusal(course(reservation("first", status, step=ONE)), session(ONE)) is None


def test_a_session_without_a_part_has_no_rules_of_parts() -> None:
    assert refusal(course(reservation("open studio")), session(None)) is None


# Sequence.


@pytest.mark.parametrize(
    ("first", "met"),
    [
        (None, False),
        (PENDING, False),
        (CHECKED_IN, True),
        (ATTENDED, True),
        (CANCELLED, False),
        (AUTO_CANCELLED, False),
        (NO_SHOW, False),
    ],
)
def test_a_part_opens_when_the_earlier_one_has_been_attended(first: Status | None, met: bool) -> None:
    made = [reservation("first", first, on=1, step=ONE)] if first else []

    refused = refusal(course(*made), session(TWO, on=10))

    assert (refused is None) is met
    if refused is not None:
        assert isinstance(refused, SequenceNotMet)
        assert refused.values == {
            "step": 2,
            "missing": 1,
            "starts_at": day(1) if first is PENDING else None,
            "missed_at": day(1) if first is NO_SHOW else None,
            "rule": "attended",
        }


def test_every_earlier_part_counts_and_the_first_missing_one_is_named() -> None:
    attended_two = reservation("second", ATTENDED, step=TWO)

    refused = refusal(course(attended_two), session(FOUR))

    assert refused is not None
    assert refused.values["missing"] == 1


@pytest.mark.parametrize(
    ("changes", "step"),
    [({"sequential": False}, TWO), ({}, part(2, sequence=False))],
    ids=["the pass does not ask for it", "the part does not ask for it"],
)
def test_the_sequence_holds_only_where_both_the_part_and_the_pass_ask_for_it(changes: Any, step: Any) -> None:
    assert refusal(course(**changes), session(step)) is None


@pytest.mark.parametrize(
    ("first", "first_on", "met"),
    [
        (PENDING, 9, True),
        (PENDING, 10, False),
        (PENDING, 11, False),
        (CHECKED_IN, 9, True),
        (ATTENDED, 9, True),
        (CANCELLED, 9, False),
        (NO_SHOW, 9, False),
    ],
)
def test_by_the_reserved_rule_it_is_enough_that_the_earlier_part_comes_first(
    first: Status, first_on: int, met: bool
) -> None:
    made = reservation("first", first, on=first_on, step=ONE)

    refused = refusal(course(made, options=RESERVED_RULE), session(TWO, on=10))

    assert (refused is None) is met
    if refused is not None:
        assert refused.code == "sequence_not_met"
        assert refused.values["rule"] == "reserved"


def test_by_the_reserved_rule_a_part_may_start_when_the_earlier_one_ends() -> None:
    first = reservation("first", on=10, step=ONE)
    at_the_end = replace(session(TWO), starts_at=first.ends_at)

    assert refusal(course(first, options=RESERVED_RULE), at_the_end) is None
    told = FullCourse.Options.model_json_schema()["properties"]["sequence_rule"]["description"]
    assert "reserved and end before this part begins, on the same day too." in told


def test_the_parts_of_another_class_do_not_stand_before_these() -> None:
    glazing = tuple(part(position, class_id=GLAZING) for position in (1, 2, 3))
    of_any_class = course(reservation("first", ATTENDED, step=ONE), steps=(*PARTS, *glazing), class_id=None)

    assert refusal(of_any_class, session(TWO)) is None
    assert getattr(refusal(of_any_class, session(glazing[1])), "code", None) == "sequence_not_met"


# Makeups.


MISSED_TWO = reservation("missed two", NO_SHOW, on=-3, step=TWO)
ATTENDED_ONE = reservation("one", ATTENDED, on=-9, step=ONE)


def test_a_missed_part_takes_only_a_makeup_that_names_it() -> None:
    missed = course(ATTENDED_ONE, MISSED_TWO)

    refused = refusal(missed, session(TWO))

    assert isinstance(refused, MakeupRequired)
    assert refused.values == {"step": 2, "makeup_for_id": MISSED_TWO.id}
    assert refusal(missed, session(TWO, makeup_for="missed two")) is None


def test_a_makeup_needs_no_sequence() -> None:
    assert refusal(course(MISSED_TWO), session(TWO, makeup_for="missed two")) is None


@pytest.mark.parametrize("makeup_for", [None, "missed two"])
def test_a_part_without_makeups_is_lost_once_missed(makeup_for: str | None) -> None:
    strict = part(2, makeup=False)

    refused = refusal(course(MISSED_TWO, steps=(ONE, strict)), session(strict, makeup_for=makeup_for))

    assert isinstance(refused, MakeupNotAllowed)
    assert refused.values == {"step": 2}


@pytest.mark.parametrize(
    "other",
    [
        reservation("other", NO_SHOW, on=-3, step=ONE),
        reservation("other", NO_SHOW, on=-3, step=TWO, waived=True),
        reservation("other", CANCELLED, on=-3, step=TWO),
        reservation("other", AUTO_CANCELLED, on=-3, step=TWO),
        reservation("somebody else's", NO_SHOW, on=-3, step=TWO),
    ],
    ids=["another part", "waived", "cancelled", "auto-cancelled", "unknown to this pass"],
)
def test_a_makeup_must_name_a_missed_reservation_of_the_same_part(other: HeldReservation) -> None:
    refused = refusal(course(ATTENDED_ONE, other), session(TWO, makeup_for="other"))

    assert isinstance(refused, MakeupNotAllowed)


def test_there_is_no_makeup_of_a_session_without_a_part() -> None:
    assert isinstance(refusal(course(), session(None, makeup_for="anything")), MakeupNotAllowed)


@pytest.mark.parametrize(
    "gone", [reservation("second", NO_SHOW, step=TWO, waived=True), reservation("second", AUTO_CANCELLED, step=TWO)]
)
def test_after_a_waive_or_an_automatic_cancellation_the_part_is_an_ordinary_one(gone: HeldReservation) -> None:
    assert refusal(course(ATTENDED_ONE, gone), session(TWO)) is None
    assert isinstance(refusal(course(gone), session(TWO)), SequenceNotMet)


def test_a_second_makeup_needs_staff() -> None:
    missed_makeup = reservation("missed makeup", NO_SHOW, on=-1, step=TWO, makeup_for="missed two")
    twice = course(MISSED_TWO, missed_makeup)

    for makeup_for in (None, "missed two", "missed makeup"):
        assert isinstance(refusal(twice, session(TWO, makeup_for=makeup_for)), MakeupNotAllowed)

    assert refusal(twice, session(TWO, makeup_for="missed makeup", by_staff=True)) is None
    told = refusal(twice, session(TWO, by_staff=True))
    assert isinstance(told, MakeupRequired)
    assert told.values["makeup_for_id"] == missed_makeup.id


def test_a_makeup_that_is_held_is_the_parts_one_reservation() -> None:
    makeup = reservation("makeup", step=TWO, on=4, makeup_for="missed two")

    assert isinstance(refusal(course(MISSED_TWO, makeup), session(TWO, makeup_for="missed two")), StepAlreadyReserved)


def test_an_attended_makeup_opens_the_next_part() -> None:
    makeup = reservation("makeup", ATTENDED, step=TWO, on=-1, makeup_for="missed two")

    assert refusal(course(ATTENDED_ONE, MISSED_TWO, makeup), session(THREE)) is None


# What falls with a lost prerequisite.


def fallen(held_pass: HeldPass, name: str) -> set[Any]:
    (lost,) = (one for one in held_pass.reservations if one.id in named(name))
    return set(FullCourse().dependents(held_pass, lost))


def test_a_part_that_was_opened_by_a_check_in_falls_with_it() -> None:
    checked_in = course(
        reservation("one", CHECKED_IN, on=0, step=ONE), reservation("two", on=5, step=TWO), reservation("any", on=6)
    )

    assert fallen(checked_in, "one") == named("two")
    assert fallen(checked_in, "two") == set()


def test_later_parts_fall_in_a_row_by_the_reserved_rule() -> None:
    chain = course(
        *(reservation(f"part {one.position}", on=one.position, step=one) for one in PARTS), options=RESERVED_RULE
    )

    assert fallen(chain, "part 1") == named("part 2", "part 3", "part 4")
    assert fallen(chain, "part 3") == named("part 4")


@pytest.mark.parametrize(("makeup_on", "falls"), [(3, set()), (6, {"three", "four"}), (8, {"three", "four"})])
def test_a_missed_part_takes_the_later_ones_along_unless_its_makeup_comes_before_them(
    makeup_on: int, falls: set[str]
) -> None:
    # Part four comes after every makeup, but needs part three as well.
    missed = course(
        ATTENDED_ONE,
        MISSED_TWO,
        reservation("makeup", on=makeup_on, step=TWO, makeup_for="missed two"),
        reservation("three", on=6, step=THREE),
        reservation("four", on=9, step=FOUR),
        options=RESERVED_RULE,
    )

    assert fallen(missed, "missed two") == named(*falls)


def test_makeups_and_parts_without_sequence_stay() -> None:
    free = part(3, sequence=False)
    kept = course(
        reservation("one", on=1, step=ONE),
        reservation("makeup", on=2, step=TWO, makeup_for="missed two"),
        reservation("free", on=3, step=free),
        steps=(ONE, TWO, free, FOUR),
        options=RESERVED_RULE,
    )

    assert fallen(kept, "one") == set()


def test_what_has_been_attended_stays() -> None:
    done = course(reservation("one", CHECKED_IN, on=0, step=ONE), reservation("two", ATTENDED, on=1, step=TWO))

    assert fallen(done, "one") == set()


def test_what_did_not_need_the_lost_part_stays_though_another_is_missing() -> None:
    # Staff undid part one: part two stays, flagged; giving up part three has nothing to do with it.
    flagged = course(reservation("two", on=5, step=TWO), reservation("three", on=6, step=THREE))

    assert fallen(flagged, "three") == set()


# What is shown.


def test_the_parts_are_shown_with_their_states() -> None:
    shown = course(
        reservation("one", ATTENDED, on=-9, step=ONE),
        reservation("two", NO_SHOW, on=-3, step=TWO),
        reservation("glazing", on=2, step=part(1, class_id=GLAZING)),
        steps=(*PARTS, part(1, class_id=GLAZING)),
    )

    assert FullCourse().status_fields(shown) == {
        "parts": [
            {"position": 1, "title": "Part 1", "state": "attended"},
            {"position": 2, "title": "Part 2", "state": "missed"},
            {"position": 3, "title": "Part 3", "state": "locked"},
            {"position": 4, "title": "Part 4", "state": "locked"},
        ]
    }
    assert FullCourse().remaining(shown) == Remaining(available=3, included=4, unit="part")


@pytest.mark.parametrize(
    ("first", "options", "states"),
    [
        (CHECKED_IN, {}, ["checked_in", "open", "locked"]),
        (PENDING, {}, ["reserved", "locked", "locked"]),
        (PENDING, RESERVED_RULE, ["reserved", "open", "locked"]),
        (CANCELLED, {}, ["open", "locked", "locked"]),
    ],
)
def test_the_next_part_is_shown_open_as_the_rule_says(first: Status, options: Any, states: list[str]) -> None:
    shown = course(reservation("one", first, step=ONE), steps=PARTS[:3], options=options)

    assert [one["state"] for one in FullCourse().status_fields(shown)["parts"]] == states


def test_a_class_without_parts_is_without_limit() -> None:
    assert FullCourse().remaining(course(steps=())) == Remaining(available=None, included=None, unit="part")


@st.composite
def courses(draw: st.DrawFn) -> HeldPass:
    """A course in any state that the database can hold: at most one live reservation a part."""
    made = []
    for step in PARTS:
        missed = [f"missed {step.position} {number}" for number in range(draw(st.integers(0, 2)))]
        made += [
            reservation(name, NO_SHOW, on=draw(st.integers(-9, -1)), step=step, waived=draw(st.booleans()))
            for name in missed
        ]
        status = draw(st.sampled_from([None, *Status]))
        if status is not None and status is not NO_SHOW:
            makeup_for = draw(st.sampled_from([None, *missed]))
            made.append(
                reservation(
                    f"part {step.position}", status, on=draw(st.integers(0, 9)), step=step, makeup_for=makeup_for
                )
            )
    return course(
        *draw(st.permutations(made)),
        options=draw(st.sampled_from([{}, RESERVED_RULE])),
        sequential=draw(st.booleans()),
    )


@given(courses())
def test_whatever_the_course_a_part_is_shown_open_exactly_when_it_can_be_reserved_late_enough(
    any_course: HeldPass,
) -> None:
    shown = FullCourse().status_fields(any_course)
    states = dict(zip(PARTS, (one["state"] for one in shown["parts"]), strict=True))

    assert json.loads(json.dumps(shown)) == shown
    for step, state in states.items():
        refused = refusal(any_course, session(step, on=30))
        expected: dict[str, set[str | None]] = {
            "open": {None},
            "locked": {"sequence_not_met"},
            "missed": {"makeup_required"},
        }
        assert getattr(refused, "code", None) in expected.get(str(state), {"step_already_reserved"})


@given(courses())
def test_whatever_is_lost_only_later_pending_parts_fall_and_none_twice(any_course: HeldPass) -> None:
    by_id = {one.id: one for one in any_course.reservations}
    position = {one.id: one.position for one in PARTS}
    for lost in any_course.reservations:
        falling = FullCourse().dependents(any_course, lost)

        assert len(set(falling)) == len(falling)
        for one in (by_id[each] for each in falling):
            assert one.status is PENDING
            assert one.makeup_for_id is None
            assert position[one.step_id or ONE.id] > position[lost.step_id or ONE.id]
