"""Portals of many kinds keep working, and reservations work in each. Source: rules.md §11."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import new_class
from typing import Any

import pytest
from flask import Blueprint, Flask, abort
from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect, generate_csrf
from sqlalchemy import inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from werkzeug.exceptions import HTTPException

from studio_reservations import PortalUser, StudioReservations
from studio_reservations.database import run_in_transaction
from studio_reservations.models import Base, Customer, SessionReservation
from studio_reservations.services.tokens import create_token
from tests.factories import NOW
from tests.hosts.portals import Portal, make_portal, payload, plain_user, reserve


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'portal.sqlite'}"


@pytest.fixture
def made() -> Iterator[Callable[..., Portal]]:
    """Make portals with their tables; their connections are closed in the end."""
    portals: list[Portal] = []

    def make(url: str, **options: Any) -> Portal:
        portals.append(make_portal(url, **options))
        portals[-1].upgrade()
        return portals[-1]

    yield make
    for portal in portals:
        portal.close()


def add_csrf_protect(app: Flask, _: SQLAlchemy) -> None:
    CSRFProtect(app)
    app.add_url_rule("/token", view_func=generate_csrf)


@pytest.mark.parametrize("order", ["first", "last"])
def test_a_portal_with_csrf_protect(made, url, order):
    portal = made(url, **{order: add_csrf_protect})

    reserve(portal)

    client = portal.ada()
    assert client.post("/name", data={"name": "Eve"}).status_code == 400
    form = {"name": "Ada L.", "csrf_token": client.get("/token").text}
    assert client.post("/name", data=form).text == "Ada L."


@pytest.mark.parametrize("order", ["first", "last"])
def test_the_api_checks_the_csrf_token_itself(made, url, order):
    portal = made(url, **{order: add_csrf_protect})
    body = portal.add_rows()

    client = portal.ada()
    refused = client.post("/api/reservations", json=body)
    assert (refused.status_code, payload(refused)["code"]) == (403, "csrf_failed")

    headers = {"X-CSRFToken": client.get("/token").text}  # the one of the portal's own pages
    assert client.post("/api/reservations", json=body, headers=headers).status_code == 201


@pytest.mark.parametrize("order", ["first", "last"])
def test_the_staff_screens_check_the_csrf_token_themselves(made, url, order):
    portal = made(url, **{order: add_csrf_protect})
    portal.add_rows()

    refused = portal.ada().post("/studio-staff/studio/sessions/scan/code", data={"csrf_token": "of an hour ago"})

    assert refused.status_code == 403
    assert "This page was open for too long, and nothing was done." in refused.text


@pytest.mark.parametrize("order", ["first", "last"])
def test_a_bearer_token_needs_no_csrf_token(made, url, order):
    portal = made(url, **{order: add_csrf_protect})
    body = portal.add_rows()
    with portal.app.app_context():
        token = run_in_transaction(
            lambda session: create_token(
                session, name="watch", now=NOW, customer_id=session.scalars(select(Customer.id)).one()
            )
        )

    headers = {"Authorization": f"Bearer {token}"}
    assert portal.app.test_client().post("/api/reservations", json=body, headers=headers).status_code == 201


def add_own_api(app: Flask, _: SQLAlchemy) -> None:
    api = Blueprint("api", __name__, url_prefix="/api")
    api.add_url_rule("/users", view_func=lambda: {"users": ["Ada"]}, endpoint="users")
    api.add_url_rule("/users/<int:number>", view_func=lambda number: abort(404), endpoint="user")
    api.add_url_rule("/users", view_func=lambda: ({"added": True}, 201), endpoint="add_user", methods=["POST"])
    app.register_blueprint(api)


@pytest.mark.parametrize("order", ["first", "last"])
def test_a_portal_with_an_api_of_its_own_under_the_same_prefix(made, url, order):
    portal = made(url, **{order: add_own_api})

    reserve(portal)

    client = portal.ada()
    assert client.get("/api/users").json == {"users": ["Ada"]}
    assert client.post("/api/users").json == {"added": True}
    assert client.get("/api/users/9").mimetype == "text/html"
    assert payload(client.get("/api/nowhere"))["code"] == "not_found"


def add_error_pages(app: Flask, _: SQLAlchemy) -> None:
    def page(error: Exception) -> tuple[str, int]:
        return f"<h1>Our own page</h1>{type(error).__name__}", getattr(error, "code", None) or 500

    for code in (404, 405, 500):
        app.register_error_handler(code, page)
    app.register_error_handler(HTTPException, page)

    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("order", ["first", "last"])
def test_a_portal_with_error_pages_of_its_own(made, url, order):
    portal = made(url, **{order: add_error_pages})

    reserve(portal)

    client = portal.ada()
    for answer, status in ((client.get("/nowhere"), 404), (client.post("/"), 405), (client.get("/broken"), 500)):
        assert answer.status_code == status
        assert answer.text.startswith("<h1>Our own page</h1>")
    for answer, code in (
        (client.get("/api/nowhere"), "not_found"),
        (client.get("/api/reservations/7"), "not_found"),
        (client.delete("/api/me"), "method_not_allowed"),
        (portal.app.test_client().get("/api/me"), "not_authenticated"),
    ):
        assert answer.mimetype == "application/problem+json"
        assert payload(answer)["code"] == code


class BrokenIdentity:
    """An adapter with a fault in it."""

    def current_user(self) -> PortalUser | None:
        raise ZeroDivisionError("secret inside")

    def user_by_email(self, email: str) -> PortalUser | None:
        return None


def test_a_fault_under_the_prefix_is_told_as_json_and_nothing_of_the_inside(made, url):
    portal = made(url, first=add_error_pages, identity=BrokenIdentity())

    answer = portal.app.test_client().get("/api/me")

    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert payload(answer)["code"] == "internal_error"
    assert payload(answer)["reference"]
    assert "secret" not in answer.text


def test_a_portal_with_two_binds(made, url, own_bind, tmp_path):
    config = {
        "SQLALCHEMY_BINDS": {"studio": f"sqlite:///{tmp_path / 'studio.sqlite'}"},
        "STUDIO_BIND_KEY": "studio",
    }
    portal = made(url, config=config)

    reserve(portal)

    with portal.app.app_context():
        assert inspect(portal.db.engine).get_table_names() == ["user"]
        second = inspect(portal.db.engines["studio"]).get_table_names()
        assert set(Base.metadata.tables) <= set(second)
        assert "user" not in second
    client = portal.ada()
    assert client.post("/name", data={"name": "Ada L."}).text == "Ada L."
    assert client.get("/").text == "Welcome, Ada L."


class PlainBase(DeclarativeBase):
    """A base whose models are plain."""


def dataclass_models() -> list[SQLAlchemy]:
    """Return a db for each way in which a portal's models may be dataclasses."""
    ways = [SQLAlchemy(model_class=PlainBase)]
    # Flask-SQLAlchemy 3.1 takes a dataclass base on SQLAlchemy 2.0 only.
    if version("sqlalchemy").startswith("2.0."):
        ways.append(SQLAlchemy(model_class=new_class("DataclassBase", (MappedAsDataclass, DeclarativeBase))))
    return ways


@pytest.mark.parametrize("db", dataclass_models())
def test_a_portal_whose_models_are_dataclasses(made, url, db):
    bases = (db.Model,) if issubclass(db.Model, MappedAsDataclass) else (MappedAsDataclass, db.Model)
    model = new_class("Model", bases, exec_body=lambda body: body.update(__abstract__=True))

    class User(UserMixin, model):  # type: ignore[misc, valid-type]
        __tablename__ = "user"

        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        email: Mapped[str]
        name: Mapped[str]

    portal = made(url, db=db, user=User)

    reserve(portal)

    assert portal.ada().get("/").text == "Welcome, Ada"
    assert repr(User(email="b@example.org", name="Bo")).endswith("User(id=None, email='b@example.org', name='Bo')")


def test_a_portal_made_by_a_factory_twice(made, tmp_path):
    db = SQLAlchemy()
    user = plain_user(db)
    portals = [made(f"sqlite:///{tmp_path / name}", db=db, user=user) for name in ("a.sqlite", "b.sqlite")]

    reserve(portals[0])

    counts = []
    for portal in portals:
        with portal.app.app_context():
            counts.append(len(portal.db.session.scalars(select(SessionReservation.id)).all()))
    assert counts == [1, 0]


def test_a_portal_that_pushes_a_context_in_its_factory(made, url):
    def use_at_once(app: Flask, db: SQLAlchemy) -> None:
        with app.app_context():
            db.create_all()

    portal = made(url, first=use_at_once, last=add_csrf_protect)

    reserve(portal)


def test_the_extension_leaves_what_the_portal_has_not(made, url):
    """No CSRFProtect, no Flask-Migrate: none is installed behind the portal's back."""
    portal = made(url)

    assert {"csrf", "migrate"}.isdisjoint(portal.app.extensions)
    assert portal.app.error_handler_spec[None] == {}
    with pytest.raises(RuntimeError, match="already installed"):
        StudioReservations(portal.db).init_app(portal.app)
