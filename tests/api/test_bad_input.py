"""Bad input: a clear error with its code, nothing stored, never a 500."""

from __future__ import annotations

import json
from io import BytesIO
from uuid import UUID

import pytest
from sqlalchemy import func, select

from studio_reservations import LoginIdentity
from studio_reservations.models import IdempotencyRecord, SessionReservation
from tests.host import create_app, dispose_engines


def rows(stored) -> int:
    with stored() as db_session:
        counted = db_session.scalar(select(func.count()).select_from(SessionReservation))
        return counted + db_session.scalar(select(func.count()).select_from(IdempotencyRecord))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"starts_at": "2026-12-20T10:00:00"}, "starts_at"),
        ({"starts_at": 1_797_000_000}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59-14:00"}, "starts_at"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": None}, "starts_at"),
        ({"class_id": "42"}, "class_id"),
        ({"class_id": 42}, "class_id"),
        ({"class_id": ["x"]}, "class_id"),
        ({"capacity": "12"}, "capacity"),
        ({"capacity": 12.5}, "capacity"),
        ({"capacity": True}, "capacity"),
        ({"capacity": -1}, "capacity"),
        ({"capacity": 10**30}, "capacity"),
        ({"location": 7}, "location"),
        ({"location": "x" * 201}, "location"),
        ({"location": "a\0b"}, "location"),
        ({"colour": "blue"}, "colour"),
        ({"a\0b": 1}, "body"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_field_is_named(api, world, body, field):
    given = {"class_id": str(world.studio_class), "starts_at": "2026-12-20T10:00:00Z", **body}

    refused = api("manager").post("/staff/sessions", **given)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
    assert field in refused.json["errors"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b'\xef\xbb\xbf{"reason": "x"}', "malformed_json"),
        (b'{"reason": "a", "reason": "b"}', "malformed_json"),
        (b'{"if_free": NaN}', "malformed_json"),
        (b'{"reason": Infinity}', "malformed_json"),
        (b'{"reason": "\\ud800"}', "malformed_json"),
        (b'{"reason": "a\nb"}', "malformed_json"),
        (b'{"reason": 1' + b"0" * 5000 + b"}", "malformed_json"),
        (b"[" * 30_000, "malformed_json"),
        (b'{"a":' * 10_000, "malformed_json"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "malformed_json"),
        (b'{"a":' * 1_200 + b"1" + b"}" * 1_200, "malformed_json"),
        (b'{"a":' + b"[" * 1_200 + b"]" * 1_200 + b"}", "malformed_json"),
        (b'{"a": {"b": [1, {"c": ["\\u0000"]}]}}', "invalid_request"),
        (b"[]", "invalid_request"),
        (b"null", "invalid_request"),
        (b'"reason"', "invalid_request"),
        (b'{"reason": "' + b"x" * 40_960 + b'"}', "invalid_request"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_body_is_refused(api, world, raw, code):
    ada = api("ada")

    refused = ada.call("POST", f"/reservations/{world.reservation}/cancel", data=raw, content_type="application/json")

    assert refused.json["code"] == code
    assert ada.get(f"/reservations/{world.reservation}").json["status"] == "PENDING"


def test_a_body_that_is_too_large_is_refused_unread(api, world):
    ada = api("ada")

    refused = ada.call(
        "POST", f"/reservations/{world.reservation}/cancel", data=b" " * 70_000, content_type="application/json"
    )

    assert (refused.status_code, refused.json["code"], refused.json["limit"]) == (413, "payload_too_large", 65_536)


def test_a_body_without_a_length_is_read_up_to_the_limit(api, world):
    ada = api("ada")

    refused = ada.call(
        "POST",
        f"/reservations/{world.reservation}/cancel",
        input_stream=BytesIO(b" " * 70_000),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (refused.status_code, refused.json["code"]) == (413, "payload_too_large")


def test_a_body_that_is_not_json_is_refused(api, world):
    path = f"/reservations/{world.reservation}/cancel"

    as_form = api("ada").call("POST", path, data=b"reason=x", content_type="application/x-www-form-urlencoded")
    untyped = api("ada").call("POST", path, data=b"{}")

    assert (as_form.status_code, as_form.json["code"]) == (415, "unsupported_media_type")
    assert untyped.status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/reservations/42",
        "/reservations/not-an-id",
        "/nothing",
        "/",
        "/reservations/a%00b",
        "/reservations/a%0Ab",
        "/sessions/",
        "",
        "//me",
        "/me/",
    ],
)
def test_an_unknown_path_or_an_id_of_the_wrong_form_is_not_found(app, path):
    response = app.test_client().get(f"/api{path}")

    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert response.get_json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "SPELL"])
def test_a_wrong_method_says_which_ones_there_are(method, app):
    path, client = "/api/reservations/0190b6d8-0000-7000-8000-000000000000", app.test_client()
    response, asked = client.open(path, method=method), client.options(path)

    assert (response.status_code, response.get_json()["code"]) == (405, "method_not_allowed")
    for answer in (response, asked):
        assert {one.strip() for one in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "DELETE", "OPTIONS"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"studio": "clay", "from": "2026-13-01"}, "from"),
        ({"studio": "clay", "from": "0001-01-01"}, "from"),
        ({"studio": "clay", "to": "9999-12-31"}, "to"),
        ({"studio": "clay", "limit": "0"}, "limit"),
        ({"studio": "clay", "limit": "201"}, "limit"),
        ({"studio": "clay", "limit": "many"}, "limit"),
        ({"studio": "clay", "only_reservable": "perhaps"}, "only_reservable"),
        ({"studio": "clay", "colour": "blue"}, "colour"),
        ({"studio": "cl\0ay"}, "studio"),
        ({"studio": ["clay", "kiln"]}, "studio"),
        ({"class_id": "42"}, "class_id"),
        ({"studio": "clay", "class_id": "0190b6d8-0000-7000-8000-000000000000"}, "query"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_query_is_refused(api, query, field):
    ada = api("ada")

    refused = ada.client.get("/api/reservations/available", query_string=query)

    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid_request")
    assert field in refused.get_json()["errors"]


@pytest.mark.parametrize("cursor", ["x", "\u00e9", "AAAA", "bm90LWFuLWlk", "", "=" * 9])
@pytest.mark.parametrize("path", ["/studios", "/classes", "/registrations", "/reservations/available"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cursor_of_ones_own_making_is_refused(api, path, cursor):
    query = {} if path == "/studios" else {"studio": "clay"}

    refused = api("ada").get(path, **query, cursor=cursor)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_cursor")


def test_a_cursor_of_another_list_is_refused_or_harmless(api, world):
    ada = api("ada")
    cursor = ada.get("/reservations/available", studio="clay", limit=1).json["next"]

    for path in ("/classes", "/registrations", f"/registrations/{world.ada_pass}/reservations"):
        assert ada.get(path, cursor=cursor, **({"studio": "clay"} if path == "/classes" else {})).status_code == 200


@pytest.mark.parametrize("month", ["2026-13", "2026", "26-01", "0000-01", "9999-12", "2026-1", "\u0662026-12"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_month_is_refused(api, world, month):
    refused = api("ada").get(f"/registrations/{world.ada_pass}/calendar", month=month)

    assert (refused.status_code, set(refused.json["errors"])) == (422, {"month"})


def test_nothing_is_stored_for_what_is_refused(api, world, stored):
    before = rows(stored)
    ada = api("ada")

    for body in ({"session_id": "x"}, {}, {"session_id": str(UUID(int=1))}, {"session_id": str(world.session), "x": 1}):
        assert ada.post("/reservations", headers={"Idempotency-Key": "k"}, **body).status_code in (404, 422)

    assert rows(stored) == before


class BrokenIdentity(LoginIdentity):
    """An adapter of the portal's that fails."""

    def current_user(self):
        raise RuntimeError("the password of the database is 1234")


def test_a_broken_inside_shows_a_reference_and_nothing_else(database_url, clock, caplog):
    app = create_app(database_url, clock=clock, identity=BrokenIdentity())

    response = app.test_client().get("/api/me")
    dispose_engines(app)

    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (500, "internal_error")
    assert set(problem) == {"type", "title", "status", "code", "detail", "reference"}
    assert "1234" not in response.text
    assert problem["reference"] in caplog.text
    assert "1234" in caplog.text


def test_an_error_is_told_as_documented(api, world):
    refused = api("ada").post("/reservations", session_id=world.session)

    assert refused.mimetype == "application/problem+json"
    assert refused.headers["Cache-Control"] == "no-store"
    assert set(refused.json) == {"type", "title", "status", "code", "detail", "reservation_id"}
    assert json.loads(refused.data)["type"] == "/api/errors/already_reserved"
