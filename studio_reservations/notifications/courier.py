"""Carries one delivery over its channel; no transaction is open meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from jinja2 import BaseLoader, TemplateError
from pydantic import ValidationError
from standardwebhooks import Webhook

from studio_reservations.language import language_for
from studio_reservations.models import Channel
from studio_reservations.notifications.calendars import calendar_of, event_of, sequence_at
from studio_reservations.notifications.failures import SWITCHED_OFF, NotNeeded, Unsent
from studio_reservations.notifications.letters import Templates
from studio_reservations.notifications.mail import Attachment, Mail, Mailer
from studio_reservations.notifications.occasions import Occasion
from studio_reservations.notifications.payloads import body_of
from studio_reservations.notifications.preferences import PreferenceLinks, Secret
from studio_reservations.notifications.recording import AddressOf
from studio_reservations.notifications.text_messages import Texter
from studio_reservations.notifications.webhook_post import Poster
from studio_reservations.notifications.wording import context_of
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.messages import (
    GIVES_A_SEAT,
    SMS,
    SWITCHED_OFF_BY,
    TAKES_A_SEAT,
    TIMED,
    Message,
    is_quiet,
    is_still_so,
    told_by,
)
from studio_reservations.settings import Settings

USER_AGENT = "studio-reservations"
NO_LONGER_SO = "What it tells is no longer so."


def nobody(user_id: str) -> None:
    """Tell no address: of a portal that was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """The ways by which one portal sends, and the words and links of its messages."""

    settings: Settings
    templates: Templates
    links: PreferenceLinks
    poster: Poster
    pass_types: PassTypes
    address_of: AddressOf = nobody
    mailer: Mailer | None = None
    texter: Texter | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        secret: Secret,
        templates: BaseLoader | None = None,
        pass_types: PassTypes,
        address_of: AddressOf = nobody,
    ) -> Courier:
        """Return the courier of a portal; ``secret`` is its own, ``templates`` its loader, which overrides ours.

        ``pass_types`` say what their passes are called and count; ``address_of`` finds the addresses of a studio's owners.

        :raises RuntimeError: where SMS are wanted and Apprise is not installed.
        """
        public = settings.public_url.rstrip("/") if settings.public_url else None
        return cls(
            settings=settings,
            templates=Templates(templates),
            links=PreferenceLinks(secret, base=public and public + settings.pages_prefix),
            poster=Poster(allow_private=settings.webhook_allow_private),
            pass_types=pass_types,
            address_of=address_of,
            mailer=Mailer(settings.smtp_url, envelope_from=str(settings.mail_from)) if settings.smtp_url else None,
            texter=Texter(settings.sms_url) if settings.sms_url else None,
        )

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What can be sent at all; mail waits until there is a server for it."""
        return (
            Channel.WEBHOOK,
            *((Channel.EMAIL,) if self.mailer is not None else ()),
            *((Channel.SMS,) if self.texter is not None else ()),
        )

    def carry(self, occasion: Occasion, *, now: datetime) -> int | None:
        """Send one delivery; return the other side's status where it has one.

        :raises DeliveryFailure: the kind says what follows.
        """
        try:
            if occasion.delivery.channel == Channel.WEBHOOK:
                return self._post(occasion, now=now)
            occasion = as_it_stands(occasion, now=now)
            if occasion.delivery.channel == Channel.SMS:
                self._text(occasion, now=now)
            else:
                self._mail(occasion, now=now)
        except (TemplateError, ValidationError, ValueError, TypeError, LookupError, AttributeError) as error:
            # A template that fails, a payload that lacks something: poison, whatever is tried.
            raise Unsent(f"It cannot be written: {type(error).__name__}: {error}") from error
        return None

    def letter(self, occasion: Occasion, *, now: datetime) -> Mail:
        """Return the e-mail of an occasion."""
        studio, customer, name = occasion.studio, occasion.customer, occasion.template
        preference = SWITCHED_OFF_BY.get(Message(name)) if name in set(Message) else None
        url = self.links.url_for(customer.id, preference) if customer is not None else None
        locale = occasion.locale
        context = self._context(occasion, now=now)
        context |= {"preference": preference, "preferences_url": url}
        words = self.templates.words(name, context, locale=locale)
        return Mail(
            id=str(occasion.delivery.id),
            at=now,
            sender_name=studio.sender_name or studio.name,
            sender=self._sender(studio),
            recipient=occasion.delivery.recipient,
            reply_to=studio.contact_email,
            subject=words.subject,
            text=self.templates.text(words, context, locale=locale),
            html=self.templates.html(words, context, locale=locale),
            unsubscribe_url=url if preference else None,
            calendars=tuple(calendars_for(occasion, organizer=self._sender(studio))),
        )

    def text_message(self, occasion: Occasion, *, now: datetime) -> str:
        """Return the SMS of an occasion."""
        locale = occasion.locale
        return self.templates.text_message(occasion.template, self._context(occasion, now=now), locale=locale)

    def _context(self, occasion: Occasion, *, now: datetime) -> dict[str, Any]:
        language = language_for(occasion.locale)
        return context_of(occasion, now=now, link=self._reservation_url, pass_types=self.pass_types, language=language)

    def _sender(self, studio: Any) -> str:
        return studio.sender_email or str(self.settings.mail_from)

    def _mail(self, occasion: Occasion, *, now: datetime) -> None:
        assert self.mailer is not None  # noqa: S101 - nobody claims mail without a mailer
        self.mailer.send(self.letter(occasion, now=now))

    def _text(self, occasion: Occasion, *, now: datetime) -> None:
        assert self.texter is not None  # noqa: S101 - nobody claims SMS without a provider
        self.texter.send(to=occasion.delivery.recipient, text=self.text_message(occasion, now=now))

    def _post(self, occasion: Occasion, *, now: datetime) -> int:
        endpoint = occasion.endpoint
        if endpoint is None:
            raise NotNeeded("The webhook was removed.")
        if endpoint.disabled_at is not None:
            raise Unsent(SWITCHED_OFF)  # parked: it can be sent again when the webhook is on
        if not occasion.payload:
            raise NotNeeded("What it told of was erased.")
        message_id = str(occasion.delivery.message_id)
        body = webhook_body(occasion)
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signatures(endpoint, message_id=message_id, body=body, now=now),
        }
        return self.poster.post(endpoint.url, body.encode(), headers).status

    def _reservation_url(self, reservation_id: Any) -> str | None:
        """Return the page of a reservation: the portal's own where it has one, else ours; None without its address."""
        pattern = self.settings.reservation_url
        if pattern is None and self.settings.public_url is not None:
            pattern = f"{self.settings.public_url.rstrip('/')}{self.settings.pages_prefix}/reservations/{{id}}"
        return pattern.replace("{id}", str(reservation_id)) if pattern else None


def as_it_stands(occasion: Occasion, *, now: datetime) -> Occasion:
    """Return what a person should still be told: of several seats, those of which it is so.

    :raises NotNeeded: for what is told too late, overtaken, unwanted by now, or in quiet hours.
    Source: rules.md §8, §9; docs/decisions/0014.
    """
    studio, customer, seat = occasion.studio, occasion.customer, occasion.seat
    if occasion.delivery.event == "webhook.disabled":
        return occasion
    if customer is None or customer.erased_at is not None or not occasion.payload:
        raise NotNeeded("What it told of was erased.")
    message = Message(occasion.template)
    preference = SWITCHED_OFF_BY.get(message)
    if preference is not None and customer.preferences.get(preference) is False:
        raise NotNeeded("The customer switched it off.")
    if message in TIMED and seat is not None and now >= seat.starts_at:
        raise NotNeeded("The session has begun.")
    if message in SMS:
        if not studio.sms_enabled:
            raise NotNeeded("The studio sends no SMS any more.")
        if is_quiet(now, quiet_from=studio.quiet_from, quiet_until=studio.quiet_until, timezone=studio.timezone):
            raise NotNeeded("It is quiet at the studio.")
    return _without_what_is_over(occasion, message, now=now)


def _without_what_is_over(occasion: Occasion, message: Message, *, now: datetime) -> Occasion:
    held, suspension = occasion.held_pass, occasion.suspension
    if message is Message.PASS_EXPIRING and held is not None:
        today, told = local_date(now, timezone=occasion.studio.timezone), occasion.payload.get("valid_until")
        ends = held.valid_until
        if held.status != "ACTIVE" or ends is None or ends < today or (told and told != ends.isoformat()):
            raise NotNeeded(NO_LONGER_SO)
    is_over = suspension is not None and (suspension.ended_at is not None or suspension.ends_at <= now)
    if message is Message.SUSPENSION and is_over:
        raise NotNeeded(NO_LONGER_SO)
    so = tuple(
        one
        for one in occasion.subjects
        if is_still_so(message, status=one.status, waived=one.waived_at is not None, session=one.session_status)
    )
    if so or not occasion.subjects:
        return replace(occasion, seats=so) if len(so) < len(occasion.subjects) else occasion
    instead = told_by(occasion.delivery.event, occasion.payload)
    if message is Message.CONFIRMATION and Message.LATE_CHARGE in instead:
        # The new seat is gone again, but what giving up the old one cost has been told nowhere else.
        return _without_what_is_over(replace(occasion, instead=Message.LATE_CHARGE), Message.LATE_CHARGE, now=now)
    raise NotNeeded(NO_LONGER_SO)


def webhook_body(occasion: Occasion) -> str:
    """Return the JSON of an event, the same at every attempt."""
    seat = occasion.seat
    ids: dict[str, Any] = {}
    if seat is not None:
        ids = {
            "registration_id": seat.registration_id,
            "session_id": seat.session_id,
            "because_of": seat.auto_cancelled_for_id,
            "grace_ends_at": seat.grace_ends_at,
        }
    delivery = occasion.delivery
    return body_of(
        delivery.event, payload=occasion.payload, at=delivery.at.astimezone(UTC), studio=occasion.studio.slug, ids=ids
    )


def signatures(endpoint: Any, *, message_id: str, body: str, now: datetime) -> str:
    """Return the signatures by every secret that is valid now, as Standard Webhooks wants them."""
    secrets = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_secret_until and endpoint.previous_secret_until > now:
        secrets.append(endpoint.previous_secret)
    return " ".join(Webhook(secret).sign(message_id, now.astimezone(UTC), body) for secret in secrets)


def calendars_for(occasion: Occasion, *, organizer: str) -> Iterable[Attachment]:
    """Return the calendar entries that a letter brings, or takes away again."""
    given = occasion.seats if occasion.template in GIVES_A_SEAT else ()
    taken = occasion.subjects if occasion.template in TAKES_A_SEAT else ()
    if occasion.template == Message.CONFIRMATION and occasion.delivery.event == "reservation.rescheduled":
        taken = (occasion.cause,) if occasion.cause is not None else ()

    def entry(seat: Any, method: str) -> Any:
        return event_of(
            seat.id,
            starts_at=seat.starts_at,
            ends_at=seat.ends_at,
            summary=f"{seat.class_title} · {occasion.studio.name}",
            location=seat.location,
            stamp=occasion.delivery.at,
            status="CANCELLED" if method == "CANCEL" else "CONFIRMED",
            sequence=sequence_at(occasion.delivery.at, reserved_at=seat.reserved_at),
            organizer=(organizer, occasion.studio.sender_name or occasion.studio.name),
        )

    if given:
        content = calendar_of([entry(one, "PUBLISH") for one in given], method="PUBLISH")
        yield Attachment(filename="reservation.ics", method="PUBLISH", content=content)
    for number, one in enumerate(taken, 1):  # each its own: one that cancels may name one entry only, says RFC 5546
        content = calendar_of([entry(one, "CANCEL")], method="CANCEL")
        yield Attachment(filename=f"cancelled-{number}.ics", method="CANCEL", content=content)
