"""OpenAPI 3.1 from the route table.

Source: api.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from studio_reservations.api.answers import JSON
from studio_reservations.api.problems import PROBLEM
from studio_reservations.api.requests import Input
from studio_reservations.api.routes import ENDPOINTS, Endpoint
from studio_reservations.api.schemas import Problem
from studio_reservations.errors import InternalError, PassTypeUnavailable, error_classes

REF = "#/components/schemas/{model}"
EVERYWHERE = ("invalid_request", "rate_limited", "internal_error", "try_again")
PRIVATE = ("not_authenticated", "forbidden")
WRITES = (
    *("csrf_failed", "idempotency_in_progress", "idempotency_key_reused"),
    *("payload_too_large", "malformed_json", "unsupported_media_type"),
)
HTTP_NAMES = {200: "Done", 201: "Made", 304: "Unchanged"}
DESCRIPTION = (
    "Reservations with passes for studio classes. Times are RFC 3339 with the studio's offset, beside `timezone`; ids are "
    "UUIDs; `studio` is a slug. Unknown fields are refused. Every error is `application/problem+json` with a permanent `code`."
)


class Names(GenerateJsonSchema):
    """Schemas named as one would: ``PageOf_ClassOut``."""

    def normalize_name(self, name: str) -> str:
        """Return a name that may stand in a reference."""
        return super().normalize_name(name).rstrip("_")


def document(prefix: str) -> dict[str, Any]:
    """Return the OpenAPI document of the API under ``prefix``."""
    names, schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.open_path, {})[endpoint.method.lower()] = _operation(endpoint, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Studio reservations", "version": version("studio-reservations"), "description": DESCRIPTION},
        "servers": [{"url": prefix}],
        "tags": [{"name": name} for name in dict.fromkeys(one.tag for one in ENDPOINTS)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRFToken",
                    "description": "The portal's own login cookie; writes also carry the token of `GET /csrf`.",
                },
            },
        },
    }


def codes_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return every code with which an endpoint may refuse."""
    codes = [*endpoint.errors, *EVERYWHERE]
    if not endpoint.public:
        codes += PRIVATE
    if endpoint.writes:
        codes += WRITES
    return tuple(dict.fromkeys(codes))


def _schemas() -> tuple[Mapping[Any, str], dict[str, Any]]:
    inputs: dict[type[BaseModel], None] = {one.takes: None for one in ENDPOINTS if one.takes is not Input}
    outputs: dict[type[BaseModel], None] = {
        model: None for one in ENDPOINTS for model in one.gives.values() if not isinstance(model, str)
    }
    wanted: list[tuple[Any, Any]] = [(model, "validation") for model in inputs]
    wanted += [(model, "serialization") for model in (*outputs, Problem)]
    keys, definitions = models_json_schema(wanted, by_alias=True, ref_template=REF, schema_generator=Names)
    names = {model: schema["$ref"].rsplit("/", 1)[1] for (model, _), schema in keys.items()}
    return names, definitions["$defs"]


def _operation(endpoint: Endpoint, names: Mapping[Any, str]) -> dict[str, Any]:
    said = " ".join((endpoint.handle.__doc__ or "").split())
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": said.split(". ")[0].rstrip("."),
        "description": said,
        "tags": [endpoint.tag],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint), *_header_parameters(endpoint)],
        "responses": {
            **{str(status): _answer(status, model, names) for status, model in endpoint.gives.items()},
            **_problems(codes_of(endpoint), names),
        },
        "security": [] if endpoint.public else [{"bearer": []}, {"session": []}],
    }
    if endpoint.takes_body and endpoint.takes is not Input:
        schema = {"$ref": REF.format(model=names[endpoint.takes])}
        required = any(field.is_required() for field in endpoint.takes.model_fields.values())
        operation["requestBody"] = {"required": required, "content": {JSON: {"schema": schema}}}
    return operation


def _path_parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for kind, name in endpoint.path_parameters:
        schema = {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    if endpoint.takes_body:
        return
    schema = endpoint.takes.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    for name, field in schema.get("properties", {}).items():
        shape = dict(field)
        shape.pop("title", None)
        description = shape.pop("description", None)
        for key in ("$ref", "allOf"):
            if key in shape:
                shape.update(definitions[shape.pop(key).rsplit("/", 1)[1]])
        parameter = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "schema": _without_null(shape),
        }
        yield parameter | ({"description": description} if description else {})


def _without_null(shape: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what is not sent is left out."""
    kinds = [one for one in shape.get("anyOf", []) if one != {"type": "null"}]
    if len(kinds) == 1:
        shape = {**{key: value for key, value in shape.items() if key != "anyOf"}, **kinds[0]}
    if shape.get("default", "") is None:
        shape.pop("default")
    return shape


def _header_parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    if endpoint.writes:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Within 24 hours the same key and body get the same answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }


def _answer(status: int, model: type[BaseModel] | str, names: Mapping[Any, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTP_NAMES.get(status, "Done")}
    if status == 304:
        return answer
    if isinstance(model, str):
        return answer | {"content": {model: {"schema": {"type": "string"}}}}
    return answer | {"content": {JSON: {"schema": {"$ref": REF.format(model=names[model])}}}}


def _problems(codes: Iterable[str], names: Mapping[Any, str]) -> dict[str, Any]:
    """Return the error answers by status, each with its codes."""
    known = error_classes()
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(known.get(code, InternalError).status, []).append(code)
    schema = {"$ref": REF.format(model=names[Problem])}
    return {
        str(status): {
            "description": ", ".join(f"`{code}`" for code in sorted(found))
            + (", or a code of the pass type's own" if PassTypeUnavailable.code in found else ""),
            "content": {PROBLEM: {"schema": schema}},
        }
        for status, found in sorted(by_status.items())
    }
