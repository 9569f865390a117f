"""The page of a reservation: its code, its countdown, and readable to everybody, whatever its state."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from studio_reservations.models import ClassRegistration, Customer
from studio_reservations.services.codes import CodeSigner
from tests.browser.codes import read_by_two
from tests.browser.conftest import DESKTOP, EVENING, PHONE, does_not_scroll_sideways, violations
from tests.browser.tables import reservations_of


def test_the_code_is_read_in_the_dark_too(open_browser, browser, portal):
    page = open_browser("maya", viewport=PHONE, color_scheme="dark")
    page.goto("/studio/")
    page.get_by_role("link", name="Today").first.click()

    code = CodeSigner(portal.app.secret_key).code_for(UUID(page.url.rpartition("/")[2]))
    assert read_by_two(browser, page.locator(".st-qr").first.screenshot()) == (code, code)


def test_the_countdown_goes_on_by_the_minute_and_the_door_opens_by_itself(open_browser, portal):
    portal.at(EVENING - timedelta(minutes=90))
    page = open_browser("maya", viewport=PHONE)
    page.goto("/studio/")
    page.get_by_role("link", name="Today").first.click()
    page.clock.install()
    page.reload()
    expect(page.get_by_text("1 h 30 min", exact=True)).to_be_visible()

    page.clock.fast_forward("02:00")
    expect(page.get_by_text(re.compile("^1 h 2[78] min$"))).to_be_visible()
    portal.at(EVENING + timedelta(minutes=1))
    page.clock.fast_forward("01:29:00")

    expect(page.get_by_role("button", name="Check in now")).to_be_visible()


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE)], ids=["light at the desk", "dark on a phone"]
)
def test_no_page_of_a_reservation_violates_wcag_or_scrolls_sideways(scheme, viewport, open_browser, portal, shots):
    mayas = [one.id for one in reservations_of(portal, "Maya Rahman")]
    courses = portal.stored(
        lambda db_session: {
            customer.email.partition("@")[0]: registration.id
            for customer, registration in db_session.execute(
                select(Customer, ClassRegistration)
                .join(ClassRegistration, ClassRegistration.customer_id == Customer.id)
                .where(ClassRegistration.pass_type == "full_course")
            )
        }
    )
    paths = {
        "maya": [
            *(f"/studio/reservations/{one}" for one in mayas),
            f"/studio/reservations/{mayas[0]}/cancel",
            f"/studio/reservations/{mayas[0]}/move",
            "/studio/settings",
            "/studio/settings/delete",
        ],
        "cara": [f"/studio/course/{courses['cara']}"],
        "paul": [f"/studio/course/{courses['paul']}"],
        "lena": ["/studio/settings"],
    }
    for who, addresses in paths.items():
        page = open_browser(who, color_scheme=scheme, viewport=viewport)
        for path in addresses:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            assert violations(page) == [], path
            assert does_not_scroll_sideways(page), path
            page.set_viewport_size({"width": 320, "height": 700})
            assert does_not_scroll_sideways(page), (path, 320)
            page.set_viewport_size(viewport)
            if shots is not None:
                name = re.sub(r"[0-9a-f-]{36}", "one", path.strip("/")).replace("/", "-")
                page.screenshot(path=shots / f"{name}-{who}-{scheme}.png", full_page=True)


def test_a_refused_page_and_the_confirmation_are_readable_too(open_browser, portal):
    page = open_browser("maya", viewport=PHONE)
    page.goto("/studio/")
    page.get_by_role("link", name="Today").first.click()
    page.get_by_role("button", name="Check in now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("You are checked in, Maya"))
    assert violations(page) == []

    page.goto("/studio/settings")
    page.get_by_label("Telephone", exact=True).fill("call me")
    page.get_by_role("button", name=re.compile("Save.*Telephone")).click()
    expect(page.locator(".st-fault")).to_contain_text("Write a phone number")
    assert violations(page) == []

    page.get_by_role("button", name="Make the address").click()
    expect(page.get_by_label("Address", exact=True)).to_have_value(re.compile(r"^http.*/api/calendar/.+\.ics$"))
    assert violations(page) == []
