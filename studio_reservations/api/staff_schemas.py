"""The answers that only staff get, as OpenAPI documents them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from studio_reservations.api.schemas import Out, RegistrationOut, ReservationOut, SessionOut


class StaffRegistrationOut(RegistrationOut):
    pass_options: dict[str, Any]
    external_ref: str | None


class RefusedRowOut(Out):
    customer_id: UUID
    code: str
    detail: str


class BulkCheckInOut(Out):
    checked_in: list[ReservationOut]
    refused: list[RefusedRowOut]


class RosterRowOut(ReservationOut):
    customer_name: str
    guest_name: str | None
    flags: list[str]


class RosterOut(Out):
    session: SessionOut
    reservations: list[RosterRowOut]


class SessionCancelledOut(Out):
    """How many reservations were cancelled, no-shows waived and punches refunded."""

    session: SessionOut
    cancelled: int
    waived: int
    punches_refunded: int


class SessionChangedOut(Out):
    """A session, whether it was moved, and what that did."""

    session: SessionOut
    moved: bool
    holders_told: int
    check_ins_undone: int
    conflicts: int


class LedgerEntryOut(Out):
    id: UUID
    entry_type: str
    delta: int
    balance: int
    reservation_id: UUID | None
    reason: str | None
    created_at: datetime


class PassChangeOut(Out):
    """A pass, and the reservations that were cancelled, or in a preview would be."""

    registration: StaffRegistrationOut
    preview: bool
    cancelled: list[ReservationOut]
