"""Tokens: keys to the API, shown once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from sqlalchemy import case, func, select
from wtforms import DateField, EmailField, Form, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from studio_reservations.admin.forms import choices
from studio_reservations.admin.people import put_at_fields
from studio_reservations.admin.row_filters import Choice
from studio_reservations.admin.row_values import shown
from studio_reservations.admin.rows import Column, StudioRows
from studio_reservations.admin.screens import Desk, Done, form
from studio_reservations.admin.staff_roles import ROLES
from studio_reservations.errors import InvalidRequest
from studio_reservations.models import ApiToken, Customer, CustomerStudio, Role, Studio, TokenScope
from studio_reservations.policies.local_time import day_start
from studio_reservations.services.customers import customers_by_email
from studio_reservations.services.tokens import TokenService

SCOPES = {TokenScope.READ.value: "Reads only", TokenScope.WRITE.value: "Reads and writes"}
STATE = case((ApiToken.revoked_at.is_not(None), "revoked"), else_="valid")
STATES = {"valid": "Valid", "revoked": "Revoked"}
OF_CUSTOMER = "customer"
LAST_DAY = date(2099, 12, 31)


class TokenForm(Form):  # type: ignore[misc] # WTForms ships no types
    """A token that is to be made."""

    name = StringField(
        "What it is for",
        [InputRequired("Write what the token is for."), Length(max=200)],
        description="Such as the name of the program that uses it: by this you know which one to revoke.",
    )
    role = SelectField(
        "What it may",
        choices=choices(
            {**{role: f"{words} of the studio" for role, words in ROLES.items()}, OF_CUSTOMER: "One customer"}
        ),
        default=Role.FRONT_DESK.value,
        description="A token of the studio may what that role may. A token of a customer may what they may themselves.",
    )
    customer_id = EmailField(
        "E-mail address of the customer", [Optional(), Length(max=200)], description="For one customer only."
    )
    scope = RadioField("Scope", choices=choices(SCOPES), default=TokenScope.READ.value)
    expires_at = DateField(
        "Last day", [Optional()], description="Left empty, the token is valid until somebody revokes it."
    )


def _expiry(row: Any) -> str:
    if row.expires_at is None:
        return "Never"
    return shown(row.expires_at, row.timezone) + (", over" if row.expires_at <= g.studio_now else "")


class TokensScreen(StudioRows):
    """The tokens of one's studios, and of the customers whom they know. The tokens themselves are not kept."""

    least = Role.OWNER
    row = "token_id"
    rows = (
        select(
            ApiToken.id,
            func.coalesce(ApiToken.studio_id, CustomerStudio.studio_id).label("studio_id"),
            ApiToken.name,
            ApiToken.role,
            Customer.name.label("customer"),
            ApiToken.scope,
            ApiToken.created_at,
            ApiToken.created_by,
            ApiToken.expires_at,
            ApiToken.revoked_at,
            STATE.label("state"),
        )
        .outerjoin(CustomerStudio, CustomerStudio.customer_id == ApiToken.customer_id)
        .outerjoin(Customer, Customer.id == ApiToken.customer_id)
    )
    order = (ApiToken.created_at.desc(), ApiToken.id.desc())
    columns = (
        Column(name="name", label="For", sort=ApiToken.name),
        Column(name="role", label="May", show=lambda row: row.customer or ROLES[row.role]),
        Column(name="scope", label="Scope", words=SCOPES),
        Column(name="created_at", label="Made", sort=ApiToken.created_at),
        Column(name="expires_at", label="Expires", sort=ApiToken.expires_at, show=_expiry),
        Column(name="state", label="State", words=STATES, tags={"valid": "is-good", "revoked": ""}),
    )
    more = (Column(name="revoked_at", label="Revoked"), Column(name="created_by", label="Made by"))
    filters = (Choice(name="state", label="State", column=STATE, options=STATES),)
    searched = (ApiToken.name, Customer.name)
    search_label = "purpose, customer"
    lede = "A token is shown once, when it is made, and kept as a hash only."
    empty = "No token yet. A program that uses the API needs one: make it here, and give it the least that it needs."
    new_label = "Make a token"
    details_template = "token.html"

    @form("/new", least=Role.OWNER)
    def new(self, desk: Desk) -> str:
        """Make a token, and show it this once: in this answer, which nothing keeps."""
        studio = desk.studio()
        filled = TokenForm(request.form if request.method == "POST" else None)
        if desk.sent and filled.validate():
            new = TokenService(desk.db_session, clock=desk.clock).create(
                studio_id=studio.id,
                actor=desk.actor,
                name=filled.name.data,
                scope=TokenScope(filled.scope.data),
                expires_at=_through(filled.expires_at.data, studio),
                **_whose(desk, filled, studio),
            )
            return self.show(
                "secret.html",
                title="The token, this once",
                label=f"Token for {new.token.name}",
                secret=new.secret,
                sentences=["Copy it now. It is not kept, and cannot be shown again; whoever has it may use it."],
                to=url_for(".index"),
            )
        return self.show(
            "simple_form.html",
            desk=put_at_fields(desk, filled),
            title="Make a token",
            fields=[filled.name, filled.role, filled.customer_id, filled.scope, filled.expires_at],
            button="Make it",
            studios=desk.studios,
            studio=studio,
        )

    @form("/<uuid:token_id>/revoke", least=Role.OWNER)
    def revoke(self, desk: Desk, token_id: UUID) -> str | Done:
        """Make a token worthless, once that is confirmed."""
        row = self.one_row(desk, token_id)
        if desk.sent:
            TokenService(desk.db_session, clock=desk.clock).revoke(
                token_id=token_id, studio_id=row.studio_id, actor=desk.actor
            )
            return Done(message=f"The token for {row.name} is worthless from now on.", to=url_for(".index"))
        return self.show(
            "simple_form.html",
            desk=desk,
            title=f"Revoke the token for {row.name}?",
            sentences=[
                "Whatever uses it is refused from now on. It cannot be made valid again; make a new one instead."
            ],
            button="Revoke it",
            danger=True,
            back=url_for(".details", token_id=token_id),
        )


def _through(day: date | None, studio: Studio) -> Any:
    """Return the first instant after the studio's last day of a token."""
    if day is None:
        return None
    if day > LAST_DAY:
        raise InvalidRequest(errors={"expires_at": f"Choose a day up to {LAST_DAY:%Y}, or leave it empty."})
    return day_start(day + timedelta(days=1), timezone=studio.timezone)


def _whose(desk: Desk, filled: TokenForm, studio: Studio) -> dict[str, Any]:
    if filled.role.data != OF_CUSTOMER:
        return {"role": Role(filled.role.data)}
    found = customers_by_email(desk.db_session, studio_id=studio.id, email=(filled.customer_id.data or "").strip())
    if len(found) != 1:
        why = "The studio knows no customer with this address." if not found else "Several customers have this address."
        raise InvalidRequest(errors={"customer_id": why})
    return {"customer_id": found[0].id}
