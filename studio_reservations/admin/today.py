"""Today: the page on which a front desk begins."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose

from studio_reservations.database import reading
from studio_reservations.policies.local_time import zone
from studio_reservations.services.staffing import staff_actor
from studio_reservations.services.today import days_of_staff
from studio_reservations.state import State

ASSETS = Path(__file__).parent.parent


class TodayView(BaseView):  # type: ignore[misc] # Flask-Admin ships no types
    """Today's and tomorrow's sessions of the studios in which the portal's user works; nobody else sees it."""

    def __init__(self, state: State, **options: Any) -> None:
        super().__init__(static_folder=str(ASSETS / "static"), **options)
        self._state = state

    def create_blueprint(self, admin: Any) -> Any:
        """Let Flask-Admin look for templates in its own folder and in ours."""
        blueprint = super().create_blueprint(admin)
        blueprint.template_folder = str(ASSETS / "templates")
        return blueprint

    def is_accessible(self) -> bool:
        """Tell whether the portal's user has a role in a studio.

        Every page of the portal's admin asks, for its menu: so it reads in the portal's transaction, and changes nothing of it.
        """
        user = self._state.identity.current_user()
        if user is None:
            return False
        db_session = self._state.db.session()
        with db_session.no_autoflush:
            return bool(staff_actor(db_session, user_id=user.id).roles)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """Answer as if there were no such page."""
        abort(404)

    @expose("/")  # type: ignore[untyped-decorator]
    def index(self) -> ResponseReturnValue:
        """Show the day of each studio."""
        user = self._state.identity.current_user()
        assert user is not None  # noqa: S101 - is_accessible has seen to it
        now = self._state.clock()
        with reading() as db_session:
            days = days_of_staff(db_session, actor=staff_actor(db_session, user_id=user.id), now=now)
            return self._render(days, now)

    def _render(self, days: Any, now: datetime) -> str:
        def clock_time(instant: datetime, timezone: str) -> str:
            return f"{instant.astimezone(zone(timezone)):%H:%M}"

        page: str = self.render("studio_reservations/admin/today.html", days=days, now=now, clock_time=clock_time)
        return page
