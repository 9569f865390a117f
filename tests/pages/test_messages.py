"""The page behind the link in each message: what can be switched off, and what cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

from studio_reservations.database import reading, run_in_transaction
from studio_reservations.models import Customer
from studio_reservations.notifications.preferences import PreferenceLinks
from studio_reservations.services.erasure import erase_customer
from tests import factories, host
from tests.host import Clock

SECRET = "not a secret"


@pytest.fixture
def customer(app: Flask) -> Iterator[UUID]:
    with app.app_context():
        yield run_in_transaction(lambda db_session: factories.make_customer(db_session, name="<b>Ada</b>").id)


def test_the_page_shows_what_is_on_and_what_cannot_be_switched_off(client: FlaskClient, customer: UUID):
    page = client.get(path(customer))

    assert page.status_code == 200
    assert switched_on(page.text) == {"reminder", "check_in", "pass_expiring", "sms"}
    assert "cannot be switched off" in page.text
    assert "You missed a class, and what follows from it." in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_looking_at_it_changes_nothing(client: FlaskClient, customer: UUID):
    client.get(path(customer, "reminder"))

    assert preferences(customer) == {}


def test_switches_are_saved(client: FlaskClient, customer: UUID):
    answer = client.post(path(customer), data={"switches": "all", "reminder": "on", "sms": "on"}, follow_redirects=True)

    assert "Saved." in answer.text
    assert switched_on(answer.text) == {"reminder", "sms"}
    assert preferences(customer) == {"reminder": True, "check_in": False, "pass_expiring": False, "sms": True}


@pytest.mark.parametrize("data", [{}, {"reminder": "on"}, {"List-Unsubscribe": "Two-Clicks"}])
def test_what_is_not_sent_by_the_page_changes_nothing(client: FlaskClient, customer: UUID, data: dict[str, str]):
    client.post(path(customer, "reminder"), data=data)

    assert preferences(customer) == {}


def test_the_message_it_came_from_is_switched_off_with_one_button(client: FlaskClient, customer: UUID):
    page = client.get(path(customer, "check_in"))
    assert 'name="off" value="check_in"' in page.text

    client.post(path(customer, "check_in"), data={"off": "check_in"})
    assert preferences(customer) == {"check_in": False}
    assert 'name="off"' not in client.get(path(customer, "check_in")).text


def test_a_mail_program_unsubscribes_with_one_click(client: FlaskClient, customer: UUID):
    answer = client.post(path(customer, "reminder"), data={"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.text) == (200, "Switched off.\n")
    assert preferences(customer) == {"reminder": False}


def test_what_is_about_a_reservation_stays_on_whatever_is_posted(client: FlaskClient, customer: UUID):
    client.post(path(customer), data={"off": "confirmation"})
    client.post(path(customer, "no_show"), data={"List-Unsubscribe": "One-Click"})

    assert preferences(customer) == {}


@pytest.mark.parametrize("token", ["nonsense", "WyJhIl0.b", "%00", "a" * 3_000, "ä"])
def test_a_link_that_was_cut_off_is_told_in_a_sentence(client: FlaskClient, customer: UUID, token: str):
    for answer in (client.get(f"/studio/messages/{token}"), client.post(f"/studio/messages/{token}")):
        assert answer.status_code == 404
        assert "This link is of no use here" in answer.text


def test_a_link_of_somebody_unknown_or_erased_is_of_no_use(client: FlaskClient, customer: UUID, clock: Clock):
    assert client.get(path(uuid4())).status_code == 404
    run_in_transaction(lambda db_session: erase_customer(db_session, customer_id=customer, now=clock.now).id)

    assert client.get(path(customer)).status_code == 404
    assert client.post(path(customer), data={"reminder": "on"}).status_code == 404


def test_a_link_signed_by_another_portal_is_of_no_use(client: FlaskClient, customer: UUID):
    token = PreferenceLinks("another secret", base=None).token_for(customer)

    assert client.get(f"/studio/messages/{token}").status_code == 404


def test_links_outlive_a_change_of_the_secret_key(app: Flask, client: FlaskClient, customer: UUID):
    old = path(customer)
    app.config["SECRET_KEY_FALLBACKS"] = [SECRET]
    app.secret_key = "a new one"

    assert client.get(old).status_code == 200


def test_the_portals_own_csrf_protection_leaves_the_link_alone(app: Flask, client: FlaskClient, customer: UUID):
    CSRFProtect(app)
    app.config["WTF_CSRF_ENABLED"] = True

    answer = client.post(path(customer, "reminder"), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200


def test_a_portal_may_have_the_pages_elsewhere(database_url: str, clock: Clock):
    app = host.create_app(database_url, clock=clock, config={"STUDIO_PAGES_PREFIX": "/my/pottery"})
    assert app.test_client().get("/my/pottery/messages/x").status_code == 404
    assert "This link" in app.test_client().get("/my/pottery/messages/x").text
    with app.test_client().get("/my/pottery/static/tokens.css") as style:
        assert style.status_code == 200
    host.dispose_engines(app)


def path(customer_id: UUID, preference: str | None = None) -> str:
    return f"/studio/messages/{PreferenceLinks(SECRET, base=None).token_for(customer_id, preference)}"


def switched_on(page: str) -> set[str]:
    return set(re.findall(r'name="(\w+)" checked', page))


def preferences(customer_id: UUID) -> dict[str, Any]:
    with reading() as db_session:
        return dict(db_session.get_one(Customer, customer_id, populate_existing=True).preferences)
