"""Name, e-mail and phone of a customer, put right by the front desk."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, Optional

from studio_reservations.admin.form_conflicts import fresh, mark_of, merge
from studio_reservations.admin.people import known_customer, put_at_fields
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form
from studio_reservations.models import Role
from studio_reservations.services.contact import checked_name, checked_phone
from studio_reservations.services.customer_details import correct_customer, fields_of_portal, may_correct
from studio_reservations.services.customer_views import likely_duplicates

AS_SAID = {"name": "name", "email": "e-mail", "phone": "phone"}
"""How `likely_duplicates` calls the fields."""


class DetailsForm(Form):  # type: ignore[misc] # WTForms ships no types
    """What a customer is called and how they are reached."""

    name = StringField(
        "Name",
        [InputRequired("Write the customer’s name."), Length(max=200, message="Write at most 200 characters.")],
        render_kw={"autocomplete": "off", "autofocus": True},
    )
    email = StringField(
        "E-mail",
        [Optional(), Length(max=200, message="Write at most 200 characters.")],
        description="For confirmations and reminders. Somebody who signs in to the portal with it finds their passes there.",
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )
    phone = StringField(
        "Phone",
        [Optional(), Length(max=50, message="Write at most 50 characters.")],
        description="As one dials it here, or with the country code.",
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )

    @property
    def mark(self) -> str:
        """What tells the three from others: another person is said to be one only of those that were looked at."""
        return mark_of([(self[name].data or "").strip() for name in AS_SAID])


class CustomerDetails(StaffScreen):
    """What the front desk puts right in the record of a customer."""

    @form("/<uuid:customer_id>/details", least=Role.FRONT_DESK)
    def details(self, desk: Desk, customer_id: UUID) -> str | Done:
        """Change name, e-mail and phone; whoever may be the same person then is shown first."""
        customer, studio = known_customer(desk, customer_id)
        session, region = desk.db_session, desk.state.settings.default_region
        customer = fresh(desk, customer)
        of_portal = fields_of_portal(session, customer_id=customer.id)
        asked = DetailsForm(desk.given if "name" in desk.given else None, obj=customer)
        saved = DetailsForm(obj=customer)
        merged = merge(
            desk,
            asked,
            saved,
            stored={
                "name": lambda form: checked_name(form.name.data or "", {}),
                "phone": lambda form: checked_phone(form.phone.data, region, {}) or form.phone.data,
            },
        )
        touched = merged.changed.difference(of_portal)
        elsewhere = not may_correct(session, customer_id=customer.id, actor=desk.actor)
        alike = []
        if desk.sent and not elsewhere and asked.validate() and not merged.conflicts:
            changed = {AS_SAID[name] for name in touched}
            typed = {name: asked[name].data for name in AS_SAID}
            found = likely_duplicates(
                session, actor=desk.actor, studio_id=studio.id, **typed, region=region, but=customer.id
            )
            alike = [(one, same) for one, same in found if changed.intersection(same)]
            if not alike or desk.given.get("anyway") == asked.mark:
                correct_customer(
                    session,
                    studio_id=studio.id,
                    customer_id=customer.id,
                    **typed,
                    actor=desk.actor,
                    now=desk.now,
                    region=region,
                )
                return Done(
                    message=f"The details of {customer.name} are saved.",
                    to=url_for(".customer", customer_id=customer.id, studio=studio.slug),
                )
        elif desk.refusal is not None:
            asked.validate()
            desk = put_at_fields(desk, asked)
        for name in of_portal:
            asked[name].data, asked[name].render_kw = saved[name].data, {"readonly": True}
            asked[name].description = "The portal says this. The customer changes it in their account there."
        first = next(one for one in asked if one.short_name not in of_portal)
        first.render_kw = {**first.render_kw, "autofocus": True}
        return self.show(
            "customer_details.html",
            desk=desk,
            studio=studio,
            customer=customer,
            asked=asked,
            merged=merged,
            alike=alike,
            elsewhere=elsewhere,
            typed=[asked[name] for name in AS_SAID if name in touched],
            may_manage=desk.actor.has_role(studio.id, Role.MANAGER),
        )
