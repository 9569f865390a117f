"""What one asks before reserving: may I, how many may I hold, is there a seat. Nothing here writes.

Source: rules.md §3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound, ReservationRefused, TryAgain
from studio_reservations.models import ClassRegistration, ClassSession, Role, Studio
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import HeldPass
from studio_reservations.policies.choosing import Choice, choose
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.reserving import (
    Case,
    check_limit,
    check_not_started,
    check_scheduled,
    check_seat,
    check_usable,
    check_validity,
    upcoming,
)
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.board import (
    OFFERED,
    BoardPass,
    live_reservations,
    load_board,
    offer_of,
    steps_of_offers,
)
from studio_reservations.services.seen import load_held_passes
from studio_reservations.services.suspensions import current_suspension

CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Truthy where it may be done; else ``refusal`` says why not. ``choice`` is the pass that would be used."""

    refusal: ReservationRefused | None = None
    choice: Choice | None = None

    def __bool__(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """A class session (a row of `OFFERED`) with the answer for this customer, and one case for each of their passes."""

    session: Any
    timezone: str
    answer: Answer
    cases: Sequence[Case] = ()


class ReservationQuestions:
    """The questions of `ReservationService`; it reads the clock once and lives for one request."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: PassTypes | None = None) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = installed_pass_types() if pass_types is None else pass_types

    def can_create_reservation(
        self,
        *,
        actor: Actor,
        session_id: UUID,
        customer_id: UUID | None = None,
        registration_id: UUID | None = None,
        makeup_for_id: UUID | None = None,
    ) -> Answer:
        """Say whether the session may be reserved, with which pass, or why not.

        :raises NotFound: where the session, the pass or the customer is none of the actor's business.
        """
        customer = self._customer(actor, customer_id)
        return next(
            self._judged(
                OFFERED.where(ClassSession.id == session_id),
                actor=actor,
                customer_id=customer,
                studio_id=self._studio_of_session(session_id),
                registration_id=registration_id,
                makeup_for_id=makeup_for_id,
            )
        ).answer

    def available(
        self,
        *,
        actor: Actor,
        studio_id: UUID,
        starts_from: datetime,
        starts_before: datetime,
        customer_id: UUID | None = None,
        registration_id: UUID | None = None,
        class_id: UUID | None = None,
        only_reservable: bool = False,
        keep: Callable[[Available], bool] | None = None,
        after: tuple[datetime, UUID] | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> list[Available]:
        """List the sessions that start in [``starts_from``, ``starts_before``), each with its answer.

        At most ``limit`` by start and id, behind ``after``, or the last ones before ``before``. A refused one stays in the
        list, but with ``only_reservable``; ``keep`` says which of them are wanted at all. The number of queries does not grow
        with the sessions (with either of the two: one set for each 200 looked at).
        """
        customer = self._customer(actor, customer_id)
        wanted = OFFERED.where(
            ClassSession.studio_id == studio_id,
            ClassSession.starts_at >= starts_from,
            ClassSession.starts_at < starts_before,
        )
        if class_id is not None:
            wanted = wanted.where(ClassSession.class_id == class_id)
        elif registration_id is not None:
            pass_class = self.db_session.scalar(
                select(ClassRegistration.class_id).where(ClassRegistration.id == registration_id)
            )
            if pass_class is not None:
                wanted = wanted.where(ClassSession.class_id == pass_class)
        judged = self._judged(
            wanted,
            actor=actor,
            customer_id=customer,
            studio_id=studio_id,
            registration_id=registration_id,
            after=before or after,
            backwards=before is not None,
            chunk=max(CHUNK, limit) if only_reservable or keep is not None else limit,
        )
        found = (one for one in judged if keep is None or keep(one))
        listed = list(islice((one for one in found if one.answer or not only_reservable), limit))
        return listed if before is None else listed[::-1]

    def check_reservation_limit(self, *, registration_id: UUID) -> tuple[int, int | None]:
        """Return how many upcoming reservations the pass has, and the limit. :raises AdvanceLimitReached:"""
        held = self._held(registration_id)
        check_limit(held)
        return upcoming(held), held.max_advance_reservations

    def check_session_availability(self, *, session_id: UUID) -> int:
        """Return the seats left. :raises SessionCancelled, SessionStarted, SessionFull: :raises NotFound:"""
        row = self.db_session.execute(OFFERED.where(ClassSession.id == session_id)).one_or_none()
        if row is None:
            raise NotFound()
        offer = offer_of(row, timezone="UTC", steps=(), customer_id=row.id, makeup_for_id=None, by_staff=False)
        check_scheduled(offer)
        check_not_started(offer, self.now)
        check_seat(offer)
        return offer.capacity - offer.seats_taken

    def is_customer_suspended(self, *, customer_id: UUID, studio_id: UUID) -> bool:
        """Tell whether a suspension of this customer at this studio covers now."""
        return (
            current_suspension(self.db_session, customer_id=customer_id, studio_id=studio_id, now=self.now) is not None
        )

    def validate_pass_status(self, *, registration_id: UUID) -> HeldPass:
        """Return the pass where it can be used today.

        :raises RegistrationInactive, PassTypeUnavailable, PassNotYetValid, PassExpired: :raises NotFound:
        """
        held = self._held(registration_id)
        check_usable(held, self.pass_types.find(held.pass_type))
        check_validity(held, local_date(self.now, timezone=held.timezone))
        return held

    def _choice(
        self,
        actor: Actor,
        customer_id: UUID,
        session_id: UUID,
        makeup_for_id: UUID | None,
        set_aside: frozenset[str],
    ) -> Choice:
        judged = self._judged(
            OFFERED.where(ClassSession.id == session_id),
            actor=actor,
            customer_id=customer_id,
            studio_id=self._studio_of_session(session_id),
            makeup_for_id=makeup_for_id,
            set_aside=set_aside,
            lock=True,
        )
        answer = next(judged).answer
        if answer.choice is None:
            raise answer.refusal or TryAgain()
        return answer.choice

    def _may_name(self, actor: Actor, one: BoardPass, by_staff: bool, studio_id: UUID) -> bool:
        """Tell whether the pass is the actor's business: of their studio, or of somebody for whom they act."""
        if by_staff:
            return one.studio_id == studio_id
        return one.is_member or actor.acts_for(one.held.customer_id)

    def _held(self, registration_id: UUID) -> HeldPass:
        registration = self.db_session.get(ClassRegistration, registration_id)
        if registration is None:
            raise NotFound()
        timezone = self.db_session.scalars(select(Studio.timezone).where(Studio.id == registration.studio_id)).one()
        return load_held_passes(self.db_session, [registration], now=self.now, timezone=timezone)[registration_id]

    def _customer(self, actor: Actor, customer_id: UUID | None) -> UUID:
        customer = customer_id or actor.own_customer_id
        if customer is None:
            raise InvalidRequest(errors={"customer_id": "Say for whom: staff and a studio's tokens name the customer."})
        return customer

    def _studio_of_session(self, session_id: UUID) -> UUID:
        studio_id = self.db_session.scalar(select(ClassSession.studio_id).where(ClassSession.id == session_id))
        if studio_id is None:
            raise NotFound()
        return studio_id

    def _judged(
        self,
        wanted: Select[Any],
        *,
        actor: Actor,
        customer_id: UUID,
        studio_id: UUID,
        registration_id: UUID | None = None,
        makeup_for_id: UUID | None = None,
        set_aside: frozenset[str] = frozenset(),
        lock: bool = False,
        after: tuple[datetime, UUID] | None = None,
        backwards: bool = False,
        chunk: int = CHUNK,
    ) -> Iterator[Available]:
        """Judge the wanted sessions chunk by chunk, ``backwards`` from the latest on."""
        by_staff = not actor.acts_for(customer_id)
        if by_staff:
            actor.require(studio_id, Role.FRONT_DESK)
        board = load_board(
            self.db_session,
            customer_id=customer_id,
            studio_id=studio_id,
            now=self.now,
            pass_types=self.pass_types,
            registration_id=registration_id,
            lock=lock,
        )
        if not board.known or not all(self._may_name(actor, one, by_staff, studio_id) for one in board.passes):
            raise NotFound()
        while True:
            rows = self.db_session.execute(_behind(wanted, after, backwards).limit(chunk)).all()
            steps = steps_of_offers(self.db_session, rows)
            reserved = live_reservations(self.db_session, customer_id=customer_id, session_ids=[row.id for row in rows])
            for row in rows:
                of_class = steps.get(row.class_id, ())
                offer = offer_of(
                    row,
                    timezone=board.timezone,
                    steps=of_class,
                    customer_id=customer_id,
                    makeup_for_id=makeup_for_id,
                    by_staff=by_staff,
                )
                cases = board.cases(offer, steps=of_class, reserved_id=reserved.get(row.id))
                yield Available(session=row, timezone=board.timezone, answer=_answer(cases, set_aside), cases=cases)
            if len(rows) < chunk:
                return
            after = (rows[-1].starts_at, rows[-1].id)


def _behind(wanted: Select[Any], after: tuple[datetime, UUID] | None, backwards: bool) -> Select[Any]:
    key = (ClassSession.starts_at, ClassSession.id)
    if backwards:
        wanted = wanted.order_by(None).order_by(*(one.desc() for one in key))
    if after is None:
        return wanted
    return wanted.where(tuple_(*key) < after if backwards else tuple_(*key) > after)


def _answer(cases: Sequence[Case], set_aside: frozenset[str]) -> Answer:
    try:
        return Answer(choice=choose(cases, set_aside=set_aside))
    except ReservationRefused as refusal:
        return Answer(refusal=refusal)
