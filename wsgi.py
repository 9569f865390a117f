"""The reference portal: a small host with users, login, home page and admin of its own, and the reservations as its guest.

Run it with ``gunicorn --config python:config.gunicorn 'wsgi:create_app()'`` or ``flask --app wsgi run``; `config.settings`
says what it reads from the environment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any

import click
from flask import Blueprint, Flask, current_app, g, redirect, render_template, request, url_for
from flask.cli import with_appcontext
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_admin import Admin, AdminIndexView
from flask_admin.contrib.sqla import ModelView
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.exceptions import HTTPException
from werkzeug.security import check_password_hash, generate_password_hash
from wtforms import EmailField, PasswordField, ValidationError
from wtforms.validators import InputRequired, Length

from config.settings import settings
from studio_reservations import LoginIdentity, StudioReservations, customer_changed, is_staff


class Base(DeclarativeBase):
    """The portal's own tables; the reservations bring theirs."""


db = SQLAlchemy(model_class=Base)
csrf = CSRFProtect()
babel = Babel()
LANGUAGES = ("en", "fr")
portal = Blueprint("portal", __name__)
MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="1" width="14" height="14" rx="4" '
    'fill="#2a48a8"/></svg>'
)
NOBODY = generate_password_hash(token_urlsafe())


class User(UserMixin, db.Model):  # type: ignore[name-defined]
    """Somebody with a login."""

    __tablename__ = "portal_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    phone: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    is_admin: Mapped[bool] = mapped_column(default=False)


def user_by_email(email: str) -> User | None:
    """Return the user with that address, however it is written."""
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


identity = LoginIdentity(by_email=user_by_email)


def create_app(configuration: dict[str, Any] | None = None) -> Flask:
    """Make the portal; without ``configuration`` the environment is read."""
    app = Flask("wsgi", template_folder="config/templates", static_folder=None)
    app.config.from_mapping(configuration or settings())
    db.init_app(app)
    csrf.init_app(app)
    babel.init_app(app, locale_selector=lambda: request.accept_languages.best_match(LANGUAGES))
    _add_login(app)
    app.register_blueprint(portal)
    app.register_error_handler(HTTPException, _error_page)
    app.after_request(_protect)
    admin = _add_admin(app)
    app.cli.command("create-tables")(_create_tables)
    app.cli.add_command(_create_user)

    StudioReservations(db).init_app(app, admin=admin, identity=identity)

    return app


class LoginForm(FlaskForm):
    """Address and password."""

    email = EmailField("E-mail address", [InputRequired("Write your e-mail address."), Length(max=200)])
    password = PasswordField("Password", [InputRequired("Write your password."), Length(max=200)])


@portal.get("/")
def home() -> ResponseReturnValue:
    """Say who is here and where things are."""
    return render_template(
        "home.html",
        api=current_app.config.get("STUDIO_API_PREFIX", "/api"),
        staff=current_user.is_authenticated and is_staff(),
    )


@portal.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """Return the mark of the portal for a browser's tab."""
    return Response(MARK, mimetype="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


@csrf.exempt
@portal.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Let a user in."""
    # A browser says where a form comes from, and its form must carry the token. A script that says nothing has no cookies
    # that another site could use, and may send the two fields alone.
    by_script = request.method == "POST" and not any(name in request.headers for name in ("Origin", "Referer"))
    form = LoginForm(meta={"csrf": not by_script})
    if form.validate_on_submit():
        user = user_by_email(form.email.data)
        # Of an unknown address the password is checked as well, so that the time taken does not tell.
        if check_password_hash(user.password_hash if user else NOBODY, form.password.data) and user:
            login_user(user)
            return redirect(_wanted() or url_for("portal.home"), 303)
        form.form_errors.append("No user has this address and this password. Try again.")
    return render_template("login.html", form=form), 422 if form.is_submitted() else 200


def _wanted() -> str | None:
    """Return the customer's page that sent the user to the login, or None."""
    path = request.args.get("next", "")
    return path if path.startswith(url_for("studio_pages.passes")) else None


@portal.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    """Let a user out."""
    logout_user()
    return redirect(url_for("portal.home"), 303)


class AdminHome(AdminIndexView):
    """The admin's first page."""

    def is_accessible(self) -> bool:
        """Let the portal's admins in."""
        return bool(current_user.is_authenticated and current_user.is_admin)


class UserView(ModelView):
    """The portal's users."""

    column_list = ("name", "email", "email_verified", "is_admin")
    column_searchable_list = ("name", "email")
    form_columns = ("email", "name", "phone", "email_verified", "is_admin", "password")
    form_extra_fields = {"password": PasswordField("New password")}  # noqa: RUF012 - Flask-Admin's way
    can_delete = False

    def is_accessible(self) -> bool:
        """Let the portal's admins in."""
        return bool(current_user.is_authenticated and current_user.is_admin)

    def on_model_change(self, form: Any, model: User, is_created: bool) -> None:
        """Hash a new password, and tell the reservations what has changed of somebody who may be their customer."""
        model.email = model.email.strip().lower()
        if form.password.data:
            model.password_hash = generate_password_hash(form.password.data)
        elif is_created:
            raise ValidationError("A new user needs a password.")
        if not is_created:
            customer_changed(db.session(), user=identity.portal_user(model), now=datetime.now(UTC))


def _add_login(app: Flask) -> None:
    manager = LoginManager(app)
    manager.login_view = "portal.login"

    @manager.user_loader
    def load_user(user_id: str) -> User | None:
        return db.session.get(User, int(user_id))


def _add_admin(app: Flask) -> Admin:
    admin = Admin(app, name="Portal", index_view=AdminHome(), theme=Bootstrap4Theme(), csp_nonce_generator=_nonce)
    admin.add_view(UserView(User, db, name="Users", endpoint="portal_users"))
    return admin


def _nonce() -> str:
    """Return what marks this answer's own scripts and styles."""
    if "nonce" not in g:
        g.nonce = token_urlsafe(16)
    return str(g.nonce)


def _protect(response: Response) -> Response:
    """Allow a page its own scripts and styles only, and nobody to frame it; a page with a stricter word of its own keeps it."""
    own = f"'self' 'nonce-{_nonce()}'" if "nonce" in g else "'self'"
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src {own}; style-src {own}; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def _error_page(error: HTTPException) -> ResponseReturnValue:
    """Return the portal's own error page; a redirect is none."""
    if error.code is None or error.code < 400:
        return error.get_response()
    return render_template("error.html", error=error), error.code


def _create_tables() -> None:
    """Create the portal's own tables; `flask studio db upgrade` makes those of the reservations."""
    db.create_all()


@click.command("create-user")
@click.argument("email")
@click.option("--name", required=True, help="The name that people see.")
@click.option("--admin", is_flag=True, help="Let them into the portal's own admin, where users are made and changed.")
@click.password_option(help="Asked for where it is left out.")
@with_appcontext
def _create_user(email: str, name: str, admin: bool, password: str) -> None:
    """Make a user of the portal; whoever runs this vouches for the address EMAIL."""
    address = email.strip().lower()
    if user_by_email(address) is not None:
        raise click.ClickException(f"There is a user {address} already.")
    hashed = generate_password_hash(password)
    db.session.add(User(email=address, name=name, password_hash=hashed, email_verified=True, is_admin=admin))
    db.session.commit()
    click.echo(f"{address}: {name}")
