"""Every staff screen of a studio with nothing in it: no blank page, but what is so and what to do next."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

import wsgi
from studio_reservations.models import Role, StudioStaff
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.staff import StaffService
from studio_reservations.services.studios import create_studio
from tests.browser.conftest import DESKTOP, EVENING, PHONE, does_not_scroll_sideways, violations
from tests.browser.test_staff_screens import ADDRESSES


@pytest.fixture
def empty_studio(portal):
    """Give the owner a new studio, and that alone."""
    with portal.app.app_context():
        db_session: Session = wsgi.db.session()
        owner = db_session.scalars(select(wsgi.User).where(wsgi.User.email == "owner@example.org")).one()
        db_session.execute(delete(StudioStaff).where(StudioStaff.user_id == str(owner.id)))
        studio = create_studio(db_session, slug="new", name="New Studio", timezone="America/Toronto", now=EVENING)
        StaffService(db_session, clock=lambda: EVENING).appoint(
            studio_id=studio.id, user_id=str(owner.id), role=Role.OWNER, name="Olive Owner", actor=SYSTEM
        )
        db_session.commit()
        return studio.slug


def test_every_screen_of_an_empty_studio_says_what_to_do_next(empty_studio, open_browser, shots):
    page = open_browser("owner")
    for address in ADDRESSES:
        for size, viewport in (("1280", DESKTOP), ("390", PHONE)):
            page.set_viewport_size(viewport)
            answer = page.goto(f"/admin/studio/{address}")

            assert answer is not None
            assert answer.status == 200
            assert viewport is PHONE or violations(page) == [], address
            assert does_not_scroll_sideways(page), address
            if shots is not None:
                name = address.strip("/") or "today"
                page.screenshot(path=shots / f"empty-{name}-{size}.png", full_page=True)
        assert page.locator(".st-empty, .st-card, table").first.is_visible(), address
