"""Whether the books of a pass agree: balance, ledger, charges, attendance and seats.

Source: rules.md §1, §2.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.models import ClassRegistration, ClassSession, PunchLedgerEntry, SessionReservation
from studio_reservations.pass_types import LIVE, HeldPass, Status
from studio_reservations.policies.reserving import upcoming
from studio_reservations.testing.judging import ContractBroken, broken


def check_books(db_session: Session, *, registration_id: UUID, name: str) -> None:
    """:raises ContractBroken: naming what a pass of the type ``name`` has wrong in its books."""
    db_session.flush()
    left, attended = db_session.execute(
        select(ClassRegistration.sessions_remaining, ClassRegistration.sessions_attended).where(
            ClassRegistration.id == registration_id
        )
    ).one()
    charged: Counter[UUID | None] = Counter()
    for reservation_id, delta in db_session.execute(
        select(PunchLedgerEntry.reservation_id, PunchLedgerEntry.delta).where(
            PunchLedgerEntry.registration_id == registration_id
        )
    ):
        charged[reservation_id] -= delta
    reservations = db_session.execute(
        select(
            SessionReservation.id,
            SessionReservation.session_id,
            SessionReservation.status,
            SessionReservation.punches_held,
            SessionReservation.punches_used,
            SessionReservation.seat_released_at,
        ).where(SessionReservation.registration_id == registration_id)
    ).all()
    if left is not None and left < 0:
        _off(f"{name}: {left} punches remain on the pass; expected 0 or more")
    if left is not None and -charged.total() != left:
        _off(f"{name}: the ledger adds up to {-charged.total()} and {left} remain on the pass; expected the same")
    if left is None and charged:
        _off(f"{name}: an uncounted pass has {len(charged)} entries in its ledger; expected none")
    for one in reservations:
        if one.punches_used != charged[one.id]:
            _off(
                f"{name}: a reservation that is {one.status} was charged {one.punches_used}, and {charged[one.id]} by the "
                "ledger; expected the same"
            )
    seen = sum(one.status == Status.ATTENDED for one in reservations)
    if seen != attended:
        _off(f"{name}: {seen} reservations were attended and the pass counts {attended}; expected the same")
    holding = Counter(
        one.session_id
        for one in reservations
        if one.status in LIVE or (one.status == Status.NO_SHOW and one.seat_released_at is None)
    )
    taken = db_session.scalar(select(func.sum(ClassSession.seats_taken))) or 0
    if taken != holding.total():
        _off(f"{name}: {taken} seats are taken and {holding.total()} reservations hold one; expected the same")


def check_room(held: HeldPass, *, reservation_id: UUID, name: str) -> None:
    """:raises ContractBroken: where a new reservation passes the limit of the pass, or holds a punch that is not there."""
    new = next(one for one in held.reservations if one.id == reservation_id)
    limit, used, left = held.max_advance_reservations, upcoming(held), held.sessions_remaining
    if limit is not None and used > limit:
        broken(f"{name}: the pass holds {used} coming reservations and may hold {limit}; expected no more than that")
    if left is not None and new.punches_held and held.punches_held > left:
        broken(
            f"{name}.allow_reservation() allowed a reservation of {new.punches_held}, with which {held.punches_held} are held "
            f"and {left} remain; expected PunchesExhausted, or a refusal of its own, where too few are left"
        )


def _off(text: str) -> None:
    raise ContractBroken(f"{text} (rules.md §1, §2)")
