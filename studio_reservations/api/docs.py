"""The documentation that the API serves itself: `openapi.json`, a page that shows it, and a page for each error code."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.exceptions import NotFound

from studio_reservations import sentences
from studio_reservations.api import openapi
from studio_reservations.api.answers import dumped
from studio_reservations.api.routes import ENDPOINTS
from studio_reservations.errors import ReservationRefused, StudioError, error_classes
from studio_reservations.state import current_state

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=300",
}
STYLES = ("tokens.css", "components.css", "api-docs.css")
KINDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "number": "number",
    "object": "object",
}
FORMATS = {"uuid": "UUID", "date-time": "instant", "date": "date"}


def register(blueprint: Blueprint) -> None:
    """Add the pages to the API's blueprint."""
    blueprint.add_url_rule("/openapi.json", endpoint="openapi", view_func=_openapi)
    blueprint.add_url_rule("/docs", endpoint="docs", view_func=_docs)
    blueprint.add_url_rule("/errors/<code>", endpoint="error_page", view_func=_error)


def _prefix() -> str:
    return f"{request.script_root}{current_state().settings.api_prefix}"


def _openapi() -> Response:
    return Response(dumped(openapi.document(_prefix())), mimetype="application/json", headers=HEADERS)


def _docs() -> Response:
    document = openapi.document(_prefix())
    schemas = document["components"]["schemas"]
    operations: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for endpoint in ENDPOINTS:
        operation = document["paths"][endpoint.open_path][endpoint.method.lower()]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        operations[endpoint.tag].append(
            operation
            | {
                "method": endpoint.method,
                "path": endpoint.open_path,
                "summary_short": endpoint.name.replace("_", " ").capitalize(),
                "query": [_parameter(one) for one in operation["parameters"] if one["in"] == "query"],
                "body": body and _fields(schemas[_name(body)]),
                "answers": [_answer(status, operation["responses"][str(status)]) for status in endpoint.gives],
                "codes": openapi.codes_of(endpoint),
            }
        )
    shapes = {
        name: {"description": schema.get("description"), "fields": _fields(schema)} for name, schema in schemas.items()
    }
    return _page("docs.html", document=document, operations=operations, shapes=shapes, errors=_errors())


def _error(code: str) -> Response:
    kind = error_classes().get(code) or _refusal_of_a_plugin(code)
    if kind is None:
        raise NotFound()
    return _page("error.html", error=_described(kind))


def _errors() -> list[dict[str, Any]]:
    """Return every code of ours with its status, title, sentence and what its values mean, by status."""
    return sorted(map(_described, error_classes().values()), key=lambda one: (one["status"], one["code"]))


def _described(kind: type[StudioError]) -> dict[str, Any]:
    # Without its values, for a plugin's may be made of values that only the plugin knows.
    error = StudioError.__new__(kind)
    error.values = {}
    return {
        "code": kind.code,
        "status": kind.status,
        "title": sentences.title_of(error),
        "detail": sentences.sentence_of(error),
        "members": _meaning(kind),
        "package": None if kind.__module__ == StudioError.__module__ else kind.__module__.partition(".")[0],
    }


def _refusal_of_a_plugin(code: str) -> type[StudioError] | None:
    """Return the refusal of that code which a pass type brings, of those that this portal has loaded."""
    waiting: list[type[ReservationRefused]] = ReservationRefused.__subclasses__()
    for one in waiting:
        waiting += one.__subclasses__()
    return next((one for one in waiting if one.code == code), None)


def _meaning(error: type[StudioError]) -> str:
    """Return what the error's docstring says of its values; one that is inherited says nothing of it."""
    own = error.__doc__ if error.__doc__ not in (StudioError.__doc__, ReservationRefused.__doc__) else None
    return " ".join((own or "").replace("``", "").split())


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**parameter, "kind": _kind(parameter["schema"])}


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "required": name in required,
            "kind": _kind(field),
            "description": field.get("description"),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _answer(status: int, answer: dict[str, Any]) -> dict[str, Any]:
    for media_type, content in answer.get("content", {}).items():
        schema = content["schema"]
        return {"status": status, "kind": _kind(schema) if "$ref" in schema else {"text": media_type, "name": ""}}
    return {"status": status, "kind": {"text": "without a body", "name": ""}}


def _kind(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema is called for people, and the shape that it refers to."""
    if "$ref" in schema:
        return {"text": "", "name": _name(schema)}
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"] if one != {"type": "null"}]
        return {**(kinds[0] if kinds else {}), "or_null": {"type": "null"} in schema["anyOf"]}
    if schema.get("type") == "array":
        kind = _kind(schema.get("items", {}))
        return {"text": f"list of {kind['text']}".strip(), "name": kind["name"]}
    if "enum" in schema:
        return {"text": ", ".join(map(str, schema["enum"])), "name": ""}
    return {"text": FORMATS.get(schema.get("format", ""), KINDS.get(schema.get("type", ""), "any value")), "name": ""}


def _name(schema: dict[str, Any]) -> str:
    return re.sub(r".*/", "", schema["$ref"])


def _page(template: str, **values: Any) -> Response:
    styles = [url_for("studio_api.static", filename=name) for name in STYLES]
    page = render_template(f"studio_reservations/api/{template}", styles=styles, prefix=_prefix(), **values)
    return Response(page, mimetype="text/html", headers=HEADERS)
