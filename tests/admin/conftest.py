"""A portal with a Flask-Admin of its own, staff of each role, a foreign studio, and a day at the door.

On SQLite: the screens ask the services, which are tested on PostgreSQL too.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_admin import Admin, BaseView, expose
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from studio_reservations.models import ClassSession, PunchLedgerEntry, Role
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.kiosks import KioskService
from tests import factories, host
from tests.admin.records import make_records
from tests.factories import NOW
from tests.host import Clock

ROLES = ("nobody", "instructor", "front_desk", "manager", "owner", "stranger")
"""``nobody`` works nowhere; ``stranger`` is a manager of the other studio."""


class HostView(BaseView):  # type: ignore[misc] # Flask-Admin ships no types
    """A page that the portal had before."""

    @expose("/")
    def index(self):
        return self.render("admin/index.html")


@dataclass(frozen=True)
class Place:
    """A studio at ten in the morning with one session at 14:00, held by the instructor, and who comes to it."""

    studio: UUID
    studio_class: UUID
    session: UUID
    pending: UUID
    checked_in: UUID
    no_show: UUID
    registration: UUID
    customer: UUID
    suspension: UUID
    staff: UUID
    entry: UUID
    kiosk: UUID
    step: UUID
    token: UUID
    endpoint: UUID
    delivery: UUID
    run: UUID
    act: UUID


@dataclass(frozen=True)
class Kiln:
    """Kiln Street, and Another studio whose things nobody of Kiln Street may see."""

    own: Place
    foreign: Place


@pytest.fixture(scope="session")
def kiln_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[Path, Kiln]:
    """Return an SQLite file with everything in it, made once, and what is in it."""
    path = tmp_path_factory.mktemp("kiln") / "kiln.sqlite"
    shutil.copyfile(sqlite_template, path)
    app = make_portal(f"sqlite:///{path}", Clock(NOW))
    with app.app_context():
        kiln = build(host.db.session())
        host.db.session.commit()
    host.dispose_engines(app)
    return path, kiln


@pytest.fixture
def kiln(kiln_template: tuple[Path, Kiln]) -> Kiln:
    """Return the ids of what is in the `portal`."""
    return kiln_template[1]


@pytest.fixture(scope="session")
def standing_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path, Clock]]:
    """Return a portal, its database file and its clock: made once a worker, for all its routes take a while to be made."""
    path, clock = tmp_path_factory.mktemp("portal") / "portal.sqlite", Clock(NOW)
    app = make_portal(f"sqlite:///{path}", clock)
    yield app, path, clock
    host.dispose_engines(app)


@pytest.fixture
def clock(standing_portal: tuple[Flask, Path, Clock]) -> Clock:
    """Return the portal's clock, at ten in the morning."""
    clock = standing_portal[2]
    clock.now = NOW
    return clock


@pytest.fixture
def portal(kiln_template: tuple[Path, Kiln], standing_portal: tuple[Flask, Path, Clock], clock: Clock) -> Flask:
    """Return the portal on a fresh copy of the template."""
    app, path, _ = standing_portal
    host.dispose_engines(app)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    shutil.copyfile(kiln_template[0], path)
    return app


@pytest.fixture
def as_role(portal: Flask) -> Callable[[str], FlaskClient]:
    """Return what gives a browser in which somebody of that role has logged in."""

    def browser(role: str) -> FlaskClient:
        client = portal.test_client()
        client.post("/login", data={"email": f"{role}@example.org"})
        return client

    return browser


@pytest.fixture
def stored(portal: Flask) -> Iterator[Session]:
    """Return a session of the test's own that reads what the tables hold, and may add to it.

    No app context stays open for it: one would let the requests of several people share what is kept for one.
    """
    with portal.app_context():
        engine = host.db.engine
    with Session(engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False) as db_session:
        yield db_session


def make_portal(url: str, clock: Clock, **config: object) -> Flask:
    """Return the portal on a database with all tables, with a page of its own in its admin."""
    admin = Admin(name="Kiln Street portal")
    app = host.create_app(url, clock=clock, admin=admin, config=config)
    admin.init_app(app)
    admin.add_view(HostView(name="Orders", endpoint="orders"))
    return app


def press(client: FlaskClient, path: str, **fields: object) -> TestResponse:
    """Send a form as its button does, with the token of the page."""
    token = client.get("/api/csrf").get_json()["csrf_token"]
    values = {name: value for name, value in fields.items() if value is not None}
    return client.post(path, data={"csrf_token": token, **values})


class _Fields(HTMLParser):
    """What the fields of the form hold that carries ``opened``, as a browser would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._form: dict[str, str] = {}
        self._field: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = {}
        elif tag == "input" and (values.get("type") != "checkbox" or "checked" in values):
            self._form[values.get("name", "")] = values.get("value", "")
        elif tag in {"select", "textarea"}:
            self._field = values["name"]
            self._form[self._field] = ""
        elif tag == "option" and "selected" in values:
            self._form[str(self._field)] = values["value"]

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self._field is not None:
            self._form[self._field] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"select", "textarea"}:
            self._field = None
        elif tag == "form" and "opened" in self._form:
            self.sent = self._form


def filled_in(page: str) -> dict[str, str]:
    """Return what a browser sends of the form on a page that two people may have open."""
    return {name: value for name, value in _Fields(page).sent.items() if name not in {"csrf_token", "once"}}


def told(client: FlaskClient, response: TestResponse) -> str:
    """Return the page to which a pressed button leads, with what it says of the act."""
    assert response.status_code == 303, response.text
    return client.get(response.headers["Location"]).text


def build(db_session: Session) -> Kiln:
    """Fill the tables with both studios and everybody."""
    users = {role: host.User(email=f"{role}@example.org", name=role.title()) for role in ROLES}
    db_session.add_all(users.values())
    db_session.flush()
    own = _place(db_session, "Kiln Street", "kiln", users, "instructor", "front_desk", "manager", "owner")
    return Kiln(own=own, foreign=_place(db_session, "Another studio", "another", users, "stranger"))


def _place(db_session: Session, name: str, slug: str, users: dict[str, host.User], *roles: str) -> Place:
    studio = factories.make_studio(db_session, name=name, slug=slug)
    staff = [
        factories.make_staff(
            db_session,
            studio,
            Role.MANAGER if role == "stranger" else Role(role),
            user_id=str(users[role].id),
        )
        for role in roles
    ]
    studio_class = factories.make_class(db_session, studio, title=f"Glazing at {name}")
    teacher: dict[str, Any] = {"instructor_id": staff[0].id, "instructor": "Ines Instructor", "location": "Wheel room"}
    session = factories.make_session(
        db_session, studio_class, starts_at=NOW + timedelta(hours=4), capacity=8, **teacher
    )
    ended = factories.make_session(db_session, studio_class, starts_at=NOW - timedelta(hours=3), capacity=8, **teacher)
    made = {}
    people: dict[str, tuple[str, ClassSession, dict[str, Any]]] = {
        Status.PENDING: ("Priya Singh", session, {}),
        Status.CHECKED_IN: ("Chi Chen", session, {"checked_in_at": NOW, "check_in_method": "STAFF", "punches_used": 1}),
        Status.NO_SHOW: (
            "Noor Diaz",
            ended,
            {
                "missed_at": ended.ends_at,
                "counts_as_no_show": True,
                "grace_ends_at": ended.ends_at + timedelta(hours=24),
            },
        ),
    }
    for status, (who, of, fields) in people.items():
        customer = factories.make_customer(
            db_session, studio, name=who, email=f"{who.split()[0].lower()}@{slug}.example"
        )
        registration = factories.make_pass(db_session, customer, studio)
        made[status] = factories.make_reservation(
            db_session, registration, of, status=status, now=NOW - timedelta(days=2), **fields
        )
    suspended = factories.make_customer(db_session, studio, name="Sam Suspended")
    suspension = factories.make_suspension(db_session, suspended, studio)
    course = factories.make_class(db_session, studio, title="Mug building", steps=1)
    [step] = factories.steps_of_class(db_session, course)
    factories.make_session(db_session, course, step=step)
    kiosk, _ = KioskService(db_session, clock=lambda: NOW).add(studio_id=studio.id, name="Front door", actor=SYSTEM)
    return Place(
        **make_records(db_session, made[Status.PENDING]),
        kiosk=kiosk.id,
        step=step.id,
        studio=studio.id,
        studio_class=studio_class.id,
        session=session.id,
        pending=made[Status.PENDING].id,
        checked_in=made[Status.CHECKED_IN].id,
        no_show=made[Status.NO_SHOW].id,
        registration=made[Status.PENDING].registration_id,
        customer=made[Status.PENDING].customer_id,
        suspension=suspension.id,
        staff=staff[0].id,
        entry=db_session.scalars(
            select(PunchLedgerEntry.id).where(PunchLedgerEntry.registration_id == made[Status.PENDING].registration_id)
        ).one(),
    )
