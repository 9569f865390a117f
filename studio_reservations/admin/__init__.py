"""The staff screens, in the host's own Flask-Admin."""

from __future__ import annotations

from flask_admin import Admin

from studio_reservations.admin.today import TodayView
from studio_reservations.state import State

CATEGORY = "Reservations"


def register(admin: Admin, state: State) -> None:
    """Add the staff screens to the host's ``admin`` under one category."""
    admin.add_view(TodayView(state, name="Today", endpoint="studio_today", url="studio", category=CATEGORY))
