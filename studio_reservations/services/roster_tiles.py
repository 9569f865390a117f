"""A reservation as a tile of the roster: who, in what state, what is left on their pass, and what is special about them.

Source: rules.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, select
from sqlalchemy.orm import Session, aliased

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerStudio,
    CustomerSuspension,
    SessionReservation,
)
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass, Remaining, Status
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.services.pass_views import bare_balance
from studio_reservations.services.seen import load_held_passes

RECENT_DAYS = 14
"""For how long the roster says that somebody missed a class."""
HERE = (Status.CHECKED_IN, Status.ATTENDED)
GONE = (Status.CANCELLED, Status.AUTO_CANCELLED)
_cause = aliased(SessionReservation, name="cause")
_cause_session = aliased(ClassSession, name="cause_session")

ROSTER_ROWS: Any = (
    select(
        SessionReservation.id,
        SessionReservation.session_id,
        SessionReservation.customer_id,
        SessionReservation.registration_id,
        SessionReservation.status,
        SessionReservation.guest_name,
        SessionReservation.reserved_at,
        SessionReservation.checked_in_at,
        SessionReservation.check_in_method,
        SessionReservation.checked_in_by,
        SessionReservation.cancelled_at,
        SessionReservation.auto_cancelled_at,
        SessionReservation.late,
        SessionReservation.late_cancel_punches,
        SessionReservation.late_cancel_counts,
        SessionReservation.counts_as_no_show,
        SessionReservation.waived_at,
        SessionReservation.grace_ends_at,
        SessionReservation.seat_released_at,
        SessionReservation.explanation,
        SessionReservation.explanation_answer,
        SessionReservation.punches_held,
        SessionReservation.free_cancellation_until,
        SessionReservation.undo_until,
        SessionReservation.flags,
        Customer.name.label("customer_name"),
        Customer.email.label("customer_email"),
        Customer.phone.label("customer_phone"),
        CustomerStudio.notes,
        CustomerSuspension.ends_on.label("suspended_through"),
        _cause_session.starts_at.label("because_of"),
        ClassRegistration,
    )
    .join(Customer, Customer.id == SessionReservation.customer_id)
    .join(ClassRegistration, ClassRegistration.id == SessionReservation.registration_id)
    .outerjoin(
        CustomerStudio,
        and_(
            CustomerStudio.studio_id == SessionReservation.studio_id,
            CustomerStudio.customer_id == SessionReservation.customer_id,
        ),
    )
    .outerjoin(
        CustomerSuspension,
        and_(
            CustomerSuspension.studio_id == SessionReservation.studio_id,
            CustomerSuspension.customer_id == SessionReservation.customer_id,
            CustomerSuspension.ended_at.is_(None),
            CustomerSuspension.starts_at <= bindparam("now"),
            CustomerSuspension.ends_at > bindparam("now"),
        ),
    )
    .outerjoin(_cause, _cause.id == SessionReservation.auto_cancelled_for_id)
    .outerjoin(_cause_session, _cause_session.id == _cause.session_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One reservation as the front desk sees it: its ``row``, the pass's word for what is left, and what is special.

    ``missed_at`` is the latest class that the customer missed here within `RECENT_DAYS`, unless it was waived.
    """

    row: Any
    label: str
    remaining: Remaining
    first_visit: bool
    missed_at: datetime | None

    @property
    def name(self) -> str:
        """Who is to come: the guest, or the customer."""
        return self.row.guest_name or self.row.customer_name  # type: ignore[no-any-return]

    @property
    def left(self) -> int | None:
        """The punches on the pass, those held among them; None where it is not counted."""
        return self.row.ClassRegistration.sessions_remaining  # type: ignore[no-any-return]

    @property
    def here(self) -> bool:
        """Whether they are checked in, or were."""
        return self.row.status in HERE

    @property
    def low(self) -> bool:
        """Whether a pass of several punches has one left, or none."""
        return self.left is not None and self.left <= 1 and (self.row.ClassRegistration.sessions_included or 0) > 1


def tiles_of(
    db_session: Session, session: Any, rows: Sequence[Any], *, now: datetime, pass_types: PassTypes
) -> list[Tile]:
    """Return the rows as tiles, by name and then in the order of their ids: what a name's neighbour does moves nothing."""
    standing = [row for row in rows if row.status not in GONE]
    passes = {row.registration_id: row.ClassRegistration for row in standing}
    held = load_held_passes(db_session, passes.values(), now=now, timezone=session.timezone)
    words = {key: words_of(one, pass_types) for key, one in held.items()}
    past = _past(db_session, session, {row.customer_id for row in rows}, now=now)
    tiles = []
    for row in rows:
        came, missed_at = past.get(row.customer_id, (False, None))
        label, remaining = words.get(row.registration_id, ("", Remaining()))
        first = not came and row.guest_name is None
        tiles.append(Tile(row=row, label=label, remaining=remaining, first_visit=first, missed_at=missed_at))
    return sorted(tiles, key=lambda one: (one.name.casefold(), one.row.id))


def words_of(held: HeldPass, pass_types: PassTypes) -> tuple[str, Remaining]:
    """Return what a pass is called and what it still gives, where its plugin is missing by its key and balance."""
    try:
        pass_type = pass_types.get(held.pass_type)
        return pass_type.label, pass_type.remaining(held)
    except PassTypeUnavailable:
        return held.pass_type.replace("_", " ").capitalize(), bare_balance(held)


def _past(
    db_session: Session, session: Any, customers: set[UUID], *, now: datetime
) -> Mapping[UUID, tuple[bool, datetime | None]]:
    """Return, by customer, whether they ever came to this studio's other sessions, and when they last missed one."""
    other = SessionReservation.session_id != session.id
    since = day_start(
        local_date(now, timezone=session.timezone) - timedelta(days=RECENT_DAYS), timezone=session.timezone
    )
    missed = and_(
        other,
        SessionReservation.counts_as_no_show.is_(True),
        SessionReservation.waived_at.is_(None),
        SessionReservation.missed_at >= since,
    )
    came = and_(other, SessionReservation.status.in_([one.value for one in HERE]))
    return {
        customer_id: (bool(times), missed_at)
        for customer_id, times, missed_at in db_session.execute(
            select(
                SessionReservation.customer_id,
                func.count(case((came, 1))),
                func.max(case((missed, SessionReservation.missed_at))),
            )
            .where(
                SessionReservation.customer_id.in_(sorted(customers)),
                SessionReservation.studio_id == session.studio_id,
            )
            .group_by(SessionReservation.customer_id)
        )
    }
