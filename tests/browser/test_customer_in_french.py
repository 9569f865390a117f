"""A customer who reads French, on a phone, in a zone that is neither the server's nor the studio's, in the portal's own frame."""

from __future__ import annotations

import pytest

from tests.browser.conftest import DESKTOP, PHONE, does_not_scroll_sideways, violations


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["390", "1280"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_reservation_in_french_is_told_in_the_studios_time(open_browser, viewport, script):
    page = open_browser(
        "dan", viewport=viewport, locale="fr-CA", timezone_id="Pacific/Apia", java_script_enabled=script
    )

    page.goto("/studio/sessions")
    assert page.locator("main [lang], html").first.get_attribute("lang").startswith("fr")
    text = page.inner_text("main, .studio")

    assert "décembre" in text or "déc." in text
    assert "Reserve" not in text
    assert does_not_scroll_sideways(page) if script else True
    page.goto("/studio/")
    mine = page.inner_text("main, .studio")
    assert "Reserve" not in mine
    assert "À la séance" in mine
    if script:
        assert violations(page) == []
