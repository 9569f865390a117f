"""What every page has: whose it is, its language, its frame, and what happens to whoever may not see it."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from studio_reservations.models import Customer

PAGES = ("/", "/calendar", "/sessions")


@pytest.mark.parametrize("path", PAGES)
def test_whoever_is_not_logged_in_is_sent_to_the_portals_login(browser, path):
    assert browser(None).get(path).status == 401  # this portal names no login page


@pytest.mark.parametrize("path", PAGES)
def test_somebody_new_becomes_a_customer_and_sees_the_page(browser, stored, path):
    page = browser("newcomer").get(path)

    assert page.status == 200
    with stored() as db_session:
        assert db_session.query(Customer).filter_by(name="Newcomer").count() == 1


def test_a_parent_sees_for_whom_and_the_choice_stays_in_every_link(browser, people):
    page = browser("ada").get(f"/?for={people.otto}")

    assert "For Otto Potter" in page.text
    own = [link for link in page.links if link.startswith("/studio/") and "for=" not in link and link != "/studio/"]
    assert not [link for link in own if link not in ("/studio/calendar", "/studio/sessions")]


def test_whoever_acts_for_nobody_else_is_not_asked_for_whom(browser):
    assert "For Eve" not in browser("eve").get("/").text


@pytest.mark.parametrize("whose", ["eve", "reservation"])
def test_somebody_elses_page_is_not_there(browser, people, whose):
    page = browser("ada").get(f"/?for={getattr(people, whose)}")

    assert page.status == 404
    assert "Not found" in page.text


@pytest.mark.parametrize("path", ["/reservations/{people.of_eve}", "/sessions/{people.foreign}"])
def test_what_is_foreign_is_not_there(browser, people, path):
    assert browser("ada").get(path.format(people=people)).status == 404


def test_a_wards_reservation_is_not_shown_as_ones_own(browser, people):
    assert browser("ada").get(f"/reservations/{people.reservation}").status == 200
    assert browser("ada").get(f"/reservations/{people.reservation}?for={people.otto}").status == 404


def test_a_form_without_the_token_does_nothing(browser, people):
    answer = browser("ada").client.post(f"/studio/reservations/{people.reservation}/undo")

    assert answer.status_code == 403
    assert "Press the button again." in answer.get_data(as_text=True)
    assert "Reserved" in browser("ada").get(f"/reservations/{people.reservation}").text


@pytest.mark.parametrize(
    ("action", "page"),
    [
        ("/reservations/{people.reservation}/check-in", "/reservations/{people.reservation}"),
        ("/reservations/{people.reservation}/undo", "/reservations/{people.reservation}"),
        ("/reservations/{people.reservation}/explanation", "/"),
        ("/sessions/{people.free}/reserve", "/sessions/{people.free}"),
        ("/settings/messages", "/settings"),
        ("/settings/details", "/settings"),
        ("/settings/feed", "/settings"),
        ("/settings/feed/delete", "/settings"),
    ],
)
def test_the_address_of_a_form_opened_again_leads_to_its_page(browser, people, action, page):
    answer = browser("ada").client.get(f"/studio{action.format(people=people)}?for={people.otto}")

    assert answer.status_code == 303
    assert answer.location == f"/studio{page.format(people=people)}?for={people.otto}"


def test_our_own_frame_leads_to_the_portal_and_out_of_it(browser, portal, monkeypatch):
    state = portal.extensions["studio_reservations"]
    assert "/" in browser("ada").get("/").links

    for endpoint, way in (
        ("login", '<form class="st-inline" method="post" action="/login">'),
        ("home", 'href="/">Log out'),
    ):
        told = replace(state, settings=replace(state.settings, logout_endpoint=endpoint))
        monkeypatch.setitem(portal.extensions, "studio_reservations", told)
        assert way in browser("ada").get("/").html


@pytest.mark.parametrize("path", ["/", "/kiosk/"])
def test_styles_and_scripts_carry_the_nonce_of_the_portals_admin(browser, portal, monkeypatch, path):
    monkeypatch.setitem(portal.extensions, "admin", [SimpleNamespace(csp_nonce_generator=lambda: "n0nce")])

    html = browser("ada" if path == "/" else None).get(f"/studio{path}").html

    ours = re.findall(r'<script[^>]*>|<link rel="stylesheet"[^>]*>', html)
    assert len(ours) >= 3
    assert [one for one in ours if 'nonce="n0nce"' not in one] == []


def test_pages_are_kept_by_nobody_and_allow_nothing_inline(browser):
    headers = browser("ada").get("/").response.headers

    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_styles_are_kept_for_a_year_in_the_version_that_is_installed(browser):
    ada = browser("ada")
    styles = [part for part in ada.get("/").html.split('"') if part.endswith(".css") or ".css?v=" in part]

    assert len(styles) == 3
    for one in styles:
        assert "max-age=31536000" in cache_control(ada, one)
        assert "31536000" not in cache_control(ada, one.replace("v=", "v=0"))


def cache_control(somebody, path):
    with somebody.client.get(path) as answer:
        return answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sessions?studio=nobody", 404),
        ("/calendar?studio=kiln", 404),
        ("/?for=%00", 404),
        ("/?for=", 404),
        ("/sessions?from=9999-12-31&to=0001-01-01&after=%00&class=%FF", 200),
        ("/calendar?month=2026-12&month=x&earlier=%00", 200),
        ("/?done=reserved&it=%00", 200),
        ("/?done=reserved", 200),
        ("/?done=%7B%7D&it=x", 200),
    ],
)
def test_an_address_that_cannot_be_meant_is_never_an_error_of_ours(browser, path, status):
    assert browser("ada").get(path).status == status


@pytest.mark.parametrize(
    "languages", ["*", "fr;q=x, ,;;", "zz-ZZ-zz", "x" * 3000, "en-US-u-hc-h12", "fr-Latn-CA-x-private"]
)
def test_whatever_a_browser_says_of_its_languages_there_is_a_page(browser, languages):
    assert browser("ada").get("/sessions", **{"Accept-Language": languages}).status == 200


def test_a_form_that_is_too_large_is_refused(browser, people):
    answer = browser("ada").client.post(f"/studio/reservations/{people.reservation}/undo", data={"x": "y" * 100_000})

    assert answer.status_code in (403, 413)


def test_somebody_elses_strip_tells_nothing(browser, people):
    assert "Beginner" not in browser("newcomer").get(f"/?done=reserved&it={people.reservation}").text


@pytest.mark.parametrize("done", ["undone", "cancelled", "cancelled_late"])
def test_what_is_not_so_is_not_told(browser, people, done):
    page = browser("ada").get(f"/?done={done}&it={people.reservation}")

    assert page.status == 200
    assert 'role="status"' not in page.html
