"""Whoever walks in: which of their passes does, and one act that reserves and checks in.

Source: rules.md §3 (Overrides), §7, §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.errors import NotFound, ReservationRefused
from studio_reservations.models import ClassSession, Role, SessionReservation
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import HeldPass, Remaining
from studio_reservations.policies.reserving import judge
from studio_reservations.services.actors import Actor
from studio_reservations.services.board import OFFERED, live_reservations, load_board, offer_of, steps_of_offers
from studio_reservations.services.books import atomic
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.customers import require_known
from studio_reservations.services.issuing import issue_registration
from studio_reservations.services.overrides import RESERVING, Override
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.roster_tiles import words_of

DROP_IN = "drop_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosable:
    """A pass of the customer: what it is called and gives, the codes to set aside for it, or why it cannot be used."""

    held: HeldPass
    label: str
    remaining: Remaining
    set_aside: tuple[str, ...] = ()
    refusal: ReservationRefused | None = None


def passes_for_walk_in(
    db_session: Session, *, actor: Actor, session_id: UUID, customer_id: UUID, now: datetime, pass_types: PassTypes
) -> Sequence[Choosable]:
    """Return a customer's passes for a session, those that do first; judged with all that ``actor`` may set aside for them.

    The number of queries does not grow with the passes. :raises NotFound, Forbidden:
    """
    row = db_session.execute(OFFERED.where(ClassSession.id == session_id)).one_or_none()
    if row is None:
        raise NotFound()
    actor.require(row.studio_id, Role.FRONT_DESK)
    require_known(db_session, customer_id=customer_id, studio_id=row.studio_id)
    board = load_board(db_session, customer_id=customer_id, studio_id=row.studio_id, now=now, pass_types=pass_types)
    steps = steps_of_offers(db_session, [row]).get(row.class_id, ())
    by_staff = not actor.acts_for(customer_id)
    offer = offer_of(
        row, timezone=board.timezone, steps=steps, customer_id=customer_id, makeup_for_id=None, by_staff=by_staff
    )
    reserved = live_reservations(db_session, customer_id=customer_id, session_ids=[session_id]).get(session_id)
    mine = frozenset(code for code, role in RESERVING.items() if by_staff and actor.has_role(row.studio_id, role))
    found = []
    for case in board.cases(offer, steps=steps, reserved_id=reserved):
        label, remaining = words_of(case.held, pass_types)
        try:
            needed, refusal = judge(case, set_aside=mine), None
        except ReservationRefused as refused:
            needed, refusal = (), refused
        found.append(
            Choosable(held=case.held, label=label, remaining=remaining, set_aside=tuple(needed), refusal=refusal)
        )
    return sorted(found, key=lambda one: (one.refusal is not None, len(one.set_aside), one.held.id))


def walk_in(
    db_session: Session,
    *,
    actor: Actor,
    session_id: UUID,
    customer_id: UUID,
    registration_id: UUID | None,
    now: datetime,
    pass_types: PassTypes,
    override: Override | None = None,
    check_in: bool = True,
) -> SessionReservation:
    """Reserve with the pass, or without one with a drop-in that is issued for it, and check in: all of it or nothing.

    :raises ReservationRefused: the first rule that fails, of reserving or of checking in.
    :raises NotFound, Forbidden, OverrideNotAllowed, ReasonRequired:
    """
    with atomic(db_session):
        session = db_session.get(ClassSession, session_id)
        if session is None:
            raise NotFound()
        actor.require(session.studio_id, Role.FRONT_DESK)
        if registration_id is None:
            registration_id = issue_registration(
                db_session,
                customer_id=customer_id,
                studio_id=session.studio_id,
                pass_type=DROP_IN,
                actor=actor,
                now=now,
                pass_types=pass_types,
            ).id
            db_session.flush()
        reservation_id = (
            ReservationService(db_session, clock=lambda: now, pass_types=pass_types)
            .create_reservation(
                actor=actor,
                session_id=session_id,
                customer_id=customer_id,
                registration_id=registration_id,
                override=override,
            )
            .reservation_id
        )
        if not check_in:
            return db_session.get_one(SessionReservation, reservation_id)
        return CheckInService(db_session, clock=lambda: now, pass_types=pass_types).check_in(
            reservation_id=reservation_id, actor=actor
        )
