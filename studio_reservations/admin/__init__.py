"""The staff screens, in the host's own Flask-Admin or, where it has none, in one of ours."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import Flask, redirect, request_started, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin, AdminIndexView, expose

from studio_reservations.admin.api_tokens import TokensScreen
from studio_reservations.admin.audit import AuditScreen
from studio_reservations.admin.classes import ClassScreen
from studio_reservations.admin.customers import CustomersScreen
from studio_reservations.admin.job_runs import JobsScreen
from studio_reservations.admin.kiosks import KioskScreen
from studio_reservations.admin.messages import MessagesScreen
from studio_reservations.admin.no_shows import NoShowScreen
from studio_reservations.admin.passes import PassesScreen
from studio_reservations.admin.policies import PolicyScreen
from studio_reservations.admin.punch_ledger import PunchLedgerScreen
from studio_reservations.admin.roster import SessionsScreen
from studio_reservations.admin.screens import StaffScreen
from studio_reservations.admin.staff_roles import StaffRolesScreen
from studio_reservations.admin.suspensions import SuspensionScreen
from studio_reservations.admin.today import TodayScreen
from studio_reservations.admin.webhooks import WebhooksScreen
from studio_reservations.state import State

__all__ = ["CATEGORY", "SCREENS", "register", "stand_alone"]

CATEGORY = "Reservations"
SCREENS: tuple[tuple[type[StaffScreen], str, str], ...] = (
    # screen, its name in the menu, its address below the admin's; the endpoint is studio_ and the address, with _ for -
    (TodayScreen, "Today", "today"),
    (SessionsScreen, "Sessions", "sessions"),
    (ClassScreen, "Classes", "classes"),
    (CustomersScreen, "Customers", "customers"),
    (PassesScreen, "Passes", "passes"),
    (NoShowScreen, "No-shows", "no-shows"),
    (SuspensionScreen, "Suspensions", "suspensions"),
    (PolicyScreen, "Policies", "policies"),
    (KioskScreen, "Kiosks", "kiosks"),
    (PunchLedgerScreen, "Punch ledger", "punch-ledger"),
    (MessagesScreen, "Messages", "messages"),
    (JobsScreen, "Jobs", "jobs"),
    (AuditScreen, "History", "history"),
    (StaffRolesScreen, "Staff and roles", "staff"),
    (TokensScreen, "Tokens", "tokens"),
    (WebhooksScreen, "Webhooks", "webhooks"),
)


def register(admin: Admin, state: State) -> None:
    """Add the staff screens to ``admin`` under one category."""
    for screen, name, address in SCREENS:
        url = "studio" if screen is TodayScreen else f"studio/{address}"
        endpoint = f"studio_{address.replace('-', '_')}"
        admin.add_view(screen(state, name=name, endpoint=endpoint, url=url, category=CATEGORY))


def stand_alone(app: Flask, state: State) -> Admin:
    """Return a Flask-Admin of our own in ``app``, for a portal that has none."""
    prefix = state.settings.staff_prefix
    request_started.connect(_speak, app, weak=False)
    return Admin(
        app, name=CATEGORY, url=prefix, endpoint="studio_door", index_view=_Door(url=prefix, endpoint="studio_door")
    )


def _speak(app: Flask, **_: Any) -> None:
    """Set up Flask-Babel where it is installed and the portal does not use it: Flask-Admin insists."""
    request_started.disconnect(_speak, app)
    if find_spec("flask_babel") and "babel" not in app.extensions:
        import_module("flask_babel").Babel(app)


class _Door(AdminIndexView):  # type: ignore[misc] # Flask-Admin ships no types
    """The first page of our own Flask-Admin: it leads to Today."""

    def is_visible(self) -> bool:
        """Stay out of the menu."""
        return False

    @expose("/")  # type: ignore[untyped-decorator]
    def index(self) -> ResponseReturnValue:
        """Go to Today."""
        return redirect(url_for("studio_today.index"))
