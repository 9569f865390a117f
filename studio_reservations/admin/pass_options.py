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
from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.pass_type_forms import form_of
from studio_reservations.pass_type_registry import InstalledPassType

PREFIX = "option-"


def option_fields(pass_type: InstalledPassType) -> list[dict[str, Any]]:
    """Return what `form_of` says of the options, in order: the one place where the screens ask. :raises PassTypeUnavailable:"""
    try:
        return form_of(pass_type.plugin.Options, say=str)
    except Exception as error:
        raise PassTypeUnavailable(pass_type=pass_type.key) from error


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


def options_form(fields: Sequence[Mapping[str, Any]]) -> type[Form]:
    """Return a form class with a control for each field."""
    controls = {PREFIX + one["name"]: _control(one) for one in fields}
    made: type[Form] = type("OptionsForm", (Form,), controls)
    return made


def defaults(fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return with what the form begins."""
    return {PREFIX + one["name"]: _begin(one) for one in fields}


def chosen(form: Form, fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the options as JSON values; what is left empty is null where that may be, else not sent."""
    options: dict[str, Any] = {}
    for one in fields:
        value = form[PREFIX + one["name"]].data
        if value is None or value == "":
            if one["nullable"]:
                options[one["name"]] = None
            continue
        options[one["name"]] = _as_json(one, value)
    return options


def said(fields: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the options as they are read: label and value."""
    return [(one["label"], _read(one, options[one["name"]])) for one in fields if one["name"] in options]


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


def _read(one: Mapping[str, Any], value: Any) -> str:
    if value is None:
        return "No limit" if one["kind"] == "number" else "None"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    labels: dict[str, str] = {str(each["value"]): each["label"] for each in one["choices"]}
    if isinstance(value, list):
        return ", ".join(labels.get(str(each), str(each)) for each in value) or "None"
    return labels.get(str(value), json.dumps(value) if isinstance(value, dict) else str(value))
