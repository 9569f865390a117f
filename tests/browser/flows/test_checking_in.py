"""At the door: the code is shown, and one press checks in."""

from __future__ import annotations

from playwright.sync_api import expect

from studio_reservations.services.codes import CodeSigner
from tests.browser.codes import read_by_two
from tests.browser.tables import reservation, reservations_of


def test_one_press_on_the_ticket_checks_in(enter, say, portal):
    (mine,) = reservations_of(portal, "Ola Nowak")
    page = enter("ola")
    page.goto("/studio/")

    page.get_by_role("button", name=f"{say('Check in')} Beginner").click()

    expect(page.locator("#studio h1")).to_have_text(say("You are checked in, %(name)s", name="Ola"))
    after = reservation(portal, mine.id)
    assert (after.status, after.check_in_method, after.punches_used) == ("CHECKED_IN", "SELF", 1)


def test_the_code_is_shown_beside_the_button_of_the_reservation(enter, say, says, a_punch, browser, portal):
    (mine,) = reservations_of(portal, "Ola Nowak")
    page = enter("ola")
    page.goto(f"/studio/reservations/{mine.id}")
    expect(page.get_by_role("heading", name=say("Check-in is open"))).to_be_visible()
    expect(page.locator("#studio")).to_contain_text("19:00–21:00")  # in Toronto: in the browser's zone it is tomorrow
    expect(page.locator("#studio")).to_contain_text(say("Closes in %(time)s, at %(until)s", time="6 h", until="23:00"))
    code = CodeSigner(portal.app.secret_key).code_for(mine.id)
    assert read_by_two(browser, page.locator(".st-qr").first.screenshot()) == (code, code)

    page.get_by_role("button", name=say("Check in now")).click()

    expect(page.locator("#studio h1")).to_have_text(say("You are checked in, %(name)s", name="Ola"))
    spent = says("%(amount)s was spent", "%(amount)s were spent", 1, amount=a_punch)
    expect(page.get_by_text(f"{spent}, {says('%(n)s is left.', '%(n)s are left.', 4)}")).to_be_visible()
    after = reservation(portal, mine.id)
    assert (after.status, after.check_in_method, after.punches_used, after.left) == ("CHECKED_IN", "SELF", 1, 4)
    page.goto(f"/studio/reservations/{mine.id}")
    expect(page.get_by_role("button", name=say("Check in now"))).to_have_count(0)
