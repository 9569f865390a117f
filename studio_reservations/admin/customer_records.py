"""Two records made one, and a person erased: what cannot be taken back is shown before."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from wtforms import Form, StringField

from studio_reservations.admin.forms import NeededReasonForm
from studio_reservations.admin.people import id_asked, known_customer, say_when
from studio_reservations.admin.screens import Desk, Done, StaffScreen, form
from studio_reservations.models import Role
from studio_reservations.services.customer_views import customers_of_studio, likely_duplicates
from studio_reservations.services.customers import require_known
from studio_reservations.services.erasure import erase_by_staff, preview_erasure
from studio_reservations.services.merging import merge_customers, preview_merge


class EraseForm(Form):  # type: ignore[misc] # WTForms ships no types
    """The name, written once more, so that nobody is erased by a slip."""

    name = StringField("Write the customer’s name to confirm", render_kw={"autocomplete": "off"})


class CustomerRecords(StaffScreen):
    """What managers and owners do with the record of a customer."""

    @form("/<uuid:customer_id>/merge", least=Role.MANAGER)
    def merge(self, desk: Desk, customer_id: UUID) -> str | Done:
        """Choose the other record, look at what moves, and make the two one."""
        keep, studio = known_customer(desk, customer_id)
        desk.actor.require(studio.id, Role.MANAGER)
        session, region = desk.db_session, desk.state.settings.default_region
        other_id, reason = id_asked(desk.given, "with"), NeededReasonForm(desk.given)
        if other_id is None or other_id == keep.id:
            q = desk.given.get("q", "").strip()[:200]
            rows = customers_of_studio(
                session, actor=desk.actor, studio=studio, q=q, now=desk.now, limit=20, region=region
            )
            alike = likely_duplicates(
                session,
                actor=desk.actor,
                studio_id=studio.id,
                name=keep.name,
                email=keep.email,
                phone=keep.phone,
                region=region,
                but=keep.id,
            )
            found = [one for one in rows if one.id != keep.id] if q else []
            return self.show(
                "customer_merge_whom.html", desk=desk, studio=studio, customer=keep, q=q, found=found, alike=alike
            )
        gone = require_known(session, customer_id=other_id, studio_id=studio.id)
        if desk.sent and reason.validate():
            merge_customers(
                session,
                studio_id=studio.id,
                keep_id=keep.id,
                merge_id=gone.id,
                reason=reason.reason.data,
                actor=desk.actor,
                now=desk.now,
            )
            return Done(
                message=f"{gone.name} and {keep.name} are one customer now.",
                to=url_for(".customer", customer_id=keep.id, studio=studio.slug),
            )
        preview = preview_merge(
            session, studio_id=studio.id, keep_id=keep.id, merge_id=gone.id, actor=desk.actor, now=desk.now
        )
        return self.show(
            "customer_merge.html",
            desk=desk,
            studio=studio,
            preview=preview,
            reason=reason,
            when=lambda instant: say_when(instant, now=desk.now, timezone=studio.timezone),
        )

    @form("/<uuid:customer_id>/erase", least=Role.OWNER)
    def erase(self, desk: Desk, customer_id: UUID) -> str | Done:
        """Say what goes and what the books keep, then erase."""
        customer, studio = known_customer(desk, customer_id)
        desk.actor.require(studio.id, Role.OWNER)
        asked = EraseForm(desk.given)
        if desk.sent:
            if " ".join((asked.name.data or "").split()).casefold() == customer.name.casefold():
                erase_by_staff(
                    desk.db_session, customer_id=customer.id, studio_id=studio.id, actor=desk.actor, now=desk.now
                )
                return Done(
                    message="The customer is erased. The books keep what was used, without the person.",
                    to=url_for(".index", studio=studio.slug),
                )
            asked.name.errors = [f"That is not the name. Write {customer.name}."]
        preview = preview_erasure(
            desk.db_session, customer_id=customer.id, studio_id=studio.id, actor=desk.actor, now=desk.now
        )
        return self.show(
            "customer_erase.html", desk=desk, studio=studio, customer=customer, preview=preview, asked=asked
        )
