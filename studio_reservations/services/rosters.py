"""A whole class session taken in hand: everybody in it locked, and nobody joining meanwhile.

Source: rules.md §3, Concurrency; §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import Update, select, text
from sqlalchemy.orm import Session

from studio_reservations.models import ClassRegistration, SessionReservation
from studio_reservations.services.books import lock_registrations

if TYPE_CHECKING:
    from sqlalchemy import CursorResult

# Literals: a parameter list can hide the index from a generic plan.
_IN_SESSION = "status IN ('PENDING', 'CHECKED_IN', 'ATTENDED', 'NO_SHOW')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who is in the session: PENDING, CHECKED_IN, ATTENDED and NO_SHOW, ascending by id, and their locked passes."""

    reservations: tuple[SessionReservation, ...]
    registrations: Mapping[UUID, ClassRegistration]

    def of_status(self, *statuses: str) -> list[SessionReservation]:
        """Return those in these states."""
        return [one for one in self.reservations if one.status in statuses]


def take_roster(db_session: Session, *, session_id: UUID, change: Update) -> Roster | None:
    """Lock the passes of all who are in the session, then make the guarded ``change`` of it, and return who is in it.

    From the change on nobody joins: whoever reserves looks at the session in their last statement. Somebody who joined before
    it without having been locked is added, and all is done again from the savepoint; compared is always with those locked,
    for a pass taken after the session would be a deadlock. None where the guard let nothing through: nothing is done then.
    """
    wanted = {one.registration_id for one in _in_session(db_session, session_id)}
    while True:
        savepoint = db_session.begin_nested()
        registrations = lock_registrations(db_session, wanted)
        if cast("CursorResult[Any]", db_session.execute(change)).rowcount != 1:
            savepoint.rollback()
            return None
        reservations = _in_session(db_session, session_id)
        unlocked = {one.registration_id for one in reservations} - registrations.keys()
        if not unlocked:
            savepoint.commit()
            return Roster(reservations=tuple(reservations), registrations=registrations)
        savepoint.rollback()
        wanted |= unlocked


def _in_session(db_session: Session, session_id: UUID) -> list[SessionReservation]:
    return list(
        db_session.scalars(
            select(SessionReservation)
            .where(SessionReservation.session_id == session_id, text(f"studio_session_reservation.{_IN_SESSION}"))
            .order_by(SessionReservation.id)
            .execution_options(populate_existing=True)
        )
    )
