"""The reference portal: its own login, pages and admin, with the reservations as guest."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.security import generate_password_hash

import wsgi
from config.settings import SettingsMissing, settings
from studio_reservations.models import Customer
from studio_reservations.settings import SettingsError, load

PASSWORD = "wheel-and-kiln"
PASSWORD_HASH = generate_password_hash(PASSWORD)
MAYA, OLIVE = "maya@example.org", "olive@example.org"
BROWSER = {"Origin": "http://localhost"}


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """Return the portal with Maya, and Olive who is its admin."""
    app = wsgi.create_app(settings({"PORTAL_ENV": "development", "DATABASE_URL": database_url}))
    assert app.test_cli_runner().invoke(args=["create-tables"]).exit_code == 0
    with app.app_context():
        for email, is_admin in ((MAYA, False), (OLIVE, True)):
            name = email.partition("@")[0].title()
            wsgi.db.session.add(
                wsgi.User(email=email, name=name, password_hash=PASSWORD_HASH, email_verified=True, is_admin=is_admin)
            )
        wsgi.db.session.commit()
    yield app
    with app.app_context():
        for engine in wsgi.db.engines.values():
            engine.dispose()


def log_in(client: FlaskClient, email: str = MAYA) -> FlaskClient:
    assert client.post("/login", data={"email": email, "password": PASSWORD}).status_code == 303
    return client


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def status_of(client: FlaskClient, link: str) -> int:
    with client.get(link) as answer:  # a static file is open until then
        return answer.status_code


def test_a_browser_logs_in_with_the_token_of_its_form(client):
    token = token_in(client.get("/login").text)

    answer = client.post("/login", data={"email": MAYA, "password": PASSWORD, "csrf_token": token}, headers=BROWSER)

    assert answer.status_code == 303
    assert "Hello, Maya" in client.get("/").text


def test_another_sites_form_logs_nobody_in(client):
    client.get("/login")

    answer = client.post(
        "/login", data={"email": MAYA, "password": PASSWORD}, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 422
    assert "This page was open for too long" in answer.text
    assert "Hello" not in client.get("/").text


def test_a_script_logs_in_with_address_and_password_alone(client):
    log_in(client, " Maya@Example.org ")

    assert client.get("/api/me").json["customer"]["email"] == MAYA


@pytest.mark.parametrize(
    "fields", [{"email": MAYA, "password": "guess"}, {"email": "who@example.org", "password": PASSWORD}]
)
def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client, fields):
    answer = client.post("/login", data=fields)

    assert answer.status_code == 422
    assert "No user has this address and this password." in answer.text


def test_a_visitor_is_shown_the_way_to_the_login(client):
    page = client.get("/").text

    assert 'href="/login"' in page
    assert 'href="/api/docs"' in page


def test_whoever_is_logged_in_logs_out_with_the_pages_token(client):
    page = log_in(client).get("/").text

    assert client.post("/logout").status_code == 400
    assert client.post("/logout", data={"csrf_token": token_in(page)}).status_code == 303
    assert client.get("/api/me").status_code == 401


def test_every_link_of_the_home_page_leads_somewhere(client):
    page = log_in(client, OLIVE).get("/").text

    links = set(re.findall(r'href="(/[^"]*)"', page))

    assert {link: status_of(client, link) for link in links} == dict.fromkeys(links, 200)
    assert {"/api/me", "/api/registrations", "/api/docs", "/admin/portal_users/"} <= links


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere"])
def test_pages_hold_to_a_strict_policy(client, path):
    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text)


def test_a_browsers_tab_shows_the_portals_mark(client):
    answer = client.get("/favicon.ico")

    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")


def test_the_portals_errors_are_pages_and_the_apis_are_problems(client):
    page, problem = client.get("/nowhere"), client.get("/api/nowhere")

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")


def test_the_users_are_for_the_portals_admins(client):
    assert client.get("/admin/portal_users/").status_code == 403
    assert log_in(client).get("/admin/portal_users/").status_code == 403
    assert "Maya" in log_in(client, OLIVE).get("/admin/portal_users/").text


def test_a_name_changed_in_the_admin_is_the_customers_name(app, client):
    log_in(app.test_client()).get("/api/me")
    log_in(client, OLIVE)
    form = "/admin/portal_users/edit/?id=1"
    fields = {
        "email": MAYA,
        "name": "Maya R. Rahman",
        "password": "another one",
        "csrf_token": token_in(client.get(form).text),
    }

    assert client.post(form, data=fields).status_code == 302

    with app.app_context():
        assert wsgi.db.session.scalars(select(Customer.name).where(Customer.email == MAYA)).one() == "Maya R. Rahman"
    assert app.test_client().post("/login", data={"email": MAYA, "password": "another one"}).status_code == 303


def test_the_admins_forms_need_their_token(app, client):
    log_in(client, OLIVE)

    assert client.post("/admin/portal_users/edit/?id=1", data={"email": MAYA, "name": "Eve"}).status_code == 400


def test_a_new_user_needs_a_password(client):
    log_in(client, OLIVE)
    form = "/admin/portal_users/new/"
    fields = {"email": "new@example.org", "name": "New", "csrf_token": token_in(client.get(form).text)}

    assert "A new user needs a password." in client.post(form, data=fields).text
    assert client.post(form, data={**fields, "password": "a good one"}).status_code == 302
    log_out = client.get("/").text
    client.post("/logout", data={"csrf_token": token_in(log_out)})
    assert client.post("/login", data={"email": "new@example.org", "password": "a good one"}).status_code == 303


def test_production_does_not_start_without_a_secret():
    with pytest.raises(SettingsMissing, match="SECRET_KEY is not set"):
        settings({"DATABASE_URL": "postgresql://host/portal"})


def test_production_does_not_start_without_a_database():
    with pytest.raises(SettingsMissing, match="DATABASE_URL is not set"):
        settings({"SECRET_KEY": "s"})


def test_an_unknown_environment_is_named():
    with pytest.raises(SettingsMissing, match="PORTAL_ENV is 'staging'"):
        settings({"PORTAL_ENV": "staging"})


def test_messages_are_set_by_the_environment():
    found = settings({"PORTAL_ENV": "demo", "STUDIO_WEBHOOK_ALLOW_PRIVATE": "true", "STUDIO_DELIVERY_ATTEMPTS": "7"})

    assert (found["STUDIO_WEBHOOK_ALLOW_PRIVATE"], found["STUDIO_DELIVERY_ATTEMPTS"]) == (True, 7)
    with pytest.raises(SettingsMissing, match="STUDIO_WEBHOOK_ALLOW_PRIVATE is 'perhaps'"):
        settings({"PORTAL_ENV": "demo", "STUDIO_WEBHOOK_ALLOW_PRIVATE": "perhaps"})
    wrong = settings({"PORTAL_ENV": "demo", "STUDIO_DELIVERY_ATTEMPTS": "x"})
    with pytest.raises(SettingsError, match="STUDIO_DELIVERY_ATTEMPTS must be a whole number"):
        load(wrong)


def test_production_takes_its_urls_as_they_are_usually_written():
    found = settings(
        {"SECRET_KEY": "s", "DATABASE_URL": "postgres://host/portal", "REDIS_URL": "unix:///run/redis.sock"}
    )

    assert found["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://host/portal"
    assert found["STUDIO_RATE_LIMIT_STORAGE"] == "redis+unix:///run/redis.sock"
    assert found["STUDIO_PRODUCTION"] is True
    assert found["SESSION_COOKIE_SECURE"] is True


def test_timetable_and_pass_types_are_named_in_the_environment():
    environ = {"PORTAL_ENV": "development", "DATABASE_URL": "sqlite://"}
    named = {"STUDIO_TIMETABLE": "house.timetable:OURS", "STUDIO_PASS_TYPES": "house.passes:Gold, house.passes:Silver"}

    assert settings(environ)["STUDIO_TIMETABLE"] == "config.timetable:TIMETABLE"
    found = settings({**environ, **named})
    assert found["STUDIO_TIMETABLE"] == "house.timetable:OURS"
    assert found["STUDIO_PASS_TYPES"] == ["house.passes:Gold", "house.passes:Silver"]


def test_a_start_that_is_refused_is_a_sentence_at_every_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("PORTAL_ENV", raising=False)

    result = CliRunner().invoke(FlaskGroup(create_app=wsgi.create_app), ["studio", "jobs"])

    assert result.exit_code == 1
    assert result.output.startswith("Error: SECRET_KEY is not set")
