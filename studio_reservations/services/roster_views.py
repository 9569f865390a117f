"""The roster of a class session as the front desk reads it, and the sessions of a day that lead to it. Reads only.

Source: rules.md §2, §7, §10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound
from studio_reservations.models import (
    ClassSession,
    ReservationHistory,
    Role,
    SessionReservation,
    SessionStatus,
    Studio,
    StudioClass,
)
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import Status
from studio_reservations.policies.checking_in import Window, class_day
from studio_reservations.policies.local_time import day_start
from studio_reservations.services.actors import Actor
from studio_reservations.services.directory import session_view
from studio_reservations.services.roster_tiles import GONE, HERE, ROSTER_ROWS, Tile, tiles_of
from studio_reservations.services.standing import require_front_desk_or_teacher

_ACTS = (
    select(func.count())
    .select_from(ReservationHistory)
    .where(
        ReservationHistory.reservation_id.in_(
            select(SessionReservation.id).where(SessionReservation.session_id == bindparam("session"))
        )
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A class session (a row of `directory.SESSIONS`), who is to come by name, and who gave their seat back."""

    session: Any
    tiles: Sequence[Tile]
    gone: Sequence[Any]
    now: datetime

    @property
    def here(self) -> int:
        """How many are checked in, or were."""
        return sum(one.here for one in self.tiles)

    @property
    def to_come(self) -> int:
        """How many are not here yet."""
        return sum(one.row.status == Status.PENDING for one in self.tiles)

    @property
    def missing(self) -> int:
        """How many are no-shows."""
        return sum(one.row.status == Status.NO_SHOW for one in self.tiles)

    @property
    def free(self) -> int:
        """How many seats are free."""
        return self.session.capacity - self.session.seats_taken  # type: ignore[no-any-return]

    @property
    def called_off(self) -> bool:
        """Whether the studio cancelled the session."""
        return self.session.status == SessionStatus.CANCELLED  # type: ignore[no-any-return]

    @property
    def phase(self) -> str:
        """``before``, ``on`` or ``over``."""
        return phase_of(self.session, self.now)


def roster_for(db_session: Session, *, actor: Actor, session_id: UUID, now: datetime, pass_types: PassTypes) -> Roster:
    """Return a session's roster for the front desk and whoever teaches it: five queries for any number of people.

    :raises NotFound, Forbidden:
    """
    session = _session_for(db_session, actor, session_id)
    rows = db_session.execute(ROSTER_ROWS.where(SessionReservation.session_id == session_id), {"now": now}).all()
    tiles = tiles_of(db_session, session, rows, now=now, pass_types=pass_types)
    standing = [one for one in tiles if one.row.status not in GONE]
    back = {(one.row.customer_id, one.row.guest_name) for one in standing}
    gone = {(row.customer_id, row.guest_name): row for row in sorted(rows, key=lambda one: one.reserved_at)}
    return Roster(
        session=session,
        tiles=standing,
        gone=sorted(
            (row for who, row in gone.items() if row.status in GONE and who not in back),
            key=lambda row: row.customer_name.casefold(),
        ),
        now=now,
    )


def person_on_roster(
    db_session: Session, *, actor: Actor, reservation_id: UUID, now: datetime, pass_types: PassTypes
) -> tuple[Any, Tile]:
    """Return one reservation with its session, for the front desk and whoever teaches it. :raises NotFound, Forbidden:"""
    row = db_session.execute(ROSTER_ROWS.where(SessionReservation.id == reservation_id), {"now": now}).one_or_none()
    if row is None:
        raise NotFound()
    session = _session_for(db_session, actor, row.session_id)
    return session, tiles_of(db_session, session, [row], now=now, pass_types=pass_types)[0]


def roster_version(db_session: Session, *, actor: Actor, session_id: UUID, now: datetime) -> str:
    """Return a text that changes whenever anything on the roster does: two queries.

    History is append-only and every act writes a row of it, so their number tells. :raises NotFound, Forbidden:
    """
    session = _session_for(db_session, actor, session_id)
    acts = db_session.scalar(_ACTS, {"session": session_id})
    facts = (
        *(session.status, session.starts_at, session.ends_at, session.capacity, session.seats_taken),
        *(acts, phase_of(session, now), now in _class_day(session), actor.role_at(session.studio_id)),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def sessions_of_day(db_session: Session, *, actor: Actor, studio: Studio, day: date) -> Sequence[Any]:
    """Return a studio-local day's sessions by start, an instructor's only their own, with how many are here and to come.

    One query. :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.INSTRUCTOR)
    wanted = (
        select(
            ClassSession.id,
            StudioClass.title,
            ClassSession.starts_at,
            ClassSession.ends_at,
            ClassSession.capacity,
            ClassSession.seats_taken,
            ClassSession.location,
            ClassSession.instructor,
            ClassSession.status,
            _number(Status.PENDING).label("to_come"),
            _number(*HERE).label("here"),
            _number(Status.NO_SHOW).label("missing"),
        )
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .outerjoin(SessionReservation, SessionReservation.session_id == ClassSession.id)
        .where(
            ClassSession.studio_id == studio.id,
            ClassSession.starts_at >= day_start(day, timezone=studio.timezone),
            ClassSession.starts_at < day_start(day + timedelta(days=1), timezone=studio.timezone),
        )
        .group_by(ClassSession.id, StudioClass.title)
        .order_by(ClassSession.starts_at, ClassSession.id)
    )
    if not actor.has_role(studio.id, Role.FRONT_DESK):
        wanted = wanted.where(ClassSession.instructor_id == actor.staff_ids.get(studio.id))
    return db_session.execute(wanted).all()


def phase_of(session: Any, now: datetime) -> str:
    """Return whether a session is still to come (``before``), ``on`` or ``over``."""
    if now < session.starts_at:
        return "before"
    return "on" if now < session.ends_at else "over"


def is_class_day(session: Any, now: datetime) -> bool:
    """Tell whether staff may check in for this session without an override."""
    return now in _class_day(session)


def _class_day(session: Any) -> Window:
    return class_day(starts_at=session.starts_at, ends_at=session.ends_at, timezone=session.timezone)


def _session_for(db_session: Session, actor: Actor, session_id: UUID) -> Any:
    session = session_view(db_session, session_id)
    require_front_desk_or_teacher(actor, studio_id=session.studio_id, instructor_id=session.instructor_id)
    return session


def _number(*states: Status) -> Any:
    return func.count(SessionReservation.id).filter(SessionReservation.status.in_([one.value for one in states]))
