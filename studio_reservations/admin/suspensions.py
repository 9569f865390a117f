"""Suspensions: who may not reserve, why, what it has cost them, and lifting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import url_for
from wtforms import DateField, Form, HiddenField, StringField
from wtforms.validators import InputRequired, Optional

from studio_reservations.admin.forms import REASON, NeededReasonForm
from studio_reservations.admin.screens import Desk, Done, StaffScreen, cursor_of, form, page
from studio_reservations.models import Customer, CustomerSuspension, Role, Studio
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.customers import find_customers, require_known
from studio_reservations.services.no_show_views import suspension_view
from studio_reservations.services.suspension_views import count_of_suspensions, suspensions_told
from studio_reservations.services.suspensions import lift_suspension, suspend_customer

ENDPOINT = "studio_suspensions"
FOUND = 20


class SuspendForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Whom, through which day, and why."""

    customer_id = HiddenField()
    ends_on = DateField("Last suspended day", [InputRequired("Choose the last day.")])
    reason = StringField("Reason, kept in the history and shown to the customer", [InputRequired("Write why."), REASON])


class FindForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Whom to look for."""

    q = StringField("Name, e-mail or phone", [Optional()])


class SuspensionScreen(StaffScreen):
    """Who is suspended and who was. The desk sees it; managers suspend and lift."""

    @page(least=Role.FRONT_DESK)
    def index(self, desk: Desk) -> str:
        """Show the suspensions that cover now, or those that are over."""
        studio = desk.studio()
        active = desk.given.get("show") != "history"
        told, more = suspensions_told(
            desk.db_session,
            actor=desk.actor,
            studio=studio,
            active=active,
            now=desk.now,
            after=desk.cursor("after"),
        )
        counts = count_of_suspensions(desk.db_session, actor=desk.actor, studio=studio, now=desk.now)
        return self.show(
            "suspensions.html",
            studio=studio,
            studios=desk.studios,
            active=active,
            counts=counts,
            told=told,
            after=cursor_of(told[-1].row.starts_at, told[-1].row.id) if more else None,
            may_decide=desk.actor.has_role(studio.id, Role.MANAGER),
            today=local_date(desk.now, timezone=studio.timezone),
            local_date=local_date,
        )

    @form("/<uuid:suspension_id>/lift", least=Role.MANAGER)
    def lift(self, desk: Desk, suspension_id: UUID) -> str | Done:
        """End a suspension early."""
        suspension = desk.own(CustomerSuspension, suspension_id)
        row = suspension_view(desk.db_session, suspension.id)
        reason = NeededReasonForm(desk.given)
        reason.reason.label.text = f"Reason, kept in the history and shown to {row.customer_name}"
        if desk.sent and reason.validate():
            lift_suspension(
                desk.db_session,
                suspension_id=suspension.id,
                reason=reason.reason.data,
                actor=desk.actor,
                now=desk.now,
            )
            return Done(
                message=f"{row.customer_name} can reserve again.",
                to=url_for(f"{ENDPOINT}.index", studio=row.studio_slug),
            )
        return self.show("suspension_lift.html", desk=desk, row=row, reason=reason)

    @form("/new", least=Role.MANAGER)
    def new(self, desk: Desk) -> str | Done:
        """Suspend a customer by hand: first find them, then say until when and why."""
        studio = desk.studio()
        suspend = SuspendForm(desk.given)
        customer = self._chosen(desk, studio)
        if desk.sent and customer is not None and suspend.validate():
            suspend_customer(
                desk.db_session,
                customer_id=customer.id,
                studio_id=studio.id,
                ends_on=suspend.ends_on.data,
                reason=suspend.reason.data,
                actor=desk.actor,
                now=desk.now,
            )
            return Done(
                message=f"{customer.name} is suspended through {suspend.ends_on.data:%d %B}.",
                to=url_for(f"{ENDPOINT}.index", studio=studio.slug),
            )
        if customer is not None and not desk.given.get("ends_on"):
            suspend.ends_on.data = local_date(desk.now, timezone=studio.timezone) + timedelta(days=13)
        return self.show(
            "suspension_new.html",
            desk=desk,
            studio=studio,
            studios=desk.studios,
            suspend=suspend,
            customer=customer,
            find=FindForm(desk.given),
            found=self._found(desk, studio),
        )

    def _chosen(self, desk: Desk, studio: Studio) -> Customer | None:
        try:
            customer_id = UUID(desk.given.get("customer_id", ""))
        except ValueError:
            return None
        return require_known(desk.db_session, customer_id=customer_id, studio_id=studio.id)

    def _found(self, desk: Desk, studio: Studio) -> Sequence[Any] | None:
        query = desk.given.get("q", "").strip()
        if not query:
            return None
        return find_customers(
            desk.db_session,
            studio_id=studio.id,
            q=query,
            actor=desk.actor,
            limit=FOUND,
            region=desk.state.settings.default_region,
        )
