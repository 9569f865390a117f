"""The punch ledger: every change of every pass's balance."""

from __future__ import annotations

from sqlalchemy import case, func, select

from studio_reservations.admin.row_filters import Choice, Days, Text
from studio_reservations.admin.rows import Column, StudioRows, is_token
from studio_reservations.models import (
    ApiToken,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    LedgerReason,
    PunchLedgerEntry,
    Role,
    SessionReservation,
    StudioClass,
    StudioStaff,
)

REASONS = {
    LedgerReason.ISSUED.value: "Pass issued",
    LedgerReason.CHECK_IN.value: "Check-in",
    LedgerReason.NO_SHOW.value: "No-show",
    LedgerReason.LATE_CANCEL.value: "Late cancellation",
    LedgerReason.REFUND.value: "Refund",
    LedgerReason.ADJUSTMENT.value: "Correction",
}
ENTRY = PunchLedgerEntry
WHO = case(
    (StudioStaff.id.is_not(None), func.coalesce(StudioStaff.name, "Staff")),
    (CustomerAccess.id.is_not(None), "Customer"),
    (ENTRY.performed_by == "system", "System"),
    else_=func.coalesce(ApiToken.name, "Customer"),
)
"""Staff by their name, also where they did it for themselves; a token by its own; whoever is left acted for the customer."""


class PunchLedgerScreen(StudioRows):
    """What was issued, spent, given back and corrected; nothing is ever changed here."""

    least = Role.MANAGER
    row = "entry_id"
    rows = (
        select(
            ENTRY.id,
            ENTRY.studio_id,
            ENTRY.registration_id,
            ENTRY.created_at,
            Customer.name.label("customer"),
            ENTRY.entry_type,
            ENTRY.delta,
            ENTRY.balance,
            StudioClass.title.label("class_title"),
            ClassSession.starts_at,
            ENTRY.performed_by,
            WHO.label("who"),
            ENTRY.reason,
            ENTRY.details.label("details"),
            ClassRegistration.pass_type,
        )
        .join(ClassRegistration, ClassRegistration.id == ENTRY.registration_id)
        .join(Customer, Customer.id == ClassRegistration.customer_id)
        .outerjoin(SessionReservation, SessionReservation.id == ENTRY.reservation_id)
        .outerjoin(ClassSession, ClassSession.id == SessionReservation.session_id)
        .outerjoin(StudioClass, StudioClass.id == ClassSession.class_id)
        .outerjoin(
            StudioStaff, (StudioStaff.studio_id == ENTRY.studio_id) & (StudioStaff.user_id == ENTRY.performed_by)
        )
        .outerjoin(
            CustomerAccess,
            (CustomerAccess.customer_id == ClassRegistration.customer_id)
            & (CustomerAccess.user_id == ENTRY.performed_by),
        )
        .outerjoin(ApiToken, is_token(ENTRY.performed_by))
    )
    order = (ENTRY.created_at.desc(), ENTRY.id.desc())
    columns = (
        Column(name="created_at", label="When", sort=ENTRY.created_at),
        Column(name="customer", label="Customer", sort=Customer.name),
        Column(name="entry_type", label="For", sort=ENTRY.entry_type, words=REASONS),
        Column(name="delta", label="Punches", sort=ENTRY.delta, number=True, change=True),
        Column(name="balance", label="Balance", number=True),
        Column(name="class_title", label="Class", sort=StudioClass.title),
        Column(name="starts_at", label="Session", sort=ClassSession.starts_at),
        Column(name="who", label="By", sort=WHO),
    )
    more = (
        Column(name="reason", label="Reason"),
        Column(name="pass_type", label="Pass", show=lambda row: row.pass_type.replace("_", " ").capitalize()),
        Column(name="registration_id", label="Pass number"),
        Column(name="details", label="Details"),
    )
    filters = (
        Choice(name="for", label="For", column=ENTRY.entry_type, options=REASONS),
        Days(name="day", label="Day", column=ENTRY.created_at, studio_id=ENTRY.studio_id),
        Text(name="class", label="Class", column=StudioClass.title),
    )
    searched = (Customer.name, Customer.email, ENTRY.reason)
    search_label = "customer, reason"
    lede = "Nothing here is ever changed. To correct a balance, open the pass and adjust its punches."
    empty = "No punches yet. The first line comes with the first punch pass that is issued."
