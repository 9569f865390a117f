"""A pass type that breaks the contract fails the kit, with a sentence that names the fault."""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pydantic import ConfigDict, Field, field_validator
from sqlalchemy import update

from studio_reservations.errors import PunchesExhausted, ReservationRefused
from studio_reservations.models import ClassRegistration, ClassSession, SessionReservation
from studio_reservations.pass_types import Event, Figure, HeldPass, Issue, Options, PassType, Remaining, Status
from studio_reservations.testing import (
    ContractBroken,
    JudgedPassType,
    PassTypeContract,
    make_candidate,
    make_held_pass,
    make_held_reservation,
)
from studio_reservations.testing.books import check_room
from studio_reservations.testing.lives import PassLife
from studio_reservations.testing.playing import Life
from tests.testing.two_punches import TwoPunches


class TestTwoPunches(PassTypeContract):
    """What the wrong ones are a change of is right."""

    pass_type = TwoPunches
    lives = 4


def changed(**members: Any) -> type[PassType]:
    """Return the pass type with something else in its place; functions become methods that are given the values."""
    return type("Wrong", (TwoPunches,), {name: _method(one) for name, one in members.items()})


def _method(member: Any) -> Any:
    if isinstance(member, type) or not callable(member):
        return member
    return lambda self, *values: member(*values)


def fault_of(wrong: type[PassType], check: str, **contract: Any) -> str:
    """Return what the kit says of a wrong pass type."""
    kit = type("TestWrong", (PassTypeContract,), {"pass_type": wrong, "lives": 4, **contract})
    with pytest.raises(AssertionError) as broken:
        getattr(kit(), check)()
    return str(broken.value)


def answers(answer: Any) -> Callable[..., Any]:
    return lambda *values: answer


def raises(error: BaseException) -> Callable[..., Any]:
    def refuse(*values: Any) -> None:
        raise error

    return refuse


# What it is.


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        (
            {"key": "Two punches"},
            "Wrong cannot be loaded: Wrong.key must be a name like 'punch_pass', not 'Two punches'",
        ),
        ({"label": ""}, "Wrong.label must be a text, not ''"),
        ({"rank": "first"}, "Wrong.rank must be a whole number, not 'first'"),
        ({"contract": 99}, "Wrong is written for version 99 of the contract"),
        ({"Options": dict}, "Wrong.Options must be a pydantic model"),
        ({"translations": {"fr": ["Carte"]}}, "Wrong.translations['fr'] must give a text for each text"),
    ],
)
def test_a_type_that_cannot_be_loaded(members: dict[str, Any], fault: str) -> None:
    assert fault in fault_of(changed(**members), "test_it_can_be_loaded_and_has_a_key_a_label_and_a_rank")


def test_a_rank_that_changes() -> None:
    numbers = count()

    class Restless(TwoPunches):
        def __init__(self) -> None:
            self.rank = next(numbers)  # type: ignore[misc]

    fault = fault_of(Restless, "test_it_can_be_loaded_and_has_a_key_a_label_and_a_rank")

    assert "Restless has another key, label or rank each time it is made" in fault


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("import sqlalchemy", "on line 2 imports sqlalchemy: that is a database"),
        ("from flask import g", "imports flask: that is the web framework"),
        ("from studio_reservations.models import Studio", "imports studio_reservations.models: that is the database"),
        ("from urllib.request import urlopen", "imports urllib.request: that is the network"),
        ("import random", "imports random: that is a clock or chance"),
        ("from datetime import datetime, UTC; NOW = datetime.now(UTC)", "calls now(): take `held.now`"),
        ("RATES = open('rates.csv') if False else None", "calls open()"),
    ],
)
def test_a_source_that_reaches_outside(line: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reaching_outside.py").write_text(
        "from studio_reservations.pass_types import PassType\n"
        f"{line}\n\nclass Reaching(PassType):\n    key = 'reaching'\n    label = 'Reaching'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "reaching_outside", raising=False)
    module: ModuleType = importlib.import_module("reaching_outside")

    told = fault_of(module.Reaching, "test_its_source_stays_with_the_values_that_it_is_given")

    assert "Reaching lives in reaching_outside, which" in told
    assert fault in told
    monkeypatch.delitem(sys.modules, "reaching_outside")


def test_a_translation_that_names_something_else() -> None:
    wrong = changed(translations={"fr": {"You have {left} left.": "Il vous reste {reste}."}})

    assert "expected the same names in braces as the English has" in fault_of(
        wrong, "test_its_translations_fit_its_words"
    )


# Its options.


class NoWords(Options):
    sessions: int = 8


class NoSentence(Options):
    sessions: int = Field(default=8, title="Sessions", description="how many")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            NoWords,
            "Wrong.Options.sessions has the title None and the description None; expected a label and a sentence",
        ),
        (NoSentence, "Wrong.Options.sessions has the title 'Sessions' and the description 'how many'"),
    ],
)
def test_options_that_make_no_form(options: type[Options], fault: str) -> None:
    assert fault in fault_of(changed(Options=options), "test_its_options_make_a_form")


class TakesAll(Options):
    model_config = ConfigDict(extra="ignore")


class Grows(Options):
    sessions: int = 8

    @field_validator("sessions")
    @classmethod
    def grow(cls, value: int) -> int:
        return value + 1


@pytest.mark.parametrize(
    ("options", "contract", "fault"),
    [
        (TakesAll, {}, "Wrong.Options takes {'no_such_option_of_this_pass': 1}; expected it refused"),
        (Options, {"options": [{"sessions": 3}]}, "Wrong.Options refuses {'sessions': 3}"),
        (Grows, {"options": [{"sessions": 3}]}, "Wrong.Options changes {'sessions': 4} when it is validated again"),
        (NoWords, {"wrong_options": [{"sessions": -1}]}, "Wrong.Options takes {'sessions': -1}; expected it refused"),
    ],
)
def test_options_that_are_not_validated(options: type[Options], contract: dict[str, Any], fault: str) -> None:
    assert fault in fault_of(changed(Options=options), "test_its_options_are_validated", **contract)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"issue": answers(None)}, "Wrong.issue() returned None; expected an Issue"),
        ({"issue": answers(Issue(sessions_included=-1))}, "each of its counters a whole number of 0 or more, or None"),
        ({"issue": raises(KeyError("sessions"))}, "Wrong.issue() raised KeyError: 'sessions'; expected an answer"),
        ({"people": answers(0)}, "Wrong.people() returned 0; expected a whole number of 1 or more, or None"),
        (
            {"issue": lambda options: options.update(used=True) or Issue()},
            "Wrong.issue() changed the values that it was given",
        ),
    ],
)
def test_an_issue_that_is_none(members: dict[str, Any], fault: str) -> None:
    assert fault in fault_of(changed(**members), "test_it_issues_by_its_options")


# Its answers.


class Shouting(ReservationRefused):
    code = "KILN IS HOT"
    sentence = "The kiln is hot."


class Taking(ReservationRefused):
    code = "session_full"
    sentence = "The kiln is full."


class Silent(ReservationRefused):
    code = "kiln_is_hot"


class Naming(ReservationRefused):
    code = "kiln_is_hot"
    sentence = "The kiln is ready on {ready_on}."


class Unbraced(ReservationRefused):
    code = "kiln_is_hot"
    sentence = "The kiln is ready on {ready_on."


class Crashing(ReservationRefused):
    code = "kiln_is_hot"
    sentence = "The kiln is hot."
    status = 500


FRENCH = {"fr": {Naming.sentence: "Le four est prêt le {pret_le}."}}


def mutate(held: HeldPass, *values: Any) -> Any:
    object.__setattr__(held, "sessions_remaining", 99)
    return Remaining(available=0)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"punches_for": answers(-1)}, "Wrong.punches_for(CHECK_IN) returned -1; expected a whole number of 0 or more"),
        ({"punches_for": answers(True)}, "Wrong.punches_for(CHECK_IN) returned True; expected a whole number"),
        ({"punches_for": answers(0.5)}, "Wrong.punches_for(CHECK_IN) returned 0.5; expected a whole number"),
        ({"punches_for": raises(ZeroDivisionError())}, "Wrong.punches_for(CHECK_IN) raised ZeroDivisionError"),
        (
            {"punches_for": lambda event, *values: -1 if event is Event.NO_SHOW else 1},
            "Wrong.punches_for(NO_SHOW) returned -1",
        ),
        ({"allow_reservation": answers(False)}, "Wrong.allow_reservation() returned False; expected None, or a"),
        ({"allow_issue": answers(False)}, "Wrong.allow_issue() returned False; expected None, or a"),
        ({"allow_reservation": raises(SystemExit(1))}, "Wrong.allow_reservation() raised SystemExit: 1"),
        (
            {"allow_reservation": raises(Shouting())},
            "Shouting.code is 'KILN IS HOT'; expected a name of its own in snake",
        ),
        ({"allow_reservation": raises(Taking())}, "Taking.code is 'session_full', which belongs to SessionFull"),
        ({"allow_reservation": raises(Silent())}, "Silent.sentence is ''; expected a sentence for the customer"),
        ({"allow_issue": raises(Silent())}, "Silent.sentence is ''; expected a sentence for the customer"),
        ({"allow_reservation": raises(Naming())}, "Naming.sentence names {ready_on}, which has no value"),
        ({"allow_reservation": raises(Unbraced(ready_on=1))}, "Unbraced.sentence cannot be read"),
        ({"allow_reservation": raises(Crashing())}, "Crashing.status must be from 400 to 499, not 500"),
        ({"allow_reservation": raises(Shouting(kiln=object()))}, "Shouting.code"),
        ({"allow_reservation": raises(Naming(ready_on=object()))}, "values that are JSON"),
        (
            {"allow_reservation": raises(Naming(ready_on=date(2026, 12, 1))), "translations": FRENCH},
            "Naming.sentence in 'fr' names {pret_le}, which has no value",
        ),
        ({"exclusive_steps": answers("yes")}, "Wrong.exclusive_steps() returned 'yes'; expected True or False"),
        ({"dependents": answers(None)}, "Wrong.dependents() returned None; expected a tuple of ids"),
        ({"dependents": answers(([],))}, "expected a tuple of ids of other PENDING reservations of the pass"),
        ({"dependents": lambda held, lost: (lost.id,)}, "expected a tuple of ids of other PENDING reservations"),
        ({"remaining": answers(3)}, "Wrong.remaining() returned 3; expected a Remaining"),
        ({"remaining": answers(Remaining(available=-1))}, "Wrong.remaining() returned Remaining(available=-1"),
        ({"remaining": answers(Remaining(available=50))}, "expected available to be at most the 0 that are left"),
        ({"remaining": answers(Remaining(available=None))}, "expected available to be at most the 0 that are left"),
        ({"remaining": answers(Remaining(available=0, unit=""))}, "its unit a word such as 'session'"),
        ({"remaining": raises(PunchesExhausted())}, "Wrong.remaining() refused with punches_exhausted; expected"),
        ({"figures": answers([])}, "Wrong.figures() returned []; expected a tuple of Figures"),
        ({"figures": answers((Figure(key="Used", label="Used", value=1),))}, "each with a key in snake_case"),
        ({"figures": answers((Figure(key="used", label="Used", value=1),) * 2)}, "each key once"),
        ({"status_fields": answers({"when": date(2026, 12, 1)})}, "expected a dict of JSON values"),
        ({"status_fields": answers({"share": float("nan")})}, "expected a dict of JSON values"),
        ({"status_fields": answers(None)}, "Wrong.status_fields() returned None; expected a dict of JSON values"),
        (
            {"remaining": mutate},
            "Wrong.remaining() changed the values that it was given; expected them left as they are",
        ),
    ],
)
def test_an_answer_that_the_contract_does_not_allow(members: dict[str, Any], fault: str) -> None:
    told = fault_of(changed(**members), "test_it_answers_whatever_the_pass_looks_like")

    assert fault in told
    assert told.endswith("(rules.md §4)")


def test_an_answer_from_memory() -> None:
    class Remembering(TwoPunches):
        def __init__(self) -> None:
            self.asked = 0

        def status_fields(self, held: HeldPass) -> dict[str, Any]:
            self.asked += 1
            return {"asked": self.asked}

    fault = fault_of(Remembering, "test_it_answers_whatever_the_pass_looks_like")

    assert re.search(
        r"Remembering.status_fields\(\) returned {'asked': \d+}, and asked again over the same values", fault
    )


def test_an_option_that_a_plugin_changes_deep_inside() -> None:
    class Listed(Options):
        days: list[str] = Field(default_factory=lambda: ["Mon"])

    def forget(held: HeldPass) -> dict[str, Any]:
        held.options["days"].clear()
        return {}

    fault = fault_of(changed(Options=Listed, status_fields=forget), "test_it_answers_whatever_the_pass_looks_like")

    assert "Wrong.status_fields() changed the values that it was given" in fault


def test_an_answer_that_takes_long() -> None:
    def think(*values: Any) -> None:
        until = time.perf_counter() + 0.026
        while time.perf_counter() < until:
            pass

    fault = fault_of(changed(allow_reservation=think), "test_it_answers_at_once")

    assert re.search(r"Wrong took \d+ ms to judge one session and show the pass; expected less than 25 ms", fault)


# Its lives.


def life_of(pass_type: type[PassType], *, limit: Any = ...) -> Life:
    life = Life(JudgedPassType.of(pass_type))
    life.issue({}, of_course=False, valid_days=None, limit=limit)
    return life


def test_random_lives_find_a_type_that_gives_more_than_it_has() -> None:
    judged = JudgedPassType.of(changed(allow_reservation=answers(None)))
    machine = type("LifeOfWrong", (PassLife,), {"judged": judged, "options": ({},)})

    with pytest.raises(
        ContractBroken, match=r"Wrong.allow_reservation\(\) allowed a reservation of 1, with which \d are held"
    ):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=20,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_as_many_lives_are_played_as_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lives: list[PassLife] = []

    def end(one: PassLife) -> None:
        lives.append(one)
        one.life.close()

    monkeypatch.setattr(PassLife, "teardown", end)
    monkeypatch.setenv("STUDIO_PASS_TYPE_LIVES", "2")

    TestTwoPunches().test_the_books_hold_in_every_life()

    assert len(lives) == 2


def test_a_type_that_allows_when_asked_and_refuses_when_reserved() -> None:
    asked: Counter[UUID] = Counter()

    class Wavering(TwoPunches):
        def allow_reservation(self, held: HeldPass, session: Any) -> None:
            asked[session.id] += 1
            if asked[session.id] > 3:  # asked thrice for each answer
                raise PunchesExhausted(remaining=0, held=0)

    life = life_of(Wavering)
    with pytest.raises(
        ContractBroken,
        match="Wavering answered 'allowed' for a session when it was asked whether it may be reserved, and "
        "'punches_exhausted' when it was reserved; expected the same answer for one and for many",
    ):
        life.reserve(0)
    life.close()


def test_a_type_that_judges_many_otherwise_than_one() -> None:
    judged: list[UUID] = []

    class Wavering(TwoPunches):
        def allow_reservation(self, held: HeldPass, session: Any) -> None:
            judged.append(session.id)
            if judged[-4:-1].count(session.id) == 3:
                raise PunchesExhausted(remaining=0, held=0)

    life = life_of(Wavering)
    with pytest.raises(ContractBroken, match="'allowed' for a session when it was judged among many, and 'punches_exh"):
        life.judge_many(-1)
    life.close()


@pytest.mark.parametrize("act", ["no_show", "check_in"])
def test_a_fault_in_the_middle_of_a_life_is_named(act: str) -> None:
    def surcharge(event: Event, *values: Any) -> int:
        return -2 if event is Event.NO_SHOW else 1

    life = Life(JudgedPassType.of(changed(punches_for=surcharge)))
    life.issue({}, of_course=False, valid_days=None, limit=None, deduct_punch_on_no_show=True)
    life.reserve(0)
    life.wait_for_class(0)

    if act == "check_in":
        life.staff_act(0, act)
        life.check()
    else:
        with pytest.raises(ContractBroken, match=r"Wrong.punches_for\(NO_SHOW\) returned -2"):
            life.staff_act(0, act)
    life.close()


@pytest.mark.parametrize(
    ("table", "values", "fault"),
    [
        (ClassRegistration, {"sessions_remaining": 5}, "the ledger adds up to 1 and 5 remain on the pass"),
        (ClassRegistration, {"sessions_attended": 3}, "0 reservations were attended and the pass counts 3"),
        (ClassRegistration, {"sessions_remaining": None}, "an uncounted pass has 2 entries in its ledger"),
        (
            SessionReservation,
            {"punches_used": 0},
            "a reservation that is CHECKED_IN was charged 0, and 1 by the ledger",
        ),
        (ClassSession, {"seats_taken": 0}, "0 seats are taken and 1 reservations hold one"),
    ],
)
def test_books_that_do_not_agree_are_noticed(table: Any, values: dict[str, Any], fault: str) -> None:
    life = life_of(TwoPunches)
    life.reserve(0)
    life.wait_for_class(0)
    life.staff_act(0, "check_in")
    life.check()

    life.db_session.execute(update(table).values(**values))

    with pytest.raises(ContractBroken, match=f"TwoPunches: {re.escape(fault)}"):
        life.check()
    life.close()


def test_a_pass_that_holds_more_than_it_may_is_noticed() -> None:
    held = make_held_pass(make_held_reservation(), make_held_reservation(), max_advance_reservations=1)

    with pytest.raises(ContractBroken, match="the pass holds 2 coming reservations and may hold 1"):
        check_room(held, reservation_id=held.reservations[0].id, name="Wrong")


def test_a_punch_that_is_held_twice_is_noticed() -> None:
    held = make_held_pass(make_held_reservation(), make_held_reservation(), pass_type=TwoPunches())
    check_room(held, reservation_id=held.reservations[1].id, name="Wrong")

    with pytest.raises(ContractBroken, match="with which 2 are held and 1 remain"):
        check_room(replace(held, sessions_remaining=1), reservation_id=held.reservations[1].id, name="Wrong")


# Without its tools, and the values that it makes.


def test_without_hypothesis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "studio_reservations.testing")

    with pytest.raises(ImportError, match=r'needs hypothesis: pip install "studio-reservations\[testing\]"'):
        importlib.import_module("studio_reservations.testing")


def test_the_values_need_nothing_said() -> None:
    held = make_held_pass(make_held_reservation(), make_held_reservation(Status.NO_SHOW), pass_type=TwoPunches())

    assert (held.pass_type, held.sessions_remaining, held.punches_held) == ("two_punches", 2, 1)
    assert held.reservations[1].missed
    TwoPunches().allow_reservation(held, make_candidate())
    with pytest.raises(PunchesExhausted):
        TwoPunches().allow_reservation(replace(held, sessions_remaining=1), make_candidate())
