"""The customers' pages in a browser: readable to everybody, with and without a script, by keyboard, on a phone and at a desk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, EVENING, PHONE, does_not_scroll_sideways, violations

PAGES = ("/studio/", "/studio/calendar", "/studio/sessions")
STATES = [  # who sees it, on which pages, in which scheme, in which window
    ("maya", PAGES, "light", DESKTOP),
    ("maya", PAGES, "dark", PHONE),
    ("cara", PAGES[:1], "light", PHONE),
    ("eve", PAGES[::2], "dark", DESKTOP),
    ("lena", PAGES[:1], "light", PHONE),
    ("newt", PAGES[::2], "light", PHONE),
]
NARROW = {"width": 320, "height": 700}


@pytest.mark.parametrize(("who", "paths", "scheme", "viewport"), STATES, ids=[f"{one[0]}-{one[2]}" for one in STATES])
def test_no_page_violates_wcag_or_is_wider_than_its_window(who, paths, scheme, viewport, open_browser, shots):
    page = open_browser(who, color_scheme=scheme, viewport=viewport)
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200
        assert violations(page) == [], path
        for window in (DESKTOP, PHONE, NARROW):
            page.set_viewport_size(window)
            assert does_not_scroll_sideways(page), (path, window)
            if shots is not None:
                name = f"{path.strip('/').replace('/', '-')}-{who}-{scheme}-{window['width']}"
                page.screenshot(path=shots / f"{name}.png", full_page=True)
        page.set_viewport_size(viewport)


def test_a_whole_reservation_by_keyboard(open_browser):
    page = open_browser("maya")
    page.goto("/studio/")

    def press_until(reached, key="Tab", most=80):
        for _ in range(most):
            page.keyboard.press(key)
            if page.evaluate(reached):
                return
        raise AssertionError(f"not reached: {reached}")

    press_until("document.activeElement.textContent.trim() === 'Sessions'")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions")
    press_until("document.activeElement.closest('.st-name') !== null")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert ring == "3px"
    press_until(
        "document.activeElement.tagName === 'BUTTON' && document.activeElement.textContent.startsWith('Reserve')"
    )
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Reserved: ")


def test_a_sentence_on_a_pass_is_not_squeezed_by_its_button_on_a_phone(open_browser):
    page = open_browser("max", viewport=PHONE)
    page.goto("/studio/")

    told = page.get_by_text("Reservations are not open yet.").bounding_box()
    button = page.get_by_role("link", name="Ask the studio").bounding_box()

    assert told["y"] + told["height"] <= button["y"]


def test_what_cannot_be_reserved_any_more_is_told_in_place(open_browser, portal):
    page = open_browser("maya")
    page.goto("/studio/sessions?open=1")
    link = page.locator(".st-row .st-name a").first
    link.click()
    page.get_by_role("button", name="Reserve").wait_for()
    portal.at(EVENING + timedelta(days=40))

    page.get_by_role("button", name="Reserve").click()

    expect(page.get_by_role("alert")).to_contain_text("Session has begun")
    assert violations(page) == []


def test_the_portals_own_page_leads_here_and_a_visitor_comes_back_after_the_login(open_browser):
    page = open_browser()
    page.goto("/studio/calendar")

    page.get_by_label("E-mail address").fill("maya@example.org")
    page.get_by_label("Password").fill("wheel-and-kiln")
    page.get_by_role("button", name="Log in").click()

    page.wait_for_url("**/studio/calendar")
    page.goto("/")
    page.get_by_role("link", name="My passes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My passes")


def test_a_first_load_is_light(open_browser):
    page = open_browser("maya", viewport=PHONE)
    for path in PAGES:
        sizes: list[int] = []
        page.on("response", lambda response, sizes=sizes: sizes.append(len(response.body())))
        page.goto(path)
        page.wait_for_load_state("networkidle")
        shift = page.evaluate(
            "new Promise(done => { let sum = 0; new PerformanceObserver(list => { for (const one of list.getEntries())"
            " sum += one.value }).observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(sum), 50) })"
        )
        assert sum(sizes) < 250_000  # uncompressed; compressed it is less than half of the 150 KB
        assert shift < 0.02


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_one_keeps_the_place_where_one_reserved_and_undid(script, open_browser):
    page = open_browser("maya", viewport=PHONE, java_script_enabled=script)
    page.goto("/studio/sessions")
    row = page.locator(".st-row").nth(20)
    name = row.get_by_role("link").first

    for press in (
        row.get_by_role("button", name="Reserve"),
        page.get_by_role("status").get_by_role("button", name="Undo"),
    ):
        press.click()
        expect(name).to_be_in_viewport()
        expect(name).to_be_focused()
        expect(page.get_by_role("status")).to_be_in_viewport()


def test_what_is_wrong_with_a_field_is_where_one_is_led(open_browser):
    page = open_browser("maya", viewport=PHONE, java_script_enabled=False)
    page.goto("/studio/settings")
    field, language = page.locator("#ph"), page.locator("#lo")
    field.fill("12")
    language.select_option("fr")

    page.locator("form", has=field).get_by_role("button").click()

    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("Not saved yet. Write a phone number"))
    expect(page.locator(".st-fault")).to_be_in_viewport()
    expect(language).to_have_value("fr")


def test_the_navigation_stays_where_it_is(open_browser):
    page = open_browser("maya")
    places = set()
    for path in (*PAGES, "/studio/settings"):
        page.goto(path)
        places.add(page.get_by_role("navigation").first.evaluate("nav => nav.getBoundingClientRect().x"))

    assert len(places) == 1
