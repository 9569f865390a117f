"""Portals of many kinds, and the one thing that must work in each: a user logs in and reserves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.test import TestResponse

from studio_reservations import StudioReservations
from studio_reservations.database import run_in_transaction
from tests.factories import NOW, give_access, make_class, make_customer, make_pass, make_session, make_studio

Feature = Callable[[Flask, SQLAlchemy], object]


@dataclass(frozen=True)
class Portal:
    """A portal and its own user, Ada."""

    app: Flask
    db: SQLAlchemy
    user: type[Any]

    def upgrade(self) -> None:
        """Make the portal's tables and the studio's."""
        with self.app.app_context():
            self.db.create_all()
        result = self.app.test_cli_runner().invoke(args=["studio", "db", "upgrade"])
        assert result.exit_code == 0, result.output

    def add_rows(self) -> dict[str, str]:
        """Add Ada, her pass and a session that she may reserve; return the body of the call that does."""

        def work(session: Session) -> dict[str, str]:
            studio = make_studio(session)
            customer = make_customer(session, studio)
            give_access(session, customer, "1")
            registration = make_pass(session, customer, studio)
            class_session = make_session(session, make_class(session, studio))
            return {"session_id": str(class_session.id), "registration_id": str(registration.id)}

        with self.app.app_context():
            self.db.session.add(self.user(name="Ada", email="ada@example.org"))
            self.db.session.commit()
            return run_in_transaction(work)

    def close(self) -> None:
        """Close every connection of its pools."""
        with self.app.app_context():
            for engine in self.db.engines.values():
                engine.dispose()

    def ada(self) -> FlaskClient:
        """Return a browser in which Ada has logged in."""
        client = self.app.test_client()
        assert client.post("/login").status_code == 204
        return client


def make_portal(
    url: str,
    *,
    db: SQLAlchemy | None = None,
    user: type[Any] | None = None,
    config: dict[str, Any] | None = None,
    first: Feature | None = None,
    last: Feature | None = None,
    **extension: Any,
) -> Portal:
    """Make a portal with the extension and with features of its own, installed before it or after."""
    db = db if db is not None else SQLAlchemy()
    user = user if user is not None else plain_user(db)
    app = Flask("portal")
    app.config.from_mapping({"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": url} | (config or {}))
    db.init_app(app)
    if first is not None:
        first(app, db)
    StudioReservations(db).init_app(app, clock=lambda: NOW, **extension)
    if last is not None:
        last(app, db)
    _add_pages(app, db, user)
    return Portal(app=app, db=db, user=user)


def plain_user(db: SQLAlchemy) -> type[Any]:
    """Return a user model as most portals have it."""

    class User(UserMixin, db.Model):  # type: ignore[misc, name-defined]
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str]
        name: Mapped[str]

    return User


def reserve(portal: Portal) -> dict[str, Any]:
    """Let Ada reserve through the API as a browser does, and return what she is answered."""
    body = portal.add_rows()
    client = portal.ada()
    headers = {"X-CSRFToken": payload(client.get("/api/csrf"))["csrf_token"]}
    answer = client.post("/api/reservations", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    read = client.get(f"/api/reservations/{payload(answer)['id']}")
    assert payload(read)["status"] == "PENDING"
    return dict(payload(answer))


def payload(answer: TestResponse) -> Any:
    """Return the JSON of an answer."""
    return answer.json


def _add_pages(app: Flask, db: SQLAlchemy, user: type[Any]) -> None:
    LoginManager(app).user_loader(lambda user_id: db.session.get(user, int(user_id)))

    @app.get("/")
    def home() -> ResponseReturnValue:
        return f"Welcome, {current_user.name}" if current_user.is_authenticated else "Welcome"

    def login() -> ResponseReturnValue:
        login_user(db.session.get_one(user, 1))
        return "", 204

    csrf = app.extensions.get("csrf")
    app.add_url_rule("/login", view_func=csrf.exempt(login) if csrf else login, methods=["POST"])

    @app.post("/name")
    def rename() -> ResponseReturnValue:
        current_user.name = request.form["name"]
        db.session.commit()
        return current_user.name
