"""On paper: what one needs at the door, and nothing that can only be pressed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from studio_reservations.services.codes import CodeSigner
from tests.browser.codes import read_by_two
from tests.browser.conftest import EVENING, FRAMES
from tests.browser.tables import reservations_of


@pytest.fixture(params=FRAMES)
def frame(request: pytest.FixtureRequest) -> str:
    """Return each frame in turn."""
    name: str = request.param
    return name


@pytest.mark.parametrize("days_before", [0, 2], ids=["on the day", "days before"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reservation_is_printed_with_its_times_and_its_code(
    open_browser, browser, portal, frame, days_before, scheme, shots
):
    mine = max(
        (one for one in reservations_of(portal, "Maya Rahman") if one.title == "Beginner Wheel Throwing"),
        key=lambda one: one.starts_at,
    )
    portal.at(max(EVENING, mine.starts_at - timedelta(days=days_before)))
    page = open_browser("maya", color_scheme=scheme)
    page.goto(f"/studio/reservations/{mine.id}")
    expect(page.get_by_role("navigation", name="Reservations")).to_be_visible()

    page.emulate_media(media="print")

    for gone in ("nav", "button", ".st-btn", ".st-toast", "summary"):
        for one in page.locator("#studio").locator(gone).all():
            expect(one).to_be_hidden()
    expect(page.get_by_role("navigation", name="Reservations")).to_be_hidden()
    expect(page.get_by_role("heading", name="Beginner Wheel Throwing")).to_be_visible()
    expect(page.locator("#studio .st-lede")).to_contain_text("18:30–20:30")
    expect(page.locator(".st-facts")).to_contain_text("Pottery room")
    assert page.locator("#studio").evaluate("one => getComputedStyle(one).colorScheme") == "light"
    code = CodeSigner(portal.app.secret_key).code_for(mine.id)
    shown = page.locator(".st-qr svg").locator("visible=true").first.screenshot()
    assert read_by_two(browser, shown) == (code, code)
    if shots is not None:
        page.screenshot(path=shots / f"print-{frame}-{days_before}-{scheme}.png", full_page=True)
    if frame != "foreign":  # which brings much of its own
        assert page.pdf(format="Letter").count(b"/Type /Page\n") == 1


def test_the_list_of_sessions_is_printed_with_what_is_reserved(open_browser):
    page = open_browser("maya")
    page.goto("/studio/sessions?open=1")
    expect(page.locator(".st-btn").locator("visible=true").first).to_be_visible()

    page.emulate_media(media="print")

    expect(page.locator(".st-chip").first).to_be_visible()
    expect(page.locator(".st-btn").locator("visible=true")).to_have_count(0)
