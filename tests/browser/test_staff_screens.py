"""Every staff screen in a browser: readable to everybody, within its window, and nothing that its policy forbids."""

from __future__ import annotations

import pytest

from studio_reservations.admin import SCREENS
from tests.browser.conftest import DESKTOP, PHONE, does_not_scroll_sideways, violations

ADDRESSES = ["" if address == "today" else f"{address}/" for _, _, address in SCREENS]


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda one: one.strip("/") or "today")
def test_a_screen_has_no_violation_of_wcag_and_fits_its_window(address, open_browser, shots):
    page = open_browser("owner")
    for size, viewport in (("1280", DESKTOP), ("390", PHONE)):
        page.set_viewport_size(viewport)
        answer = page.goto(f"/admin/studio/{address}")

        assert answer is not None
        assert answer.status == 200
        assert violations(page) == []
        assert does_not_scroll_sideways(page)
        if shots is not None:
            page.screenshot(path=shots / f"{address.strip('/') or 'today'}-{size}.png", full_page=True)
