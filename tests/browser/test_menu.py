"""The menu of the staff screens in a real browser: readable when it is open, in groups, and no more than a role sees."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, does_not_scroll_sideways, violations

DAY = ["Today", "Sessions", "Customers", "Passes", "No-shows", "Suspensions"]
SEEN = {
    "instructor": (["Today", "Sessions"], 0),
    "desk": (DAY, 0),
    "manager": ([*DAY, "Classes", "Policies", "Insights", "Kiosks", "Messages", "Jobs", "History", "Punch ledger"], 2),
}


@pytest.mark.parametrize("who", SEEN)
def test_the_open_menu_has_what_the_role_sees_and_can_be_read(who, open_browser, shots):
    entries, lines = SEEN[who]
    page = open_browser(who)
    for size, viewport in (("1280", DESKTOP), ("390", PHONE)):
        page.set_viewport_size(viewport)
        page.goto("/admin/studio/")
        if viewport is PHONE:
            page.locator(".navbar-toggler").click()
            expect(page.locator(".navbar-collapse.show")).to_be_visible()  # it has come down
        page.locator("nav .dropdown-toggle").click()

        expect(page.locator(".dropdown-menu .dropdown-item")).to_have_text(entries)
        expect(page.locator(".dropdown-menu .dropdown-divider")).to_have_count(lines)
        expect(page.locator(".dropdown-menu .dropdown-item").last).to_be_visible()
        assert violations(page) == []
        assert does_not_scroll_sideways(page)
        if shots is not None:
            page.screenshot(path=shots / f"menu-{who}-{size}.png")
