"""Whoever walks in without a reservation: found or added, with a pass, reserved and checked in at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for
from wtforms import Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from studio_reservations.admin.roster_acts import to_roster
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form, page
from studio_reservations.errors import InvalidRequest, ReasonRequired
from studio_reservations.models import ClassSession, Customer, Role
from studio_reservations.services.customers import create_customer, find_customers, require_known
from studio_reservations.services.directory import session_view
from studio_reservations.services.overrides import RESERVING, Override
from studio_reservations.services.roster_views import is_class_day, phase_of
from studio_reservations.services.walk_ins import DROP_IN, Choosable, passes_for_walk_in, walk_in

MOST_FOUND = 20
LONGEST_REASON = 1_000
ISSUE = "issue"
"""What the form says in place of a pass, where a drop-in is to be issued."""


class NewCustomerForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Somebody whom the studio does not know yet."""

    name = StringField(
        "Name", [InputRequired("Write a name."), Length(max=200, message="Write at most 200 characters.")]
    )
    email = StringField("E-mail address, if they like")
    phone = StringField("Phone, if they like")


class WalkInForm(Form):  # type: ignore[misc] # WTForms ships no types
    """With what, and why if a rule is set aside."""

    pass_id = StringField("Pass")
    reason = TextAreaField("Why", [Length(max=LONGEST_REASON, message="Write at most 1,000 characters.")])


class WalkIns(StaffScreen):
    """The two steps of a walk-in: who, and with what."""

    @page("/<uuid:session_id>/walk-in", least=Role.FRONT_DESK)
    def walk_in(self, desk: Desk, session_id: UUID) -> str:
        """Find the customer by name, phone or e-mail."""
        shown = self._session(desk, session_id)
        looked_for = request.args.get("q", "")[:100].strip()
        found: list[Customer] = []
        if looked_for:
            found = find_customers(
                desk.db_session,
                studio_id=shown["class_session"].studio_id,
                actor=desk.actor,
                q=looked_for,
                limit=MOST_FOUND + 1,
            )
        return self.show(
            "walk_in.html", looked_for=looked_for, found=found[:MOST_FOUND], more=len(found) > MOST_FOUND, **shown
        )

    @form("/<uuid:session_id>/walk-in/new", least=Role.FRONT_DESK)
    def walk_in_new(self, desk: Desk, session_id: UUID) -> str | Done:
        """Add a customer, and go on with them."""
        shown = self._session(desk, session_id)
        asked = NewCustomerForm(desk.given)
        if desk.sent and asked.validate():
            customer, _ = create_customer(
                desk.db_session,
                studio_id=shown["class_session"].studio_id,
                name=asked.name.data or "",
                email=asked.email.data,
                phone=asked.phone.data,
                actor=desk.actor,
                now=desk.now,
            )
            return Done(
                message=f"{customer.name} is a customer now.",
                to=url_for(".walk_in_as", session_id=session_id, customer_id=customer.id),
            )
        if isinstance(desk.refusal, InvalidRequest):
            for name, sentence in desk.refusal.values["errors"].items():
                asked[name].errors = [sentence]
        return self.show("walk_in_new.html", form=asked, **shown)

    @form("/<uuid:session_id>/walk-in/<uuid:customer_id>", least=Role.FRONT_DESK)
    def walk_in_as(self, desk: Desk, session_id: UUID, customer_id: UUID) -> str | Done:
        """Choose the pass or issue a drop-in, then reserve and check in at once."""
        shown = self._session(desk, session_id)
        session = shown["class_session"]
        customer = require_known(desk.db_session, customer_id=customer_id, studio_id=session.studio_id)
        passes = passes_for_walk_in(
            desk.db_session,
            actor=desk.actor,
            session_id=session_id,
            customer_id=customer_id,
            now=desk.now,
            pass_types=desk.state.pass_types,
        )
        may_issue = desk.actor.has_role(session.studio_id, Role.MANAGER) and DROP_IN in desk.state.pass_types
        started = shown["phase"] != "before" and not desk.actor.acts_for(customer_id)  # then there is no override
        asked = WalkInForm(desk.given)
        if desk.sent and asked.validate():
            chosen = self._chosen(asked.pass_id.data or "", passes, may_issue=may_issue)
            needed = set(chosen.set_aside) if chosen is not None else ({"session_started"} if started else set())
            walk_in(
                desk.db_session,
                actor=desk.actor,
                session_id=session_id,
                customer_id=customer_id,
                registration_id=None if chosen is None else chosen.held.id,
                now=desk.now,
                pass_types=desk.state.pass_types,
                override=self._override(needed, asked.reason.data or ""),
                check_in=shown["class_day"],
            )
            verb = "is checked in" if shown["class_day"] else "has a seat"
            return Done(message=f"{customer.name} {verb}.", to=to_roster(session_id))
        usable = [one for one in passes if one.refusal is None]
        return self.show(
            "walk_in_as.html",
            desk=desk,
            form=asked,
            customer=customer,
            passes=passes,
            usable=usable,
            may_issue=may_issue,
            asks_why=started or any(one.set_aside for one in usable),
            overridable=RESERVING,
            issue=ISSUE,
            **shown,
        )

    def _chosen(self, text: str, passes: Any, *, may_issue: bool) -> Choosable | None:
        """Return the pass that the form names, or None for a drop-in. :raises InvalidRequest: for any other word."""
        if text == ISSUE and may_issue:
            return None
        chosen: Choosable | None = next((one for one in passes if str(one.held.id) == text), None)
        if chosen is None:
            raise InvalidRequest(errors={"pass_id": "Choose with what they come."})
        return chosen

    def _override(self, needed: set[str], reason: str) -> Override | None:
        if not needed:
            return None
        if not reason.strip():
            raise ReasonRequired()
        return Override(rules=frozenset(needed), reason=reason.strip())

    def _session(self, desk: Desk, session_id: UUID) -> dict[str, Any]:
        desk.own(ClassSession, session_id)
        found = session_view(desk.db_session, session_id)
        return {
            "class_session": found,
            "timezone": found.timezone,
            "phase": phase_of(found, desk.now),
            "class_day": is_class_day(found, desk.now),
            "free": found.capacity - found.seats_taken,
        }
