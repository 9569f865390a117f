"""Customers: the front desk's way to a person, and all that one asks about them on the phone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from wtforms import Form, TextAreaField
from wtforms.validators import Length, Optional

from studio_reservations.admin.customer_details import CustomerDetails, DetailsForm
from studio_reservations.admin.customer_records import CustomerRecords
from studio_reservations.admin.customer_reserving import CustomerReserving
from studio_reservations.admin.form_conflicts import fresh, merge
from studio_reservations.admin.pass_words import ticket
from studio_reservations.admin.people import (
    PAGE_SIZE,
    known_customer,
    link_to,
    page_asked,
    paged,
    put_at_fields,
    roster_of,
    say_day,
    say_when,
)
from studio_reservations.admin.screens import Desk, Done, StaffScreen, act, form, page
from studio_reservations.admin.stories import told
from studio_reservations.models import Customer, Role, Rollout, Studio
from studio_reservations.services import customer_views as views
from studio_reservations.services.customers import LONGEST_NOTES, create_customer, set_internal, set_notes
from studio_reservations.services.listings import at_risk
from studio_reservations.services.pass_cards import cards_of, passes_of_customer
from studio_reservations.services.stories import story_of_customer
from studio_reservations.services.suspensions import current_suspension

STORY = 20
NOTES = Length(max=LONGEST_NOTES, message=f"Write at most {LONGEST_NOTES:,} characters.")


class CustomerForm(DetailsForm):
    """A new customer."""

    notes = TextAreaField("Notes", [Optional(), NOTES], description="For this studio’s staff alone.")


class NotesForm(Form):  # type: ignore[misc] # WTForms ships no types
    """What this studio's staff know of a customer."""

    notes = TextAreaField("Notes, for this studio’s staff alone", [Optional(), NOTES])


class CustomersScreen(CustomerReserving, CustomerDetails, CustomerRecords, StaffScreen):
    """The people whom a studio knows."""

    @page(least=Role.FRONT_DESK)
    def index(self, desk: Desk) -> str:
        """Find a customer by name, e-mail or phone."""
        studio, q, number = desk.studio(), desk.given.get("q", "").strip()[:200], page_asked(desk.given)
        rows = views.customers_of_studio(
            desk.db_session,
            actor=desk.actor,
            studio=studio,
            q=q,
            now=desk.now,
            limit=PAGE_SIZE + 1,
            skip=PAGE_SIZE * (number - 1),
            region=desk.state.settings.default_region,
        )
        return self.show(
            "customers.html",
            studio=studio,
            studios=desk.studios,
            q=q,
            listed=paged(rows, number),
            when=_when(desk, studio),
            on=_on(desk, studio),
        )

    @form("/new", least=Role.FRONT_DESK)
    def new(self, desk: Desk) -> str | Done:
        """Add a customer; whoever may be the same person is shown first."""
        studio, asked = desk.studio(), CustomerForm(desk.given)
        region = desk.state.settings.default_region
        alike: list[tuple[Customer, tuple[str, ...]]] = []
        if desk.sent and asked.validate():
            alike = views.likely_duplicates(
                desk.db_session,
                actor=desk.actor,
                studio_id=studio.id,
                name=asked.name.data,
                email=asked.email.data,
                phone=asked.phone.data,
                region=region,
            )
            if not alike or desk.given.get("anyway") == asked.mark:
                customer, is_new = create_customer(
                    desk.db_session,
                    studio_id=studio.id,
                    name=asked.name.data,
                    email=asked.email.data,
                    phone=asked.phone.data,
                    notes=asked.notes.data or None,
                    actor=desk.actor,
                    now=desk.now,
                    region=region,
                )
                return Done(
                    message=f"{customer.name} is a customer of {studio.name} now."
                    if is_new
                    else f"{studio.name} knows {customer.name} by this name and e-mail already. Nobody was added.",
                    to=url_for(".customer", customer_id=customer.id, studio=studio.slug),
                )
        elif desk.refusal is not None:
            asked.validate()
            desk = put_at_fields(desk, asked)
        return self.show(
            "customer_new.html", desk=desk, studio=studio, studios=desk.studios, asked=asked, alike=alike, region=region
        )

    @page("/<uuid:customer_id>/", least=Role.FRONT_DESK)
    def customer(self, desk: Desk, customer_id: UUID) -> str:
        """Show a customer: passes, reservations, what was missed, and the whole story."""
        customer, studio = known_customer(desk, customer_id)
        session, here = desk.db_session, {"customer_id": customer.id, "studio_id": studio.id}
        link, number = views.link_of(session, **here), page_asked(desk.given)
        notes = NotesForm(data={"notes": link.notes})
        story = story_of_customer(session, **here, limit=STORY + 1, skip=STORY * (number - 1))
        return self.show(
            "customer.html",
            studio=studio,
            studios=desk.studios,
            customer=customer,
            internal=link.internal,
            asks_internal=studio.rollout == Rollout.INTERNAL,
            notes=notes,
            merged=merge(desk, notes, notes),
            tickets=[ticket(one, now=desk.now) for one in self._cards(desk, customer, studio)],
            coming=views.coming_of(session, **here, now=desk.now),
            missed=views.missed_by(session, customer_id=customer.id, studio=studio, now=desk.now),
            missed_link=link_to("studio_no_shows.of_customer", customer_id=customer.id, studio=studio.slug),
            at_risk=lambda row: at_risk(row, now=desk.now),
            suspension=current_suspension(session, **here, now=desk.now),
            suspensions=views.suspensions_of(session, **here),
            guardians=views.acting_for(session, **here),
            wards=views.wards_of(session, **here),
            story=paged(
                told(story, now=desk.now, timezone=studio.timezone, me=desk.actor.id, whose=customer.id),
                number,
                size=STORY,
            ),
            may_manage=desk.actor.has_role(studio.id, Role.MANAGER),
            may_own=desk.actor.has_role(studio.id, Role.OWNER),
            issue_link=link_to("studio_passes.issue", customer=customer.id, studio=studio.slug),
            suspend_link=link_to("studio_suspensions.new", customer_id=customer.id, studio=studio.slug),
            roster_of=roster_of,
            when=_when(desk, studio),
            on=_on(desk, studio),
        )

    @form("/<uuid:customer_id>/notes", least=Role.FRONT_DESK)
    def notes(self, desk: Desk, customer_id: UUID) -> str | Done:
        """Write the studio's notes of a customer."""
        customer, studio = known_customer(desk, customer_id)
        link = fresh(desk, views.link_of(desk.db_session, customer_id=customer.id, studio_id=studio.id))
        asked = NotesForm(desk.given if "notes" in desk.given else None, obj=link)
        merged = merge(desk, asked, NotesForm(obj=link))
        if asked.validate() and desk.sent and not merged.conflicts:
            set_notes(
                desk.db_session,
                studio_id=studio.id,
                customer_id=customer.id,
                notes=asked.notes.data or "",
                actor=desk.actor,
                now=desk.now,
            )
            return Done(message="The notes are saved.", to=_to(customer, studio))
        return self.show("customer_notes.html", desk=desk, studio=studio, customer=customer, asked=asked, merged=merged)

    @act("/<uuid:customer_id>/internal", least=Role.OWNER)
    def internal(self, desk: Desk, customer_id: UUID) -> Done:
        """Let a customer in while the rollout is internal, or no longer."""
        customer, studio = known_customer(desk, customer_id)
        internal = desk.given.get("internal") == "1"
        set_internal(
            desk.db_session,
            studio_id=studio.id,
            customer_id=customer.id,
            internal=internal,
            actor=desk.actor,
            now=desk.now,
        )
        message = "can reserve while reservations are internal" if internal else "waits until reservations are on"
        return Done(message=f"{customer.name} {message}.", to=_to(customer, studio))

    def _cards(self, desk: Desk, customer: Customer, studio: Studio) -> Any:
        rows = passes_of_customer(desk.db_session, customer_id=customer.id, studio_id=studio.id)
        return cards_of(desk.db_session, rows, timezone=studio.timezone, now=desk.now, pass_types=desk.state.pass_types)


def _to(customer: Customer, studio: Studio) -> str:
    return url_for(".customer", customer_id=customer.id, studio=studio.slug)


def _when(desk: Desk, studio: Studio) -> Any:
    return lambda instant: say_when(instant, now=desk.now, timezone=studio.timezone)


def _on(desk: Desk, studio: Studio) -> Any:
    return lambda day: say_day(day, now=desk.now, timezone=studio.timezone)
