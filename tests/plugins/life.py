"""A pass of one type and its life by the real services: issued, reserved with, checked in, missed, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from studio_reservations.errors import ReservationRefused
from studio_reservations.language import language_for
from studio_reservations.models import ClassRegistration, ClassSession, Customer, SessionReservation
from studio_reservations.pass_type_registry import InstalledPassType, PassTypes
from studio_reservations.pass_types import PassType
from studio_reservations.sentences import sentence_of, title_of
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.issuing import issue_registration
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.pass_views import PassStatus, status_of
from studio_reservations.services.reservations import Cancelled, ReservationService
from tests import factories
from tests.factories import NOW, TORONTO


class Life:
    """Ada at her studio with one pass; times are written as the studio's clock shows them: ``2026-12-04 18:30``."""

    def __init__(self, db_session: Session, plugin: type[PassType], **options: Any) -> None:
        self.db_session = db_session
        self.plugin = plugin
        self.options = options
        self.pass_types = PassTypes([InstalledPassType(plugin(), "the test")])
        self.studio = factories.make_studio(db_session)
        self.studio_class = factories.make_class(db_session, self.studio)
        self.manager = factories.staff_actor(self.studio)
        self.ada = factories.make_customer(db_session, self.studio)
        self.actor = factories.customer_actor(self.ada)
        self.registration = self.issue(self.ada)

    def service(self, now: datetime = NOW) -> ReservationService:
        return ReservationService(self.db_session, clock=lambda: now, pass_types=self.pass_types)

    def issue(
        self,
        customer: Customer,
        *,
        now: datetime = NOW,
        members: Sequence[Customer] = (),
        options: dict[str, Any] | None = None,
    ) -> ClassRegistration:
        return issue_registration(
            self.db_session,
            customer_id=customer.id,
            studio_id=self.studio.id,
            pass_type=self.plugin.key,
            pass_options=self.options if options is None else options,
            members=[one.id for one in members],
            actor=self.manager,
            now=now,
            pass_types=self.pass_types,
        )

    def session(self, at: str, **fields: Any) -> ClassSession:
        studio_class = fields.pop("studio_class", self.studio_class)
        return factories.make_session(self.db_session, studio_class, starts_at=local(at), **fields)

    def reserve(self, at: str | ClassSession, *, by: Customer | None = None, now: datetime = NOW, **asked: Any) -> UUID:
        session = self.session(at) if isinstance(at, str) else at
        asked.setdefault("registration_id", self.registration.id)
        actor = self.actor if by is None else factories.customer_actor(by)
        return self.service(now).create_reservation(actor=actor, session_id=session.id, **asked).reservation_id

    def refusal(self, at: str | ClassSession, **asked: Any) -> ReservationRefused | None:
        try:
            self.reserve(at, **asked)
        except ReservationRefused as refusal:
            return refusal
        return None

    def said(self, at: str | ClassSession, *, language: str | None = None, **asked: Any) -> str:
        """Return the code, the title and the sentence with which a reservation is refused."""
        return told(self.refusal(at, **asked), language=language)

    def cancel(self, reservation_id: UUID, *, now: datetime = NOW) -> Cancelled:
        return self.service(now).cancel_reservation(reservation_id=reservation_id, actor=self.actor)

    def check_in(self, reservation_id: UUID) -> SessionReservation:
        """Let staff check in when it begins."""
        now = self._starts_at(reservation_id)
        service = CheckInService(self.db_session, clock=lambda: now, pass_types=self.pass_types)
        return service.check_in(reservation_id=reservation_id, actor=self.manager)

    def miss(self, reservation_id: UUID) -> SessionReservation:
        """Let staff say that nobody came."""
        now = self._starts_at(reservation_id) + timedelta(minutes=30)
        service = AttendanceService(self.db_session, clock=lambda: now, pass_types=self.pass_types)
        return service.mark_no_show(reservation_id=reservation_id, actor=self.manager)

    def waive(self, reservation_id: UUID) -> None:
        now = self._starts_at(reservation_id) + timedelta(hours=1)
        service = NoShowService(self.db_session, clock=lambda: now, pass_types=self.pass_types)
        service.waive(reservation_id=reservation_id, actor=self.manager, reason="The tram did not come.")

    def status(self, *, as_staff: bool = False, now: datetime = NOW, language: str | None = None) -> PassStatus:
        return status_of(
            self.db_session,
            actor=self.manager if as_staff else self.actor,
            registration_id=self.registration.id,
            now=now,
            pass_types=self.pass_types,
            language=language,
        )

    def figures(self, **asked: Any) -> dict[str, Any]:
        return {one.label: one.value for one in self.status(**asked).figures}

    def ledger(self) -> list[tuple[str, int, int]]:
        return factories.ledger_of(self.db_session, self.registration.id)

    def _starts_at(self, reservation_id: UUID) -> datetime:
        reservation = self.db_session.get_one(SessionReservation, reservation_id)
        return self.db_session.get_one(ClassSession, reservation.session_id).starts_at


def local(text: str) -> datetime:
    """Return the instant at which the clock in Toronto shows ``text``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(TORONTO))


def told(refusal: ReservationRefused | None, *, language: str | None = None) -> str:
    """Return a refusal as people read it, behind its code; ``reserved`` where there is none."""
    if refusal is None:
        return "reserved"
    spoken = language_for(language)
    title = title_of(refusal, language=spoken)
    return f"{refusal.code}: {title}. {sentence_of(refusal, timezone=TORONTO, language=spoken)}"
