"""A customer who reads French, in a zone that is neither the server's nor the studio's, in the portal's own frame.

The words are looked up in the catalogue, whose completeness has a test of its own; here they must be where they are pressed.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from studio_reservations.language import language_for
from tests.browser.conftest import DESKTOP, PHONE, does_not_scroll_sideways, violations

SAY = language_for("fr").text
FAR_AWAY: dict[str, Any] = {"locale": "fr-CA", "timezone_id": "Pacific/Apia"}


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["390", "1280"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_reserving_and_undoing_in_french(open_browser, viewport, script):
    page = open_browser("maya", viewport=viewport, java_script_enabled=script, **FAR_AWAY)
    page.goto("/studio/sessions?open=1")
    assert (page.locator("html").get_attribute("lang") or "").startswith("fr")
    expect(page.get_by_role("heading", level=1)).to_have_text(SAY("Sessions"))

    page.locator(".st-row").first.get_by_role("button", name=SAY("Reserve"), exact=False).click()
    strip = page.get_by_role("status")
    expect(strip).to_contain_text(SAY("Reserved"))
    expect(strip).to_contain_text("17:15")  # undoing is free for 15 minutes, by Toronto's clock
    strip.get_by_role("button", name=SAY("Undo")).click()
    expect(page.get_by_role("status")).to_contain_text(SAY("Nothing was charged."))

    page.goto("/studio/")
    expect(page.get_by_role("heading", level=1)).to_have_text(SAY("My passes"))
    if script:
        assert does_not_scroll_sideways(page)
        assert violations(page) == []
