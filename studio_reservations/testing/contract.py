"""The whole contract of a pass type, checked by pytest.

Source: rules.md §4.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from studio_reservations.errors import InvalidRequest, ReservationRefused
from studio_reservations.pass_type_registry import BUDGET
from studio_reservations.pass_types import Candidate, EarlierPass, Event, HeldPass, PassType, Purchase, Status
from studio_reservations.testing.judging import JudgedPassType, broken, names_in
from studio_reservations.testing.lives import PassLife
from studio_reservations.testing.purity import check_source
from studio_reservations.testing.values import (
    NOW,
    TIMEZONE,
    known_id,
    make_candidate,
    make_held_pass,
    make_held_reservation,
    make_step,
)

LIVES = "STUDIO_PASS_TYPE_LIVES"
"""The environment variable that asks for more random lives, each different in every run; without it they are always the same."""

AT_ONCE = BUDGET / 2
"""Seconds for one session."""

_PARTS = tuple(make_step(position) for position in (1, 2, 3))


class PassTypeContract:
    """Subclass it in a test module as ``class TestMine(PassTypeContract)`` and say which pass type, and with which options.

    ``options`` are choices of staff that are valid, each a dict; ``wrong_options`` are choices that must be refused.
    ``lives`` is how many random lives are played.
    """

    pass_type: ClassVar[PassType | type[PassType]]
    options: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    wrong_options: ClassVar[Sequence[Mapping[str, Any]]] = ()
    lives: ClassVar[int] = 8

    @classmethod
    def judged(cls) -> JudgedPassType:
        """Return the pass type under watch."""
        return JudgedPassType.of(cls.pass_type)

    def test_it_can_be_loaded_and_has_a_key_a_label_and_a_rank(self) -> None:
        """As the portal loads it: with a fresh object of its class."""
        judged = self.judged()
        fresh = self.judged()
        if (judged.key, judged.label, judged.rank) != (fresh.key, fresh.label, fresh.rank):
            broken(
                f"{judged.name} has another key, label or rank each time it is made; expected them fixed by the class"
            )

    def test_its_source_stays_with_the_values_that_it_is_given(self) -> None:
        """No database, no web, no clock, no chance, no files, as far as reading it can tell."""
        check_source(type(self.judged().plugin))

    def test_its_translations_fit_its_words(self) -> None:
        """Each translation fills the same names in braces as the English."""
        judged = self.judged()
        for language, words in judged.plugin.translations.items():
            for english, other in words.items():
                named = f"{judged.name}.translations[{language!r}][{english!r}]"
                if names_in(english, named=named) != names_in(other, named=named):
                    broken(f"{named} is {other!r}; expected the same names in braces as the English has")

    def test_its_options_make_a_form(self) -> None:
        """Every option has a label and a sentence of help."""
        judged = self.judged()
        for field in judged.form():
            named = f"{judged.name}.Options.{field['name']}"
            schema = judged.plugin.Options.model_fields[field["name"]]
            if not (schema.title and schema.description and schema.description.rstrip().endswith(".")):
                broken(
                    f"{named} has the title {schema.title!r} and the description {schema.description!r}; "
                    "expected a label and a sentence for the form"
                )

    def test_its_options_are_validated(self) -> None:
        """The right ones are completed and stay valid; wrong and unknown ones are refused, each by its name."""
        judged = self.judged()
        for options in self.options:
            valid = self._valid(judged, options)
            if self._valid(judged, valid) != valid:
                broken(f"{judged.name}.Options changes {valid!r} when it is validated again; expected it left as it is")
        unknown = dict(self.options[0]) | {"no_such_option_of_this_pass": 1}
        for wrong in (*self.wrong_options, unknown):
            try:
                judged.validated_options(wrong)
            except InvalidRequest:
                continue
            broken(f"{judged.name}.Options takes {dict(wrong)!r}; expected it refused")

    def test_it_issues_by_its_options(self) -> None:
        """The counters are those of the contract, and by the options alone."""
        judged = self.judged()
        for options in self.options:
            valid = self._valid(judged, options)
            judged.issue(valid)
            judged.people(valid)

    def test_it_answers_whatever_the_pass_looks_like(self) -> None:
        """Every question over passes in every state: an answer that the contract allows, twice the same, nothing changed."""
        judged = self.judged()
        passes = [make_held_pass(pass_type=judged.plugin, options=one) for one in self.options]

        @settings(max_examples=40, phases=[Phase.generate], **_PROFILE)  # the fault is named: no need to shrink
        @given(_held(passes), _candidates(), _purchases(passes))
        def ask(held: HeldPass, session: Candidate, purchase: Purchase) -> None:
            ask_everything(judged, held, session, purchase)

        ask()

    def test_it_answers_at_once(self) -> None:
        """Judging a session takes a small part of the time that the portal gives to one question."""
        judged = self.judged()
        held = make_held_pass(
            *(make_held_reservation(starts_at=NOW + timedelta(hours=number)) for number in range(100)),
            pass_type=judged.plugin,
            options=self.options[0],
        )
        plugin, session = judged.plugin, make_candidate()
        # A busy machine slows a run or two down; it does not slow down all of them.
        seconds = [_seconds(plugin, held, session)]
        while seconds[-1] > AT_ONCE and len(seconds) < 10:
            seconds.append(_seconds(plugin, held, session))
        if seconds[-1] > AT_ONCE:
            broken(
                f"{judged.name} took {min(seconds) * 1000:.0f} ms to judge one session and show the pass; "
                f"expected less than {AT_ONCE * 1000:.0f} ms: it is asked for each session of a list"
            )

    def test_the_books_hold_in_every_life(self) -> None:
        """Random lives by the real services: never below zero, never over the limit, one answer for one and for many."""
        judged = self.judged()
        life = type(f"LifeOf{judged.name}", (PassLife,), {"judged": judged, "options": tuple(self.options)})
        more = os.environ.get(LIVES)
        run_state_machine_as_test(
            life,
            settings=settings(
                max_examples=int(more) if more else self.lives,
                stateful_step_count=25,
                phases=[Phase.generate, Phase.shrink],
                **(_PROFILE | ({"derandomize": False} if more else {})),
            ),
        )

    def _valid(self, judged: JudgedPassType, options: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return judged.validated_options(options)
        except InvalidRequest as error:
            broken(
                f"{judged.name}.Options refuses {dict(options)!r}: {error.values['errors']}; expected it to be valid"
            )


def ask_everything(judged: JudgedPassType, held: HeldPass, session: Candidate, purchase: Purchase) -> None:
    """Ask a pass type every question over these values. :raises ContractBroken:"""
    with suppress(ReservationRefused):  # one that the contract allows, or it is named as a fault
        judged.allow_issue(purchase)
    with suppress(ReservationRefused):
        judged.allow_reservation(held, session)
    for event in Event:
        judged.punches_for(event, held, session)
    judged.exclusive_steps(held)
    for one in held.reservations:
        judged.dependents(held, one)
    judged.remaining(held)
    judged.figures(held)
    judged.status_fields(held)


_PROFILE: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}
_HOURS = st.integers(-240, 480).map(lambda hours: NOW + timedelta(hours=hours))
_STEPS = st.sampled_from([None, None, *_PARTS])


@st.composite
def _held(draw: st.DrawFn, passes: Sequence[HeldPass]) -> HeldPass:
    """Return one of the passes in some state of its life."""
    issued = draw(st.sampled_from(list(passes)))
    reservations = [
        make_held_reservation(
            draw(st.sampled_from(list(Status))),
            starts_at=draw(_HOURS),
            step=draw(_STEPS),
            customer_id=known_id(draw(st.sampled_from(["Ada", "Ada", "Ben"]))),
            punches_held=draw(st.integers(0, 2)),
            waived=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 5)))
    ]
    included = issued.sessions_included
    return replace(
        issued,
        options=MappingProxyType(deepcopy(dict(issued.options))),
        reservations=tuple(sorted(reservations, key=lambda one: one.starts_at)),
        sessions_remaining=None if included is None else draw(st.integers(0, included + 2)),
        sessions_attended=draw(st.integers(0, 5)),
        steps=draw(st.sampled_from([(), _PARTS])),
        status=draw(st.sampled_from(["ACTIVE", "ACTIVE", "FROZEN", "CANCELLED"])),
        valid_from=draw(st.sampled_from([None, NOW.date()])),
        valid_until=draw(st.sampled_from([None, NOW.date() + timedelta(days=30)])),
        class_id=draw(st.sampled_from([None, known_id("Pottery")])),
    )


@st.composite
def _candidates(draw: st.DrawFn) -> Candidate:
    """Return a session at some time, of some length, with a part or without."""
    return make_candidate(
        starts_at=draw(_HOURS),
        minutes=draw(st.sampled_from([45, 120, 480])),
        step=draw(_STEPS),
        customer_id=known_id(draw(st.sampled_from(["Ada", "Ben"]))),
        location=draw(st.sampled_from([None, "Kiln"])),
        by_staff=draw(st.booleans()),
    )


@st.composite
def _purchases(draw: st.DrawFn, passes: Sequence[HeldPass]) -> Purchase:
    """Return somebody about to get the pass, who may have had one before."""
    issued = draw(st.sampled_from(list(passes)))
    earlier = [
        EarlierPass(
            pass_type=draw(st.sampled_from([issued.pass_type, "punch_pass"])),
            status=draw(st.sampled_from(["ACTIVE", "CANCELLED"])),
            issued_at=NOW - timedelta(days=draw(st.integers(1, 400))),
            sessions_attended=draw(st.integers(0, 3)),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Purchase(
        customer_id=known_id("Ada"),
        now=NOW,
        timezone=TIMEZONE,
        options=issued.options,
        people=draw(st.integers(1, 4)),
        earlier=tuple(sorted(earlier, key=lambda one: one.issued_at)),
    )


def _seconds(plugin: PassType, held: HeldPass, session: Candidate) -> float:
    began = time.perf_counter()
    with suppress(ReservationRefused):
        plugin.allow_reservation(held, session)
    plugin.remaining(held)
    plugin.status_fields(held)
    return time.perf_counter() - began
