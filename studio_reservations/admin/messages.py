"""Messages: what was sent, what waits, what could not be delivered; and every letter to look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Response, current_app, make_response, url_for
from jinja2 import TemplateError
from pydantic import ValidationError
from sqlalchemy import case, func, select

from studio_reservations.admin.audit_words import ACTS
from studio_reservations.admin.message_words import CHANNELS, STATES, TEMPLATES, why
from studio_reservations.admin.row_filters import Choice, Days
from studio_reservations.admin.rows import Column, StudioRows
from studio_reservations.admin.screens import Desk, Done, act, page
from studio_reservations.models import (
    Channel,
    Customer,
    DeliveryState,
    OutboxDelivery,
    OutboxMessage,
    Role,
    Studio,
    WebhookEndpoint,
)
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.occasions import Occasion
from studio_reservations.notifications.preferences import PreferenceLinks
from studio_reservations.services.message_samples import sample_occasion, sent_occasion
from studio_reservations.services.messages import send_again
from studio_reservations.state import secret_keys

SENT = OutboxDelivery
PARKED_FIRST = case((SENT.state == DeliveryState.PARKED.value, 0), else_=1)
FALLIBLE = (TemplateError, ValidationError, ValueError, TypeError, LookupError, AttributeError)
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)
"""A letter has its styles in its tags, as mail must; nothing else of it may do anything, nor reach out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message as its reader gets it; ``html`` is None for an SMS, ``problem`` says why there is none."""

    subject: str = ""
    text: str = ""
    html: str | None = None
    problem: str | None = None


class MessagesScreen(StudioRows):
    """Every delivery: one recipient on one channel."""

    least = Role.MANAGER
    row = "delivery_id"
    rows = (
        select(
            SENT.id,
            SENT.studio_id,
            SENT.created_at,
            SENT.channel,
            SENT.recipient,
            SENT.template,
            SENT.state,
            SENT.attempts,
            SENT.next_attempt_at,
            SENT.sent_at,
            SENT.last_status,
            SENT.last_error,
            OutboxMessage.event,
            Customer.name.label("customer"),
            WebhookEndpoint.url,
            OutboxMessage.payload.is_(None).label("erased"),
        )
        .join(OutboxMessage, OutboxMessage.id == SENT.message_id)
        .outerjoin(Customer, Customer.id == OutboxMessage.customer_id)
        .outerjoin(WebhookEndpoint, WebhookEndpoint.id == SENT.endpoint_id)
    )
    order = (PARKED_FIRST, SENT.id.desc())
    columns = (
        Column(
            name="template",
            label="Message",
            sort=func.coalesce(SENT.template, OutboxMessage.event),
            show=lambda row: TEMPLATES.get(row.template or "") or f"Event: {ACTS.get(row.event, row.event)}",
        ),
        Column(name="customer", label="About", sort=Customer.name),
        Column(
            name="recipient",
            label="To",
            sort=SENT.recipient,
            show=lambda row: (row.url or "a removed webhook") if row.channel == Channel.WEBHOOK else row.recipient,
        ),
        Column(name="created_at", label="Made", sort=SENT.created_at),
        Column(
            name="state",
            label="State",
            words=STATES,
            tags={"SENT": "is-good", "PARKED": "is-bad", "DUE": "is-warn", "DROPPED": ""},
            sort=SENT.state,
        ),
        Column(name="last_error", label="Why", show=why),
    )
    more = (
        Column(name="channel", label="By", words=CHANNELS),
        Column(name="attempts", label="Attempts"),
        Column(name="next_attempt_at", label="Next attempt"),
        Column(name="sent_at", label="Sent"),
        Column(name="last_status", label="Answer’s number"),
        Column(name="raw_error", label="What was answered", show=lambda row: row.last_error),
    )
    filters = (
        Choice(name="state", label="State", column=SENT.state, options=STATES),
        Choice(name="channel", label="By", column=SENT.channel, options=CHANNELS),
        Choice(name="message", label="Message", column=SENT.template, options=TEMPLATES),
        Days(name="day", label="Made", column=SENT.created_at, studio_id=SENT.studio_id),
    )
    searched = (Customer.name, SENT.recipient, WebhookEndpoint.url, SENT.last_error)
    search_label = "customer, address, answer"
    lede = "Parked ones come first: they wait for you. The others go by themselves, and are tried again when they fail."
    empty = "Nothing has been sent yet. The first message goes out with the first reservation."
    list_template = "messages.html"
    details_template = "message.html"

    def details_values(self, desk: Desk, row: Any) -> dict[str, Any]:
        """Show the letter, where it is one to a person."""
        if row.channel == Channel.WEBHOOK:
            may_send, letter = desk.actor.has_role(row.studio_id, Role.OWNER) and row.url is not None, None
        else:
            may_send, letter = not row.erased, self._letter_of(desk, row.id)
        return {
            "letter": letter,
            "may_send": may_send and row.state != DeliveryState.DUE,
            "frame": url_for(".letter", delivery_id=row.id),
        }

    @act("/<uuid:delivery_id>/send-again", least=Role.MANAGER)
    def send_again(self, desk: Desk, delivery_id: UUID) -> Done:
        """Send a message once more."""
        send_again(desk.db_session, delivery_id=delivery_id, actor=desk.actor, now=desk.now)
        return Done(message="It is sent again within a minute or two.", to=self.came_from())

    @page("/<uuid:delivery_id>/letter", least=Role.MANAGER)
    def letter(self, desk: Desk, delivery_id: UUID) -> Response:
        """Show a letter alone, as HTML that can do nothing."""
        return _alone(self._letter_of(desk, desk.own(OutboxDelivery, delivery_id).id))

    @page("/templates/", least=Role.MANAGER)
    def templates(self, desk: Desk) -> str:
        """Show each letter of the studio, filled with what it has."""
        studio = desk.studio()
        chosen = desk.given.get("message", "")
        letter = self._sample(desk, studio, chosen) if chosen in TEMPLATES else None
        return self.show(
            "message_templates.html",
            studio=studio,
            studios=desk.studios,
            templates=TEMPLATES,
            chosen=chosen if chosen in TEMPLATES else None,
            letter=letter,
            frame=url_for(".template_letter", studio=studio.slug, message=chosen),
        )

    @page("/templates/letter", least=Role.MANAGER)
    def template_letter(self, desk: Desk) -> Response:
        """Show a filled template alone, as HTML that can do nothing."""
        chosen = desk.given.get("message", "")
        return _alone(self._sample(desk, desk.studio(), chosen) if chosen in TEMPLATES else Letter())

    def _letter_of(self, desk: Desk, delivery_id: UUID) -> Letter:
        occasion = sent_occasion(desk.db_session, delivery_id=delivery_id, actor=desk.actor)
        if occasion is None:
            return Letter(problem="What it told of was erased, and the letter with it.")
        return _written(desk, occasion)

    def _sample(self, desk: Desk, studio: Studio, template: str) -> Letter:
        occasion = sample_occasion(
            desk.db_session, studio_id=studio.id, template=template, actor=desk.actor, now=desk.now
        )
        if occasion is None:
            return Letter(problem="The studio has nothing yet that this message could be about.")
        return _written(desk, occasion)


def _written(desk: Desk, occasion: Occasion) -> Letter:
    """Return the letter of an occasion, without the links by which its reader chooses what they get."""
    secret = secret_keys(current_app)
    courier = Courier.of(
        desk.state.settings,
        secret=secret,
        templates=current_app.jinja_loader,
        pass_types=desk.state.pass_types,
    )
    courier = replace(courier, links=PreferenceLinks(secret, base=None))
    try:
        if occasion.delivery.channel == Channel.SMS:
            return Letter(text=courier.text_message(occasion, now=desk.now))
        mail = courier.letter(occasion, now=desk.now)
    except FALLIBLE as error:
        mend = "Whoever keeps the portal’s templates can mend it; then send it again."
        return Letter(problem=f"Its template cannot be filled: {error}. {mend}")
    return Letter(subject=mail.subject, text=mail.text, html=mail.html)


def _alone(letter: Letter) -> Response:
    response = make_response(letter.html or letter.problem or letter.text or "Choose a letter to see it.")
    if letter.html is None:
        response.mimetype = "text/plain"
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
