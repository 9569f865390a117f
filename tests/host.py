"""A portal as customers of the extension have one: its own users, login and home page, with the extension as a guest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_login import LoginManager, UserMixin, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Text, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class HostBase(DeclarativeBase):
    """The portal's own models; none of the extension's."""


db = SQLAlchemy(model_class=HostBase)


class User(UserMixin, db.Model):  # type: ignore[misc, name-defined]
    """The plainest user that the extension must serve."""

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: datetime = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Move on by what ``timedelta`` takes, e.g. ``clock.advance(hours=2)``."""
        self.now += timedelta(**duration)


def create_app(database_url: str, *, clock: Clock, config: dict[str, Any] | None = None, **extension: Any) -> Flask:
    """Make the portal on a database that holds all tables; ``extension`` goes to ``init_app``."""
    # Here, so that tests of the layers below do not import the edges.
    from studio_reservations import StudioReservations

    app = Flask("host")
    app.config.from_mapping(SECRET_KEY="not a secret", TESTING=True, SQLALCHEMY_DATABASE_URI=database_url)
    app.config.from_mapping(config or {})
    db.init_app(app)
    _add_login(app)
    if extension.setdefault("admin", False):
        Babel(app)  # Flask-Admin insists on it where it is installed
    StudioReservations(db).init_app(app, clock=clock, **extension)

    @app.get("/")
    def home() -> ResponseReturnValue:
        return "The portal's own page"

    return app


def log_in(client: FlaskClient, user: User) -> FlaskClient:
    """Log the user in the way a browser does."""
    response = client.post("/login", data={"email": user.email})
    assert response.status_code == 204
    return client


def dispose_engines(app: Flask) -> None:
    """Close every connection of the portal's pools."""
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def _add_login(app: Flask) -> None:
    manager = LoginManager(app)

    @manager.user_loader
    def load_user(user_id: str) -> User | None:
        return db.session.get(User, int(user_id))

    @app.post("/login")
    def login() -> ResponseReturnValue:
        user = db.session.scalars(select(User).filter_by(email=request.form["email"])).one()
        login_user(user)
        return "", 204
