"""The history: every act at one's studios, searched by anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g
from sqlalchemy import case, func, select

from studio_reservations.admin.audit_words import ACTS, KINDS, sentence
from studio_reservations.admin.people import link_to, roster_of
from studio_reservations.admin.row_filters import Choice, Days, Number, Text
from studio_reservations.admin.rows import Column, StudioRows, is_token
from studio_reservations.models import (
    ApiToken,
    ClassRegistration,
    ClassSession,
    Customer,
    ReservationHistory,
    Role,
    SessionReservation,
    StudioClass,
    StudioStaff,
    SubjectType,
)
from studio_reservations.services.stories import IS_PASS, PASS

ACT = ReservationHistory
SESSION_ID = case((ACT.subject_type == SubjectType.SESSION.value, ACT.subject_id), else_=SessionReservation.session_id)
WHO = func.coalesce(StudioStaff.name, ApiToken.name, ACT.performed_by)


def _who(row: Any) -> str:
    if row.performed_by_kind == "STAFF":
        return row.who or "Staff"
    if row.performed_by_kind == "INTEGRATION":
        return f"{row.token_name or 'A token'} (integration)"
    return KINDS[row.performed_by_kind]


def _states(row: Any) -> str | None:
    states = [one.replace("_", " ").lower() for one in (row.from_status, row.to_status) if one]
    return " → ".join(states) or None


def _facts(details: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return {name: value for name, value in (details or {}).items() if value not in (None, [], {})} or None


class AuditScreen(StudioRows):
    """Who did what, when and why. The database refuses to change or delete any of it."""

    least = Role.MANAGER
    row = "act_id"
    rows = (
        select(
            ACT.id,
            ACT.studio_id,
            ACT.created_at,
            ACT.action,
            ACT.from_status,
            ACT.to_status,
            ACT.performed_by_kind,
            ACT.performed_by,
            WHO.label("who"),
            ApiToken.name.label("token_name"),
            ACT.reason,
            ACT.details.label("details"),
            ACT.customer_id,
            Customer.name.label("customer_name"),
            Customer.name.label("customer"),
            ACT.reservation_id,
            ACT.subject_id,
            ClassSession.id.label("session_id"),
            ClassSession.starts_at,
            StudioClass.title.label("class_title"),
            SessionReservation.guest_name,
            *PASS,
        )
        .outerjoin(Customer, Customer.id == ACT.customer_id)
        .outerjoin(SessionReservation, SessionReservation.id == ACT.reservation_id)
        .outerjoin(ClassRegistration, IS_PASS)
        .outerjoin(ClassSession, ClassSession.id == SESSION_ID)
        .outerjoin(StudioClass, StudioClass.id == ClassSession.class_id)
        .outerjoin(StudioStaff, (StudioStaff.studio_id == ACT.studio_id) & (StudioStaff.user_id == ACT.performed_by))
        .outerjoin(ApiToken, is_token(ACT.performed_by))
    )
    order = (ACT.created_at.desc(), ACT.id.desc())
    columns = (
        Column(name="created_at", label="When", sort=ACT.created_at),
        Column(
            name="customer",
            label="Customer",
            sort=Customer.name,
            link=lambda row: row.customer_id and link_to("studio_customers.customer", customer_id=row.customer_id),
        ),
        Column(
            name="action",
            label="What",
            sort=ACT.action,
            show=lambda row: sentence(row, now=g.studio_now, timezone=row.timezone),
            link=lambda row: roster_of(row.session_id),
        ),
        Column(name="who", label="By", sort=WHO, show=_who),
        Column(name="reason", label="Reason"),
    )
    more = (
        Column(name="code", label="Act", show=lambda row: row.action),
        Column(name="state", label="State", show=_states),
        Column(name="facts", label="Details", show=lambda row: _facts(row.details)),
        Column(name="performed_by", label="By, as the portal knows them"),
        Column(name="reservation_id", label="Reservation"),
        Column(name="subject_id", label="Number of what was changed"),
    )
    filters = (
        Choice(name="act", label="What", column=ACT.action, options=ACTS),
        Choice(name="by", label="By", column=ACT.performed_by_kind, options=KINDS),
        Days(name="day", label="Day", column=ACT.created_at, studio_id=ACT.studio_id),
        Text(name="who", label="Whoever did it", column=WHO),
        Number(
            name="number",
            label="Number",
            columns=(ACT.subject_id, ACT.reservation_id, ACT.customer_id, SESSION_ID),
        ),
        Text(name="class", label="Class", column=StudioClass.title),
    )
    searched = (Customer.name, Customer.email, StudioClass.title, ACT.reason, WHO, ACT.action)
    search_label = "customer, class, reason, who"
    lede = "Nothing here can be changed or deleted."
    empty = "Nothing has happened yet. Every act is written down here, by whom and why."

    def title_of_row(self, row: Any) -> str:
        """Return the sentence."""
        return sentence(row, now=g.studio_now, timezone=row.timezone)
