"""Passes: the list, issuing one, and the page of one with its punches and its story."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import url_for
from werkzeug.datastructures import MultiDict
from wtforms import DateField, Form, SelectField
from wtforms.validators import NumberRange, Optional

from studio_reservations.admin import pass_options
from studio_reservations.admin.forms import choices
from studio_reservations.admin.pass_acts import PassActs
from studio_reservations.admin.pass_words import figures, ticket
from studio_reservations.admin.people import (
    PAGE_SIZE,
    id_asked,
    page_asked,
    paged,
    put_at_fields,
    say_when,
)
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form, page
from studio_reservations.admin.stories import punches, told
from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import ClassRegistration, Customer, Role, Studio
from studio_reservations.pass_type_registry import InstalledPassType
from studio_reservations.services.customer_views import customers_of_studio
from studio_reservations.services.customers import known_to, require_known
from studio_reservations.services.issuing import MOST_GRACE_HOURS, issue_registration
from studio_reservations.services.pass_cards import (
    SOON_DAYS,
    Standing,
    Wanted,
    cards_of,
    classes_for,
    members_of,
    pass_row,
    passes_of_studio,
)
from studio_reservations.services.pass_members import MOST_MEMBERS
from studio_reservations.services.stories import punches_of_pass, story_of_pass

STORY = 20
STANDINGS = {
    Standing.IN_USE: "In use",
    Standing.FROZEN: "Frozen",
    Standing.OVER: "Over",
    Standing.CANCELLED: "Cancelled",
    Standing.ALL: "All",
}


class TermsForm(Form):  # type: ignore[misc] # WTForms ships no types
    """What every pass has, whatever its type."""

    class_id = SelectField("For", description="A class, or every class of the studio.")
    valid_from = DateField("First day", [Optional()], description="Empty: at once.")
    valid_until = DateField("Last day", [Optional()], description="Empty: without an end.")
    grace = pass_options.WholeField(
        "Grace after a missed class, in hours",
        [Optional(), NumberRange(0, MOST_GRACE_HOURS, f"Write hours from 0 to {MOST_GRACE_HOURS:,}.")],
        description="Empty: as the studio’s policy says.",
        render_kw={"inputmode": "numeric"},
    )


class PassesScreen(PassActs, StaffScreen):
    """The passes that a studio has issued; managers issue and change them, the front desk looks."""

    @page(least=Role.FRONT_DESK)
    def index(self, desk: Desk) -> str:
        """Find passes by holder, type and how they stand."""
        studio, number = desk.studio(), page_asked(desk.given)
        types = desk.state.pass_types
        asked_type = desk.given.get("type") or None
        standing = desk.given.get("standing")
        wanted = Wanted(
            q=desk.given.get("q", "").strip()[:200],
            pass_type=asked_type if asked_type in types else None,
            standing=Standing(standing) if standing in list(Standing) else Standing.IN_USE,
            ends_soon=desk.given.get("soon") == "1",
            missing=desk.given.get("missing") == "1",
        )
        rows = passes_of_studio(
            desk.db_session,
            actor=desk.actor,
            studio=studio,
            wanted=wanted,
            pass_types=types,
            now=desk.now,
            limit=PAGE_SIZE + 1,
            skip=PAGE_SIZE * (number - 1),
            region=desk.state.settings.default_region,
        )
        listed = paged(rows, number)
        cards = cards_of(
            desk.db_session, listed.rows, timezone=studio.timezone, now=desk.now, pass_types=desk.state.pass_types
        )
        return self.show(
            "passes.html",
            studio=studio,
            studios=desk.studios,
            wanted=wanted,
            unknown_type=asked_type is not None and wanted.pass_type is None,
            types=sorted(types, key=lambda one: one.label),
            standings=STANDINGS,
            soon_days=SOON_DAYS,
            listed=listed,
            tickets=[ticket(one, now=desk.now) for one in cards],
            may_manage=desk.actor.has_role(studio.id, Role.MANAGER),
        )

    @page("/<uuid:registration_id>/", least=Role.FRONT_DESK)
    def registration(self, desk: Desk, registration_id: UUID) -> str:
        """Show a pass: what is left, its terms, its punches and its story."""
        desk.own(ClassRegistration, registration_id)
        row, number = pass_row(desk.db_session, registration_id), page_asked(desk.given)
        timezone, types = row.timezone, desk.state.pass_types
        (card,) = cards_of(desk.db_session, [row], timezone=timezone, now=desk.now, pass_types=types)
        plugin = types.find(row.pass_type)
        ledger = punches_of_pass(desk.db_session, registration_id=row.id, limit=STORY + 1, skip=STORY * (number - 1))
        story = story_of_pass(desk.db_session, registration_id=row.id, limit=STORY + 1, skip=STORY * (number - 1))
        return self.show(
            "pass.html",
            row=row,
            card=card,
            ticket=ticket(card, now=desk.now),
            options=_options(desk, row, plugin) if plugin else [],
            figures=figures(card, now=desk.now),
            members=members_of(desk.db_session, row.id),
            punches=paged(punches(ledger, now=desk.now, timezone=timezone), number, size=STORY),
            story=paged(
                told(story, now=desk.now, timezone=timezone, me=desk.actor.id, whose=row.customer_id),
                number,
                size=STORY,
            ),
            may_manage=desk.actor.has_role(row.studio_id, Role.MANAGER),
            when=lambda instant: say_when(instant, now=desk.now, timezone=timezone),
        )

    @form("/issue", least=Role.MANAGER)
    def issue(self, desk: Desk) -> str | Done:
        """Issue a pass: for whom, of which type, on which terms; shown before it is done."""
        studio = desk.studio()
        customer_id, key = id_asked(desk.given, "customer"), desk.given.get("type", "")
        values: dict[str, Any] = {"desk": desk, "studio": studio, "studios": desk.studios}
        if customer_id is None:
            q = desk.given.get("q", "").strip()[:200]
            return self.show("pass_issue_whom.html", **values, q=q, found=_found(desk, studio, q, set()) if q else [])
        customer = require_known(desk.db_session, customer_id=customer_id, studio_id=studio.id)
        plugin = desk.state.pass_types.find(key)
        if plugin is None:
            types = sorted(desk.state.pass_types, key=lambda one: (one.rank, one.label))
            return self.show("pass_issue_type.html", **values, customer=customer, types=types)
        return self._issue_form(desk, studio, customer, plugin, values)

    def _issue_form(
        self, desk: Desk, studio: Studio, customer: Customer, plugin: InstalledPassType, values: dict[str, Any]
    ) -> str | Done:
        fields = pass_options.option_fields(plugin)
        given = desk.given if desk.given.get("sent") else None
        kind = pass_options.options_form(fields, classes=_titles(desk, studio.id, plugin.key))
        options, terms = kind(given, data=pass_options.defaults(fields)), TermsForm(given)
        classes = classes_for(desk.db_session, studio_id=studio.id, pass_type=plugin.key)
        terms.class_id.choices = choices({"": "All classes"} | {str(one.id): one.title for one in classes})
        members = _members(desk, studio, customer)
        preview: Any = None
        seen = ""
        valid = given is not None and all([options.validate(), terms.validate()])
        if desk.sent and valid and desk.given.get("step") in ("preview", "issue"):
            chosen = pass_options.chosen(options, fields)
            seen = _digest(chosen, terms.data, [one.id for one in members])
            looked_at = desk.given["step"] == "issue" and desk.given.get("seen") == seen
            preview = self._issue(desk, studio, customer, plugin, chosen, terms, members, for_good=looked_at)
            if isinstance(preview, Done):
                return preview
        values["desk"] = put_at_fields(desk, options, terms, renamed=_field_of)
        q = desk.given.get("q", "").strip()[:200]
        return self.show(
            "pass_issue.html",
            **values,
            customer=customer,
            plugin=plugin,
            options=pass_options.grouped(options, fields),
            terms=terms,
            members=members,
            q=q,
            found=_found(desk, studio, q, {customer.id, *(one.id for one in members)}) if q else [],
            preview=preview,
            seen=seen,
        )

    def _issue(
        self,
        desk: Desk,
        studio: Studio,
        customer: Customer,
        plugin: InstalledPassType,
        chosen: dict[str, Any],
        terms: TermsForm,
        members: list[Customer],
        *,
        for_good: bool,
    ) -> Done | Any:
        """Issue the pass; unless it is ``for_good``, take it back and return how it would look."""
        with desk.db_session.begin_nested() as point:
            registration = issue_registration(
                desk.db_session,
                studio_id=studio.id,
                customer_id=customer.id,
                pass_type=plugin.key,
                pass_options=chosen,
                class_id=id_asked(MultiDict({"class_id": terms.class_id.data or ""}), "class_id"),
                members=[one.id for one in members],
                valid_from=terms.valid_from.data,
                valid_until=terms.valid_until.data,
                absence_grace_period_hours=terms.grace.data,
                actor=desk.actor,
                now=desk.now,
                pass_types=desk.state.pass_types,
            )
            row = pass_row(desk.db_session, registration.id)
            (card,) = cards_of(
                desk.db_session, [row], timezone=studio.timezone, now=desk.now, pass_types=desk.state.pass_types
            )
            shown = ticket(card, now=desk.now)
            if not for_good:
                point.rollback()
                return shown
        return Done(
            message=f"{shown.kind} for {customer.name}: {shown.title}, {shown.left.lower()}.",
            to=url_for(".registration", registration_id=row.id),
        )


def _members(desk: Desk, studio: Studio, customer: Customer) -> list[Customer]:
    """Return the further people named in the form, without those taken out again; ``add`` is looked for by name."""
    ids = set()
    for text in desk.given.getlist("member")[:MOST_MEMBERS]:
        try:
            ids.add(UUID(text))
        except ValueError:
            continue
    ids -= {id_asked(desk.given, "remove"), customer.id}
    if not ids:
        return []
    found = known_to(studio.id).where(Customer.id.in_(ids)).order_by(Customer.name, Customer.id)
    return list(desk.db_session.scalars(found))


def _digest(*terms: Any) -> str:
    """Return what tells terms from others: a pass is issued on those only that were looked at."""
    return sha256(json.dumps(terms, sort_keys=True, default=str).encode()).hexdigest()


def _titles(desk: Desk, studio_id: UUID, pass_type: str) -> dict[str, str]:
    return {str(one.id): one.title for one in classes_for(desk.db_session, studio_id=studio_id, pass_type=pass_type)}


def _options(desk: Desk, row: Any, plugin: InstalledPassType) -> list[tuple[str, str]]:
    """Return the options with which a pass was issued; nothing where its plugin cannot say what they mean."""
    try:
        fields = pass_options.option_fields(plugin)
    except PassTypeUnavailable:
        return []
    return pass_options.said(fields, row.pass_options, classes=_titles(desk, row.studio_id, row.pass_type))


def _field_of(name: str) -> str:
    """Return the control of what a service calls ``name``."""
    if name.startswith("pass_options."):
        return pass_options.name_of(name)
    return {"absence_grace_period_hours": "grace"}.get(name, name)


def _found(desk: Desk, studio: Studio, q: str, but: set[UUID]) -> list[Any]:
    region = desk.state.settings.default_region
    rows = customers_of_studio(
        desk.db_session, actor=desk.actor, studio=studio, q=q, now=desk.now, limit=10 + len(but), region=region
    )
    return [one for one in rows if one.id not in but]
