"""Installing the extension: what it needs, what it refuses, whom it gets along with."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin, login_user
from flask_sqlalchemy import SQLAlchemy

from studio_reservations import LoginIdentity, PortalUser, StudioReservations
from studio_reservations.models import SessionReservation
from studio_reservations.settings import SettingsError
from studio_reservations.state import current_state

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def db() -> SQLAlchemy:
    return SQLAlchemy()


def portal(db: SQLAlchemy, **config: Any) -> Flask:
    app = Flask("portal")
    app.config.from_mapping({"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": "sqlite://"} | config)
    db.init_app(app)
    return app


def stopped_clock() -> datetime:
    return NOON


def naive_clock() -> datetime:
    return datetime(2026, 3, 4)  # noqa: DTZ001


def test_it_installs_in_one_line(db):
    app = portal(db)

    StudioReservations(db, app)

    with app.app_context():
        assert current_state().db is db
        assert current_state().clock().tzinfo is UTC
    assert any(str(rule).startswith("/api/") for rule in app.url_map.iter_rules())


def test_one_extension_serves_several_apps(db):
    extension = StudioReservations(db)
    apps = [portal(db), portal(db, STUDIO_API_PREFIX="/studio/api")]

    for app in apps:
        extension.init_app(app)

    prefixes = [app.extensions["studio_reservations"].settings.api_prefix for app in apps]
    assert prefixes == ["/api", "/studio/api"]
    assert any(str(rule).startswith("/studio/api/") for rule in apps[1].url_map.iter_rules())
    assert not any(str(rule).startswith("/api/") for rule in apps[1].url_map.iter_rules())


def test_an_app_that_nobody_needs_any_more_is_let_go(db):
    app = portal(db)
    StudioReservations(db, app)
    app.test_client().get("/api/me")
    left = weakref.ref(app)

    del app
    gc.collect()

    assert left() is None


def test_every_endpoint_is_named_for_the_studio(db):
    app = portal(db)
    before = {rule.endpoint for rule in app.url_map.iter_rules()}

    StudioReservations(db).init_app(app)

    added = {rule.endpoint for rule in app.url_map.iter_rules()} - before
    assert added
    assert all(endpoint.startswith("studio_") for endpoint in added)


def test_a_second_installation_is_refused_with_advice(db):
    app = portal(db)
    StudioReservations(db).init_app(app)

    with pytest.raises(RuntimeError, match=r"already installed.*once"):
        StudioReservations(db).init_app(app)


def test_the_portals_database_comes_first(db):
    with pytest.raises(RuntimeError, match=r"db\.init_app\(app\)"):
        StudioReservations(db).init_app(Flask("portal"))


def test_another_database_than_the_portals_is_refused(db):
    with pytest.raises(RuntimeError, match=r"db\.init_app\(app\)"):
        StudioReservations(SQLAlchemy()).init_app(portal(db))


def test_in_a_portal_without_a_login_a_call_without_a_token_is_nobodys(db):
    app = portal(db)
    StudioReservations(db, app)

    answer = app.test_client().get("/api/reservations/available")

    assert (answer.status_code, answer.get_json()["code"]) == (401, "not_authenticated")


def test_a_pass_type_that_the_config_names_and_nobody_has_does_not_stop_the_start(db):
    app = portal(db, STUDIO_PASS_TYPES=["house.passes:Gold"])

    StudioReservations(db, app)

    with app.app_context():
        assert "No module named 'house'" in current_state().pass_types.faults["house.passes:Gold"]
        assert "punch_pass" in current_state().pass_types


def test_without_the_extension_there_is_no_state(db):
    with portal(db).app_context(), pytest.raises(RuntimeError, match="not installed"):
        current_state()


def test_what_belongs_to_an_app_is_given_with_it(db):
    with pytest.raises(TypeError, match="init_app"):
        StudioReservations(db, clock=stopped_clock)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"STUDIO_API_PREFIX": "api"}, "start with a slash"),
        ({"STUDIO_COLOUR": "blue"}, "STUDIO_COLOUR is not a setting"),
        ({"STUDIO_RATE_LIMIT": "often"}, "STUDIO_RATE_LIMIT"),
        ({"STUDIO_RATE_LIMIT_STORAGE": "nowhere"}, "STUDIO_RATE_LIMIT_STORAGE"),
        ({"STUDIO_BIND_KEY": "elsewhere", "SQLALCHEMY_BINDS": {"other": "sqlite://"}}, "elsewhere.*its binds: 'other'"),
        ({"STUDIO_CLOCK": "tests.nowhere:clock", "STUDIO_PRODUCTION": False}, "cannot be found"),
        ({"STUDIO_CLOCK": "tests.test_extension:no_clock", "STUDIO_PRODUCTION": False}, "cannot be found"),
        ({"STUDIO_CLOCK": "tests.test_extension:naive_clock", "STUDIO_PRODUCTION": False}, "aware instant"),
        ({"STUDIO_CLOCK": "tests.test_extension:NOON", "STUDIO_PRODUCTION": False}, "not a callable"),
        ({"STUDIO_CLOCK": "tests.test_extension:stopped_clock"}, "STUDIO_PRODUCTION"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(db, own_bind, config, sentence):
    app = portal(db, **config)

    with pytest.raises(SettingsError, match=sentence):
        StudioReservations(db).init_app(app)

    assert "studio_reservations" not in app.extensions


def test_a_portal_with_binds_only_must_name_one(db, own_bind):
    app = portal(db, SQLALCHEMY_DATABASE_URI=None, SQLALCHEMY_BINDS={"studio": "sqlite://"})

    with pytest.raises(SettingsError, match=r"SQLALCHEMY_DATABASE_URI.*STUDIO_BIND_KEY"):
        StudioReservations(db).init_app(app)


def test_the_tables_live_behind_the_bind_that_is_named(db, own_bind):
    app = portal(db, SQLALCHEMY_BINDS={"studio": "sqlite://"}, STUDIO_BIND_KEY="studio")

    StudioReservations(db).init_app(app)

    with app.app_context():
        assert db.session.get_bind(SessionReservation) is db.engines["studio"]


def test_two_apps_of_one_process_cannot_disagree_on_the_bind(db, own_bind):
    StudioReservations(db).init_app(portal(db))

    with pytest.raises(SettingsError, match="another app of this process"):
        StudioReservations(db).init_app(portal(db, SQLALCHEMY_BINDS={"studio": "sqlite://"}, STUDIO_BIND_KEY="studio"))


def test_a_given_clock_is_the_one_that_is_read(db):
    app = portal(db)
    StudioReservations(db).init_app(app, clock=stopped_clock)

    with app.app_context():
        assert current_state().clock() == NOON


def test_outside_production_a_setting_names_the_clock(db):
    app = portal(db, STUDIO_PRODUCTION=False, STUDIO_CLOCK="tests.test_extension:stopped_clock")
    StudioReservations(db).init_app(app)

    with app.app_context():
        assert current_state().clock() == NOON


class PlainUser(UserMixin):  # type: ignore[misc]
    """A user as most portals have them."""

    id = 7
    email = "ana@example.com"
    name = "Ana"


def test_a_plain_user_of_flask_login_is_understood(db):
    app = portal(db)
    LoginManager(app).user_loader(lambda _: PlainUser())
    StudioReservations(db).init_app(app)

    with app.test_request_context():
        identity = current_state().identity
        assert identity.current_user() is None

        assert identity.user_by_id("7") == PortalUser(id="7", name="Ana", email="ana@example.com")
        login_user(PlainUser())
        assert identity.current_user() == PortalUser(id="7", name="Ana", email="ana@example.com", email_verified=False)


def test_a_portal_without_flask_login_knows_no_user_by_id(db):
    app = portal(db)
    StudioReservations(db).init_app(app)

    with app.app_context():
        assert current_state().identity.user_by_id("7") is None


def test_a_user_may_say_more():
    user = SimpleNamespace(get_id=lambda: 7, email="ana@example.com", email_verified=True, phone="+14165550123")
    identity = LoginIdentity(by_email={"ana@example.com": user}.get)

    assert identity.user_by_email("ana@example.com") == PortalUser(
        id="7", email="ana@example.com", email_verified=True, phone="+14165550123"
    )
    assert identity.user_by_email("nobody@example.com") is None
    assert LoginIdentity().user_by_email("ana@example.com") is None


def test_a_portal_may_bring_its_own_identity(db):
    class Header:
        def current_user(self) -> PortalUser | None:
            return PortalUser(id="header")

        def user_by_email(self, email: str) -> PortalUser | None:
            return None

        def user_by_id(self, user_id: str) -> PortalUser | None:
            return None

    app = portal(db)
    StudioReservations(db).init_app(app, identity=Header())

    with app.app_context():
        user = current_state().identity.current_user()
    assert user == PortalUser(id="header")


def test_importing_the_package_loads_no_framework():
    loaded = (
        "import sys, studio_reservations.pass_types; print([n for n in ('flask', 'sqlalchemy') if n in sys.modules])"
    )

    assert subprocess.check_output([sys.executable, "-c", loaded], text=True).strip() == "[]"


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    import studio_reservations

    with pytest.raises(AttributeError, match="bookings"):
        _ = studio_reservations.bookings
