"""Kiosks: the tablets at the door, how one is paired, and how one is sent away."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length

from studio_reservations.admin.screens import Desk, Done, StaffScreen, act, form, page
from studio_reservations.models import KioskDevice, Role, Studio
from studio_reservations.services.kiosks import LONGEST_NAME, KioskService, kiosks_of

ENDPOINT = "studio_kiosks"


class KioskForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Where the tablet stands."""

    name = StringField(
        "Where it stands, such as “Front door”", [InputRequired("Write where it stands."), Length(max=LONGEST_NAME)]
    )


class KioskScreen(StaffScreen):
    """The tablets of a studio."""

    least = Role.MANAGER

    @page(least=Role.MANAGER)
    def index(self, desk: Desk) -> str:
        """List the tablets."""
        studio = desk.studio()
        return self.show(
            "kiosks.html",
            studio=studio,
            studios=desk.studios,
            kiosks=kiosks_of(desk.db_session, studio_id=studio.id, actor=desk.actor),
        )

    @form("/new", least=Role.MANAGER)
    def new(self, desk: Desk) -> str | Done:
        """Add a tablet, and show the code that pairs it this once."""
        studio = desk.studio()
        kiosk = KioskForm(desk.given)
        code = device = None
        if desk.sent and kiosk.validate():
            device, code = KioskService(desk.db_session, clock=desk.clock).add(
                studio_id=studio.id, name=kiosk.name.data, actor=desk.actor
            )
        return self.show(
            "kiosk_new.html",
            desk=desk,
            studio=studio,
            kiosk=kiosk,
            device=device,
            code=code,
            address=url_for("studio_kiosk.show", _external=True),
        )

    @act("/<uuid:kiosk_id>/revoke", least=Role.MANAGER)
    def revoke(self, desk: Desk, kiosk_id: UUID) -> Done:
        """Send a tablet away: it can check nobody in from now on."""
        device = desk.own(KioskDevice, kiosk_id)
        KioskService(desk.db_session, clock=desk.clock).revoke(device_id=device.id, actor=desk.actor)
        studio = desk.db_session.get_one(Studio, device.studio_id)
        return Done(
            message=f"“{device.name}” can check nobody in any more.",
            to=url_for(f"{ENDPOINT}.index", studio=studio.slug),
        )
