"""The form in which staff choose a pass type's options."""

from __future__ import annotations

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from studio_reservations.pass_type_forms import form_of
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Options


class Glaze(StrEnum):
    SALT = "salt"
    RAKU = "raku"


class Kiln(BaseModel):
    hot: bool = False


class KilnOptions(Options):
    firings: int = Field(ge=1, le=9, title="Firings", description="How many.")
    share: float = 0.5
    hot: bool = False
    name: str = Field(default="", max_length=40)
    opens_on: date | None = None
    opens_at: time = time(9)
    glaze: Glaze = Glaze.SALT
    kind: Literal["wood_fired", "gas"] | None = None
    days: tuple[Literal["Monday", "Friday"], ...] = Field(default=("Monday",), min_length=1)
    prices: dict[UUID, Annotated[int, Field(ge=0)]] = Field(default={})
    only: Literal["this"] = "this"
    kiln: Kiln = Kiln()
    anything: Any = None


FORM = {one["name"]: one for one in form_of(KilnOptions, say=str)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("firings", {"kind": "number", "required": True, "min": 1, "max": 9, "help": "How many.", "default": None}),
        ("share", {"kind": "decimal", "required": False, "default": 0.5, "label": "Share", "help": None}),
        ("hot", {"kind": "yes_no", "default": False, "nullable": False}),
        ("name", {"kind": "text", "max": 40}),
        ("opens_on", {"kind": "date", "nullable": True, "default": None}),
        ("opens_at", {"kind": "time", "default": "09:00:00"}),
        ("kind", {"kind": "choice", "nullable": True}),
        ("days", {"kind": "choices", "min": 1, "default": ["Monday"]}),
        ("prices", {"kind": "numbers_by_class", "default": {}}),
        ("only", {"kind": "choice", "choices": [{"value": "this", "label": "This"}]}),
        ("kiln", {"kind": "json"}),
        ("anything", {"kind": "json"}),
    ],
)
def test_a_field_is_described_by_its_kind_and_bounds(name: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= FORM[name].items()


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("glaze", [("salt", "Salt"), ("raku", "Raku")]),
        ("kind", [("wood_fired", "Wood fired"), ("gas", "Gas")]),
        ("days", [("Monday", "Monday"), ("Friday", "Friday")]),
        ("firings", []),
    ],
)
def test_choices_are_named_for_people(name: str, choices: list[tuple[str, str]]) -> None:
    assert [(one["value"], one["label"]) for one in FORM[name]["choices"]] == choices


def test_fields_come_in_their_order_and_in_the_language_of_whoever_reads() -> None:
    french = {"Firings": "Cuissons", "How many.": "Combien."}

    form = form_of(KilnOptions, say=lambda text: french.get(text, text))

    assert [one["name"] for one in form] == list(KilnOptions.model_fields)
    assert (form[0]["label"], form[0]["help"]) == ("Cuissons", "Combien.")


def test_every_installed_type_has_a_form_that_people_can_read() -> None:
    for pass_type in installed_pass_types():
        for field in pass_type.form():
            assert field["kind"] != "json"
            assert field["label"]
            assert field["help"].endswith(".")
