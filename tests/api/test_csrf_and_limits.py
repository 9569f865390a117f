"""Writes with the portal's cookie, and how many calls one may make."""

from __future__ import annotations

import json

import pytest
from flask_wtf.csrf import CSRFProtect, generate_csrf

from tests.api.client import Api
from tests.host import create_app, dispose_engines, log_in


def cancel(client, world, **headers):
    return client.post(f"/api/reservations/{world.reservation}/cancel", headers=headers)


def test_a_write_with_the_cookie_needs_the_token(app, world):
    client = log_in(app.test_client(), world.users["ada"])

    refused = cancel(client, world)
    wrong = cancel(client, world, **{"X-CSRFToken": "guessed"})
    token = json.loads(client.get("/api/csrf").data)["csrf_token"]
    done = cancel(client, world, **{"X-CSRFToken": token})

    assert [(one.status_code, json.loads(one.data)["code"]) for one in (refused, wrong)] == [(403, "csrf_failed")] * 2
    assert done.status_code == 200


def test_the_token_of_another_session_is_worth_nothing(app, world):
    ada, eve = (log_in(app.test_client(), world.users[name]) for name in ("ada", "eve"))
    of_eve = json.loads(eve.get("/api/csrf").data)["csrf_token"]

    assert cancel(ada, world, **{"X-CSRFToken": of_eve}).status_code == 403


def test_a_bearer_write_needs_none(app, world):
    client = app.test_client()

    assert cancel(client, world, Authorization=f"Bearer {world.tokens['customer']}").status_code == 200


def test_a_host_with_its_own_protection_leaves_ours_to_us(app, world):
    CSRFProtect(app)
    client = log_in_as_the_form_does(app)

    assert cancel(client, world).status_code == 403
    token = json.loads(client.get("/api/csrf").data)["csrf_token"]
    assert cancel(client, world, **{"X-CSRFToken": token}).status_code == 200


def log_in_as_the_form_does(app):
    """Log in as the host's own form would: with its token."""
    app.add_url_rule("/token", "token", generate_csrf)
    client = app.test_client()
    token = client.get("/token").text
    response = client.post("/login", data={"email": "ada@example.org", "csrf_token": token})
    assert response.status_code == 204
    return client


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_calls_too_often_is_told_when_to_come_back(database_url, world, clock):
    app = create_app(database_url, clock=clock, config={"STUDIO_RATE_LIMIT": "3 per minute"})
    ada, desk = Api(app, token=world.tokens["customer"]), Api(app, token=world.tokens["write"])

    answers = [ada.get("/me") for _ in range(4)]
    other = desk.get("/me")
    dispose_engines(app)

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    refused = json.loads(answers[-1].data)
    assert refused["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert refused["retry_after"] == int(answers[-1].headers["Retry-After"])
    assert other.status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_wrong_tokens_take_nothing_from_others_at_their_address(database_url, world, clock):
    app = create_app(database_url, clock=clock, config={"STUDIO_RATE_LIMIT": "3 per minute"})

    wrong = [Api(app, token=f"guess-{number}").get("/me").status_code for number in range(4)]
    same = [Api(app, token="expired").get("/me").status_code for _ in range(4)]
    others = [Api(app).get("/me").status_code, Api(app, token=world.tokens["customer"]).get("/me").status_code]
    dispose_engines(app)

    assert wrong == [401] * 4
    assert same == [401, 401, 401, 429]
    assert others == [401, 200]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_calls_cannot_be_counted_reservations_go_on(database_url, world, clock):
    config = {"STUDIO_RATE_LIMIT_STORAGE": "redis://127.0.0.1:1", "STUDIO_RATE_LIMIT": "1 per hour"}
    app = create_app(database_url, clock=clock, config=config)
    ada = Api(app, token=world.tokens["customer"])

    statuses = [ada.get("/me").status_code for _ in range(2)]
    dispose_engines(app)

    assert statuses == [200, 200]


def test_errors_stay_the_hosts_outside_the_prefix_and_ours_inside(app, world):
    app.register_error_handler(404, lambda _: ("<h1>The portal lost a page</h1>", 404))
    app.register_error_handler(Exception, lambda _: ("<h1>The portal broke</h1>", 500))
    client = app.test_client()

    assert "portal lost" in client.get("/nowhere").text
    assert json.loads(client.get("/api/nowhere").data)["code"] == "not_found"
    assert json.loads(client.get(f"/api/reservations/{world.reservation}").data)["code"] == "not_authenticated"
    assert json.loads(client.post("/api/me").data)["code"] == "method_not_allowed"


def test_a_route_of_the_hosts_under_the_prefix_stays_its_own(app):
    app.add_url_rule("/api/users", "api_users", lambda: "users of the portal")

    assert app.test_client().get("/api/users").text == "users of the portal"
    assert app.test_client().post("/api/users").status_code == 405
