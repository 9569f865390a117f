"""What the API says of itself."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from studio_reservations.api.openapi import codes_of
from studio_reservations.api.pagination import PageQuery
from studio_reservations.api.routes import ENDPOINTS
from studio_reservations.errors import error_classes
from tests.api.client import document
from tests.host import create_app, dispose_engines

# They are raised before any endpoint is known, or kept for what may clash one day.
NOT_OF_AN_ENDPOINT = {"last_owner", "method_not_allowed", "time_conflict"}


def test_the_document_is_openapi_3_1():
    assert document()["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_every_route_is_documented_and_every_documented_call_is_a_route(app):
    pages = {"openapi", "docs", "error_page", "static", "nowhere"}
    routes = {
        (method, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule.removeprefix("/api")))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("studio_api.") and rule.endpoint.removeprefix("studio_api.") not in pages
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    documented = {(method.upper(), path) for path, calls in document()["paths"].items() for method in calls}
    assert routes == documented


def test_every_call_says_what_it_does():
    for endpoint in ENDPOINTS:
        operation = document()["paths"][endpoint.open_path][endpoint.method.lower()]
        assert operation["summary"], endpoint.name
        assert operation["operationId"] == endpoint.name


def test_every_code_is_documented_by_the_calls_that_answer_it():
    answered = {code for endpoint in ENDPOINTS for code in codes_of(endpoint)}

    assert answered <= set(error_classes())
    assert set(error_classes()) - answered == NOT_OF_AN_ENDPOINT


def test_a_session_that_is_over_refuses_its_cancellation_and_nothing_else():
    assert [one.name for one in ENDPOINTS if "session_ended" in codes_of(one)] == ["cancel_session"]


def test_every_list_comes_in_pages():
    lists = [one for one in ENDPOINTS if "PageOf" in str(one.gives.get(200))]

    assert len(lists) >= 7
    for endpoint in lists:
        assert issubclass(endpoint.takes, PageQuery), endpoint.name
        assert "invalid_cursor" in endpoint.errors, endpoint.name


@pytest.mark.parametrize("code", sorted(error_classes()))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_code_has_a_page(client, code):
    page = client.get(f"/api/errors/{code}")

    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert code in page.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_docs_need_nothing_but_what_is_shipped(client):
    page = client.get("/api/docs")

    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.findall(r"<script|<style|\sstyle=|https?://", page.text)
    assert all(f'id="{one.name}"' in page.text for one in ENDPOINTS)
    for target in set(re.findall(r'(?:href|src)="([^"]+)"', page.text)):
        path, _, anchor = target.partition("#")
        if path:
            with client.get(path) as response:
                assert response.status_code == 200, target
        assert not anchor or f'id="{anchor}"' in page.text, target


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_prefix_is_the_portals_to_choose(database_url, clock):
    app = create_app(database_url, clock=clock, config={"STUDIO_API_PREFIX": "/studio/api"})
    client = app.test_client()

    served = client.get("/studio/api/openapi.json").get_json()
    missing = client.get("/studio/api/nothing").get_json()
    elsewhere = client.get("/api/openapi.json")
    dispose_engines(app)

    assert served["servers"] == [{"url": "/studio/api"}]
    assert missing["type"] == "/studio/api/errors/not_found"
    assert elsewhere.status_code == 404
