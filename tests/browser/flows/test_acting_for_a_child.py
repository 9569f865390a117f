"""A parent goes the whole way for a child, and every page and button says for whom."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.tables import reservation, reservations_of

OTTO, WHEEL = "Otto Fischer", "Beginner Wheel Throwing"


def test_every_page_on_the_way_says_for_which_child_it_is(enter, say, portal):
    page = enter("lena")
    page.goto("/studio/")

    def is_for_otto() -> None:
        expect(page.get_by_role("navigation", name=say("For whom")).locator("[aria-current]")).to_have_text(OTTO)
        expect(page.locator(".st-head")).to_contain_text(say("For %(name)s", name=OTTO))

    page.get_by_role("navigation", name=say("For whom")).get_by_role("link", name="Otto").click()
    is_for_otto()
    menu = page.get_by_role("navigation", name=say("Reservations"))
    for title in ("Calendar", "Settings", "Sessions"):
        menu.get_by_role("link", name=say(title)).click()
        expect(menu.locator("[aria-current]")).to_have_text(say(title))
        is_for_otto()

    page.locator(".st-row", has_text=WHEEL).first.get_by_role("link", name=WHEEL).click()
    is_for_otto()
    page.get_by_role("button", name=say("Reserve for %(name)s", name="Otto")).click()
    expect(page.get_by_role("status")).to_contain_text(OTTO)
    is_for_otto()
    (mine,) = reservations_of(portal, OTTO)
    assert (mine.title, mine.status, mine.pass_type) == (WHEEL, "PENDING", "drop_in")
    assert reservations_of(portal, "Lena Fischer") == reservations_of(portal, "Nora Fischer") == []

    page.locator("#studio").get_by_role("link", name=say("Details or cancel")).click()
    is_for_otto()
    page.get_by_role("link", name=say("Choose another day")).click()
    is_for_otto()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name=say("Move for %(name)s", name="Otto")).click()
    expect(page.get_by_role("status")).to_contain_text(OTTO)
    is_for_otto()
    moved = reservations_of(portal, OTTO)[0]
    assert (moved.replaces_id, moved.status) == (mine.id, "PENDING")

    page.get_by_role("link", name=say("Cancel for %(name)s…", name="Otto")).click()
    is_for_otto()
    page.get_by_role("button", name=say("Cancel for %(name)s", name="Otto")).click()
    expect(page.get_by_role("status")).to_contain_text(OTTO)
    is_for_otto()
    after = reservation(portal, moved.id)
    assert (after.status, after.punches_used, after.left) == ("CANCELLED", 0, 1)


def test_a_parent_checks_a_child_in(enter, say, portal):
    page = enter("lena")
    page.goto("/studio/sessions?open=1")
    page.get_by_role("link", name="Otto").click()
    page.locator(".st-row", has_text=WHEEL).first.get_by_role(
        "button", name=say("Reserve for %(name)s", name="Otto")
    ).click()
    expect(page.get_by_role("status")).to_contain_text(OTTO)
    page.locator(".st-row", has_text=WHEEL).first.get_by_role("link", name=say("Details or cancel")).click()

    page.get_by_role("button", name=say("Check in %(name)s now", name="Otto")).click()

    expect(page.locator("#studio h1")).to_have_text(say("%(name)s is checked in", name="Otto"))
    (mine,) = reservations_of(portal, OTTO)
    assert (mine.status, mine.check_in_method, mine.punches_used, mine.left) == ("CHECKED_IN", "SELF", 1, 0)
