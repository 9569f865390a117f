"""Reserving: one press, one to take it back, and another pass than the proposed one."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from studio_reservations.pass_type_registry import installed_pass_types
from tests.browser.tables import reservations_of

WHEEL = "Beginner Wheel Throwing"


def test_a_seat_is_reserved_with_one_press_and_given_back_with_another(enter, say, visit, portal):
    before = reservations_of(portal, "Maya Rahman")
    page = enter("maya")
    page.goto("/studio/sessions?open=1")
    expect(page.get_by_role("heading", level=1, name=say("Sessions"))).to_be_visible()
    speaks = page.locator("#studio").evaluate("one => one.closest('[lang]').lang")
    assert speaks.startswith(visit.language)

    page.locator(".st-row").first.get_by_role("button", name=say("Reserve")).click()

    strip = page.get_by_role("status")
    expect(strip).to_contain_text("17:15")  # undoing is free for 15 minutes, by Toronto's clock
    mine, *others = reservations_of(portal, "Maya Rahman")
    assert (mine.status, others) == ("PENDING", before)
    taken = mine.seats_taken

    strip.get_by_role("button", name=say("Undo")).click()

    expect(page.get_by_role("status")).to_contain_text(say("Nothing was charged."))
    mine = reservations_of(portal, "Maya Rahman")[0]
    assert (mine.status, mine.punches_used, mine.late, mine.seats_taken) == ("CANCELLED", 0, False, taken - 1)


def test_another_pass_than_the_proposed_one_is_taken_where_it_is_chosen(enter, say, says, visit, portal):
    series, punches = (
        installed_pass_types().get(key).say(label, language=visit.language)
        for key, label in (("unlimited_series", "Unlimited series"), ("punch_pass", "Punch pass"))
    )
    page = enter("maya")
    page.goto("/studio/")
    page.get_by_role("article").filter(has_text=series).get_by_role(
        "link", name=say("Reserve"), exact=False
    ).last.click()
    rows = page.locator(".st-row", has_text=WHEEL)
    row = rows.filter(has=page.get_by_role("button", name=say("Reserve"))).first
    row.locator("summary").click()
    expect(row.get_by_role("radio", name=series)).to_be_checked()

    row.get_by_role("radio", name=re.compile(f"^{punches}")).check()
    row.get_by_role("button", name=say("Reserve")).click()

    expect(page.get_by_role("status")).to_contain_text(WHEEL)
    mine = reservations_of(portal, "Maya Rahman")[0]
    assert (mine.title, mine.pass_type, mine.punches_held, mine.punches_used) == (WHEEL, "punch_pass", 1, 0)
    page.goto("/studio/")
    expect(page.get_by_role("article").filter(has_text=punches)).to_contain_text(
        says("%(n)s free to reserve", "%(n)s free to reserve", 3)
    )
