"""A manager changes the policy: the replay follows what is typed, and the change is saved, with a script and without."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from studio_reservations.models import ReservationHistory
from tests.browser.conftest import DESKTOP, PHONE, before_script, does_not_scroll_sideways, violations


def policy_page(page):
    page.goto("/admin/studio/policies/")
    page.get_by_role("link", name="Change the policy").click()
    return page


def test_the_replay_follows_what_is_typed_until_it_is_saved(open_browser, portal, shots):
    page = policy_page(open_browser("manager"))
    replay, suspend = page.locator("#replay"), page.get_by_label("Suspend after")
    expect(page.get_by_role("button", name="See what would have happened")).to_be_hidden()

    suspend.fill("1")
    expect(page.get_by_text("was 3")).to_be_visible()
    expect(replay).to_contain_text(re.compile(r"\b\d\d more people suspended\."))
    more = re.search(r"(\d+) more people", replay.inner_text())
    assert more is not None
    expect(replay.get_by_role("row", name="Customers suspended")).to_contain_text(f"+{more[1]}")
    page.get_by_label("A missed class costs a punch").check()
    expect(page.get_by_text("was no").first).to_be_visible()
    for size, viewport in (("1280", DESKTOP), ("390", PHONE)):
        page.set_viewport_size(viewport)
        assert violations(page) == []
        assert does_not_scroll_sideways(page)
        if shots is not None:
            page.screenshot(path=shots / f"policy-{size}.png", full_page=True)

    suspend.fill("none")
    expect(page.locator("#max_no_shows-error")).to_have_text(
        "Write a whole number from 1 to 1,000, or leave it empty: never."
    )
    suspend.fill("2")
    expect(page.locator("#max_no_shows-error")).to_be_hidden()
    page.get_by_role("button", name="Save policy").click()

    expect(page.get_by_role("status").filter(has_text="is saved")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Whoever misses 2 classes within")
    assert portal.stored(_last_change) == {"max_no_shows": [3, 2], "deduct_punch_on_no_show": [False, True]}


def test_what_is_typed_before_the_script_has_come_is_replayed_too(open_browser):
    page = open_browser("manager")
    with before_script(page, "/admin/studio/policies/studio", "policy.js"):
        page.get_by_label("Suspend after").fill("1")
        expect(page.get_by_text("was 3")).to_be_hidden()

    expect(page.get_by_text("was 3")).to_be_visible()
    expect(page.locator("#replay")).to_contain_text(re.compile(r"\b\d\d more people suspended\."))


def test_without_a_script_a_button_shows_it(open_browser, portal):
    page = policy_page(open_browser("manager", java_script_enabled=False, viewport=PHONE))
    page.get_by_label("Suspend after").fill("2")

    page.get_by_role("button", name="See what would have happened").click()

    expect(page.get_by_text("was 3")).to_be_visible()
    assert portal.stored(_last_change) == {"deduct_punch_on_late_cancel": [False, True]}  # that of the demo's past
    page.get_by_role("button", name="Save policy").click()
    expect(page.locator("main")).to_contain_text("Whoever misses 2 classes within")
    assert portal.stored(_last_change) == {"max_no_shows": [3, 2]}


def _last_change(db_session):
    details = db_session.scalar(
        select(ReservationHistory.details)
        .where(ReservationHistory.action == "policy.changed", ReservationHistory.performed_by_kind == "STAFF")
        .order_by(ReservationHistory.id.desc())
        .limit(1)
    )
    return details and details["changed"]
