"""Everything at once, at random: customers reserve, cancel and move, staff check in and cancel whole sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.database import reading
from studio_reservations.models import ClassSession, Role, SessionReservation
from studio_reservations.services.tokens import create_token
from tests import factories
from tests.concurrency.people import token_for
from tests.concurrency.racing import Portal
from tests.factories import NOW

CUSTOMERS = 16
SESSIONS = 6
SEATS = 5
STARTS_AFTER = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who and what takes part: tokens by customer, their passes, the class and the manager's token."""

    class_id: UUID
    manager: str
    tokens: dict[UUID, str]
    passes: dict[UUID, list[UUID]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One process's part: so many acts, or as many as fit into so many seconds."""

    seed: int
    cast: Cast
    acts: int | None = None
    seconds: float | None = None


def make_cast(db_session: Session) -> Cast:
    """Add a studio where customers share passes two by two and have one of their own, and sessions with too few seats."""
    studio = factories.make_studio(db_session)
    studio_class = factories.make_class(db_session, studio, default_capacity=SEATS)
    factories.make_policy(db_session, studio, deduct_punch_on_late_cancel=True)
    for number in range(SESSIONS):
        factories.make_session(db_session, studio_class, starts_at=_start(number), capacity=SEATS)
    tokens: dict[UUID, str] = {}
    passes: dict[UUID, list[UUID]] = {}
    for _ in range(CUSTOMERS // 2):
        pair = [factories.make_customer(db_session, studio) for _ in range(2)]
        shared = factories.make_pass(db_session, pair[0], studio, punches=1000, members=(pair[1],))
        for customer in pair:
            own = factories.make_pass(db_session, customer, studio, punches=3, max_advance_reservations=None)
            tokens[customer.id] = token_for(db_session, customer)
            passes[customer.id] = [shared.id, own.id]
    manager = create_token(db_session, name="mix", now=NOW, studio_id=studio.id, role=Role.MANAGER)
    return Cast(class_id=studio_class.id, manager=manager, tokens=tokens, passes=passes)


def play(portal: Portal, script: Script) -> list[tuple[str, str]]:
    """Act at random and return each act with its outcome."""
    player = _Player(portal, script)
    until = monotonic() + (script.seconds or float("inf"))
    told = [("reserve", player.reserve())]  # so that there is something to act upon
    while len(told) < (script.acts or float("inf")) and monotonic() < until:
        told.append(player.act())
    return told


def _start(number: int) -> Any:
    return NOW + STARTS_AFTER + timedelta(minutes=10 * number)


class _Player:
    def __init__(self, portal: Portal, script: Script) -> None:
        self.portal = portal
        self.cast = script.cast
        self.random = Random(script.seed)
        self.customers = sorted(self.cast.tokens)
        self.weights: dict[Callable[[], str], int] = {
            self.reserve: 40,
            self.cancel: 12,
            self.reschedule: 20,
            self.check_in_many: 5,
            self.undo_check_in: 12,
            self.change_capacity: 4,
            self.move_session: 4,
            self.cancel_session: 3,
        }

    def act(self) -> tuple[str, str]:
        (chosen,) = self.random.choices(list(self.weights), list(self.weights.values()))
        # Cancellations within the 15 minutes after reserving are free, later ones are charged.
        self.portal.clock.now = NOW + timedelta(minutes=self.random.randrange(60))
        return chosen.__name__, chosen()

    def reserve(self) -> str:
        customer = self.random.choice(self.customers)
        body = {"session_id": str(self.some_session())}
        registration_id = self.random.choice([*self.cast.passes[customer], None])
        if registration_id is not None:
            body["registration_id"] = str(registration_id)
        return self.portal.post("/reservations", body, token=self.cast.tokens[customer])

    def cancel(self) -> str:
        reservation_id, customer = self.some_reservation("PENDING")
        return self.portal.post(f"/reservations/{reservation_id}/cancel", token=self.cast.tokens[customer])

    def reschedule(self) -> str:
        reservation_id, customer = self.some_reservation("PENDING")
        body = {"session_id": str(self.some_session())}
        return self.portal.post(f"/reservations/{reservation_id}/reschedule", body, token=self.cast.tokens[customer])

    def check_in_many(self) -> str:
        everybody = self.random.sample(self.customers, len(self.customers))
        body = {"customer_ids": [str(one) for one in everybody]}
        return self.portal.post(f"/staff/sessions/{self.some_session()}/check-in", body, token=self.cast.manager)

    def undo_check_in(self) -> str:
        reservation_id, _ = self.some_reservation("CHECKED_IN")
        return self.portal.post(f"/staff/reservations/{reservation_id}/undo-check-in", token=self.cast.manager)

    def change_capacity(self) -> str:
        return self.change_session({"capacity": self.random.randint(SEATS - 2, SEATS + 2)})

    def move_session(self) -> str:
        return self.change_session({"starts_at": _start(self.random.randrange(SESSIONS)).isoformat()})

    def change_session(self, changes: dict[str, Any]) -> str:
        return self.portal.post(
            f"/staff/sessions/{self.some_session()}", changes, token=self.cast.manager, method="PATCH"
        )

    def cancel_session(self) -> str:
        told = self.portal.post(f"/staff/sessions/{self.some_session()}/cancel", token=self.cast.manager)
        # Another in its place, so that there is always something to reserve.
        body = {"class_id": str(self.cast.class_id), "starts_at": _start(self.random.randrange(SESSIONS)).isoformat()}
        made = self.portal.post("/staff/sessions", body, token=self.cast.manager)
        return told if made == "201" else made

    def some_session(self) -> UUID:
        return self.some(select(ClassSession.id).where(ClassSession.status == "SCHEDULED"))[0]

    def some_reservation(self, status: str) -> tuple[UUID, UUID]:
        """Return a reservation and its customer, by preference one of that status."""
        return self.some(
            select(SessionReservation.id, SessionReservation.customer_id), SessionReservation.status == status
        )

    def some(self, wanted: Any, *preferred: Any) -> Any:
        with self.portal.app.app_context(), reading() as db_session:
            rows = db_session.execute(wanted.where(*preferred)).all() or db_session.execute(wanted).all()
        return self.random.choice(sorted(rows))
