"""People at a portal's pages, and browsers that fill in forms the way people do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from studio_reservations.models import AccessKind
from tests import host
from tests.factories import (
    NOW,
    give_access,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_studio,
)
from tests.host import Clock, User, db, log_in

Stored = Callable[[], AbstractContextManager[Session]]


MakePortal = Callable[[str, Clock], Flask]


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A portal of the module's own with people in it, and its database as it was before the first test."""

    app: Flask
    clock: Clock
    people: People
    file: Path
    untouched: Path


@pytest.fixture(scope="module")
def make_portal() -> MakePortal:
    """Return what makes the portal; a module with another kind of portal says so here."""
    config = {"STUDIO_PASS_TYPES": ("studio_credit_pack:CreditPack",)}
    return lambda url, clock: host.create_app(url, clock=clock, config=config)


@pytest.fixture(scope="module")
def made(make_portal: MakePortal, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Make the portal and its people once: what a page looks like is the same on both databases."""
    folder = tmp_path_factory.mktemp("pages")
    file, untouched, clock = folder / "portal.sqlite", folder / "untouched.sqlite", Clock(NOW)
    shutil.copyfile(sqlite_template, file)
    app = make_portal(f"sqlite:///{file}", clock)
    with app.app_context():
        people = make_people(db.session())
        db.session.commit()
    host.dispose_engines(app)
    shutil.copyfile(file, untouched)
    yield Portal(app=app, clock=clock, people=people, file=file, untouched=untouched)
    host.dispose_engines(app)


@pytest.fixture
def portal(made: Portal) -> Iterator[Flask]:
    """Return the portal with its database as it was, on Tuesday 1 December 2026, 10:00 in Toronto."""
    made.clock.now = NOW
    shutil.copyfile(made.untouched, made.file)
    yield made.app
    host.dispose_engines(made.app)


@pytest.fixture
def clock(made: Portal) -> Clock:
    """Return the portal's clock."""
    return made.clock


@pytest.fixture
def people(portal: Flask, made: Portal) -> People:
    """Return who is there."""
    return made.people


@pytest.fixture
def stored(portal: Flask) -> Stored:
    """Return what opens the portal's session, to prepare rows or look at them; it commits."""

    @contextmanager
    def open_session() -> Iterator[Session]:
        with portal.app_context():
            yield db.session()
            db.session.commit()

    return open_session


@dataclass(frozen=True, kw_only=True)
class People:
    """Ids of what is there at `NOW`: Ada with 5 punches and a reservation in a week, her ward Otto, and Eve of the same studio.

    ``session`` is in 7 days and Ada's; ``free`` in 9 days has 2 seats; ``foreign`` is of a studio that knows nobody here.
    """

    studio: UUID
    slug: str
    studio_class: UUID
    session: UUID
    free: UUID
    foreign: UUID
    ada: UUID
    otto: UUID
    eve: UUID
    ada_pass: UUID
    otto_pass: UUID
    eve_pass: UUID
    reservation: UUID
    of_eve: UUID


def make_people(db_session: Session) -> People:
    """Make a studio and its people; the portal's users are ada, eve and newcomer."""
    users = {name: User(email=f"{name}@example.org", name=name.title()) for name in ("ada", "eve", "newcomer")}
    db_session.add_all(users.values())
    db_session.flush()
    studio, other = make_studio(db_session, slug="clay"), make_studio(db_session, name="Kiln", slug="kiln")
    ada, otto, eve = (
        make_customer(db_session, studio, name=name) for name in ("Ada Potter", "Otto Potter", "Eve Stone")
    )
    give_access(db_session, ada, users["ada"].get_id())
    give_access(db_session, otto, users["ada"].get_id(), kind=AccessKind.GUARDIAN)
    give_access(db_session, eve, users["eve"].get_id())
    studio_class = make_class(db_session, studio)
    session = make_session(db_session, studio_class, location="Wheel room", instructor="Elena V.")
    free = make_session(db_session, studio_class, starts_at=NOW + timedelta(days=9), capacity=2)
    foreign = make_session(db_session, make_class(db_session, other, title="Secret"))
    ada_pass, otto_pass, eve_pass = (make_pass(db_session, one, studio) for one in (ada, otto, eve))
    reservation = make_reservation(db_session, ada_pass, session)
    of_eve = make_reservation(db_session, eve_pass, session)
    return People(
        studio=studio.id,
        slug=studio.slug,
        studio_class=studio_class.id,
        session=session.id,
        free=free.id,
        foreign=foreign.id,
        ada=ada.id,
        otto=otto.id,
        eve=eve.id,
        ada_pass=ada_pass.id,
        otto_pass=otto_pass.id,
        eve_pass=eve_pass.id,
        reservation=reservation.id,
        of_eve=of_eve.id,
    )


@dataclass
class Form:
    """A form as it stands in a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    label: str = ""


class Page(HTMLParser):
    """A page as a reader without a script has it: its text, links and forms."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.response = response
        self.status = response.status_code
        self.html = response.get_data(as_text=True)
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._open_form = self._open_button = False
        self.feed(self.html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert "style" not in given
        assert not any(name.startswith("on") for name in given)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag == "form":
            self._open_form = given.get("method") == "post"
            if self._open_form:
                self.forms.append(Form(action=str(given["action"])))
        if self._open_form and tag == "input":
            kind, name = given.get("type"), given.get("name")
            if name and (kind not in ("radio", "checkbox") or "checked" in given):
                self.forms[-1].fields[name] = str(given.get("value") or "")
        if tag == "button":
            self._open_button = self._open_form

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open_form = False
        if tag == "button":
            self._open_button = False

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        if self._open_button and self.forms:
            self.forms[-1].label = " ".join(f"{self.forms[-1].label} {data}".split())

    @property
    def address(self) -> str:
        """The path and query from which it came."""
        return self.response.request.full_path

    def form(self, label: str) -> Form:
        """Return the first form whose button begins so."""
        return next(one for one in self.forms if one.label.startswith(label))


class Browser:
    """A person at the pages."""

    def __init__(self, app: Flask, email: str | None) -> None:
        self.client: FlaskClient = app.test_client()
        if email is not None:
            log_in(self.client, User(email=email))

    def get(self, path: str, **headers: str) -> Page:
        """Look at a page below the prefix."""
        return self._page(self.client.get(path if path.startswith("/studio") else f"/studio{path}", headers=headers))

    def send(self, form: Form, **fields: Any) -> Page:
        """Press the form's button, and follow where it leads."""
        answer = self.client.post(form.action, data={**form.fields, **fields}, follow_redirects=True)
        return self._page(answer)

    def _page(self, answer: TestResponse) -> Page:
        assert answer.status_code < 500, answer.get_data(as_text=True)
        return Page(answer)


@pytest.fixture
def browser(portal: Flask) -> Callable[[str | None], Browser]:
    """Return what logs somebody in: ada, eve, newcomer, or None for a visitor."""
    return lambda name: Browser(portal, f"{name}@example.org" if name else None)
