"""Today, in the portal's own Flask-Admin: who sees it, and what it shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_admin import Admin, BaseView, expose

from studio_reservations.models import Role
from tests import factories, host
from tests.factories import NOW


class HostView(BaseView):  # type: ignore[misc] # Flask-Admin ships no types
    """A page that the portal had before."""

    @expose("/")
    def index(self):
        return self.render("admin/index.html")


@pytest.fixture
def portal(database_url, clock):
    clock.now = NOW
    admin = Admin(name="Kiln Street portal")
    app = host.create_app(database_url, clock=clock, admin=admin)
    admin.init_app(app)
    admin.add_view(HostView(name="Orders", endpoint="orders"))
    yield app
    host.dispose_engines(app)


@pytest.fixture
def studio(portal: Flask):
    """A studio with one class at 14:00 of today in Toronto, two seats taken, and staff of two roles."""
    with portal.app_context():
        host.db.create_all()
        db_session = host.db.session
        users = {
            role: host.User(email=f"{role}@example.org", name=role) for role in ("manager", "instructor", "nobody")
        }
        db_session.add_all(users.values())
        db_session.flush()
        studio = factories.make_studio(db_session, name="Kiln Street")
        factories.make_staff(db_session, studio, Role.MANAGER, user_id=str(users["manager"].id))
        factories.make_staff(db_session, studio, Role.INSTRUCTOR, user_id=str(users["instructor"].id))
        studio_class = factories.make_class(db_session, studio, title="Glazing <b>bold</b>")
        session = factories.make_session(db_session, studio_class, starts_at=NOW + timedelta(hours=4), capacity=8)
        for status in ("PENDING", "CHECKED_IN"):
            customer = factories.make_customer(db_session, studio)
            registration = factories.make_pass(db_session, customer, studio)
            factories.make_reservation(db_session, registration, session, status=status)
        elsewhere = factories.make_studio(db_session, name="Another studio")
        factories.make_session(db_session, factories.make_class(db_session, elsewhere, title="Secret"), starts_at=NOW)
        db_session.commit()


def page_of(portal: Flask, role: str) -> tuple[FlaskClient, str]:
    client = portal.test_client()
    client.post("/login", data={"email": f"{role}@example.org"})
    return client, client.get("/admin/studio/").get_data(as_text=True)


@pytest.mark.usefixtures("studio")
def test_a_manager_sees_the_sessions_of_the_day_with_their_seats(portal):
    _, page = page_of(portal, "manager")

    assert "Tuesday 1 December" in page
    assert "14:00" in page
    assert "1 checked in, 1 to come, 6 free of 8" in page
    assert "Glazing &lt;b&gt;bold&lt;/b&gt;" in page
    assert "Secret" not in page


@pytest.mark.usefixtures("studio")
def test_an_instructor_sees_only_their_own_sessions(portal):
    _, page = page_of(portal, "instructor")

    assert "Nothing is on today." in page
    assert "Glazing" not in page


@pytest.mark.usefixtures("studio")
def test_whoever_works_nowhere_finds_no_such_page_and_no_menu_entry(portal):
    client, _ = page_of(portal, "nobody")

    assert client.get("/admin/studio/").status_code == 404
    assert "Today" not in client.get("/admin/orders/").get_data(as_text=True)


@pytest.mark.usefixtures("studio")
def test_the_portals_own_admin_pages_stay_as_they_were_but_for_the_menu(portal):
    client, _ = page_of(portal, "manager")

    page = client.get("/admin/orders/").get_data(as_text=True)

    assert "Today" in page
    assert "tokens.css" not in page


@pytest.mark.usefixtures("studio")
def test_the_styles_of_the_page_are_served(portal):
    client, page = page_of(portal, "manager")

    assert "/api/static/tokens.css" in page
    with client.get("/api/static/tokens.css") as response:
        assert response.status_code == 200
