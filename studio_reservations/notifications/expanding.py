"""From a message in the outbox to its deliveries: one for each recipient and channel.

Source: rules.md §1 (OutboxDelivery), §6 (`notify_*`), §9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from studio_reservations.models import (
    AccessKind,
    Channel,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    DeliveryState,
    NoShowPolicy,
    OutboxDelivery,
    OutboxMessage,
    SessionReservation,
    Studio,
    WebhookEndpoint,
    new_id,
)
from studio_reservations.notifications.failures import SWITCHED_OFF
from studio_reservations.notifications.groups import leaders_of
from studio_reservations.notifications.occasions import id_in
from studio_reservations.notifications.payloads import EVENTS
from studio_reservations.policies.messages import SMS, Message, is_wanted, told_by

BATCH = 500
WEBHOOK_DISABLED = "webhook.disabled"
"""The event that tells the owners; ``payload["emails"]`` are their addresses."""

PARKED = {"state": DeliveryState.PARKED.value, "next_attempt_at": None, "last_error": SWITCHED_OFF}

_POLICIES = NoShowPolicy.__table__


def expand(db_session: Session, *, as_of: datetime, sms: bool, limit: int = BATCH) -> int:
    """Make the deliveries of up to ``limit`` new messages, oldest first; return how many messages it were.

    Two workers at once take different messages. ``sms`` says whether the portal has a provider.
    """
    messages = db_session.execute(
        select(OutboxMessage.__table__)
        .where(OutboxMessage.expanded_at.is_(None))
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not messages:
        return 0
    audience = _Audience(db_session, messages, sms=sms)
    rows = [
        {
            "id": new_id(),
            "studio_id": message.studio_id,
            "message_id": message.id,
            "endpoint_id": None,
            "template": None,
            "state": DeliveryState.DUE.value,
            "attempts": 0,
            "next_attempt_at": as_of,
            "last_error": None,
            "created_at": as_of,
            **recipient,
        }
        for message in messages
        for recipient in audience.of(message)
    ]
    if rows:
        insert_new(db_session, OutboxDelivery, rows)
    db_session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_([message.id for message in messages]))
        .values(expanded_at=as_of)
        .execution_options(synchronize_session=False)
    )
    return len(messages)


def insert_new(db_session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that are not there yet, judged by the table's unique keys."""
    dialect = db_session.get_bind(table).dialect.name
    builder: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}.get(dialect, insert)
    db_session.execute(builder(table).on_conflict_do_nothing(), list(rows))


class _Audience:
    """All that decides who is told of a batch of messages, read in a number of queries that does not grow with it."""

    def __init__(self, db_session: Session, messages: Sequence[Any], *, sms: bool) -> None:
        self._sms = sms
        studios = {one.studio_id for one in messages}
        oldest = min(one.created_at for one in messages)
        self._leaders = leaders_of(db_session, messages)
        self._customers = _contacts(db_session, {one.customer_id for one in messages if one.customer_id})
        self._reservations = _reservations(db_session, {one.reservation_id for one in messages if one.reservation_id})
        self._pass_classes = _pass_classes(db_session, messages)
        self._sms_studios = set(db_session.scalars(select(Studio.id).where(Studio.id.in_(studios), Studio.sms_enabled)))
        self._studio_policies: dict[UUID, Mapping[str, Any]] = {}
        self._class_policies: dict[UUID, Mapping[str, Any]] = {}
        for row in db_session.execute(select(_POLICIES).where(NoShowPolicy.studio_id.in_(studios))):
            if row.class_id is None:
                self._studio_policies[row.studio_id] = dict(row._mapping)
            else:
                self._class_policies[row.class_id] = dict(row._mapping)
        self._endpoints = db_session.execute(
            select(WebhookEndpoint.id, WebhookEndpoint.studio_id, WebhookEndpoint.events, WebhookEndpoint.disabled_at)
            .where(
                WebhookEndpoint.studio_id.in_(studios),
                WebhookEndpoint.disabled_at.is_(None) | (WebhookEndpoint.disabled_at > oldest),
            )
            .order_by(WebhookEndpoint.id)
        ).all()

    def of(self, message: Any) -> list[dict[str, Any]]:
        """Return who is told of a message, and how."""
        if message.payload is None:  # of somebody erased
            return []
        if message.event == WEBHOOK_DISABLED:
            return [
                {"channel": Channel.EMAIL.value, "recipient": email, "template": "webhook_disabled"}
                for email in message.payload.get("emails", ())
            ]
        return [*self._customer(message), *self._webhooks(message)]

    def _customer(self, message: Any) -> list[dict[str, Any]]:
        contact = self._customers.get(message.customer_id)
        told = self._told(message, contact) if contact is not None else None
        if contact is None or told is None or self._leaders.get(message.id, message.id) != message.id:
            return []
        if told in SMS:
            if not self._sms or message.studio_id not in self._sms_studios:
                return []
            return [
                {"channel": Channel.SMS.value, "recipient": one, "template": told.value} for one in contact["phones"]
            ]
        return [{"channel": Channel.EMAIL.value, "recipient": one, "template": told.value} for one in contact["emails"]]

    def _told(self, message: Any, contact: Mapping[str, Any]) -> Message | None:
        reservation = self._reservations.get(message.reservation_id)
        class_id = self._pass_classes.get(message.id) if reservation is None else reservation.class_id
        payload = message.payload
        if reservation is not None and reservation.counts_as_no_show:
            payload = {**payload, "counts_as_no_show": True}
        for candidate in told_by(message.event, payload):
            if is_wanted(
                candidate,
                studio=self._studio_policies.get(message.studio_id),
                of_class=self._class_policies.get(class_id) if class_id is not None else None,
                preferences=contact["preferences"],
            ):
                return candidate
        return None

    def _webhooks(self, message: Any) -> Iterable[dict[str, Any]]:
        # A moved session is one event to a machine; its holders' own messages are for them.
        if message.event not in EVENTS or (message.event.startswith("session.") and message.customer_id is not None):
            return
        for endpoint in self._endpoints:
            if endpoint.studio_id == message.studio_id and (
                endpoint.events is None or message.event in endpoint.events
            ):
                made = {"channel": Channel.WEBHOOK.value, "recipient": str(endpoint.id), "endpoint_id": endpoint.id}
                if endpoint.disabled_at is None:
                    yield made
                elif message.created_at < endpoint.disabled_at:  # it happened before, and waits like all that did
                    yield {**made, **PARKED}


def _contacts(db_session: Session, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return how to reach these customers: by their own address and number, else by those of whoever acts for them."""
    rows = db_session.execute(
        select(Customer.id, Customer.email, Customer.phone, Customer.preferences).where(
            Customer.id.in_(ids), Customer.erased_at.is_(None)
        )
    ).all()
    guardian = aliased(Customer)
    theirs, ward = aliased(CustomerAccess), aliased(CustomerAccess)
    guardians = db_session.execute(
        select(ward.customer_id, guardian.email, guardian.phone)
        .join(theirs, (theirs.user_id == ward.user_id) & (theirs.kind == AccessKind.SELF.value))
        .join(guardian, guardian.id == theirs.customer_id)
        .where(
            ward.kind == AccessKind.GUARDIAN.value,
            ward.customer_id.in_([row.id for row in rows if not (row.email and row.phone)]),
            guardian.erased_at.is_(None),
        )
        .order_by(guardian.id)
    ).all()

    def reach(own: str | None, customer_id: UUID, column: str) -> list[str]:
        others = [getattr(one, column) for one in guardians if one.customer_id == customer_id]
        return [own] if own else list({str(one).lower(): one for one in others if one}.values())

    return {
        row.id: {
            "preferences": row.preferences or {},
            "emails": reach(row.email, row.id, "email"),
            "phones": reach(row.phone, row.id, "phone"),
        }
        for row in rows
    }


def _reservations(db_session: Session, ids: set[UUID]) -> dict[UUID | None, Any]:
    rows = db_session.execute(
        select(SessionReservation.id, SessionReservation.counts_as_no_show, ClassSession.class_id)
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .where(SessionReservation.id.in_(ids))
    )
    return {row.id: row for row in rows}


def _pass_classes(db_session: Session, messages: Sequence[Any]) -> dict[UUID, UUID | None]:
    """Return, by message, the class of the pass that a message without a reservation is about."""
    about = {
        one.id: registration_id
        for one in messages
        if one.reservation_id is None and (registration_id := id_in(one.payload, "registration_id")) is not None
    }
    rows = db_session.execute(
        select(ClassRegistration.id, ClassRegistration.class_id).where(ClassRegistration.id.in_(set(about.values())))
    )
    classes = {row.id: row.class_id for row in rows}
    return {message_id: classes.get(registration_id) for message_id, registration_id in about.items()}
