"""What the no-shows of one night cost, in bulk, as `services.attendance` charges them one by one.

Source: rules.md §4, §6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import LedgerReason, PunchLedgerEntry, StudioClass, new_id
from studio_reservations.models.bulk import insert_rows, update_rows
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import Candidate, Event, HeldPass, Status
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.nights.sweeps import REGISTRATION, RESERVATION, Counts, Sweep, held_passes
from studio_reservations.services.standing import NOT_CHARGED, SHORTFALL

_LEDGER: Table = PunchLedgerEntry.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one no-show costs: min(``due``, left); ``due`` is None where the pass type is at fault and cannot say."""

    registration_id: UUID
    reservation_id: UUID
    due: int | None
    punches: int
    balance: int
    flags: tuple[str, ...]

    @property
    def newly_flagged(self) -> bool:
        """Whether staff should look at it."""
        return self.due is None or self.punches < self.due


def charges_of(
    db_session: Session, *, sweep: Sweep, passes: Mapping[UUID, Any], rows: Sequence[Any]
) -> dict[UUID, Charge]:
    """Return what each reservation is charged, by id and in the order of ``rows``; without those that the policy lets go.

    One after the other on each pass: the pass type sees what the earlier ones have left of it.
    """
    costly = {
        row.id
        for row in rows
        if sweep.policy(row.class_id).deduct_punch_on_no_show
        and passes[row.registration_id].sessions_remaining is not None
    }
    if not costly:
        return {}
    concerned = sorted({row.registration_id for row in rows if row.id in costly})
    held = held_passes(db_session, sweep, concerned)
    classes = {row.class_id for row in rows if row.id in costly}
    named = connection(db_session).execute(select(StudioClass.id, StudioClass.title).where(StudioClass.id.in_(classes)))
    titles = {class_id: title for class_id, title in named}  # noqa: C416 - dict() of rows is not typed
    charges = {}
    for row in rows:
        if row.registration_id not in held:
            continue
        mine = held[row.registration_id]
        punches = 0
        if row.id in costly:
            charges[row.id] = charge = _charge(sweep, mine, row, title=titles[row.class_id])
            punches = charge.punches
        held[row.registration_id] = _after(mine, row.id, punches)
    return charges


def write_charges(db_session: Session, *, sweep: Sweep, charges: Mapping[UUID, Charge]) -> None:
    """Write the charges into the ledger, the balances of the locked passes, and the reservations."""
    database = connection(db_session)
    update_rows(
        database,
        RESERVATION,
        [
            {"id": one.reservation_id, "punches_used": one.punches, "flags": list(one.flags)}
            for one in charges.values()
            if one.punches or one.newly_flagged
        ],
    )
    spent = [one for one in charges.values() if one.punches]
    insert_rows(database, _LEDGER, [_entry(sweep, one) for one in spent])
    left = {one.registration_id: one.balance for one in spent}
    update_rows(database, REGISTRATION, [{"id": one, "sessions_remaining": left[one]} for one in sorted(left)])


def counts_of(charges: Mapping[UUID, Charge]) -> Counts:
    """Count the punches that were taken and the no-shows that staff should look at; what is zero is left out."""
    counts = Counter(
        punches_charged=sum(one.punches for one in charges.values()),
        flagged=sum(one.newly_flagged for one in charges.values()),
    )
    return +counts


def _charge(sweep: Sweep, held: HeldPass, row: Any, *, title: str) -> Charge:
    session = Candidate(
        id=row.session_id,
        class_id=row.class_id,
        class_title=title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        timezone=sweep.timezone,
        step=next((one for one in held.steps if one.id == row.step_id), None),
        location=row.location,
        customer_id=row.customer_id,
        makeup_for_id=row.makeup_for_id,
        by_staff=True,
    )
    left = held.sessions_remaining or 0
    try:
        due = sweep.pass_types.get(held.pass_type).punches_for(Event.NO_SHOW, held, session)
    except PassTypeUnavailable:
        due = None
    punches = min(due or 0, left)
    mark = NOT_CHARGED if due is None else SHORTFALL if punches < due else None
    return Charge(
        registration_id=held.id,
        reservation_id=row.id,
        due=due,
        punches=punches,
        balance=left - punches,
        flags=tuple(row.flags) if mark is None or mark in row.flags else (*row.flags, mark),
    )


def _after(held: HeldPass, reservation_id: UUID, punches: int) -> HeldPass:
    """Return the pass as it stands once that reservation is a no-show which cost so many punches."""
    left = held.sessions_remaining
    return replace(
        held,
        sessions_remaining=None if left is None else left - punches,
        reservations=tuple(
            replace(one, status=Status.NO_SHOW, punches_used=one.punches_used + punches)
            if one.id == reservation_id
            else one
            for one in held.reservations
        ),
    )


def _entry(sweep: Sweep, charge: Charge) -> dict[str, Any]:
    short = charge.due is not None and charge.punches < charge.due
    return {
        "id": new_id(),
        "studio_id": sweep.studio_id,
        "registration_id": charge.registration_id,
        "reservation_id": charge.reservation_id,
        "entry_type": LedgerReason.NO_SHOW.value,
        "delta": -charge.punches,
        "balance": charge.balance,
        "performed_by": SYSTEM.id,
        "reason": None,
        "metadata": {"due": charge.due, "shortfall": (charge.due or 0) - charge.punches} if short else None,
        "created_at": sweep.as_of,
    }
