"""All that the deliveries of one batch speak of, read at once; plain rows that outlive the transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    AccessKind,
    ClassRegistration,
    ClassSession,
    ClassStep,
    Customer,
    CustomerAccess,
    CustomerSuspension,
    OutboxDelivery,
    OutboxMessage,
    SessionReservation,
    Studio,
    StudioClass,
    WebhookEndpoint,
)
from studio_reservations.notifications.groups import groups_of
from studio_reservations.policies.messages import Message

_DELIVERIES = (
    select(
        OutboxDelivery.id,
        OutboxDelivery.channel,
        OutboxDelivery.recipient,
        OutboxDelivery.template,
        OutboxDelivery.attempts,
        OutboxDelivery.claimed_until,
        OutboxDelivery.endpoint_id,
        OutboxDelivery.studio_id,
        OutboxMessage.id.label("message_id"),
        OutboxMessage.event,
        OutboxMessage.payload,
        OutboxMessage.customer_id,
        OutboxMessage.reservation_id,
        OutboxMessage.created_at.label("at"),
    )
    .join(OutboxMessage, OutboxMessage.id == OutboxDelivery.message_id)
    .order_by(OutboxDelivery.next_attempt_at, OutboxDelivery.id)
)
_SEATS = (
    select(
        SessionReservation.__table__,
        ClassSession.starts_at,
        ClassSession.ends_at,
        ClassSession.location,
        ClassSession.instructor,
        ClassSession.status.label("session_status"),
        StudioClass.title.label("class_title"),
        ClassStep.position.label("step_position"),
        ClassStep.title.label("step_title"),
        ClassRegistration.pass_type,
        ClassRegistration.sessions_remaining,
        ClassRegistration.valid_until,
    )
    .join(ClassSession, ClassSession.id == SessionReservation.session_id)
    .join(StudioClass, StudioClass.id == ClassSession.class_id)
    .join(ClassRegistration, ClassRegistration.id == SessionReservation.registration_id)
    .outerjoin(ClassStep, ClassStep.id == ClassSession.step_id)
)
_STUDIOS = select(
    Studio.id,
    Studio.slug,
    Studio.name,
    Studio.timezone,
    Studio.contact_email,
    Studio.contact_phone,
    Studio.sender_name,
    Studio.sender_email,
    Studio.sms_enabled,
    Studio.quiet_from,
    Studio.quiet_until,
)
_CUSTOMERS = select(
    Customer.id,
    Customer.name,
    Customer.email,
    Customer.phone,
    Customer.locale,
    Customer.preferences,
    Customer.erased_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One delivery and what it speaks of; ``seat`` is a reservation with its session, ``seats`` those of its group.

    ``locale`` is the language of whoever reads it: the customer's own choice, else that of the one who acts for them.
    """

    delivery: Any
    studio: Any
    payload: Mapping[str, Any]
    customer: Any | None = None
    locale: str | None = None
    seat: Any | None = None
    seats: tuple[Any, ...] = ()
    cause: Any | None = None
    held_pass: Any | None = None
    suspension: Any | None = None
    endpoint: Any | None = None
    instead: str | None = None

    @property
    def template(self) -> str:
        """The message by which it is told: that of the delivery, or another one ``instead``."""
        return self.instead or str(self.delivery.template)

    @property
    def subjects(self) -> tuple[Any, ...]:
        """The seats that the message is about; a late charge for a changed day is about the old one."""
        if self.template == Message.LATE_CHARGE and self.delivery.event == "reservation.rescheduled":
            return () if self.cause is None else (self.cause,)
        return self.seats


def load_occasions(db_session: Session, delivery_ids: Sequence[UUID]) -> list[Occasion]:
    """Read deliveries with everything around them, in the order in which they are due; the same queries for 1 and for 20."""
    deliveries = db_session.execute(_DELIVERIES.where(OutboxDelivery.id.in_(delivery_ids))).all()
    messages = db_session.execute(
        select(OutboxMessage.__table__).where(OutboxMessage.id.in_({one.message_id for one in deliveries}))
    ).all()
    return occasions_of(db_session, deliveries, groups=groups_of(db_session, messages))


def occasions_of(
    db_session: Session, deliveries: Sequence[Any], *, groups: Mapping[UUID, Sequence[Any]] = MappingProxyType({})
) -> list[Occasion]:
    """Read everything around deliveries, which need not be in the table; ``groups`` are the messages told together, by id."""
    causes = {one.message_id: _cause(one.payload) for one in deliveries}
    studios = _by_id(db_session, _STUDIOS.where(Studio.id.in_({one.studio_id for one in deliveries})))
    customers = _by_id(db_session, _CUSTOMERS.where(Customer.id.in_(_ids(one.customer_id for one in deliveries))))
    locales = _locales_of_guardians(db_session, customers)
    wanted = _ids(
        (
            *(one.reservation_id for one in deliveries),
            *(row.reservation_id for rows in groups.values() for row in rows),
            *causes.values(),
        )
    )
    seats = _by_id(db_session, _SEATS.where(SessionReservation.id.in_(wanted)))

    def pass_of(delivery: Any) -> UUID | None:
        seat = seats.get(delivery.reservation_id)
        return id_in(delivery.payload, "registration_id") or (seat.registration_id if seat is not None else None)

    passes = _by_id(
        db_session,
        select(ClassRegistration.__table__, StudioClass.title.label("class_title"))
        .outerjoin(StudioClass, StudioClass.id == ClassRegistration.class_id)
        .where(ClassRegistration.id.in_(_ids(map(pass_of, deliveries)))),
    )
    suspensions = _by_id(
        db_session,
        select(CustomerSuspension.__table__).where(
            CustomerSuspension.id.in_(_ids(id_in(one.payload, "suspension_id") for one in deliveries))
        ),
    )
    endpoints = _by_id(
        db_session,
        select(WebhookEndpoint.__table__).where(WebhookEndpoint.id.in_(_ids(one.endpoint_id for one in deliveries))),
    )

    def locale_of(delivery: Any) -> str | None:
        customer = customers.get(delivery.customer_id)
        if customer is None:
            return None
        return customer.locale or locales.get((customer.id, delivery.recipient.lower()))

    def seats_of(delivery: Any) -> tuple[Any, ...]:
        group = groups.get(delivery.message_id, ())
        ids = [row.reservation_id for row in group] or [delivery.reservation_id]
        return tuple(sorted((seats[one] for one in ids if one in seats), key=lambda seat: seat.starts_at))

    return [
        Occasion(
            delivery=delivery,
            studio=studios[delivery.studio_id],
            payload=delivery.payload or {},
            customer=customers.get(delivery.customer_id),
            locale=locale_of(delivery),
            seat=seats.get(delivery.reservation_id),
            seats=seats_of(delivery),
            cause=seats.get(causes[delivery.message_id]),
            held_pass=passes.get(pass_of(delivery)),
            suspension=suspensions.get(id_in(delivery.payload, "suspension_id")),
            endpoint=endpoints.get(delivery.endpoint_id),
        )
        for delivery in deliveries
    ]


def _locales_of_guardians(db_session: Session, customers: Mapping[UUID | None, Any]) -> dict[tuple[UUID, str], str]:
    """Return, by customer without a language of their own and by address, the language of whoever is written to instead."""
    guardian = aliased(Customer)
    theirs, ward = aliased(CustomerAccess), aliased(CustomerAccess)
    rows = db_session.execute(
        select(ward.customer_id, guardian.email, guardian.phone, guardian.locale)
        .join(theirs, (theirs.user_id == ward.user_id) & (theirs.kind == AccessKind.SELF.value))
        .join(guardian, guardian.id == theirs.customer_id)
        .where(
            ward.kind == AccessKind.GUARDIAN.value,
            ward.customer_id.in_([one.id for one in customers.values() if one.locale is None]),
            guardian.locale.is_not(None),
        )
    )
    return {
        (row.customer_id, address.lower()): row.locale for row in rows for address in (row.email, row.phone) if address
    }


def _by_id(db_session: Session, query: Any) -> dict[UUID | None, Any]:
    return {row.id: row for row in db_session.execute(query)}


def _ids(found: Iterable[UUID | None]) -> set[UUID]:
    return {one for one in found if one is not None}


def _cause(payload: Mapping[str, Any] | None) -> UUID | None:
    return id_in(payload, "because_of") or id_in(payload, "replaces")


def id_in(payload: Mapping[str, Any] | None, name: str) -> UUID | None:
    """Return the id of that name in a payload; None where it has none, or something else."""
    with suppress(ValueError, TypeError, AttributeError):
        return UUID((payload or {})[name]) if (payload or {}).get(name) else None
    return None
