"""What the documentation of pass types says is so."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from studio_reservations import pass_types
from studio_reservations.language import language_for
from studio_reservations.pass_type_answers import made
from studio_reservations.pass_type_registry import InstalledPassType
from studio_reservations.pass_types import PassType
from studio_reservations.sentences import sentence_of
from tests.plugins.passes import held, reservation, session

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "developers" / "pass-types.md").read_text()
EXAMPLES = sorted(one.parent.name for one in (ROOT / "plugins").glob("*/pyproject.toml"))


def code_in(text: str) -> Iterator[str]:
    return (one.group(1) for one in re.finditer(r"```python\n(.*?)```", text, re.DOTALL))


def without_spaces(code: str) -> str:
    """Return code as it is however it is indented and wrapped."""
    return "".join(code.split())


def test_the_pass_type_of_the_ten_minutes_works_as_it_stands():
    module = ModuleType("daily")
    exec(next(code_in(PAGE)), vars(module))
    daily = InstalledPassType(made(module.DailyPass), "the documentation")
    same_day = replace(session(on=1), id=session(on=2).id)

    daily.allow_reservation(held(reservation("one", on=1)), session(on=2))
    with pytest.raises(module.DayTaken) as refused:
        daily.allow_reservation(held(reservation("one", on=1)), same_day)

    assert sentence_of(refused.value) == (
        "This pass is for one class a day, and Sat 21 November has one already. Choose another day, or cancel that one."
    )
    assert sentence_of(refused.value, language=language_for("fr")).startswith("Ce forfait vaut pour un cours par jour")


def test_every_question_that_a_pass_type_can_answer_is_documented():
    asked = [name for name in vars(PassType) if not name.startswith("_")] + ["key", "label"]

    missing = [name for name in asked if f"`{name}" not in PAGE]
    assert missing == []


def test_every_value_that_a_pass_type_is_given_is_documented():
    given = ("HeldPass", "HeldReservation", "Candidate", "Purchase", "Issue", "Remaining", "Figure", "week_of")

    assert [name for name in given if name not in PAGE or not hasattr(pass_types, name)] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_package_with_an_entry_point_a_story_and_the_code_that_it_shows(name):
    folder = ROOT / "plugins" / name
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    ((key, target),) = project["entry-points"]["studio_reservations.pass_types"].items()
    module_name, _, attribute = target.partition(":")
    module = import_module(module_name)
    plugin = made(getattr(module, attribute))
    story = (folder / "README.md").read_text()

    assert plugin.key == key == name
    assert f"pip install ./plugins/{name}" in story
    assert all(f"`{option}`" in story for option in plugin.Options.model_fields)
    shown = list(code_in(story))
    assert shown
    assert all(without_spaces(one) in without_spaces(inspect.getsource(module)) for one in shown)
    assert f"plugins/{name}/README.md" in PAGE
    assert (folder / module_name / "py.typed").exists()
