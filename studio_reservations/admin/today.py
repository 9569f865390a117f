"""Today: the page on which a front desk begins."""

from __future__ import annotations

from studio_reservations.admin.screens import Desk, StaffScreen, page
from studio_reservations.models import Role
from studio_reservations.services.today import days_of_staff
from studio_reservations.services.waiting import waiting_for


class TodayScreen(StaffScreen):
    """Today's and tomorrow's sessions of the studios in which the portal's user works; an instructor's only their own."""

    least = Role.INSTRUCTOR

    @page(least=Role.INSTRUCTOR)
    def index(self, desk: Desk) -> str:
        """Show the day of each studio."""
        return self.show(
            "today.html",
            days=days_of_staff(desk.db_session, actor=desk.actor, now=desk.now),
            waiting=waiting_for(desk.db_session, actor=desk.actor, pass_types=desk.state.pass_types, now=desk.now),
        )
