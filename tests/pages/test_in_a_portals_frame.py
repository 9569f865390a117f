"""The pages inside a portal's own template, in a portal with its own CSRFProtect, languages and mind."""

from __future__ import annotations

import pytest
from flask import render_template_string
from flask_babel import Babel
from flask_wtf import CSRFProtect
from jinja2 import DictLoader

from studio_reservations.models import Customer
from tests import host

BASE = """<!doctype html><html lang="en"><head><title>{% block title %}{% endblock %}</title>
{% block head %}<link rel="stylesheet" href="/host.css">{% endblock %}</head>
<body><div class="host-bar">Riverside Arts Centre, {{ _("Hello") }}, {{ current_user.name }}</div>
{% block content %}{% endblock %}</body></html>"""


@pytest.fixture(scope="module")
def make_portal():
    """Make a portal that has a template, a CSRFProtect and a Flask-Babel that selects French."""

    def make(url, clock):
        app = host.create_app(url, clock=clock, config={"STUDIO_BASE_TEMPLATE": "house/base.html"})
        app.jinja_loader = DictLoader({"house/base.html": BASE})
        Babel(app, locale_selector=lambda: "fr_CA")
        CSRFProtect(app).exempt("tests.host.login")  # whose form is not what this is about
        return app

    return make


@pytest.fixture
def ada(browser):
    """Return Ada's browser."""
    return browser("ada")


def test_a_page_fills_the_portals_blocks_and_nothing_else(ada):
    page = ada.get("/sessions")

    assert "Riverside Arts Centre, Hello, Ada" in page.text
    assert '<link rel="stylesheet" href="/host.css">' in page.html
    assert page.html.count("<main") == 1
    assert '<main class="studio st-within" id="studio" lang="fr-CA"' in page.html
    assert "Content-Security-Policy" not in page.response.headers  # the portal's word
    assert "is-own" not in page.html


def test_the_portals_language_is_the_pages_language(ada):
    assert "mardi 8 décembre" in ada.get("/sessions").text.lower()


def test_the_portals_language_comes_before_the_browsers_and_the_readers_own_choice_before_both(ada, people, stored):
    asks = {"Accept-Language": "en"}

    assert 'id="studio" lang="fr-CA"' in ada.get("/", **asks).html
    with stored() as db_session:
        db_session.get(Customer, people.ada).locale = "en"
    assert 'id="studio" lang="en"' in ada.get("/", **asks).html
    with stored() as db_session:
        db_session.get(Customer, people.ada).locale = "de"  # set by the API; there is no German yet
    assert 'id="studio" lang="fr-CA"' in ada.get("/", **asks).html


def test_the_portals_csrf_protection_leaves_the_pages_to_themselves(ada, people):
    form = ada.get(f"/sessions/{people.free}").form("R")

    assert ada.send(form).status == 200
    assert ada.client.post(form.action).status_code == 403


def test_a_refusal_stands_in_the_portals_frame(ada, people):
    page = ada.get(f"/reservations/{people.of_eve}")

    assert page.status == 404
    assert "Riverside Arts Centre" in page.text


def test_the_portals_templates_keep_their_own_texts(portal, ada):
    ada.get("/")
    with portal.test_request_context():
        assert render_template_string("{{ _('Hello') }}") == "Hello"
        assert render_template_string("{{ say is defined }}") == "False"
