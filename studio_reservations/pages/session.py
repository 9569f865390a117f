"""One session: its seats, and reserving one."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from studio_reservations.pages.calls import Call
from studio_reservations.pages.routes import page
from studio_reservations.services.directory import session_for


@page("/sessions/<uuid:session_id>", nav="sessions")
def session(call: Call, session_id: UUID) -> Response:
    """Show a session."""
    row = session_for(call.db_session, actor=call.actor, session_id=session_id)
    return call.show("session.html", row=row)
