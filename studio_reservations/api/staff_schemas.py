"""The answers that only staff get, as OpenAPI documents them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from studio_reservations.api.schemas import Out, RegistrationOut, ReservationOut, SessionOut


class StaffRegistrationOut(RegistrationOut):
    """A pass as staff see it; ``fault`` is what was last wrong with its pass type."""

    pass_options: dict[str, Any]
    external_ref: str | None
    fault: str | None


class ChoiceOut(Out):
    value: Any
    label: str


class OptionOut(Out):
    """A field of the form in which staff choose a pass type's options.

    ``kind`` is number, decimal, text, yes_no, date, time, choice, choices (any of them), numbers_by_class (an object of
    numbers by class id) or json. ``min`` and ``max`` of a text or a list are of its length.
    """

    name: str
    label: str
    help: str | None
    kind: str
    required: bool
    nullable: bool
    default: Any
    min: float | None
    max: float | None
    choices: list[ChoiceOut]


class PassTypeOut(Out):
    """A kind of pass; ``package`` and ``version`` are null for one that the portal's settings name."""

    key: str
    label: str
    package: str | None
    version: str | None
    options: list[OptionOut]
    fault: str | None


class NotLoadedOut(Out):
    name: str
    fault: str


class PassTypesOut(Out):
    items: list[PassTypeOut]
    not_loaded: list[NotLoadedOut]


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
