"""Webhooks: where a studio's events go, and what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy import case, select
from wtforms import Form, RadioField, SelectMultipleField, StringField, URLField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from studio_reservations.admin.forms import choices
from studio_reservations.admin.people import put_at_fields
from studio_reservations.admin.row_filters import Choice
from studio_reservations.admin.rows import Column, StudioRows
from studio_reservations.admin.screens import Desk, Done, act, form
from studio_reservations.models import Role, WebhookEndpoint
from studio_reservations.notifications.payloads import MEANINGS
from studio_reservations.services.webhooks import NewSecret, WebhookService

HOOK = WebhookEndpoint
STATE = case((HOOK.disabled_at.is_not(None), "off"), (HOOK.failing_since.is_not(None), "failing"), else_="on")
STATES = {"on": "On", "failing": "Failing", "off": "Switched off"}
ALL, SOME = "all", "some"
COPY_NOW = (
    "Copy it now into the program that receives the events: it is not shown again. Every event is signed with it, after "
    "Standard Webhooks."
)


class WebhookForm(Form):  # type: ignore[misc] # WTForms ships no types
    """An address that is to get events."""

    url = URLField(
        "Address",
        [InputRequired("Write the address to which events are posted."), Length(max=2000)],
        description="On the public internet, starting with https://.",
    )
    description = StringField("What it is for", [Optional(), Length(max=200)])
    which = RadioField(
        "Events", choices=choices({ALL: "All, also those of later versions", SOME: "Only these:"}), default=ALL
    )
    events = SelectMultipleField(
        "Which events",
        choices=choices({name: f"{name}: {meaning}" for name, meaning in MEANINGS.items()}),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )


class WebhooksScreen(StudioRows):
    """The endpoints of one's studios, each with its deliveries."""

    least = Role.OWNER
    row = "endpoint_id"
    rows = select(
        HOOK.id,
        HOOK.studio_id,
        HOOK.url,
        HOOK.description,
        HOOK.events,
        STATE.label("state"),
        HOOK.failing_since,
        HOOK.disabled_at,
        HOOK.disabled_reason,
        HOOK.previous_secret_until,
        HOOK.created_at,
    )
    order = (HOOK.created_at, HOOK.id)
    columns = (
        Column(name="url", label="Address", sort=HOOK.url),
        Column(name="description", label="For"),
        Column(
            name="events",
            label="Events",
            show=lambda row: "All" if row.events is None else ", ".join(row.events),
        ),
        Column(
            name="state", label="State", words=STATES, tags={"on": "is-good", "failing": "is-warn", "off": "is-bad"}
        ),
        Column(name="created_at", label="Since", sort=HOOK.created_at),
    )
    more = (
        Column(name="failing_since", label="Failing since"),
        Column(name="disabled_at", label="Switched off"),
        Column(name="disabled_reason", label="Because"),
        Column(name="previous_secret_until", label="Old secret valid until"),
    )
    filters = (Choice(name="state", label="State", column=STATE, options=STATES),)
    searched = (HOOK.url, HOOK.description)
    search_label = "address, purpose"
    lede = "An address that fails for a day is switched off, and the owners get an email."
    empty = "Events go nowhere yet. Add the address of a program that is to know what happens here."
    new_label = "Add an address"
    details_template = "webhook.html"

    def details_values(self, desk: Desk, row: Any) -> dict[str, Any]:
        """Show what was sent there, or tried."""
        until = row.previous_secret_until
        return {
            "log": self._service(desk).log(endpoint_id=row.id, actor=desk.actor),
            "has_old_secret": until is not None and until > desk.now,
        }

    @form("/new", least=Role.OWNER)
    def new(self, desk: Desk) -> str:
        """Add an address, and show the secret this once: in this answer, which nothing keeps."""
        studio = desk.studio()
        filled = WebhookForm(request.form if request.method == "POST" else None)
        if desk.sent and filled.validate():
            some = filled.which.data == SOME
            new = self._service(desk).add_endpoint(
                studio_id=studio.id,
                url=filled.url.data.strip(),
                events=filled.events.data if some else None,
                description=(filled.description.data or "").strip() or None,
                actor=desk.actor,
            )
            return self._secret(new)
        return self.show(
            "simple_form.html",
            desk=put_at_fields(desk, filled),
            title="Add an address",
            fields=[filled.url, filled.description, filled.which, filled.events],
            button="Add it",
            studios=desk.studios,
            studio=studio,
        )

    @form("/<uuid:endpoint_id>/rotate", least=Role.OWNER)
    def rotate(self, desk: Desk, endpoint_id: UUID) -> str:
        """Change the secret, and show the new one this once."""
        endpoint = desk.own(WebhookEndpoint, endpoint_id)
        if desk.sent:
            return self._secret(self._service(desk).rotate_secret(endpoint_id=endpoint_id, actor=desk.actor))
        return self.show(
            "simple_form.html",
            desk=desk,
            title="Make a new secret?",
            sentences=[
                endpoint.url,
                "The new secret is shown once.",
                "For a day every event is signed with both, so that nothing is lost while you change it there.",
            ],
            button="Make a new secret",
            back=url_for(".details", endpoint_id=endpoint_id),
        )

    @act("/<uuid:endpoint_id>/end-old-secret", least=Role.OWNER)
    def end_old_secret(self, desk: Desk, endpoint_id: UUID) -> Done:
        """Sign with the newest secret alone."""
        self._service(desk).end_old_secret(endpoint_id=endpoint_id, actor=desk.actor)
        return self._done("Events are signed with the newest secret alone. The old one is valid no more.", endpoint_id)

    @act("/<uuid:endpoint_id>/test", least=Role.OWNER)
    def test(self, desk: Desk, endpoint_id: UUID) -> Done:
        """Send an event that says nothing but that it arrives."""
        self._service(desk).send_test(endpoint_id=endpoint_id, actor=desk.actor)
        return self._done("A test is on its way. Its answer is below within a minute or two.", endpoint_id)

    @act("/<uuid:endpoint_id>/enable", least=Role.OWNER)
    def enable(self, desk: Desk, endpoint_id: UUID) -> Done:
        """Send events there again."""
        self._service(desk).enable(endpoint_id=endpoint_id, actor=desk.actor)
        return self._done("Events are sent there again, from now on. What waited is sent by “Send again”.", endpoint_id)

    @act("/<uuid:endpoint_id>/disable", least=Role.OWNER)
    def disable(self, desk: Desk, endpoint_id: UUID) -> Done:
        """Send nothing there until it is switched on again."""
        self._service(desk).disable(endpoint_id=endpoint_id, actor=desk.actor)
        return self._done("Nothing is sent there until you switch it on again. What waits is kept.", endpoint_id)

    @form("/<uuid:endpoint_id>/remove", least=Role.OWNER)
    def remove(self, desk: Desk, endpoint_id: UUID) -> str | Done:
        """Forget the address, once that is confirmed."""
        endpoint = desk.own(WebhookEndpoint, endpoint_id)
        if desk.sent:
            self._service(desk).remove(endpoint_id=endpoint_id, actor=desk.actor)
            return Done(message="The address is removed. Nothing is sent there any more.", to=url_for(".index"))
        return self.show(
            "simple_form.html",
            desk=desk,
            title="Remove this address?",
            sentences=[
                endpoint.url,
                "Nothing is sent there any more, and its secret is forgotten. What waits for it is dropped.",
            ],
            button="Remove it",
            danger=True,
            back=url_for(".details", endpoint_id=endpoint_id),
        )

    def _service(self, desk: Desk) -> WebhookService:
        allowed = desk.state.settings.webhook_allow_private
        return WebhookService(desk.db_session, clock=desk.clock, allow_private=allowed)

    def _secret(self, new: NewSecret) -> str:
        return self.show(
            "secret.html",
            title="The secret, this once",
            label=f"Secret of {new.endpoint.url}",
            secret=new.secret,
            sentences=[COPY_NOW],
            to=url_for(".details", endpoint_id=new.endpoint.id),
        )

    def _done(self, message: str, endpoint_id: UUID) -> Done:
        return Done(message=message, to=url_for(".details", endpoint_id=endpoint_id))
