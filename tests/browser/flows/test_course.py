"""The path of a course: a day for the next part, and a missed part made up."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.tables import reservations_of

MUG, SECOND, THIRD = "Mug Building", "Trimming and handles", "Glazing your mug"


@pytest.fixture
def part():
    """Return what finds a part on the path."""
    return lambda page, position: page.locator(".st-path > li").nth(position - 1)


def test_a_day_is_chosen_for_the_next_part_and_the_one_after_it_waits(enter, say, part, portal):
    page = enter("cara")
    page.goto("/studio/")
    page.get_by_role("link", name=say("Choose a day")).and_(page.get_by_role("link", name=SECOND)).click()
    expect(page.locator("#studio h1")).to_have_text(MUG)
    expect(part(page, 1)).to_contain_text(say("Attended"))
    days = part(page, 2).get_by_role("button", name=say("Choose"))
    expect(days).to_have_count(3)

    days.nth(1).click()

    expect(page.get_by_role("status")).to_contain_text(f"{MUG}: {SECOND}")
    expect(part(page, 2)).to_contain_text("18:00")  # on Friday the 11th in Toronto
    expect(part(page, 2)).to_contain_text(say("Reserved"))
    expect(part(page, 3).get_by_role("button")).to_have_count(0)
    expect(part(page, 3)).to_contain_text("11")  # when part 2 is
    mine, first = reservations_of(portal, "Cara Lindqvist")
    assert (mine.position, mine.status, mine.pass_type, mine.starts_at.day) == (2, "PENDING", "full_course", 11)
    assert (first.position, first.status) == (1, "ATTENDED")


def test_a_missed_part_is_made_up_on_another_day(enter, say, part, portal):
    (missed,) = reservations_of(portal, "Paul Okafor")
    page = enter("paul")
    page.goto("/studio/")
    page.get_by_role("link", name=say("Make it up on another day")).click()
    expect(part(page, 1)).to_contain_text(say("Missed"))

    part(page, 1).get_by_role("button", name=say("Make it up")).first.click()

    expect(page.get_by_role("status")).to_contain_text(MUG)
    expect(part(page, 1).locator(".st-tag")).to_have_text(say("Makeup"))
    expect(part(page, 2).get_by_role("button")).to_have_count(0)
    mine = reservations_of(portal, "Paul Okafor")[0]
    assert (mine.position, mine.status, mine.makeup_for_id) == (1, "PENDING", missed.id)
    part(page, 1).get_by_role("link", name=say("Details or another day")).click()
    makes_up_for = page.locator(".st-facts > div").filter(has_text=say("Makeup"))
    expect(makes_up_for).to_contain_text("26")  # November, when it was missed
