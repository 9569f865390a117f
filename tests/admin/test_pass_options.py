"""The form of a pass type's options: a control for each kind, and JSON values out of it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from studio_credit_pack import CreditPack
from werkzeug.datastructures import MultiDict

from studio_reservations.admin import pass_options
from studio_reservations.pass_type_registry import InstalledPassType
from studio_reservations.pass_types import Options, PassType


class Everything(Options):
    """An option of each kind."""

    count: int = Field(default=3, ge=1, le=9, title="How many")
    limit: int | None = None
    share: float = 0.5
    weekend: bool = True
    word: str = Field("", max_length=5)
    begins: date | None = None
    level: Literal["new", "old"] = "new"
    days: list[Literal["mon", "tue"]] = Field(default_factory=list)
    rest: dict[str, Any] = Field(default_factory=dict)


class Odd(PassType):
    """A pass type with all of them."""

    key = "odd"
    label = "Odd pass"
    Options = Everything


ODD = InstalledPassType(Odd(), "test")


def filled(**fields: object) -> Any:
    form = pass_options.options_form(pass_options.option_fields(ODD))
    given = MultiDict([(pass_options.PREFIX + name, value) for name, value in fields.items()]) if fields else None
    return form(given, data=pass_options.defaults(pass_options.option_fields(ODD)))


def test_the_form_begins_with_the_defaults():
    form = filled()

    assert form["option-count"].data == 3
    assert form["option-weekend"].data is True
    assert form["option-level"].data == "new"
    assert str(form["option-count"].label) == '<label for="option-count">How many</label>'
    assert 'max="9"' in form["option-count"]()


def test_what_is_chosen_are_json_values_that_the_plugin_takes():
    form = filled(count="4", share="0.25", begins="2027-01-02", level="old", days="tue", rest='{"a": 1}', word="clay")

    assert form.validate(), form.errors
    chosen = pass_options.chosen(form, pass_options.option_fields(ODD))
    assert chosen["weekend"] is False
    assert (chosen["count"], chosen["limit"], chosen["share"]) == (4, None, 0.25)
    assert (chosen["begins"], chosen["level"], chosen["days"]) == ("2027-01-02", "old", ["tue"])
    assert ODD.validated_options(chosen)["rest"] == {"a": 1}


def test_what_cannot_be_is_said_before_the_plugin_is_asked():
    form = filled(count="40", share="x", rest="{", level="none")

    assert not form.validate()
    assert form.errors["option-count"] == ["Write a number from 1 to 9."]
    assert form.errors["option-rest"] == ["Write valid JSON, such as {} or []."]
    assert "option-level" in form.errors


def test_options_are_read_with_the_labels_of_the_form():
    read = dict(pass_options.said(pass_options.option_fields(ODD), {"limit": None, "weekend": True, "days": ["mon"]}))

    assert read == {"Limit": "No limit", "Weekend": "Yes", "Days": "Mon"}


RAKU, WHEEL = str(UUID(int=1)), str(UUID(int=2))
CLASSES = {RAKU: "Raku firing day", WHEEL: "Wheel throwing"}


def test_numbers_by_class_have_a_control_for_each_class():
    pack = InstalledPassType(CreditPack(), "test")
    fields = pack.form()
    kind = pass_options.options_form(fields, classes=CLASSES)
    form = kind(
        MultiDict({"option-credits": "10", "option-price": "1", f"option-prices.{RAKU}": "4"}),
        data=pass_options.defaults(fields),
    )

    assert form.validate(), form.errors
    chosen = pass_options.chosen(form, fields)
    assert form[f"option-prices.{RAKU}"].label.text == "Raku firing day"
    assert [(field["name"], len(controls)) for field, controls in pass_options.grouped(form, fields)] == [
        ("credits", 1),
        ("price", 1),
        ("prices", 2),
    ]
    assert pack.validated_options(chosen) == {"credits": 10, "price": 1, "prices": {RAKU: 4}}
    assert dict(pass_options.said(fields, chosen, classes=CLASSES))["Prices by class"] == "Raku firing day 4"


def test_what_a_service_finds_wrong_is_put_at_its_control():
    assert pass_options.name_of("pass_options.credits") == "option-credits"
    assert pass_options.name_of("pass_options.days.0") == "option-days"
    assert pass_options.name_of(f"pass_options.prices.{RAKU}") == f"option-prices.{RAKU}"
