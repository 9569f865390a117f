"""Settings: messages, telephone and language, the private calendar, everything in one file, and leaving."""

from __future__ import annotations

import json
from pathlib import Path

from icalendar import Calendar
from playwright.sync_api import expect

from tests.browser.tables import customer, customer_named, reservations_of

OTHER = {"en": ("fr", "Réglages"), "fr": ("en", "Settings")}


def test_a_message_is_switched_off_and_a_telephone_number_is_kept(enter, say, portal):
    maya = customer_named(portal, "Maya Rahman")
    page = enter("maya")
    page.goto("/studio/settings")
    reminder = page.get_by_label(say("The reminder the day before"))
    expect(reminder).to_be_checked()

    reminder.uncheck()
    page.get_by_role("form", name=say("Messages")).get_by_role("button").click()

    expect(page.get_by_role("status")).to_have_text(say("Saved."))
    expect(reminder).not_to_be_checked()
    kept = customer(portal, maya.id).preferences
    assert (kept["reminder"], kept["check_in"], kept["pass_expiring"]) == (False, True, True)

    telephone = page.get_by_label(say("Telephone"), exact=True)
    telephone.fill("416 555 0123")
    page.get_by_role("form", name=say("Telephone and language")).get_by_role("button").click()
    expect(telephone).to_have_value("+14165550123")
    assert customer(portal, maya.id).phone == "+14165550123"


def test_the_pages_speak_the_language_that_was_chosen(enter, say, visit, portal):
    tag, title = OTHER[visit.language]
    page = enter("maya")
    page.goto("/studio/settings")
    expect(page.locator("#studio h1")).to_have_text(say("Settings"))

    page.get_by_label(say("Language"), exact=True).select_option(tag)
    page.get_by_role("form", name=say("Telephone and language")).get_by_role("button").click()

    expect(page.locator("#studio h1")).to_have_text(title)
    assert page.locator("#studio").evaluate("one => one.closest('[lang]').lang").startswith(tag)
    assert customer_named(portal, "Maya Rahman").locale == tag


def test_the_calendars_address_is_made_replaced_and_deleted(enter, say, portal):
    held = {one.starts_at for one in reservations_of(portal, "Maya Rahman") if one.status == "PENDING"}
    page = enter("maya")
    page.goto("/studio/settings")
    address = page.get_by_label(say("Address"), exact=True)

    page.get_by_role("button", name=say("Make the address")).click()
    first = address.input_value()
    events = Calendar.from_ical(page.request.get(first).text()).walk("VEVENT")
    assert held <= {one.decoded("dtstart") for one in events}

    page.get_by_role("button", name=say("Make a new address")).click()
    expect(address).not_to_have_value(first)
    second = address.input_value()
    assert (page.request.get(first).status, page.request.get(second).status) == (404, 200)

    page.get_by_role("button", name=say("Delete the address")).click()
    expect(page.get_by_role("button", name=say("Make the address"))).to_be_visible()
    assert page.request.get(second).status == 404
    assert customer_named(portal, "Maya Rahman").feed_token_hash is None


def test_everything_that_is_held_comes_as_one_readable_file(enter, say, portal):
    page = enter("maya")
    page.goto("/studio/settings")

    with page.expect_download() as waiting:
        page.get_by_role("link", name=say("Download everything")).click()

    assert waiting.value.suggested_filename == "my-data.json"
    text = Path(waiting.value.path()).read_text()
    assert "Beginner Wheel Throwing" in text
    held = json.loads(text)
    mine = {str(one.id): one.status for one in reservations_of(portal, "Maya Rahman")}
    assert {one["id"]: one["status"] for one in held["reservations"]} == mine


def test_leaving_says_what_stays_and_takes_the_rest_away(enter, say, portal):
    maya = customer_named(portal, "Maya Rahman")
    before = {one.id: one for one in reservations_of(portal, "Maya Rahman")}
    page = enter("maya")
    page.goto("/studio/settings")
    page.get_by_role("link", name=say("Delete my data…")).click()
    facts = page.locator(".st-facts > div")
    expect(facts.filter(has_text=say("What must stay")).locator("dd")).not_to_be_empty()
    for one in before.values():
        if one.status == "PENDING":
            expect(facts.first).to_contain_text(one.title)
    assert customer(portal, maya.id) == maya

    page.get_by_label(say("I have read what ends, and that it cannot be undone.")).check()
    page.get_by_role("button", name=say("Delete my data for good")).click()

    expect(page.locator("#studio h1")).to_have_text(say("Your data is deleted"))
    expect(page.locator("#studio")).not_to_contain_text("Maya")
    after = customer(portal, maya.id)
    assert after.erased_at is not None
    assert (after.email, after.phone, "Maya" in after.name) == (None, None, False)
    for one in reservations_of(portal, after.name):
        if one.id in before:
            assert one.status == {"PENDING": "CANCELLED"}.get(before[one.id].status, before[one.id].status)
