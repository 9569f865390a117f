"""The sessions of a day, and the roster of one: who is here, who is to come, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Response, make_response, request, session

from studio_reservations.admin.roster_acts import REFUSED, RosterActs
from studio_reservations.admin.roster_person import RosterPerson
from studio_reservations.admin.roster_words import act_words, flag_words, left_words, where_words
from studio_reservations.admin.scanning import Scanning
from studio_reservations.admin.screens import Desk, page
from studio_reservations.admin.walk_in import WalkIns
from studio_reservations.models import Role
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.roster_views import (
    Roster,
    is_class_day,
    roster_for,
    roster_version,
    sessions_of_day,
)

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 30)
WORDS: Mapping[str, Callable[..., str]] = {
    "left": left_words,
    "flag": flag_words,
    "where": where_words,
    "told": act_words,
    "local_day": lambda instant, timezone: local_date(instant, timezone=timezone).isoformat(),
}


class SessionsScreen(RosterActs, RosterPerson, WalkIns, Scanning):
    """Sessions of a day and their rosters; instructors have their own sessions only."""

    least = Role.INSTRUCTOR

    @page(least=Role.INSTRUCTOR)
    def index(self, desk: Desk) -> str:
        """Show the sessions of one day of a studio."""
        studio = desk.studio()
        today = local_date(desk.now, timezone=studio.timezone)
        chosen, wrong = _day(desk.given.get("day"), today)
        return self.show(
            "sessions.html",
            studio=studio,
            studios=desk.studios,
            rows=sessions_of_day(desk.db_session, actor=desk.actor, studio=studio, day=chosen),
            chosen=chosen,
            today=today,
            wrong=wrong,
            before=chosen - timedelta(days=1),
            after=chosen + timedelta(days=1),
        )

    @page("/<uuid:session_id>/", least=Role.INSTRUCTOR)
    def roster(self, desk: Desk, session_id: UUID) -> str:
        """Show the roster; what was refused last is told at the tile."""
        kept = session.pop(REFUSED, None) or {}
        return self.show(
            "roster.html",
            refused=kept if kept.get("session") == str(session_id) else {},
            **self._room(desk, session_id),
        )

    @page("/<uuid:session_id>/live", least=Role.INSTRUCTOR)
    def live(self, desk: Desk, session_id: UUID) -> Response:
        """Answer with the tiles and counts alone, or 304 while nothing has changed."""
        version = roster_version(desk.db_session, actor=desk.actor, session_id=session_id, now=desk.now)
        if request.if_none_match.contains_weak(version):
            answer = make_response("", 304)
        else:
            room = self._room(desk, session_id)
            answer = make_response(self.show("roster_room.html", refused={}, **room))
        answer.set_etag(version)
        answer.headers["Cache-Control"] = "private, no-cache"
        return answer

    @page("/<uuid:session_id>/print", least=Role.INSTRUCTOR)
    def printed(self, desk: Desk, session_id: UUID) -> str:
        """Show the list that is taken to the door on paper."""
        return self.show("roster_print.html", **self._room(desk, session_id))

    def show(self, template: str, **values: Any) -> str:
        """Return a page, with the words that tiles are told in."""
        return super().show(template, **WORDS, **values)

    def _room(self, desk: Desk, session_id: UUID) -> dict[str, Any]:
        roster: Roster = roster_for(
            desk.db_session,
            actor=desk.actor,
            session_id=session_id,
            now=desk.now,
            pass_types=desk.state.pass_types,
        )
        studio_id = roster.session.studio_id
        return {
            "roster": roster,
            "timezone": roster.session.timezone,
            "desk_may": desk.actor.has_role(studio_id, Role.FRONT_DESK),
            "manager_may": desk.actor.has_role(studio_id, Role.MANAGER),
            "class_day": is_class_day(roster.session, desk.now),
            "coming_only": request.args.get("show") == "coming",
            "looked_for": request.args.get("q", "")[:100].strip(),
        }


def _day(text: str | None, today: date) -> tuple[date, bool]:
    """Return the day that the address names, else today, and whether it names one that cannot be."""
    if not text:
        return today, False
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today, True
    return (found, False) if FIRST_DAY <= found <= LAST_DAY else (today, True)
