"""The pass types without parts: unlimited_series, punch_pass, drop_in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from studio_pass_types import DropIn, PunchPass, UnlimitedSeries

from studio_reservations.errors import PunchesExhausted
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Event, HeldReservation, Issue, Remaining, Status
from tests.plugins.passes import held, reservation, session


@pytest.mark.parametrize(
    ("pass_type", "options", "issued"),
    [
        (UnlimitedSeries, {}, Issue(sessions_included=None, max_advance_reservations=3)),
        (UnlimitedSeries, {"max_advance": None}, Issue(sessions_included=None, max_advance_reservations=None)),
        (PunchPass, {"sessions": 8}, Issue(sessions_included=8, max_advance_reservations=3)),
        (PunchPass, {"sessions": 500, "max_advance": 5}, Issue(sessions_included=500, max_advance_reservations=5)),
        (DropIn, {}, Issue(sessions_included=1, max_advance_reservations=1)),
    ],
)
def test_a_pass_begins_with_the_counters_its_options_say(
    pass_type: Any, options: dict[str, Any], issued: Issue
) -> None:
    assert pass_type().issue(pass_type.Options(**options).model_dump()) == issued


def test_unlimited_comes_before_counted_passes() -> None:
    assert UnlimitedSeries.rank == 10
    assert PunchPass.rank == DropIn.rank == 50


def test_an_unlimited_series_allows_any_number_and_counts_nothing() -> None:
    series = UnlimitedSeries()
    much = held(*(reservation(str(number), on=number) for number in range(200)))

    series.allow_reservation(much, session())

    assert {series.punches_for(event, much, session()) for event in Event} == {0}
    assert series.remaining(much) == Remaining(available=None, included=None)
    assert series.status_fields(much) == {}
    assert series.exclusive_steps(much) is False


@pytest.mark.parametrize(
    ("remaining", "held_by", "allowed"),
    [(1, 0, True), (3, 2, True), (3, 3, False), (0, 0, False), (2, 3, False)],
)
def test_a_punch_must_be_left_that_no_other_reservation_holds(remaining: int, held_by: int, allowed: bool) -> None:
    punch_pass = PunchPass()
    pending = held(*(reservation(str(number)) for number in range(held_by)), remaining=remaining)

    if allowed:
        punch_pass.allow_reservation(pending, session())
    else:
        with pytest.raises(PunchesExhausted) as refused:
            punch_pass.allow_reservation(pending, session())
        assert refused.value.values == {"remaining": remaining, "held": held_by}


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.PENDING])
def test_only_pending_reservations_hold_punches(status: Status) -> None:
    PunchPass().allow_reservation(held(reservation("one", status), remaining=1), session())


def test_every_event_costs_one_punch_for_the_policy_decides_whether_it_is_charged() -> None:
    assert {PunchPass().punches_for(event, held(remaining=3), session()) for event in Event} == {1}


def test_a_punch_pass_shows_how_its_punches_are_spread() -> None:
    one_held = held(reservation("one"), reservation("two", Status.CHECKED_IN), remaining=4)

    assert PunchPass().status_fields(one_held) == {"remaining": 4, "held": 1, "available": 3}
    assert PunchPass().remaining(one_held) == Remaining(available=3, included=4, unit="punch")


def test_a_drop_in_is_good_for_one_class() -> None:
    drop_in = DropIn()

    drop_in.allow_reservation(held(remaining=1), session())

    with pytest.raises(PunchesExhausted):
        drop_in.allow_reservation(held(reservation("one"), remaining=1), session())


@given(remaining=st.integers(0, 600), punches=st.lists(st.integers(0, 5), max_size=20))
def test_what_is_available_is_never_negative_nor_more_than_what_remains(remaining: int, punches: list[int]) -> None:
    pending = held(
        *(reservation(str(number), punches_held=cost) for number, cost in enumerate(punches)), remaining=remaining
    )

    available = PunchPass().status_fields(pending)["available"]

    assert 0 <= available <= remaining
    assert available == PunchPass().remaining(pending).available


class LifeOfAPunchPass(RuleBasedStateMachine):
    """Reserve, check in, cancel and miss in any order, as the services keep the books."""

    def __init__(self) -> None:
        super().__init__()
        self.remaining = 5
        self.sold = 5
        self.spent = 0
        self.pending: list[HeldReservation] = []
        self.made = 0

    @property
    def _held(self) -> Any:
        return held(*self.pending, remaining=self.remaining)

    @rule()
    def reserve(self) -> None:
        try:
            PunchPass().allow_reservation(self._held, session())
        except PunchesExhausted:
            assert self.remaining == len(self.pending)
            return
        self.made += 1
        self.pending.append(reservation(str(self.made)))

    @precondition(lambda self: self.pending)
    @rule(charged=st.booleans())
    def end(self, charged: bool) -> None:
        self.pending.pop()
        if charged:
            self.remaining -= PunchPass().punches_for(Event.CHECK_IN, self._held, session())
            self.spent += 1

    @invariant()
    def every_held_punch_is_there_to_be_spent(self) -> None:
        fields = PunchPass().status_fields(self._held)

        assert fields["available"] >= 0
        assert fields["held"] + fields["available"] == fields["remaining"] == self.sold - self.spent


TestLifeOfAPunchPass = LifeOfAPunchPass.TestCase


def test_the_built_in_types_speak_french() -> None:
    for pass_type in installed_pass_types():
        form, french = pass_type.form(), pass_type.form(language="fr")

        assert pass_type.say(pass_type.label, language="fr") != pass_type.label
        for english, other in zip(form, french, strict=True):
            assert (english["label"], english["help"]) != (other["label"], other["help"])
            assert all(
                one["label"] != two["label"] for one, two in zip(english["choices"], other["choices"], strict=True)
            )
