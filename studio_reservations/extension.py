"""The extension: a guest in a Flask portal that has its own users, its own login and its own tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal

from click import ClickException
from flask import Flask, appcontext_pushed, request_started
from flask_admin import Admin
from flask_sqlalchemy import SQLAlchemy

from studio_reservations import admin as staff_screens
from studio_reservations import api, cli, kiosk, pages
from studio_reservations.admin.screens import blueprints_of
from studio_reservations.cli.database import VERSION_TABLE
from studio_reservations.database import prepare_engine
from studio_reservations.identity import Identity, LoginIdentity
from studio_reservations.models import Base
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.settings import Settings, SettingsError, load
from studio_reservations.state import EXTENSION, Clock, State


class StudioReservations:
    """``StudioReservations(db).init_app(app)`` installs the reservations in a portal that owns ``db``."""

    def __init__(
        self,
        db: SQLAlchemy,
        app: Flask | None = None,
        *,
        admin: Admin | Literal[False] | None = None,
        identity: Identity | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.db = db
        if app is not None:
            self.init_app(app, admin=admin, identity=identity, clock=clock)
        elif (admin, identity, clock) != (None, None, None):
            raise TypeError(
                "admin, identity and clock belong to an app: give them to init_app(app, …), or give the app here too."
            )

    def init_app(
        self,
        app: Flask,
        *,
        admin: Admin | Literal[False] | None = None,
        identity: Identity | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Install the tables' binding, the API, the staff screens and the ``flask studio`` commands in ``app``.

        ``admin`` is the portal's Flask-Admin, which gets the staff screens: by default the one installed in ``app``, else one of
        our own under ``STUDIO_STAFF_PREFIX``; with ``False`` there are none. ``identity`` says who is calling (default:
        Flask-Login's user); ``clock`` returns aware instants (default: the system's).

        :raises RuntimeError: where it is installed already, or the portal's ``db`` is not.
        :raises SettingsError: for a wrong ``STUDIO_*`` value.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError(
                "studio-reservations is already installed in this app: call StudioReservations(db).init_app(app) once, "
                "in the place where the app is made."
            )
        if app.extensions.get("sqlalchemy") is not self.db:
            raise RuntimeError(
                "The portal's database is not ready: call db.init_app(app), with the db given to StudioReservations(db), "
                "before StudioReservations(db).init_app(app)."
            )
        try:
            settings = load(app.config)
            state = State(
                db=self.db,
                settings=settings,
                clock=clock or _clock(settings),
                identity=identity or LoginIdentity(),
                pass_types=installed_pass_types(settings.pass_types),
            )
            _bind(app, state)
        except SettingsError as error:
            raise _WrongSetting(str(error)) from error
        api.register(app, state)
        pages.register(app, state)
        kiosk.register(app, state)
        if admin is not False:
            installed = app.extensions.get("admin") or [None]
            staff_screens.register(admin or installed[0] or staff_screens.stand_alone(app, state), state)
        cli.register(app)
        app.extensions[EXTENSION] = state
        _settle_with_neighbours(app)


class _WrongSetting(ClickException, SettingsError):
    """A wrong setting at the start, which every ``flask`` command prints as the sentence that it is."""


def utc_now() -> datetime:
    """Return the instant by the system's clock."""
    return datetime.now(UTC)


def _clock(settings: Settings) -> Clock:
    if settings.clock is None:
        return utc_now
    module, _, name = settings.clock.partition(":")
    try:
        clock: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"STUDIO_CLOCK names {settings.clock!r}, which cannot be found: {error}.") from error
    now = clock() if callable(clock) else None
    if not isinstance(now, datetime) or now.tzinfo is None:
        raise SettingsError(
            f"STUDIO_CLOCK names {settings.clock!r}, which is not a callable that returns an aware instant."
        )
    chosen: Clock = clock
    return chosen


def _bind(app: Flask, state: State) -> None:
    """Send the studio tables to their engine. Flask-SQLAlchemy finds it by a name kept on the metadata, one a process."""
    key = state.settings.bind_key
    with app.app_context():
        engines = state.db.engines
        if key not in engines:
            known = ", ".join(repr(one) for one in engines if one is not None) or "none"
            raise SettingsError(
                "The portal has no SQLALCHEMY_DATABASE_URI: set it, or name a bind in STUDIO_BIND_KEY."
                if key is None
                else f"STUDIO_BIND_KEY names {key!r}, which SQLALCHEMY_BINDS does not have; its binds: {known}."
            )
        if Base.metadata.info.setdefault("bind_key", key) != key:
            raise SettingsError(
                f"STUDIO_BIND_KEY is {key!r} here and {Base.metadata.info['bind_key']!r} in another app of this process: "
                "the tables of one process live behind one bind. Name the same one in both, or run them apart."
            )
        prepare_engine(engines[key])


def _settle_with_neighbours(app: Flask) -> None:
    """Come to terms with Flask-Migrate and CSRFProtect, whether they are installed in ``app`` before us or after."""

    def settle(_sender: Flask, **_: Any) -> None:
        _spare_our_tables(app)
        _leave_csrf_to_us(app)

    def settle_for_good(sender: Flask, **_: Any) -> None:
        settle(sender)
        appcontext_pushed.disconnect(settle, app)
        request_started.disconnect(settle_for_good, app)

    settle(app)
    # The signals hold them weakly, lest they keep the app alive.
    app.extensions[f"{EXTENSION}.neighbours"] = (settle, settle_for_good)
    appcontext_pushed.connect(settle, app)
    request_started.connect(settle_for_good, app)


def _spare_our_tables(app: Flask) -> None:
    """Keep ``flask db migrate`` of the portal from proposing to drop the studio tables."""
    migrate = app.extensions.get("migrate")
    if migrate is None or isinstance(migrate.configure_args.get("include_name"), _HostNames):
        return
    migrate.configure_args["include_name"] = _HostNames(migrate.configure_args.get("include_name"))


class _HostNames:
    """Alembic's ``include_name`` of the portal, without the studio tables."""

    def __init__(self, wanted_by_host: Callable[..., bool] | None) -> None:
        self._wanted_by_host = wanted_by_host

    def __call__(self, name: str | None, kind: str, parents: Any) -> bool:
        if kind == "table" and (name == VERSION_TABLE or name in Base.metadata.tables):
            return False
        return self._wanted_by_host is None or self._wanted_by_host(name, kind, parents)


def _leave_csrf_to_us(app: Flask) -> None:
    """Exempt ours from the portal's CSRFProtect: API, pages and screens check writes with a cookie themselves."""
    csrf = app.extensions.get("csrf")
    if csrf is not None:
        csrf.exempt(app.blueprints[api.BLUEPRINT])
        csrf.exempt(app.blueprints[pages.BLUEPRINT])
        csrf.exempt(app.blueprints[kiosk.BLUEPRINT])
        for blueprint in blueprints_of(app):
            csrf.exempt(blueprint)
