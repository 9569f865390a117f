"""A caller of the API that holds every answer it gets against the OpenAPI document."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

from studio_reservations.api import openapi
from studio_reservations.api.routes import ENDPOINTS
from studio_reservations.errors import error_classes
from tests.host import User, log_in

DOCUMENT = "urn:openapi"
FORMATS = FormatChecker(["date", "date-time", "uuid"])


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    return openapi.document("/api")


@cache
def validator(pointer: str) -> Draft202012Validator:
    """Return the validator of one schema of the document."""
    registry: Registry[Any] = Registry().with_resource(
        DOCUMENT, Resource.from_contents(document(), default_specification=DRAFT202012)
    )
    return Draft202012Validator({"$ref": f"{DOCUMENT}{pointer}"}, registry=registry, format_checker=FORMATS)


class Api:
    """Calls as one principal: a portal user, a bearer token, or nobody."""

    def __init__(self, app: Flask, *, user: User | None = None, token: str | None = None) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.headers: dict[str, str] = {}
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"
        if user is not None:
            log_in(self.client, user)
            self.headers["X-CSRFToken"] = self.client.get("/api/csrf").get_json()["csrf_token"]

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        """Read; the keywords are the query (``from_`` is ``from``)."""
        return self.call("GET", path, query=query, headers=headers)

    def post(self, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
        """Write; the keywords are the JSON body."""
        return self.call("POST", path, body=body, headers=headers)

    def put(self, path: str, **body: Any) -> TestResponse:
        """Set the whole; the keywords are the JSON body."""
        return self.call("PUT", path, body=body)

    def patch(self, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
        """Change; the keywords are the JSON body."""
        return self.call("PATCH", path, body=body, headers=headers)

    def delete(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        """Delete; the keywords are the query."""
        return self.call("DELETE", path, query=query, headers=headers)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Make a call below the prefix and hold the answer against the document."""
        if body is not None:
            options |= {"data": json.dumps(body, default=str), "content_type": "application/json"}
        if query:
            options["query_string"] = {name.rstrip("_"): str(value) for name, value in query.items()}
        response = self.client.open(
            f"/api{path}",
            method=method,
            headers={**self.headers, **(headers or {})},
            **options,
        )
        check_answer(self.app, method, path, response)
        return response


def check_answer(app: Flask, method: str, path: str, response: TestResponse) -> None:
    """Assert that the answer is one that the document describes, and that nothing went wrong inside."""
    assert response.status_code < 500, response.get_data(as_text=True)
    rule = app.url_map.bind("").match(f"/api{path.partition('?')[0]}", method=method, return_rule=True)[0]
    endpoint = next((one for one in ENDPOINTS if f"studio_api.{one.name}" == rule.endpoint), None)
    if response.status_code >= 400:
        assert response.mimetype == "application/problem+json"
        problem = response.get_json()
        assert problem["status"] == response.status_code
        assert problem["type"] == f"/api/errors/{problem['code']}"
        assert problem["title"]
        assert problem["detail"]
        if endpoint is not None:
            codes = openapi.codes_of(endpoint)
            is_a_plugins = "pass_type_unavailable" in codes and problem["code"] not in error_classes()
            assert problem["code"] in codes or is_a_plugins, f"{endpoint.name} does not document {problem['code']}"
        return
    if endpoint is None:
        return
    described = endpoint.gives[response.status_code]
    if response.status_code == 304 or isinstance(described, str):
        return
    pointer = f"#/paths/{_escaped(endpoint.open_path)}/{endpoint.method.lower()}/responses/{response.status_code}"
    validator(f"{pointer}/content/application~1json/schema").validate(response.get_json())


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
