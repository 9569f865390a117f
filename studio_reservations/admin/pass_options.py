"""The form in which staff choose a pass type's options, made from what the pass type says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    Form,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from studio_reservations.admin.forms import choices
from studio_reservations.pass_type_registry import InstalledPassType

PREFIX = "option-"
UUID_LENGTH = 36


def option_fields(pass_type: InstalledPassType) -> list[dict[str, Any]]:
    """Return what `form_of` says of the options, in order: the one place where the screens ask. :raises PassTypeUnavailable:"""
    return pass_type.form()


class WholeField(IntegerField):  # type: ignore[misc] # WTForms ships no types
    """A whole number."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was written. :raises ValueError: with what to write instead."""
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("Write a whole number.") from error


class JSONField(TextAreaField):  # type: ignore[misc] # WTForms ships no types
    """Whatever no control is made for, written as JSON."""

    def pre_validate(self, form: Form) -> None:
        """Refuse what is no JSON."""
        if self.data:
            try:
                json.loads(self.data)
            except ValueError as error:
                raise ValidationError("Write valid JSON, such as {} or [].") from error


KINDS: Mapping[str, type[Field]] = {
    "number": WholeField,
    "decimal": DecimalField,
    "yes_no": BooleanField,
    "text": StringField,
    "date": DateField,
    "time": TimeField,
    "choice": SelectField,
    "choices": SelectMultipleField,
}


def options_form(fields: Sequence[Mapping[str, Any]], *, classes: Mapping[str, str] | None = None) -> type[Form]:
    """Return a form class with a control for each field; numbers by class have one for each of ``classes``, titles by id."""
    controls: dict[str, Field] = {}
    for one in fields:
        if one["kind"] == "numbers_by_class":
            controls |= {f"{PREFIX}{one['name']}.{key}": _of_class(title) for key, title in (classes or {}).items()}
        else:
            controls[PREFIX + one["name"]] = _control(one)
    made: type[Form] = type("OptionsForm", (Form,), controls)
    return made


def defaults(fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return with what the form begins."""
    begin = {PREFIX + one["name"]: _begin(one) for one in fields if one["kind"] != "numbers_by_class"}
    by_class = [one for one in fields if one["kind"] == "numbers_by_class"]
    return begin | {
        f"{PREFIX}{one['name']}.{key}": number for one in by_class for key, number in (one["default"] or {}).items()
    }


def chosen(form: Form, fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the options as JSON values; what is left empty is null where that may be, else not sent."""
    options: dict[str, Any] = {}
    for one in fields:
        if one["kind"] == "numbers_by_class":
            options[one["name"]] = _numbers(form, f"{PREFIX}{one['name']}.")
            continue
        value = form[PREFIX + one["name"]].data
        if value is None or value == "":
            if one["nullable"]:
                options[one["name"]] = None
            continue
        options[one["name"]] = _as_json(one, value)
    return options


def said(
    fields: Sequence[Mapping[str, Any]], options: Mapping[str, Any], *, classes: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Return the options as they are read: label and value; numbers by class with the titles of ``classes``."""
    return [(one["label"], _read(one, options[one["name"]], classes or {})) for one in fields if one["name"] in options]


def grouped(form: Form, fields: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], list[Field]]]:
    """Return the controls of each field in order: one, or one for each class."""
    return [
        (one, [control for control in form if control.name.partition(".")[0] == PREFIX + one["name"]]) for one in fields
    ]


def name_of(option: str) -> str:
    """Return the name of the control of what a service calls ``pass_options.<field>``, with the class of a number by class."""
    field, _, rest = option.removeprefix("pass_options.").partition(".")
    return f"{PREFIX}{field}.{rest}" if len(rest) == UUID_LENGTH else PREFIX + field


def _of_class(title: str) -> Field:
    settings = {"type": "number", "inputmode": "numeric"}
    return IntegerField(title, [Optional()], render_kw=settings)


def _numbers(form: Form, prefix: str) -> dict[str, int]:
    found = {field.name.removeprefix(prefix): field.data for field in form if field.name.startswith(prefix)}
    return {key: number for key, number in found.items() if number is not None}


def _control(one: Mapping[str, Any]) -> Field:
    kind, required = one["kind"], one["required"] and not one["nullable"]
    made = KINDS.get(kind, JSONField)
    checks = [] if kind in ("yes_no", "choices") else [InputRequired("This is needed.") if required else Optional()]
    if kind in ("number", "decimal") and (one["min"], one["max"]) != (None, None):
        checks.append(NumberRange(one["min"], one["max"], _range(one["min"], one["max"])))
    settings: dict[str, Any] = {"description": one["help"] or "", "validators": checks, "render_kw": _limits(one)}
    if kind == "choice":
        empty = {"": "None"} if one["nullable"] else {}
        settings["choices"] = choices(empty | {str(each["value"]): each["label"] for each in one["choices"]})
        settings["coerce"] = str
    if kind == "choices":
        settings["choices"] = choices({str(each["value"]): each["label"] for each in one["choices"]})
        settings["coerce"] = str
        settings["widget"] = ListWidget(prefix_label=False)
        settings["option_widget"] = CheckboxInput()
    return made(one["label"], **settings)


def _range(low: Any, high: Any) -> str:
    if low is None:
        return f"Write a number up to {high:,}."
    return f"Write a number from {low:,}" + ("." if high is None else f" to {high:,}.")


def _limits(one: Mapping[str, Any]) -> dict[str, Any]:
    low, high = one["min"], one["max"]
    if one["kind"] in ("number", "decimal"):
        wanted = {"type": "number", "inputmode": "numeric", "min": low, "max": high}
        if one["kind"] == "decimal":
            wanted |= {"step": "any", "inputmode": "decimal"}
    elif one["kind"] == "text":
        wanted = {"minlength": low, "maxlength": high}
    else:
        wanted = {}
    return {name: value for name, value in wanted.items() if value is not None}


def _begin(one: Mapping[str, Any]) -> Any:
    value = one["default"]
    if value is None or one["kind"] in ("number", "decimal", "text", "yes_no"):
        return value
    if one["kind"] == "date":
        return date.fromisoformat(value)
    if one["kind"] == "time":
        return time.fromisoformat(value)
    if one["kind"] == "choices":
        return [str(each) for each in value]
    return str(value) if one["kind"] == "choice" else json.dumps(value)


def _as_json(one: Mapping[str, Any], value: Any) -> Any:
    match one["kind"]:
        case "decimal":
            return float(value)
        case "date" | "time":
            return value.isoformat()
        case "choice":
            return next((each["value"] for each in one["choices"] if str(each["value"]) == value), value)
        case "choices":
            return [each["value"] for each in one["choices"] if str(each["value"]) in value]
        case "number" | "text" | "yes_no":
            return value
    return json.loads(value)


def _read(one: Mapping[str, Any], value: Any, classes: Mapping[str, str]) -> str:
    if one["kind"] == "numbers_by_class":
        return ", ".join(f"{classes.get(key, key)} {number}" for key, number in value.items()) or "None"
    if value is None:
        return "No limit" if one["kind"] == "number" else "None"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    labels: dict[str, str] = {str(each["value"]): each["label"] for each in one["choices"]}
    if isinstance(value, list):
        return ", ".join(labels.get(str(each), str(each)) for each in value) or "None"
    return labels.get(str(value), json.dumps(value) if isinstance(value, dict) else str(value))
