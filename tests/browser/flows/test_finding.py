"""Finding a session: from month to month in the calendar, and by the filters of the list."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.tables import reservations_of, session

WHEEL, SKETCHING = "Beginner Wheel Throwing", "Portrait Sketching"
MONTHS = {
    "en": ("November 2026", "December 2026", "January 2027"),
    "fr": ("Novembre 2026", "Décembre 2026", "Janvier 2027"),
}
TORONTO = ZoneInfo("America/Toronto")


def id_in(page: Page) -> UUID:
    return UUID(page.url.partition("?")[0].rpartition("/")[2])


def turn(page: Page, month: str) -> None:
    page.get_by_role("link", name=re.compile(f"^{month}$", re.IGNORECASE)).click()


def test_the_calendar_goes_from_month_to_month_and_a_tap_opens_what_is_there(enter, say, visit, portal):
    before, now, after = MONTHS[visit.language]
    page = enter("maya")
    page.goto("/studio/calendar")
    title = page.locator("#studio h1")
    expect(title).to_have_text(now)

    turn(page, before)
    expect(title).to_have_text(before)
    attended = page.locator(".st-ev", has_text=WHEEL).filter(has_text=say("Attended"))
    expect(
        attended.first
    ).to_be_visible()  # on the phone the days that are over are there too, where one was in a class
    assert attended.count() == [one.status for one in reservations_of(portal, "Maya Rahman")].count("ATTENDED")
    page.get_by_role("link", name=say("Today"), exact=True).click()
    expect(title).to_have_text(now)
    turn(page, after)
    expect(title).to_have_text(after)
    turn(page, now)
    expect(title).to_have_text(now)

    free = say("%(n)s left", n=8)
    page.locator(".st-ev", has_text=WHEEL).filter(has_text="18:30").filter(has_text=free).first.click()
    expect(title).to_have_text(WHEEL)
    expect(page.locator("#studio")).to_contain_text("18:30–20:30")
    opened = session(portal, id_in(page))
    assert (opened.title, opened.starts_at.astimezone(TORONTO).strftime("%H:%M")) == (WHEEL, "18:30")
    page.go_back()
    page.locator(".st-ev", has_text=WHEEL).filter(has_text=say("Reserved")).first.click()
    page.wait_for_url(re.compile("/reservations/"))
    assert id_in(page) in {one.id for one in reservations_of(portal, "Maya Rahman")}


@pytest.fixture
def narrow(say, visit) -> Callable[..., None]:
    """Return what fills in the filters of the list of sessions and shows what they leave."""

    def narrowed(page: Page, fill: Callable[[Locator], object]) -> None:
        if visit.on_a_phone:
            page.locator(".st-narrowing > summary").click()
        form = page.get_by_role("form", name=say("Filter sessions"))
        fill(form)
        with page.expect_navigation():
            form.get_by_role("button", name=say("Show sessions")).click()

    return narrowed


def test_the_list_of_sessions_is_narrowed_by_class_time_of_day_and_what_can_be_reserved(enter, say, narrow, portal):
    page = enter("maya")
    page.goto("/studio/sessions")
    rows, buttons = page.locator(".st-row"), page.locator(".st-row button", has_text=say("Reserve"))
    assert buttons.count() < rows.count()

    def shown() -> list:
        links = page.locator(".st-row h3 a").evaluate_all("all => all.map(one => one.pathname.split('/').pop())")
        return [session(portal, UUID(one)) for one in links]

    narrow(page, lambda form: form.get_by_label(say("Class"), exact=True).select_option(label=SKETCHING))
    held, called_off = shown()
    assert (held.title, held.status) == (SKETCHING, "SCHEDULED")
    assert (called_off.title, called_off.status) == (SKETCHING, "CANCELLED")
    narrow(page, lambda form: form.get_by_label(say("Only what I can reserve")).check())
    assert [one.id for one in shown()] == [held.id]
    narrow(page, lambda form: form.get_by_label(say("Only what I can reserve")).uncheck())
    narrow(page, lambda form: form.get_by_label(say("Class"), exact=True).select_option(label=WHEEL))
    assert {one.title for one in shown()} == {WHEEL}

    evening = say("Evening, after 17")
    narrow(page, lambda form: form.get_by_label(say("Time of day")).select_option(label=evening))
    wheel = shown()
    assert {one.starts_at.astimezone(TORONTO).hour for one in wheel} == {18, 19}
    narrow(page, lambda form: form.get_by_label(say("Only what I can reserve")).check())
    hers = {one.session_id for one in reservations_of(portal, "Maya Rahman") if one.status == "PENDING"}
    assert [one.id for one in shown()] == [one.id for one in wheel]  # what she holds stays in sight
    assert buttons.count() == rows.count() - len({one.id for one in wheel} & hers) == len(wheel) - 2

    morning = say("Morning, before 12")
    narrow(page, lambda form: form.get_by_label(say("Time of day")).select_option(label=morning))
    expect(rows).to_have_count(0)
    page.get_by_role("link", name=say("All classes, any time")).click()
    expect(rows.first).to_be_visible()
    assert WHEEL not in {one.title for one in shown()[:1]}
    assert buttons.count() == rows.count() - len({one.id for one in shown()} & hers)
