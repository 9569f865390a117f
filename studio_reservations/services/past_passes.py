"""The passes of a replay: what they hold, what a missed class costs on them, and what was left when the past begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import ClassRegistration, ClassSession, PunchLedgerEntry, SessionReservation
from studio_reservations.models.connection import connection
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import Event, HeldPass, HeldReservation
from studio_reservations.policies.past import PastPass
from studio_reservations.services.seen import HELD_BY_PASSES, candidate, held_passes, held_reservation


class PastPasses:
    """The passes on which something was missed or given up, as they stand now."""

    def __init__(self, pass_types: PassTypes, *, timezone: str, now: datetime) -> None:
        self._pass_types, self._timezone, self._now = pass_types, timezone, now
        self.held: Mapping[UUID, HeldPass] = {}
        self.grace_hours: Mapping[UUID, int | None] = {}

    def read(
        self, db_session: Session, ids: set[UUID], *, since: datetime, rows: Iterable[Any], sessions: Mapping[UUID, Any]
    ) -> None:
        """Read those passes and what they held before ``since``; what they hold since then is in ``rows``."""
        database = connection(db_session)
        table = ClassRegistration.__table__
        passes = database.execute(select(table).where(ClassRegistration.id.in_(sorted(ids)))).all()
        before = or_(ClassSession.starts_at < since, SessionReservation.cancelled_at < since)
        held: dict[UUID, list[HeldReservation]] = {one: [] for one in ids}
        for row in database.execute(HELD_BY_PASSES.where(before), {"registrations": sorted(ids)}):
            held[row.registration_id].append(held_reservation(row))
        for row in rows:
            if row.registration_id in held:
                held[row.registration_id].append(held_reservation(row, sessions[row.session_id]))
        self.held = held_passes(db_session, passes, held, now=self._now, timezone=self._timezone)
        self.grace_hours = {row.id: row.absence_grace_period_hours for row in passes}

    def cost(self, event: Event, row: Any, session: Any) -> int:
        """Return what the event costs; where the pass type is at fault, nothing."""
        held = self.held.get(row.registration_id)
        if held is None or held.sessions_remaining is None:
            return 0
        seen = candidate(
            session,
            class_title=session.title,
            timezone=self._timezone,
            step=next((one for one in held.steps if one.id == row.step_id), None) if row.step_id else None,
            customer_id=row.customer_id,
            makeup_for_id=row.makeup_for_id,
            by_staff=event is Event.NO_SHOW,
        )
        try:
            return self._pass_types.get(held.pass_type).punches_for(event, held, seen)
        except PassTypeUnavailable:
            return 0

    def balances(self, db_session: Session, *, studio_id: UUID, since: datetime) -> dict[UUID, PastPass]:
        """Return what was left on the counted ones at ``since``, and what changed it but for the reservations of the past."""
        entry = PunchLedgerEntry
        mine = and_(entry.studio_id == studio_id, entry.created_at >= since)
        database = connection(db_session)
        sums = select(entry.registration_id, func.sum(entry.delta)).where(mine).group_by(entry.registration_id)
        changed = {pass_id: int(total) for pass_id, total in database.execute(sums)}
        others: dict[UUID, list[tuple[datetime, int]]] = {}
        for pass_id, at, delta in database.execute(
            select(entry.registration_id, entry.created_at, entry.delta)
            .outerjoin(SessionReservation, SessionReservation.id == entry.reservation_id)
            .outerjoin(ClassSession, ClassSession.id == SessionReservation.session_id)
            .where(mine, or_(entry.reservation_id.is_(None), ClassSession.starts_at < since))
            .order_by(entry.created_at, entry.id)
        ):
            others.setdefault(pass_id, []).append((at, delta))
        return {
            one.id: PastPass(
                punches=one.sessions_remaining - changed.get(one.id, 0), changes=tuple(others.get(one.id, ()))
            )
            for one in self.held.values()
            if one.sessions_remaining is not None
        }
