"""Giving up a reservation, or moving it to another day: what it costs is said before it is done."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.tables import reservation, reservations_of


@pytest.fixture
def last_of(portal):
    """Return what finds somebody's reservation that lies farthest ahead."""
    return lambda name: max(reservations_of(portal, name), key=lambda one: one.starts_at)


def test_cancelling_in_time_is_free_and_gives_the_seat_back(enter, say, portal, last_of):
    mine = last_of("Ben Castle")
    page = enter("ben")
    page.goto("/studio/")
    page.locator("a[href*='/reservations/']").last.click()
    page.get_by_role("link", name=say("Cancel reservation…")).click()
    expect(page.get_by_role("heading", name=say("This costs nothing"))).to_be_visible()
    expect(page.locator(".st-big")).to_have_text(["10", "10"])
    assert reservation(portal, mine.id) == mine

    page.get_by_role("button", name=say("Cancel reservation")).click()

    expect(page.get_by_role("status")).to_contain_text(say("Nothing was charged."))
    after = reservation(portal, mine.id)
    assert (after.status, after.late, after.punches_used, after.left) == ("CANCELLED", False, 0, 10)
    assert after.seats_taken == mine.seats_taken - 1


def test_a_late_cancellation_says_its_cost_before_and_spends_that(enter, say, a_punch, portal, last_of):
    mine = last_of("Ola Nowak")
    page = enter("ola")
    page.goto(f"/studio/reservations/{mine.id}")
    page.get_by_role("link", name=say("Cancel reservation…")).click()
    costs = say("This costs %(amount)s", amount=a_punch)
    expect(page.get_by_role("heading", name=costs)).to_be_visible()
    expect(page.locator(".st-big")).to_have_text(["5", "4"])
    assert reservation(portal, mine.id) == mine

    page.get_by_role("button", name=say("Cancel and spend %(amount)s", amount=a_punch)).click()

    expect(page.get_by_role("status")).to_contain_text("Beginner Wheel Throwing")
    after = reservation(portal, mine.id)
    assert (after.status, after.late, after.punches_used, after.left) == ("CANCELLED", True, 1, 4)
    assert (after.counts_as_no_show, after.seats_taken) == (False, mine.seats_taken - 1)
    page.goto(f"/studio/reservations/{mine.id}")
    expect(page.locator("#studio")).to_contain_text(say("It cost %(amount)s.", amount=a_punch))


def test_a_reservation_moves_to_the_day_that_is_chosen(enter, say, portal, last_of):
    mine = last_of("Ben Castle")
    page = enter("ben")
    page.goto(f"/studio/reservations/{mine.id}")
    page.get_by_role("link", name=say("Choose another day")).click()
    expect(page.get_by_text(say("Moving costs nothing."))).to_be_visible()
    days = page.get_by_role("radio")
    chosen = days.last.get_attribute("value")

    days.last.check()
    page.get_by_role("button", name=say("Move to this day")).click()

    expect(page.get_by_role("status")).to_contain_text("29")  # December, in four weeks
    expect(page.locator("h1 + .st-chip, .st-head .st-chip")).to_have_text(say("Reserved"))
    after = last_of("Ben Castle")
    assert (str(after.session_id), after.replaces_id, after.status) == (chosen, mine.id, "PENDING")
    assert page.url.partition("?")[0].endswith(str(after.id))
    before = reservation(portal, mine.id)
    assert (before.status, before.late, before.punches_used, before.left) == ("CANCELLED", False, 0, 10)
    assert before.seats_taken == mine.seats_taken - 1


def test_moving_late_says_its_cost_before_and_spends_that(enter, say, a_punch, portal, last_of):
    mine = last_of("Ola Nowak")
    page = enter("ola")
    page.goto(f"/studio/reservations/{mine.id}/move")
    costs = say("Moving now costs %(amount)s", amount=a_punch)
    expect(page.get_by_role("heading", name=costs)).to_be_visible()
    expect(page.locator(".st-big")).to_have_text(["5", "4"])

    page.get_by_role("radio").first.check()
    page.get_by_role("button", name=say("Move and spend %(amount)s", amount=a_punch)).click()

    expect(page.get_by_role("status")).to_contain_text("Beginner Wheel Throwing")
    after, before = last_of("Ola Nowak"), reservation(portal, mine.id)
    assert (after.replaces_id, after.status, after.punches_used, after.left) == (mine.id, "PENDING", 0, 4)
    assert (before.status, before.late, before.punches_used) == ("CANCELLED", True, 1)
