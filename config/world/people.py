"""Users and customers of the demo, and what they do, through the product's own services."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from config.world.names import CUSTOMERS, PASSWORD, STAFF, address
from studio_reservations import PortalUser
from studio_reservations.models import (
    AccessKind,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    Studio,
    StudioClass,
    StudioStaff,
)
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services.accounts import customer_for_portal_user
from studio_reservations.services.actors import SYSTEM, Actor, ActorKind
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.customers import create_customer, link_customer
from studio_reservations.services.issuing import issue_registration
from studio_reservations.services.nights.running import sweep
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.staff import StaffService
from wsgi import User


class People:
    """The people of one studio, by the first part of their address."""

    def __init__(self, db_session: Session, studio: Studio, *, now: datetime) -> None:
        self.db_session = db_session
        self.studio = studio
        self.now = now
        self.users: dict[str, User] = {}
        self.customers: dict[str, Customer] = {}
        self.staff: dict[str, StudioStaff] = {}
        self._password_hash = generate_password_hash(PASSWORD)  # once: it is slow on purpose

    def add_staff(self) -> None:
        """Add a portal user for each role."""
        for name, (who, role) in STAFF.items():
            user = self._add_user(name, who)
            self.staff[name] = StaffService(self.db_session, clock=lambda: self.now).appoint(
                studio_id=self.studio.id, user_id=str(user.id), role=role, name=who, actor=SYSTEM
            )

    def add_customers(self) -> None:
        """Add the portal users who are customers, and let the studio know them."""
        for name, (who, _) in CUSTOMERS.items():
            user = self._add_user(name, who)
            portal_user = PortalUser(id=str(user.id), name=who, email=user.email, email_verified=True)
            self.customers[name] = customer_for_portal_user(self.db_session, user=portal_user, now=self.now)
            if name != "max":
                link_customer(
                    self.db_session, customer_id=self.customers[name].id, studio_id=self.studio.id, now=self.now
                )

    def add_walk_in(self, name: str, who: str, *, email: str | None = None) -> Customer:
        """Add a customer without a login."""
        self.customers[name], _ = create_customer(
            self.db_session, studio_id=self.studio.id, name=who, email=email, actor=SYSTEM, now=self.now
        )
        return self.customers[name]

    def add_child(self, name: str, who: str, *, of: str) -> None:
        """Add a customer for whom a portal user acts."""
        child = self.add_walk_in(name, who)
        guardian = str(self.users[of].id)
        self.db_session.add(
            CustomerAccess(user_id=guardian, customer_id=child.id, kind=AccessKind.GUARDIAN, created_at=self.now)
        )

    def issue(
        self,
        name: str,
        pass_type: str,
        *,
        of: StudioClass | None = None,
        sessions: int | None = None,
        studio: Studio | None = None,
        issued: timedelta = timedelta(days=30),
        **terms: Any,
    ) -> ClassRegistration:
        """Issue a pass, a month ago unless another time is ``issued``."""
        return issue_registration(
            self.db_session,
            customer_id=self.customers[name].id,
            studio_id=(studio or self.studio).id,
            pass_type=pass_type,
            pass_options={"sessions": sessions} if sessions and pass_type == "punch_pass" else None,
            class_id=of.id if of else None,
            now=self.now - issued,
            **terms,
        )

    def actor(self, name: str) -> Actor:
        """Return somebody as who acts for themselves."""
        own = self.customers[name].id
        user = self.users.get(name)
        return Actor(
            kind=ActorKind.USER, id=str(user.id) if user else name, customer_ids=frozenset({own}), own_customer_id=own
        )

    def reserve(
        self,
        name: str,
        session: ClassSession,
        *,
        registration: ClassRegistration | None = None,
        now: datetime | None = None,
    ) -> UUID:
        """Reserve, with the best pass unless one is named."""
        return (
            ReservationService(self.db_session, clock=lambda: now or self.now)
            .create_reservation(
                actor=self.actor(name),
                session_id=session.id,
                registration_id=registration.id if registration else None,
            )
            .reservation_id
        )

    def check_in(self, name: str, reservation: UUID, *, now: datetime, by: Actor | None = None) -> None:
        """Check in, by themselves or by staff."""
        CheckInService(self.db_session, clock=lambda: now).check_in(
            reservation_id=reservation, actor=by or self.actor(name)
        )

    def cancel(self, name: str, reservation: UUID, *, now: datetime) -> None:
        """Give a reservation up."""
        ReservationService(self.db_session, clock=lambda: now).cancel_reservation(
            reservation_id=reservation, actor=self.actor(name)
        )

    def attend(self, name: str, session: ClassSession, registration: ClassRegistration) -> None:
        """Reserve, check in and be there, so far as it has happened."""
        reservation = self.reserve(name, session, registration=registration, now=session.starts_at - timedelta(days=3))
        self.check_in(name, reservation, now=session.starts_at)
        if session.ends_at <= self.now:
            AttendanceService(self.db_session, clock=lambda: session.ends_at).mark_attended(
                reservation_id=reservation, actor=SYSTEM
            )

    def miss(self, name: str, session: ClassSession, registration: ClassRegistration) -> None:
        """Reserve and stay away."""
        reservation = self.reserve(name, session, registration=registration, now=session.starts_at - timedelta(days=3))
        AttendanceService(self.db_session, clock=lambda: session.ends_at).mark_no_show(
            reservation_id=reservation, actor=SYSTEM
        )

    def night(self, job: str, now: datetime) -> None:
        """Let one of the nightly jobs do what is due."""
        sweep(
            job,
            opened=lambda work: work(self.db_session),
            studio_id=self.studio.id,
            as_of=now,
            clock=lambda: now,
            pass_types=installed_pass_types(),
        )
        self.db_session.expire_all()  # a night writes in bulk, past what is loaded

    def _add_user(self, name: str, who: str) -> User:
        user = User(
            email=address(name),
            name=who,
            password_hash=self._password_hash,
            email_verified=True,
            is_admin=name == "owner",
        )
        self.db_session.add(user)
        self.db_session.flush()
        self.users[name] = user
        return user
