"""A studio's webhooks: where its events go, their secrets, and the log of what was delivered.

Source: rules.md §9, §10 (owner).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.language import ENGLISH
from studio_reservations.models import (
    Channel,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    Role,
    Studio,
    SubjectType,
    WebhookEndpoint,
    new_id,
)
from studio_reservations.notifications.payloads import EVENTS, TEST
from studio_reservations.notifications.recording import disable_endpoint
from studio_reservations.notifications.webhook_post import UnfitAddress, fit_url
from studio_reservations.policies.local_time import zone
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import atomic
from studio_reservations.services.events import record
from studio_reservations.services.messages import SWITCH_ON_FIRST, due_again

PREFIX = "whsec_"
SECRET_BYTES = 32
BOTH_VALID_FOR = timedelta(days=1)
LONGEST_DESCRIPTION = 200
LOGGED = 100
BOTH_VALID = "The secret before this one is valid until {when}. Wait until then, or end it now: then make a new one."
BY_STAFF = "Switched off by the studio."
REMOVED = "The webhook was removed."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """An endpoint and its secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str


class WebhookService:
    """The endpoints of a studio. It lives for one request; it flushes and never commits.

    ``allow_private`` lets them be on private addresses and plain http.
    """

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, allow_private: bool = False) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self._allow_private = allow_private

    def add_endpoint(
        self,
        *,
        studio_id: UUID,
        url: str,
        actor: Actor,
        events: Sequence[str] | None = None,
        description: str | None = None,
    ) -> NewSecret:
        """Send the studio's ``events`` (None: all, also those of later versions) to ``url`` from now on.

        :raises InvalidRequest: for an address to which webhooks may not go, or an event that does not exist.
        """
        actor.require(studio_id, Role.OWNER)
        url = self._checked(url=url, events=events, description=description)
        with atomic(self.db_session):
            secret = _new_secret()
            endpoint = WebhookEndpoint(
                studio_id=studio_id,
                url=url,
                description=description,
                events=sorted(set(events)) if events is not None else None,
                secret=secret,
                created_by=actor.id,
                created_at=self.now,
            )
            self.db_session.add(endpoint)
            self.db_session.flush()
            self._record(endpoint, "webhook.added", actor)
        return NewSecret(endpoint=endpoint, secret=secret)

    def endpoints(self, *, studio_id: UUID, actor: Actor) -> list[WebhookEndpoint]:
        """Return the studio's endpoints, the oldest first."""
        actor.require(studio_id, Role.OWNER)
        query = select(WebhookEndpoint).where(WebhookEndpoint.studio_id == studio_id).order_by(WebhookEndpoint.id)
        return list(self.db_session.scalars(query))

    def rotate_secret(self, *, endpoint_id: UUID, actor: Actor) -> NewSecret:
        """Give the endpoint a new secret; for a day everything is signed with the old one as well.

        :raises InvalidRequest: while the one before is valid still, which it would end.
        """
        with atomic(self.db_session):
            endpoint = self._locked(endpoint_id, actor)
            until = endpoint.previous_secret_until
            if until is not None and until > self.now:
                timezone = self.db_session.get_one(Studio, endpoint.studio_id).timezone
                raise InvalidRequest(errors={"secret": BOTH_VALID.format(when=_when(until, timezone=timezone))})
            endpoint.previous_secret = endpoint.secret
            endpoint.previous_secret_until = self.now + BOTH_VALID_FOR
            endpoint.secret = _new_secret()
            self.db_session.flush()
            self._record(endpoint, "webhook.rotated", actor)
        return NewSecret(endpoint=endpoint, secret=endpoint.secret)

    def end_old_secret(self, *, endpoint_id: UUID, actor: Actor) -> WebhookEndpoint:
        """Sign with the newest secret alone from now on, as where the one before has leaked; done twice, it is done once."""
        with atomic(self.db_session):
            endpoint = self._locked(endpoint_id, actor)
            if endpoint.previous_secret is not None:
                endpoint.previous_secret = endpoint.previous_secret_until = None
                self.db_session.flush()
                self._record(endpoint, "webhook.old_secret_ended", actor)
        return endpoint

    def disable(self, *, endpoint_id: UUID, actor: Actor) -> WebhookEndpoint:
        """Send nothing there any more; what waits is parked. Off already, it is returned unchanged."""
        with atomic(self.db_session):
            endpoint = self._locked(endpoint_id, actor)
            if endpoint.disabled_at is None:
                disable_endpoint(self.db_session, endpoint, reason=BY_STAFF, now=self.now)
                self._record(endpoint, "webhook.disabled", actor)
        return endpoint

    def enable(self, *, endpoint_id: UUID, actor: Actor) -> WebhookEndpoint:
        """Send events there again, from now on; what was parked is sent again by `redeliver`."""
        with atomic(self.db_session):
            endpoint = self._locked(endpoint_id, actor)
            if endpoint.disabled_at is not None:
                endpoint.disabled_at = endpoint.disabled_reason = endpoint.failing_since = None
                self.db_session.flush()
                self._record(endpoint, "webhook.enabled", actor)
        return endpoint

    def remove(self, *, endpoint_id: UUID, actor: Actor) -> None:
        """Forget the endpoint and its secrets; what waited for it is dropped, what was sent stays in the messages."""
        with atomic(self.db_session):
            endpoint = self._locked(endpoint_id, actor)
            waits = OutboxDelivery.state.in_([DeliveryState.DUE.value, DeliveryState.PARKED.value])
            of_it = update(OutboxDelivery).where(OutboxDelivery.endpoint_id == endpoint.id)
            dropped = {"state": DeliveryState.DROPPED.value, "next_attempt_at": None, "last_error": REMOVED}
            for statement in (of_it.where(waits).values(dropped), of_it.values(endpoint_id=None)):
                self.db_session.execute(statement.execution_options(synchronize_session=False))
            self._record(endpoint, "webhook.removed", actor)
            self.db_session.delete(endpoint)
            self.db_session.flush()

    def send_test(self, *, endpoint_id: UUID, actor: Actor) -> OutboxDelivery:
        """Send the endpoint an event that says nothing but that it arrives; it is delivered and logged like any other.

        :raises InvalidRequest: where the webhook is switched off.
        """
        with atomic(self.db_session):
            endpoint = self._locked(endpoint_id, actor)
            if endpoint.disabled_at is not None:
                raise InvalidRequest(errors={"webhook": SWITCH_ON_FIRST})
            message = OutboxMessage(
                id=new_id(),
                studio_id=endpoint.studio_id,
                event=TEST,
                payload={"endpoint_id": str(endpoint.id), "by": actor.performer(as_staff=True).value},
                expanded_at=self.now,
                created_at=self.now,
            )
            message.dedupe_key = f"{TEST}:{message.id}"
            self.db_session.add(message)
            self.db_session.flush()
            delivery = OutboxDelivery(
                studio_id=endpoint.studio_id,
                message_id=message.id,
                endpoint_id=endpoint.id,
                channel=Channel.WEBHOOK.value,
                recipient=str(endpoint.id),
                next_attempt_at=self.now,
                created_at=self.now,
            )
            self.db_session.add(delivery)
            self.db_session.flush()
        return delivery

    def log(self, *, endpoint_id: UUID, actor: Actor, limit: int = LOGGED) -> list[dict[str, Any]]:
        """Return what was sent there, or tried, the newest first."""
        endpoint = self._locked(endpoint_id, actor)
        rows = self.db_session.execute(
            select(OutboxDelivery, OutboxMessage.event)
            .join(OutboxMessage, OutboxMessage.id == OutboxDelivery.message_id)
            .where(OutboxDelivery.endpoint_id == endpoint.id)
            .order_by(OutboxDelivery.id.desc())
            .limit(limit)
        )
        return [
            {
                "id": delivery.id,
                "webhook_id": delivery.message_id,
                "event": event,
                "state": delivery.state,
                "attempts": delivery.attempts,
                "created_at": delivery.created_at,
                "sent_at": delivery.sent_at,
                "next_attempt_at": delivery.next_attempt_at,
                "last_status": delivery.last_status,
                "last_error": delivery.last_error,
            }
            for delivery, event in rows
        ]

    def redeliver(self, *, delivery_id: UUID, actor: Actor) -> OutboxDelivery:
        """Send an event once more, under the same id, by which the receiver knows it.

        :raises NotFound: for a delivery that is none of a webhook of this studio's.
        :raises InvalidRequest: where the webhook is switched off.
        """
        delivery = self.db_session.get(OutboxDelivery, delivery_id, with_for_update=True, populate_existing=True)
        if delivery is None or delivery.channel != Channel.WEBHOOK or delivery.endpoint_id is None:
            raise NotFound()
        actor.require(delivery.studio_id, Role.OWNER)
        return due_again(self.db_session, delivery, now=self.now)

    def _checked(self, *, url: str, events: Sequence[str] | None, description: str | None) -> str:
        """Return the address as it travels, in ASCII."""
        errors = {}
        try:
            parts = fit_url(url, allow_private=self._allow_private)
            url = url if url.isascii() else parts.geturl()
        except UnfitAddress as error:
            errors["url"] = str(error)
        if events is not None:
            unknown = sorted(set(events) - EVENTS.keys())
            if unknown or not events:
                known = ", ".join(sorted(EVENTS))
                errors["events"] = f"Choose among: {known}. Leave it out for all."
        if description is not None and len(description) > LONGEST_DESCRIPTION:
            errors["description"] = f"Write at most {LONGEST_DESCRIPTION} characters."
        if errors:
            raise InvalidRequest(errors=errors)
        return url

    def _locked(self, endpoint_id: UUID, actor: Actor) -> WebhookEndpoint:
        endpoint = self.db_session.scalar(
            select(WebhookEndpoint)
            .where(WebhookEndpoint.id == endpoint_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        if endpoint is None:
            raise NotFound()
        actor.require(endpoint.studio_id, Role.OWNER)
        return endpoint

    def _record(self, endpoint: WebhookEndpoint, action: str, actor: Actor) -> None:
        record(
            self.db_session,
            action=action,
            subject_type=SubjectType.STUDIO,
            subject_id=endpoint.studio_id,
            studio_id=endpoint.studio_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            details={"endpoint_id": str(endpoint.id), "url": endpoint.url},
        )


def _when(instant: datetime, *, timezone: str) -> str:
    """Return an instant as the studio reads it, such as ``Tue 24 November, 18:30``."""
    local = instant.astimezone(zone(timezone))
    return f"{ENGLISH.day(local, 'sentence')}, {ENGLISH.time(local)}"


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
