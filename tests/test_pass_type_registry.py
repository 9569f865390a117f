"""How pass types are found, and how faulty ones are contained."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import uuid4

import pytest
from pydantic import Field, field_validator

from studio_reservations.errors import InvalidRequest, PassTypeUnavailable, ReservationRefused, StudioError
from studio_reservations.language import language_for
from studio_reservations.pass_type_registry import (
    FORGIVEN_AFTER,
    Health,
    InstalledPassType,
    PassTypes,
    installed_pass_types,
)
from studio_reservations.pass_types import (
    Candidate,
    Event,
    Figure,
    HeldPass,
    HeldReservation,
    Issue,
    Options,
    PassType,
    Purchase,
    Remaining,
    Status,
)
from studio_reservations.sentences import sentence_of, title_of
from tests.plugins.passes import NOW, ZONE, held, named, reservation, session


class KilnNotCooled(ReservationRefused):
    code = "kiln_not_cooled"


class KilnOptions(Options):
    firings: int = Field(default=2, ge=1, title="Firings")
    kind: Literal["raku", "salt"] = "raku"
    opens_on: date | None = None


class KilnPass(PassType):
    """A pass type as another package would bring it."""

    key = "kiln_pass"
    label = "Kiln pass"
    Options: ClassVar[type[Options]] = KilnOptions

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        if session.location != "kiln":
            raise KilnNotCooled(ready_on=date(2026, 12, 1), pass_id=held.id)


@pytest.fixture(autouse=True)
def fresh_discovery() -> Iterator[None]:
    installed_pass_types.cache_clear()
    yield
    installed_pass_types.cache_clear()


def installed(plugin: type[PassType] = KilnPass) -> InstalledPassType:
    return InstalledPassType(plugin(), "test")


# Finding.


def test_the_four_built_in_types_come_from_the_installed_packages_entry_points() -> None:
    found = installed_pass_types()

    assert {one.key: (one.label, one.rank) for one in found} == {
        "unlimited_series": ("Unlimited series", 10),
        "full_course": ("Full course", 20),
        "punch_pass": ("Punch pass", 50),
        "drop_in": ("Drop-in", 50),
    }
    assert found.faults == {}
    assert all(one.source.startswith("entry point studio_pass_types:") for one in found)


def test_a_setting_adds_a_type_by_its_dotted_name() -> None:
    found = installed_pass_types((f"{__name__}:KilnPass",))

    assert found.get("kiln_pass").label == "Kiln pass"
    assert found.faults == {}
    assert "punch_pass" in found


def test_another_packages_entry_point_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, monkeypatch, module="class KilnPass(PassType):\n    key = 'foreign'\n    label = 'Foreign'\n")

    assert installed_pass_types().get("foreign").label == "Foreign"


@pytest.mark.parametrize(
    "module",
    [
        "raise RuntimeError('broken at import')",
        "KilnPass = 3",
        "class KilnPass:\n    key = label = 'kiln'",
        "class KilnPass(PassType):\n    label = 'No key'",
        "class KilnPass(PassType):\n    key = 'Kiln pass'\n    label = 'Kiln'",
        "raise SystemExit('broken at import')",
        "class KilnPass(PassType):\n    key = 'kiln'",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln \\ud800'",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    rank = 'first'",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    Options = dict",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    contract = 99",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    contract = '1'",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    translations = ['fr']",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    translations = {'fr': {'Kiln': 4}}",
        "class KilnPass(PassType):\n    key = 'kiln'\n    label = 'Kiln'\n    def __init__(self): raise OSError",
        "class KilnPass(PassType):\n    key = 'punch_pass'\n    label = 'A second punch pass'",
    ],
)
def test_a_type_that_cannot_be_used_is_named_among_the_faults_and_the_others_work(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _package(tmp_path, monkeypatch, module=module)

    found = installed_pass_types()

    assert list(found.faults) == ["kiln"]
    assert "kiln_for_tests:KilnPass" in found.faults["kiln"]
    assert {one.key for one in found} == {"unlimited_series", "full_course", "punch_pass", "drop_in"}
    assert found.get("punch_pass").label == "Punch pass"


def test_a_type_for_a_newer_contract_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = "class KilnPass(PassType):\n    contract = 2\n    key = label = None"
    _package(tmp_path, monkeypatch, module=newer)

    found = installed_pass_types()

    assert found.faults["kiln"].endswith(
        "KilnPass is written for version 2 of the contract, and this studio-reservations knows 1: install a newer one"
    )
    assert found.fault_of("kiln") == found.faults["kiln"]
    assert found.fault_of("moon") == "No installed package and no setting brings a pass type 'moon'."
    assert found.fault_of("punch_pass") is None


def test_a_type_is_found_with_its_package_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, monkeypatch, module="class KilnPass(PassType):\n    key = 'foreign'\n    label = 'Foreign'\n")

    found = installed_pass_types((f"{__name__}:KilnPass",))

    assert (found.get("foreign").package, found.get("foreign").version) == ("kiln-for-tests", "1.0")
    assert (found.get("punch_pass").package, found.get("kiln_pass").package) == ("studio-reservations", None)


@pytest.mark.parametrize("name", ["no_such_module:KilnPass", f"{__name__}:NoSuchClass"])
def test_a_dotted_name_that_leads_nowhere_is_a_fault(name: str) -> None:
    found = installed_pass_types((name,))

    assert list(found.faults) == [name]
    assert "punch_pass" in found


def test_naming_an_installed_type_once_more_changes_nothing() -> None:
    found = installed_pass_types(("studio_pass_types:PunchPass",))

    assert found.faults == {}
    assert [one.key for one in found].count("punch_pass") == 1


def test_a_missing_type_is_unavailable() -> None:
    assert PassTypes([]).find("gone") is None
    with pytest.raises(PassTypeUnavailable) as refused:
        PassTypes([]).get("gone")
    assert refused.value.values == {"pass_type": "gone"}


# Options.


def test_options_are_completed_with_defaults_as_json_values() -> None:
    assert installed().validated_options({"opens_on": "2026-12-01"}) == {
        "firings": 2,
        "kind": "raku",
        "opens_on": "2026-12-01",
    }


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"firings": 0}, "pass_options.firings"),
        ({"firings": "2"}, "pass_options.firings"),
        ({"firings": True}, "pass_options.firings"),
        ({"firings": 1.5}, "pass_options.firings"),
        ({"firings": None}, "pass_options.firings"),
        ({"kind": "wood"}, "pass_options.kind"),
        ({"opens_on": "soon"}, "pass_options.opens_on"),
        ({"glaze": "blue"}, "pass_options.glaze"),
        ({"kind": "\ud800"}, "pass_options"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        installed().validated_options(options)

    assert list(refused.value.values["errors"]) == [field]


@pytest.mark.parametrize(
    ("key", "options", "valid"),
    [
        ("punch_pass", {"sessions": 1}, True),
        ("punch_pass", {"sessions": 500, "max_advance": None}, True),
        ("punch_pass", {}, False),
        ("punch_pass", {"sessions": 0}, False),
        ("punch_pass", {"sessions": 501}, False),
        ("punch_pass", {"sessions": 8, "max_advance": 0}, False),
        ("unlimited_series", {"max_advance": 5}, True),
        ("unlimited_series", {"sessions": 8}, False),
        ("full_course", {"sequence_rule": "reserved"}, True),
        ("full_course", {"sequence_rule": "none"}, False),
        ("drop_in", {}, True),
        ("drop_in", {"sessions": 2}, False),
    ],
)
def test_the_built_in_types_check_what_staff_choose(key: str, options: dict[str, Any], valid: bool) -> None:
    pass_type = installed_pass_types().get(key)

    if valid:
        assert options.items() <= pass_type.validated_options(options).items()
        assert isinstance(pass_type.issue(pass_type.validated_options(options)), Issue)
    else:
        with pytest.raises(InvalidRequest):
            pass_type.validated_options(options)


def test_every_built_in_option_can_be_shown_as_a_form() -> None:
    for pass_type in installed_pass_types():
        for field in pass_type.plugin.Options.model_json_schema().get("properties", {}).values():
            assert field["title"]
            assert field["description"].endswith(".")


# Containing.


def test_a_plugins_own_refusal_comes_through_with_its_values() -> None:
    asked = held()

    with pytest.raises(KilnNotCooled) as refused:
        installed().allow_reservation(asked, session())

    assert refused.value.values == {"ready_on": date(2026, 12, 1), "pass_id": asked.id}
    installed().allow_reservation(asked, replace(session(), location="kiln"))


ONE = reservation("one")
BUYER = Purchase(customer_id=ONE.customer_id, now=NOW, timezone=ZONE)
ASKED: dict[str, Callable[[InstalledPassType], Any]] = {
    "allow_issue": lambda one: one.allow_issue(BUYER),
    "issue": lambda one: one.issue({}),
    "people": lambda one: one.people({}),
    "allow_reservation": lambda one: one.allow_reservation(held(), session()),
    "punches_for": lambda one: one.punches_for(Event.NO_SHOW, held(remaining=3), session()),
    "exclusive_steps": lambda one: one.exclusive_steps(held()),
    "dependents": lambda one: one.dependents(held(ONE), ONE),
    "remaining": lambda one: one.remaining(held()),
    "figures": lambda one: one.figures(held()),
    "status_fields": lambda one: one.status_fields(held()),
}


def answering(method: str, answer: Callable[..., Any]) -> InstalledPassType:
    """Return a pass type one method of which answers as told."""
    return installed(type("Odd", (KilnPass,), {method: lambda self, *values: answer(*values)}))


def raising(error: BaseException) -> Callable[..., Any]:
    def answer(*values: object) -> None:
        raise error

    return answer


@pytest.mark.parametrize("method", ASKED)
@pytest.mark.parametrize(
    "error", [KeyError("x"), RecursionError(), AssertionError(), SystemExit(1), StudioError(), InvalidRequest()]
)
def test_what_a_plugin_raises_is_contained_and_logged(
    method: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(PassTypeUnavailable) as refused:
        ASKED[method](answering(method, raising(error)))

    assert refused.value.values == {"pass_type": "kiln_pass"}
    assert [f"failed in {method}" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize("method", ASKED)
def test_only_what_asks_for_leave_is_refused(method: str) -> None:
    refusing = answering(method, raising(KilnNotCooled()))

    with pytest.raises(KilnNotCooled if method.startswith("allow_") else PassTypeUnavailable):
        ASKED[method](refusing)


def test_an_interrupt_is_not_held_back() -> None:
    with pytest.raises(KeyboardInterrupt):
        ASKED["remaining"](answering("remaining", raising(KeyboardInterrupt())))


@pytest.mark.parametrize(
    ("method", "nonsense"),
    [
        ("issue", None),
        ("issue", {"sessions_included": 8}),
        ("issue", Issue(sessions_included=-1)),
        ("issue", Issue(sessions_included=2.5)),  # type: ignore[arg-type]
        ("issue", Issue(max_advance_reservations="3")),  # type: ignore[arg-type]
        ("issue", Issue(requires_sequential_attendance=None)),  # type: ignore[arg-type]
        ("allow_issue", True),
        ("people", 0),
        ("people", -1),
        ("people", "4"),
        ("people", True),
        ("figures", None),
        ("figures", [Figure(key="firings", label="Firings", value=2)]),
        ("figures", (("firings", 2),)),
        ("figures", (Figure(key="Firings left", label="Firings", value=2),)),
        ("figures", (Figure(key="firings", label="", value=2),)),
        ("figures", (Figure(key="firings", label="Firings", value=float("inf")),)),
        ("figures", (Figure(key="firings", label="Firings", value={}),)),  # type: ignore[arg-type]
        ("figures", (Figure(key="firings", label="Firings", value=(1,)),)),  # type: ignore[arg-type]
        ("figures", (Figure(key="firings", label="Firings", value=2, staff_only=None),)),  # type: ignore[arg-type]
        ("allow_reservation", False),
        ("allow_reservation", "no"),
        ("punches_for", None),
        ("punches_for", -1),
        ("punches_for", True),
        ("punches_for", 1.0),
        ("punches_for", 10**9),
        ("exclusive_steps", None),
        ("exclusive_steps", "yes"),
        ("dependents", None),
        ("dependents", [ONE.id]),
        ("dependents", ([],)),
        ("remaining", 3),
        ("remaining", Remaining(available=-1)),
        ("remaining", Remaining(available="3")),  # type: ignore[arg-type]
        ("remaining", Remaining(unit=None)),  # type: ignore[arg-type]
        ("status_fields", None),
        ("status_fields", [1]),
        ("status_fields", {"when": date(2026, 12, 1)}),
        ("status_fields", {"share": float("nan")}),
        ("status_fields", {"note": "half a character: \ud800"}),
        ("status_fields", {"parts": [{"\udfff": 1}]}),
        ("remaining", Remaining(unit="\ud800")),
    ],
)
def test_nonsense_is_contained(method: str, nonsense: Any) -> None:
    with pytest.raises(PassTypeUnavailable):
        ASKED[method](answering(method, lambda *values: nonsense))


class Nameless(ReservationRefused):
    pass


class Shouting(ReservationRefused):
    code = "KILN IS HOT"


class Crashing(ReservationRefused):
    code = "kiln_is_hot"
    status = 500


class Unspoken(ReservationRefused):
    code = "kiln_is_hot"
    sentence = 7  # type: ignore[assignment]


class Valueless(ReservationRefused):
    code = "kiln_is_hot"

    def __init__(self) -> None:
        Exception.__init__(self)


@pytest.mark.parametrize(
    "refusal",
    [
        *(ReservationRefused(), Nameless(), Shouting(), Crashing(), Valueless()),
        Unspoken(),
        *(KilnNotCooled(kiln=value) for value in (object(), "\ud800", {"\ud800": 1}, float("nan"))),
    ],
)
def test_a_refusal_that_could_not_be_answered_is_contained(refusal: ReservationRefused) -> None:
    with pytest.raises(PassTypeUnavailable):
        ASKED["allow_reservation"](answering("allow_reservation", raising(refusal)))


def test_what_was_last_wrong_is_kept_for_staff() -> None:
    odd = answering("remaining", raising(LookupError("the price list is empty")))
    wordless = answering("remaining", raising(Wordless()))

    for pass_type in (odd, wordless):
        with pytest.raises(PassTypeUnavailable):
            pass_type.remaining(held())

    assert odd.health.fault == "remaining: LookupError: the price list is empty"
    assert wordless.health.fault == "remaining: Wordless: "
    assert PassTypes([odd]).fault_of("kiln_pass") == odd.health.fault


def test_what_was_last_wrong_says_when_and_is_over_after_a_run_of_good_answers() -> None:
    now = datetime(2026, 12, 1, 10, tzinfo=UTC)
    moody = replace(
        answering("remaining", raising(LookupError("the price list is empty"))), health=Health(now=lambda: now)
    )
    with pytest.raises(PassTypeUnavailable):
        moody.remaining(held())
    well = replace(answering("remaining", lambda _: Remaining(available=1)), health=moody.health)
    fault = "remaining: LookupError: the price list is empty (last wrong at 2026-12-01 05:00:00, last right"

    assert PassTypes([moody]).fault_of("kiln_pass", timezone="America/Toronto") == f"{fault} never, America/Toronto)"
    now += timedelta(minutes=5)
    for _ in range(FORGIVEN_AFTER):
        assert moody.health.told(timezone="America/Toronto") is not None
        well.figures(held())
        well.remaining(held())

    assert moody.health.fault is None
    assert moody.health.right_at == now


def test_a_question_that_goes_wrong_now_and_then_stays_marked() -> None:
    slow, _ = thinking(*([0.01] * (FORGIVEN_AFTER - 1) + [0.2]) * 3, 0.01)

    for _ in range(3 * FORGIVEN_AFTER + 1):
        slow.remaining(held())

    assert slow.health.fault == "remaining took 200 ms; it has 50 ms"


def test_a_type_that_cannot_be_loaded_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    installed_pass_types(("no_such_module:KilnPass",))

    [record] = caplog.records
    assert record.exc_info is None
    assert "no_such_module:KilnPass cannot be loaded: setting no_such_module:KilnPass: ModuleNot" in record.getMessage()


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


# Slowness.


class Ticking:
    """A clock that each question moves on."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.seconds = 1000.0, list(seconds)

    def __call__(self) -> float:
        return self.now

    def think(self, *_values: object) -> Remaining:
        self.now += self.seconds.pop(0)
        return Remaining(available=1)


def thinking(*seconds: float) -> tuple[InstalledPassType, Ticking]:
    clock = Ticking(*seconds)
    return replace(answering("remaining", clock.think), health=Health(clock=clock)), clock


def test_a_slow_answer_is_given_and_told_to_staff_and_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    slow, _ = thinking(0.12, 0.001)

    with caplog.at_level(logging.WARNING):
        answers = [slow.remaining(held()) for _ in range(2)]

    assert answers == [Remaining(available=1)] * 2
    told = "remaining took 120 ms; it has 50 ms"
    assert slow.health.fault == told
    assert [record.getMessage() for record in caplog.records] == [f"pass type kiln_pass (test) is slow: {told}"]


def test_slow_three_times_in_a_row_it_is_not_asked_for_a_minute() -> None:
    slow, clock = thinking(0.2, 0.2, 0.2, 0.001)
    for _ in range(3):
        slow.remaining(held())

    for method in ASKED:
        with pytest.raises(PassTypeUnavailable):
            ASKED[method](slow)
    clock.now += 60.1

    assert slow.remaining(held()) == Remaining(available=1)
    assert "slow 3 times in a row: it is not asked for 60 s" in (slow.health.fault or "")


def test_slow_now_and_then_is_no_reason_to_rest() -> None:
    slow, _ = thinking(*[0.2, 0.2, 0.001] * 4)

    for _ in range(12):
        assert slow.remaining(held()) == Remaining(available=1)


# Words.


class KilnHot(ReservationRefused):
    code = "kiln_hot"
    sentence = "The kiln is hot until {day}. Come back {times:once|# times}."


FRENCH = {
    "Kiln pass": "Carte de four",
    "Firings": "Cuissons",
    "Salt": "Sel",
    "salt": "sel",
    "Kiln hot": "Four chaud",
    KilnHot.sentence or "": "Le four est chaud, {day}. Revenez {times:une fois|# fois}.",
}


class SpeakingPass(KilnPass):
    translations: ClassVar[dict[str, dict[str, str]]] = {"fr": FRENCH}

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        raise KilnHot(day="salt", times=2)

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        return (
            Figure(key="kind", label="Firings", value="salt"),
            Figure(key="kinds", label="Of these", value=("salt", "raku")),
            Figure(key="left", label="Firings", value=2),
        )


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [
        (None, "Kiln hot", "The kiln is hot until salt. Come back 2 times."),
        ("en", "Kiln hot", "The kiln is hot until salt. Come back 2 times."),
        ("de", "Kiln hot", "The kiln is hot until salt. Come back 2 times."),
        ("fr", "Four chaud", "Le four est chaud, sel. Revenez 2 fois."),
        ("fr-CA", "Four chaud", "Le four est chaud, sel. Revenez 2 fois."),
        ("fr_CA", "Four chaud", "Le four est chaud, sel. Revenez 2 fois."),
    ],
)
def test_a_refusal_is_told_in_the_languages_that_the_plugin_speaks(
    language: str | None, title: str, sentence: str
) -> None:
    with pytest.raises(KilnHot) as refused:
        installed(SpeakingPass).allow_reservation(held(), session())

    spoken = language_for(language)
    assert title_of(refused.value, language=spoken) == title
    assert sentence_of(refused.value, language=spoken) == sentence


def test_a_translation_that_cannot_be_filled_gives_way_to_the_english() -> None:
    with pytest.raises(KilnHot) as refused:
        installed(SpeakingPass).allow_reservation(held(), session())
    refused.value.translations = {"fr": {KilnHot.sentence or "": "Le four {is_not_there}."}}

    assert sentence_of(refused.value, language=language_for("fr")) == "The kiln is hot until salt. Come back 2 times."


def test_label_figures_and_form_are_translated_and_english_where_they_are_not() -> None:
    pass_type = installed(SpeakingPass)

    assert pass_type.say(pass_type.label, language="fr") == "Carte de four"
    assert [(one.label, one.value) for one in pass_type.figures(held(), language="fr")] == [
        ("Cuissons", "sel"),
        ("Of these", ("sel", "raku")),
        ("Cuissons", 2),
    ]
    labels = {one["name"]: one["label"] for one in pass_type.form(language="fr")}
    assert labels == {"firings": "Cuissons", "kind": "Kind", "opens_on": "Opens On"}


def test_a_validator_that_crashes_is_the_plugins_fault_and_not_the_callers() -> None:
    class Crashed(Options):
        firings: int = 1

        @field_validator("firings")
        @classmethod
        def crash(cls, value: int) -> int:
            raise LookupError(value)

    crashed = installed(type("Crashing", (KilnPass,), {"Options": Crashed}))

    with pytest.raises(PassTypeUnavailable):
        crashed.validated_options({"firings": 2})


def test_a_validator_that_says_half_a_character_is_the_plugins_fault() -> None:
    class Half(Options):
        kiln: str = "salt"

        @field_validator("kiln")
        @classmethod
        def check(cls, value: str) -> str:
            if value == "raku":
                raise ValueError("not \ud800")
            return "\ud800"

    half = installed(type("Half", (KilnPass,), {"Options": Half}))

    for kiln in ("raku", "soda"):
        with pytest.raises(PassTypeUnavailable):
            half.validated_options({"kiln": kiln})


def test_an_uncounted_pass_costs_nothing_whatever_the_plugin_says() -> None:
    greedy = answering("punches_for", lambda *values: 2)

    assert greedy.punches_for(Event.CHECK_IN, held(remaining=None), session()) == 0
    assert greedy.punches_for(Event.CHECK_IN, held(remaining=0), session()) == 2


def test_only_other_pending_reservations_of_the_pass_can_fall() -> None:
    pending, done = reservation("pending"), reservation("done", Status.ATTENDED)
    all_fall = answering("dependents", lambda *values: (ONE.id, pending.id, done.id, uuid4()))

    assert set(all_fall.dependents(held(ONE, pending, done), ONE)) == named("pending")


def test_a_type_that_overrides_nothing_allows_everything_and_counts_nothing() -> None:
    class Plain(PassType):
        key = "plain"
        label = "Plain"

    plain = installed(Plain)
    one: HeldReservation = ONE

    plain.allow_reservation(held(), session())

    assert plain.validated_options({}) == {}
    assert plain.issue({}) == Issue()
    assert plain.punches_for(Event.CHECK_IN, held(remaining=3), session()) == 0
    assert plain.exclusive_steps(held()) is False
    assert plain.dependents(held(one), one) == ()
    assert plain.remaining(held()) == Remaining()
    assert plain.status_fields(held()) == {}


def _package(directory: Path, monkeypatch: pytest.MonkeyPatch, *, module: str) -> None:
    """Lay out an installed package with one entry point, ``kiln``."""
    (directory / "kiln_for_tests.py").write_text(f"from studio_reservations.pass_types import PassType\n{module}\n")
    metadata = directory / "kiln_for_tests-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kiln-for-tests\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[studio_reservations.pass_types]\nkiln = kiln_for_tests:KilnPass\n")
    monkeypatch.syspath_prepend(directory)
    monkeypatch.delitem(sys.modules, "kiln_for_tests", raising=False)
