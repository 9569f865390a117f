"""Staff and roles: who works here, and what they may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy import case, select
from wtforms import EmailField, Form, RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from studio_reservations.admin.forms import choices
from studio_reservations.admin.row_filters import Choice
from studio_reservations.admin.rows import Column, StudioRows
from studio_reservations.admin.screens import Desk, Done, act, form
from studio_reservations.models import Role, StudioStaff
from studio_reservations.services.staff import StaffService

ROLES = {
    Role.INSTRUCTOR.value: "Instructor",
    Role.FRONT_DESK.value: "Front desk",
    Role.MANAGER.value: "Manager",
    Role.OWNER.value: "Owner",
}
MAY = {
    Role.INSTRUCTOR.value: "Instructor: the rosters of their own sessions, and check-in there.",
    Role.FRONT_DESK.value: "Front desk: customers, reservations, check-in and no-shows, in every session.",
    Role.MANAGER.value: "Manager: also waives, restores, suspends, issues passes and changes policies and the schedule.",
    Role.OWNER.value: "Owner: also staff, tokens and webhooks.",
}
ACTIVE = case((StudioStaff.active.is_(True), "yes"), else_="no")
WORKS = {"yes": "Works here", "no": "Not any more"}
UNKNOWN = (
    "The portal has no user with this address, or cannot be asked by address. They log in there first; then add them, or let "
    "whoever runs the portal add them with flask studio staff add."
)


class RoleForm(Form):  # type: ignore[misc] # WTForms ships no types
    """What somebody may do."""

    role = RadioField("Role", [InputRequired("Choose a role.")], choices=choices(MAY), default=Role.FRONT_DESK.value)


class NewStaffForm(RoleForm):
    """Somebody who is to work here."""

    email = EmailField(
        "Their e-mail address in the portal",
        [InputRequired("Write the address with which they log in."), Length(max=200)],
    )
    name = StringField(
        "Name that colleagues see", [Optional(), Length(max=200)], description="Left empty, it is the portal's."
    )


class StaffRolesScreen(StudioRows):
    """Who works in one's studios."""

    least = Role.OWNER
    row = "staff_id"
    rows = select(
        StudioStaff.id,
        StudioStaff.studio_id,
        StudioStaff.name,
        StudioStaff.user_id,
        StudioStaff.role,
        ACTIVE.label("active"),
        StudioStaff.created_at,
    )
    order = (StudioStaff.active.desc(), StudioStaff.name, StudioStaff.id)
    columns = (
        Column(
            name="name", label="Name", sort=StudioStaff.name, show=lambda row: row.name or f"Portal user {row.user_id}"
        ),
        Column(name="role", label="Role", words=ROLES, sort=StudioStaff.role),
        Column(name="active", label="State", words=WORKS, tags={"yes": "is-good", "no": ""}, sort=ACTIVE),
        Column(name="created_at", label="Since", sort=StudioStaff.created_at),
    )
    more = (Column(name="user_id", label="Portal’s id"),)
    filters = (
        Choice(name="role", label="Role", column=StudioStaff.role, options=ROLES),
        Choice(name="state", label="State", column=ACTIVE, options=WORKS),
    )
    searched = (StudioStaff.name, StudioStaff.user_id)
    search_label = "name"
    lede = "Each role may all that the ones before it may: instructor, front desk, manager, owner."
    new_label = "Add somebody"
    details_template = "staff_member.html"

    def details_values(self, desk: Desk, row: Any) -> dict[str, Any]:
        """Show the form that changes the role."""
        return {"form": RoleForm(data={"role": row.role}), "works_here": row.active == "yes"}

    @form("/new", least=Role.OWNER)
    def new(self, desk: Desk) -> str | Done:
        """Let a portal user work here, found by their address."""
        studio = desk.studio()
        filled = NewStaffForm(request.form if request.method == "POST" else None)
        if desk.sent and filled.validate():
            user = desk.state.identity.user_by_email(filled.email.data.strip())
            if user is not None:
                member = StaffService(desk.db_session, clock=desk.clock).appoint(
                    studio_id=studio.id,
                    user_id=user.id,
                    role=Role(filled.role.data),
                    name=(filled.name.data or "").strip() or user.name,
                    actor=desk.actor,
                )
                who = member.name or filled.email.data
                return Done(
                    message=f"{who} is {ROLES[member.role].lower()} at {studio.name} from now on.",
                    to=url_for(".details", staff_id=member.id),
                )
            filled.email.errors = [UNKNOWN]
        return self.show(
            "simple_form.html",
            desk=desk,
            title="Add somebody",
            fields=[filled.email, filled.name, filled.role],
            button="Add them",
            studios=desk.studios,
            studio=studio,
        )

    @act("/<uuid:staff_id>/role", least=Role.OWNER)
    def change_role(self, desk: Desk, staff_id: UUID) -> Done:
        """Let them do more or less, or work here again."""
        member = desk.own(StudioStaff, staff_id)
        filled = RoleForm(request.form)
        if filled.validate():
            member = StaffService(desk.db_session, clock=desk.clock).change_role(
                staff_id=staff_id, role=Role(filled.role.data), actor=desk.actor
            )
            message = f"{member.name or 'This user'} is {ROLES[member.role].lower()} from now on."
        else:
            message = "Nothing was changed: choose a role."
        return Done(message=message, to=url_for(".details", staff_id=staff_id))

    @form("/<uuid:staff_id>/deactivate", least=Role.OWNER)
    def deactivate(self, desk: Desk, staff_id: UUID) -> str | Done:
        """Let them in no more, once that is confirmed."""
        member = desk.own(StudioStaff, staff_id)
        who = member.name or f"Portal user {member.user_id}"
        back = url_for(".details", staff_id=staff_id)
        if desk.sent:
            StaffService(desk.db_session, clock=desk.clock).deactivate(staff_id=staff_id, actor=desk.actor)
            return Done(message=f"{who} does not work here any more.", to=back)
        return self.show(
            "simple_form.html",
            desk=desk,
            title=f"Let {who} in no more?",
            sentences=[
                "They see none of the staff screens of this studio from now on. Their login to the portal stays.",
                "What they did stays in the history under their name. They can be let in again.",
            ],
            button="Let them in no more",
            danger=True,
            back=back,
        )
