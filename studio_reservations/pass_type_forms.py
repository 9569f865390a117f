"""The form in which staff choose a pass type's options, described as plain data.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

KINDS = {
    "integer": "number",
    "number": "decimal",
    "boolean": "yes_no",
    "string": "text",
    "date": "date",
    "time": "time",
}


def form_of(options: type[BaseModel], *, say: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the fields of a form in order; ``say`` translates what people read.

    Each has ``name``, ``label``, ``help``, ``kind``, ``required``, ``nullable``, ``default``, ``min`` and ``max`` (of a text
    or a list: of its length), and ``choices`` as value and label. Kinds: number, decimal, text, yes_no, date, time, choice,
    choices (any of them), numbers_by_class (an object of whole numbers by class id), and json for whatever else a model has.
    """
    schema = options.model_json_schema()
    known = schema.get("$defs", {})
    return [
        {"name": name, **_field(name, field, required=name in schema.get("required", ()), known=known, say=say)}
        for name, field in schema.get("properties", {}).items()
    ]


def _field(
    name: str, field: Mapping[str, Any], *, required: bool, known: Mapping[str, Any], say: Callable[[str], str]
) -> dict[str, Any]:
    shapes = [_resolved(one, known) for one in field.get("anyOf", [field])]
    shape = next((one for one in shapes if one.get("type") != "null"), {})
    items = _resolved(shape.get("items", {}), known)
    chosen_from = _values(shape) or _values(items)
    return {
        "label": say(field.get("title") or name.replace("_", " ").capitalize()),
        "help": say(field["description"]) if field.get("description") else None,
        "kind": _kind(shape, items),
        "required": required,
        "nullable": any(one.get("type") == "null" for one in shapes),
        "default": field.get("default"),
        "min": next((shape[one] for one in ("minimum", "minLength", "minItems") if one in shape), None),
        "max": next((shape[one] for one in ("maximum", "maxLength", "maxItems") if one in shape), None),
        "choices": [{"value": one, "label": say(str(one).replace("_", " ").capitalize())} for one in chosen_from],
    }


def _kind(shape: Mapping[str, Any], items: Mapping[str, Any]) -> str:
    if _values(shape):
        return "choice"
    if shape.get("type") == "array" and _values(items):
        return "choices"
    if shape.get("propertyNames", {}).get("format") == "uuid":
        return "numbers_by_class"
    return KINDS.get(shape.get("format", ""), KINDS.get(shape.get("type", ""), "json"))


def _values(shape: Mapping[str, Any]) -> list[Any]:
    return shape.get("enum") or ([shape["const"]] if "const" in shape else [])


def _resolved(shape: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = shape.get("$ref", "")
    found: Mapping[str, Any] = known.get(reference.rpartition("/")[2], {}) if reference else shape
    return found
