"""Builders of rows for tests: each flushes what it makes and takes a default for whatever the test does not speak of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session, scoped_session

from studio_reservations.models import (
    AccessKind,
    ClassRegistration,
    ClassSession,
    ClassStep,
    Customer,
    CustomerAccess,
    CustomerStudio,
    CustomerSuspension,
    LedgerReason,
    NoShowPolicy,
    PunchLedgerEntry,
    RegistrationMember,
    ReservationHistory,
    Role,
    Rollout,
    SessionReservation,
    Studio,
    StudioClass,
    StudioStaff,
    SuspensionOrigin,
)
from studio_reservations.pass_types import LIVE, Status
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.missing import suspension_over_at
from studio_reservations.services.actors import Actor, ActorKind

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
"""Tuesday 10:00 in Toronto: the instant at which the tests of the services take place unless they say otherwise."""

TORONTO = "America/Toronto"
_numbers = count(1)
Row = TypeVar("Row")
Database = Session | scoped_session[Any]


def make_studio(
    db_session: Database,
    *,
    name: str = "Clay & Co.",
    timezone: str = TORONTO,
    rollout: Rollout = Rollout.ON,
    now: datetime = NOW,
    **fields: Any,
) -> Studio:
    """Add a studio that lets everybody in."""
    fields.setdefault("slug", f"studio-{next(_numbers)}")
    return _added(db_session, Studio(name=name, timezone=timezone, rollout=rollout, created_at=now, **fields))


def make_staff(
    db_session: Database, studio: Studio, role: Role = Role.MANAGER, *, user_id: str | None = None, now: datetime = NOW
) -> StudioStaff:
    """Add a member of staff."""
    return _added(
        db_session,
        StudioStaff(
            studio_id=studio.id, user_id=user_id or f"staff-{next(_numbers)}", role=role, active=True, created_at=now
        ),
    )


def make_customer(
    db_session: Database,
    studio: Studio | None = None,
    *,
    name: str = "Ada Potter",
    internal: bool = False,
    now: datetime = NOW,
    **fields: Any,
) -> Customer:
    """Add a customer, known to ``studio`` where one is given; the e-mail address is a fresh one."""
    fields.setdefault("email", f"customer-{next(_numbers)}@example.org")
    customer = _added(db_session, Customer(name=name, created_at=now, **fields))
    if studio is not None:
        link(db_session, customer, studio, internal=internal, now=now)
    return customer


def link(
    db_session: Database, customer: Customer, studio: Studio, *, internal: bool = False, now: datetime = NOW
) -> CustomerStudio:
    """Let the studio know the customer."""
    return _added(
        db_session,
        CustomerStudio(studio_id=studio.id, customer_id=customer.id, internal=internal, created_at=now),
    )


def give_access(
    db_session: Database,
    customer: Customer,
    user_id: str,
    *,
    kind: AccessKind = AccessKind.SELF,
    now: datetime = NOW,
) -> CustomerAccess:
    """Let a portal user act for the customer."""
    return _added(db_session, CustomerAccess(user_id=user_id, customer_id=customer.id, kind=kind, created_at=now))


def make_class(
    db_session: Database,
    studio: Studio,
    *,
    title: str = "Beginner Wheel Throwing",
    steps: int = 0,
    now: datetime = NOW,
    **fields: Any,
) -> StudioClass:
    """Add a class of so many steps; `steps_of_class` returns them."""
    studio_class = _added(
        db_session,
        StudioClass(studio_id=studio.id, title=title, active=fields.pop("active", True), created_at=now, **fields),
    )
    for position in range(1, steps + 1):
        _added(
            db_session,
            ClassStep(studio_id=studio.id, class_id=studio_class.id, position=position, title=f"Part {position}"),
        )
    return studio_class


def steps_of_class(db_session: Database, studio_class: StudioClass) -> list[ClassStep]:
    """Return the steps of a class by position."""
    return list(
        db_session.scalars(select(ClassStep).where(ClassStep.class_id == studio_class.id).order_by(ClassStep.position))
    )


def make_session(
    db_session: Database,
    studio_class: StudioClass,
    *,
    starts_at: datetime = NOW + timedelta(days=7),
    minutes: int = 120,
    capacity: int = 10,
    step: ClassStep | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> ClassSession:
    """Add a class session, a week from now and two hours long."""
    fields.setdefault("ends_at", starts_at + timedelta(minutes=minutes))
    fields.setdefault("seats_taken", 0)
    return _added(
        db_session,
        ClassSession(
            studio_id=studio_class.studio_id,
            class_id=studio_class.id,
            step_id=step.id if step is not None else None,
            starts_at=starts_at,
            capacity=capacity,
            created_at=now,
            **fields,
        ),
    )


def make_pass(
    db_session: Database,
    customer: Customer,
    studio: Studio,
    *,
    pass_type: str = "punch_pass",
    studio_class: StudioClass | None = None,
    punches: int | None = 5,
    members: tuple[Customer, ...] = (),
    now: datetime = NOW,
    **fields: Any,
) -> ClassRegistration:
    """Add a pass: 5 punches of ``punch_pass``, 1 of ``drop_in``, else uncounted; counted ones with their ISSUED row."""
    punches = {"punch_pass": punches, "drop_in": 1}.get(pass_type)
    fields.setdefault("sessions_included", punches)
    fields.setdefault("sessions_remaining", punches)
    fields.setdefault("requires_sequential_attendance", pass_type == "full_course")
    fields.setdefault("max_advance_reservations", 3)
    registration = _added(
        db_session,
        ClassRegistration(
            studio_id=studio.id,
            customer_id=customer.id,
            class_id=studio_class.id if studio_class is not None else None,
            pass_type=pass_type,
            pass_options=fields.pop("pass_options", {}),
            issued_at=now,
            **fields,
        ),
    )
    for member in members:
        _added(
            db_session,
            RegistrationMember(
                studio_id=studio.id, registration_id=registration.id, customer_id=member.id, created_at=now
            ),
        )
    if registration.sessions_remaining is not None:
        _added(
            db_session,
            PunchLedgerEntry(
                studio_id=studio.id,
                registration_id=registration.id,
                entry_type=LedgerReason.ISSUED,
                delta=registration.sessions_remaining,
                balance=registration.sessions_remaining,
                performed_by="system",
                created_at=now,
            ),
        )
    return registration


def make_reservation(
    db_session: Database,
    registration: ClassRegistration,
    class_session: ClassSession,
    *,
    status: str = Status.PENDING,
    customer: Customer | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> SessionReservation:
    """Add a reservation in any state, its seat counted, its charge not in the ledger; terms as of the default policy.

    A counted pass holds one punch for it. Use the services where charges matter.
    """
    fields.setdefault("punches_held", 0 if registration.sessions_remaining is None else 1)
    fields.setdefault("free_cancellation_until", class_session.starts_at - timedelta(hours=24))
    fields.setdefault("undo_until", now + timedelta(minutes=15))
    fields.setdefault("first_reserved_at", now)
    fields.setdefault("step_id", class_session.step_id)
    reservation = _added(
        db_session,
        SessionReservation(
            studio_id=registration.studio_id,
            registration_id=registration.id,
            session_id=class_session.id,
            customer_id=customer.id if customer is not None else registration.customer_id,
            status=status,
            reserved_at=now,
            **fields,
        ),
    )
    if status in LIVE or (status == Status.NO_SHOW and reservation.seat_released_at is None):
        db_session.execute(
            update(ClassSession)
            .where(ClassSession.id == class_session.id)
            .values(seats_taken=ClassSession.seats_taken + 1)
        )
        db_session.refresh(class_session)
    return reservation


def make_policy(
    db_session: Database, studio: Studio, studio_class: StudioClass | None = None, *, now: datetime = NOW, **fields: Any
) -> NoShowPolicy:
    """Add the studio's policy, or that of one class."""
    return _added(
        db_session,
        NoShowPolicy(
            studio_id=studio.id,
            class_id=studio_class.id if studio_class is not None else None,
            updated_at=now,
            **fields,
        ),
    )


def make_suspension(
    db_session: Database,
    customer: Customer,
    studio: Studio,
    *,
    ends_on: date | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> CustomerSuspension:
    """Add a suspension by staff that began now, through ``ends_on`` (default: two weeks)."""
    ends_on = ends_on or local_date(now, timezone=studio.timezone) + timedelta(days=13)
    fields.setdefault("created_by_kind", SuspensionOrigin.STAFF)
    fields.setdefault("starts_at", now)
    return _added(
        db_session,
        CustomerSuspension(
            studio_id=studio.id,
            customer_id=customer.id,
            ends_on=ends_on,
            ends_at=suspension_over_at(ends_on, timezone=studio.timezone),
            created_at=now,
            **fields,
        ),
    )


def staff_actor(studio: Studio, role: Role = Role.MANAGER, *, staff: StudioStaff | None = None) -> Actor:
    """Return somebody who works at the studio; with ``staff``, as that row."""
    return Actor(
        kind=ActorKind.USER,
        id=staff.user_id if staff is not None else f"{role.value}-of-{studio.slug}",
        roles={studio.id: role},
        staff_ids={studio.id: staff.id} if staff is not None else {},
    )


def customer_actor(customer: Customer, *wards: Customer) -> Actor:
    """Return the portal user who is this customer, and acts for their wards."""
    return Actor(
        kind=ActorKind.USER,
        id=f"user-of-{customer.id}",
        customer_ids=frozenset({customer.id, *(ward.id for ward in wards)}),
        own_customer_id=customer.id,
    )


def token_actor(studio: Studio, role: Role = Role.FRONT_DESK) -> Actor:
    """Return an integration with a token of the studio."""
    return Actor(kind=ActorKind.TOKEN, id="token-1", roles={studio.id: role})


def kiosk_actor(studio: Studio) -> Actor:
    """Return the tablet at the studio's door."""
    return Actor(kind=ActorKind.KIOSK, id="kiosk-1", roles={studio.id: Role.INSTRUCTOR})


def ledger_of(db_session: Database, registration_id: UUID) -> list[tuple[str, int, int]]:
    """Return the pass's ledger in order, as (reason, delta, balance)."""
    rows = db_session.execute(
        select(PunchLedgerEntry.entry_type, PunchLedgerEntry.delta, PunchLedgerEntry.balance)
        .where(PunchLedgerEntry.registration_id == registration_id)
        .order_by(PunchLedgerEntry.created_at, PunchLedgerEntry.id)
    )
    return [(entry_type, delta, balance) for entry_type, delta, balance in rows]


def history_of(db_session: Database, subject_id: UUID) -> list[Mapping[str, Any]]:
    """Return the acts upon one subject in order, as mappings of the columns that tests look at."""
    db_session.flush()
    rows = db_session.scalars(
        select(ReservationHistory)
        .where(ReservationHistory.subject_id == subject_id)
        .order_by(ReservationHistory.created_at, ReservationHistory.id)
    )
    return [
        {
            "action": row.action,
            "from_status": row.from_status,
            "to_status": row.to_status,
            "performed_by_kind": row.performed_by_kind,
            "performed_by": row.performed_by,
            "reason": row.reason,
            "details": row.details,
        }
        for row in rows
    ]


def _added(db_session: Database, row: Row) -> Row:
    db_session.add(row)
    db_session.flush()
    return row
