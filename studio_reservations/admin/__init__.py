"""The staff screens, in the host's own Flask-Admin or, where it has none, in one of ours."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import Flask, redirect, request_started, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.menu import MenuDivider

from studio_reservations.admin.api_tokens import TokensScreen
from studio_reservations.admin.audit import AuditScreen
from studio_reservations.admin.classes import ClassScreen
from studio_reservations.admin.customers import CustomersScreen
from studio_reservations.admin.insights import InsightsScreen
from studio_reservations.admin.job_runs import JobsScreen
from studio_reservations.admin.kiosks import KioskScreen
from studio_reservations.admin.messages import MessagesScreen
from studio_reservations.admin.no_shows import NoShowScreen
from studio_reservations.admin.passes import PassesScreen
from studio_reservations.admin.policies import PolicyScreen
from studio_reservations.admin.punch_ledger import PunchLedgerScreen
from studio_reservations.admin.roster import SessionsScreen
from studio_reservations.admin.screens import StaffScreen, menu_roles
from studio_reservations.admin.staff_roles import StaffRolesScreen
from studio_reservations.admin.suspensions import SuspensionScreen
from studio_reservations.admin.today import TodayScreen
from studio_reservations.admin.webhooks import WebhooksScreen
from studio_reservations.state import State, current_state

__all__ = ["CATEGORY", "GROUPS", "SCREENS", "is_staff", "register", "stand_alone"]

CATEGORY = "Reservations"
GROUPS: tuple[tuple[tuple[type[StaffScreen], str, str], ...], ...] = (
    # screen, its name in the menu, its address below the admin's; the endpoint is studio_ and the address, with _ for -
    (
        (TodayScreen, "Today", "today"),
        (SessionsScreen, "Sessions", "sessions"),
        (CustomersScreen, "Customers", "customers"),
        (PassesScreen, "Passes", "passes"),
        (NoShowScreen, "No-shows", "no-shows"),
        (SuspensionScreen, "Suspensions", "suspensions"),
    ),
    (
        (ClassScreen, "Classes", "classes"),
        (PolicyScreen, "Policies", "policies"),
        (InsightsScreen, "Insights", "insights"),
        (KioskScreen, "Kiosks", "kiosks"),
    ),
    (
        (MessagesScreen, "Messages", "messages"),
        (JobsScreen, "Jobs", "jobs"),
        (AuditScreen, "History", "history"),
        (PunchLedgerScreen, "Punch ledger", "punch-ledger"),
        (StaffRolesScreen, "Staff and roles", "staff"),
        (TokensScreen, "Tokens", "tokens"),
        (WebhooksScreen, "Webhooks", "webhooks"),
    ),
)
"""The menu, by how often its entries are opened, a line between the groups: the day, the setting up, the running."""
SCREENS = tuple(screen for group in GROUPS for screen in group)


def register(admin: Admin, state: State) -> None:
    """Add the staff screens to ``admin`` under one category."""
    for group in GROUPS:
        views = [
            screen(
                state,
                name=name,
                endpoint=f"studio_{address.replace('-', '_')}",
                url="studio" if screen is TodayScreen else f"studio/{address}",
                category=CATEGORY,
            )
            for screen, name, address in group
        ]
        if group is not GROUPS[0]:
            admin.add_menu_item(_Line(views), target_category=CATEGORY)
        for view in views:
            admin.add_view(view)


class _Line(MenuDivider):  # type: ignore[misc] # Flask-Admin ships no types
    """The line above a group of the menu; whoever sees none of the group does not see the line either."""

    def __init__(self, below: list[StaffScreen]) -> None:
        super().__init__()
        self._below = below

    def is_accessible(self) -> bool:
        """Return whether there is anything below."""
        return any(view.is_accessible() for view in self._below)


def is_staff() -> bool:
    """Return whether the portal's user works in any studio: where the portal's own pages lead to the staff screens."""
    return bool(menu_roles(current_state()))


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
