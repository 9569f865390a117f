"""A small studio on which the tests of reservations take place."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.models import ClassSession, SessionReservation
from studio_reservations.services.reservations import Created, ReservationService
from tests import factories
from tests.factories import NOW


class Scene:
    """A studio, a class, a customer with a punch pass of 5, and a session next week."""

    def __init__(self, db_session: Session) -> None:
        self.db_session = db_session
        self.studio = factories.make_studio(db_session)
        self.studio_class = factories.make_class(db_session, self.studio)
        self.customer = factories.make_customer(db_session, self.studio)
        self.session = factories.make_session(db_session, self.studio_class)
        self.registration = factories.make_pass(db_session, self.customer, self.studio)
        self.actor = factories.customer_actor(self.customer)

    def service(self, now: datetime = NOW) -> ReservationService:
        return ReservationService(self.db_session, clock=lambda: now)

    def reserve(self, session: ClassSession | None = None, *, now: datetime = NOW, **asked: Any) -> Created:
        asked.setdefault("actor", self.actor)
        asked.setdefault("registration_id", self.registration.id)
        return self.service(now).create_reservation(session_id=(session or self.session).id, **asked)

    def cancel(self, created: Created, *, now: datetime = NOW, **asked: Any):
        asked.setdefault("actor", self.actor)
        return self.service(now).cancel_reservation(reservation_id=created.reservation_id, **asked)

    def reschedule(self, created: Created, session: ClassSession, *, now: datetime = NOW, **asked: Any) -> Created:
        asked.setdefault("actor", self.actor)
        return self.service(now).reschedule(reservation_id=created.reservation_id, session_id=session.id, **asked)

    def another_session(self, **fields: Any) -> ClassSession:
        return factories.make_session(self.db_session, fields.pop("studio_class", self.studio_class), **fields)

    def row(self, of: Created | UUID) -> SessionReservation:
        reservation_id = of.reservation_id if isinstance(of, Created) else of
        return self.db_session.get_one(SessionReservation, reservation_id, populate_existing=True)

    def seats(self, session: ClassSession | None = None) -> int:
        found = self.db_session.get_one(ClassSession, (session or self.session).id, populate_existing=True)
        return found.seats_taken

    def count(self, model: type) -> int:
        return self.db_session.scalar(select(func.count()).select_from(model)) or 0

    def punches(self) -> int | None:
        self.db_session.refresh(self.registration)
        return self.registration.sessions_remaining
