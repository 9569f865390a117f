"""After a missed class: what it will cost and when is said, and the studio is told why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

import wsgi
from config.world.names import MAIN
from studio_reservations.database import transaction
from studio_reservations.models import Studio
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies import due
from studio_reservations.services.nights.running import sweep
from tests.browser.tables import reservation, reservations_of

NIGHT = datetime(2026, 12, 2, 6, 30, tzinfo=UTC)
MORNING = datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
WHY = "My tram stood still on the bridge for an hour.\nI could not call."


@pytest.fixture
def night(portal):
    """Return what lets the night after the evening pass, to the morning: who was absent has missed a class."""

    def passed() -> None:
        portal.at(NIGHT)
        studio_id = portal.stored(lambda db_session: db_session.scalar(select(Studio.id).where(Studio.slug == MAIN)))

        def opened(work):
            with transaction() as db_session:
                return work(db_session)

        with portal.app.app_context():
            sweep(
                due.DETECT_NO_SHOWS,
                opened=opened,
                studio_id=studio_id,
                as_of=NIGHT,
                clock=lambda: NIGHT,
                pass_types=installed_pass_types(),
            )
            wsgi.db.session.remove()
        portal.at(MORNING)

    return passed


def test_who_missed_a_class_reads_what_follows_and_tells_the_studio_why(enter, say, night, portal):
    (tonight,) = reservations_of(portal, "Ola Nowak")
    page = enter("ola")
    page.goto("/studio/sessions?open=1&from=2026-12-05")
    page.locator(".st-row", has_text="Beginner Wheel").first.get_by_role("button", name=say("Reserve")).click()
    expect(page.get_by_role("status")).to_contain_text("Beginner Wheel Throwing")
    ahead = reservations_of(portal, "Ola Nowak")[0]
    night()
    assert reservation(portal, tonight.id).status == "NO_SHOW"

    page.goto("/studio/")
    notice = page.locator(".st-notice.is-warn")
    expect(notice.get_by_role("heading")).to_contain_text("3")  # Thursday 3 December
    expect(notice.get_by_role("heading")).to_contain_text("02:00")
    expect(page.locator(".st-risk")).to_contain_text("02:00")  # and at the reservation that is at risk
    notice.get_by_text(say("Tell the studio why")).click()
    notice.get_by_label(say("What should the studio know?")).fill(WHY)
    notice.get_by_role("button", name=say("Send to the studio")).click()

    expect(page.get_by_role("status")).to_contain_text("Beginner Wheel Throwing")
    expect(notice).to_contain_text("08:00")  # when it was sent
    expect(notice.get_by_role("textbox")).to_have_count(0)
    after = reservation(portal, tonight.id)
    assert (after.explanation, after.explained_at, after.explanation_answer) == (WHY, MORNING, None)
    assert (after.status, reservation(portal, ahead.id).status) == ("NO_SHOW", "PENDING")
