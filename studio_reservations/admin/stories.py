"""History and ledger as sentences: what was done, with which class, by whom and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from studio_reservations.admin.pass_words import counted
from studio_reservations.admin.people import roster_of, say_day, say_when
from studio_reservations.models import PerformerKind
from studio_reservations.policies.pass_words import PUNCH, unit_of
from studio_reservations.services.stories import pass_of
from studio_reservations.state import current_state

DOERS = {
    PerformerKind.CUSTOMER: "the customer",
    PerformerKind.STAFF: "staff",
    PerformerKind.INTEGRATION: "an integration",
    PerformerKind.SYSTEM: "the system",
}
RESERVATION = {
    "rescheduled": "Moved to {what}",
    "check_in_undone": "Check-in taken back: {what}",
    "attendance_undone": "Attendance taken back: {what}",
    "waived": "No-show waived: {what}",
    "unwaived": "No-show counts again: {what}",
    "explained": "Said why {what} was missed",
    "explanation_declined": "Explanation declined: {what}",
    "restored": "Restored {what}",
    "seat_released": "Seat given to somebody else: {what}",
    "punches_deducted": "Charged by hand: {what}",
    "punches_refunded": "Charge given back by hand: {what}",
}
SAID_BY_CHIP = frozenset(
    f"reservation.{one}" for one in ("created", "checked_in", "attended", "no_show", "cancelled", "auto_cancelled")
)
"""Acts of which the chip of the new state says all; the sentence is the session alone."""
CAUSES = {
    "session_cancelled": "the studio cancelled the session",
    "session_moved": "the session was moved",
    "pass_frozen": "the pass was frozen",
    "pass_cancelled": "the pass was cancelled",
    "pass_transferred": "the pass was moved to another class",
    "customer_erased": "the customer was erased",
}
FIELDS = {
    "valid_from": "first day",
    "valid_until": "last day",
    "max_advance_reservations": "reservations in advance",
    "absence_grace_period_hours": "grace in hours",
    "members": "people who may use it",
}
CUSTOMER = {
    "created": "Became a customer",
    "claimed": "Signed in to the portal as this customer",
    "merged": "Another record of theirs was merged into this one",
    "erased": "Erased",
}
LEDGER = {
    "ISSUED": "Issued",
    "CHECK_IN": "Check-in",
    "NO_SHOW": "No-show",
    "LATE_CANCEL": "Late cancellation",
    "REFUND": "Given back",
    "ADJUSTMENT": "Adjusted by hand",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act as it is read: when, what, the state it led to, and by whom."""

    when: str
    text: str
    by: str
    cost: str
    reason: str | None
    status: str | None
    roster: str | None
    who: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Punch:
    """One entry of the ledger as it is read."""

    when: str
    text: str
    delta: str
    left: int
    reason: str | None
    roster: str | None


def told(rows: Sequence[Any], *, now: datetime, timezone: str, me: str, whose: UUID | None = None) -> list[Act]:
    """Return the rows of `services.stories` as acts; ``me`` is the reader's user id, ``whose`` the customer of the page."""
    return [
        Act(
            when=say_when(row.created_at, now=now, timezone=timezone),
            text=sentence_of_act(row, now, timezone),
            by=_doer(row, me),
            cost=_cost(row.details or {}, _unit(row, now, timezone)) if row.reservation_id is not None else "",
            reason=row.reason,
            status=row.to_status if row.action in SAID_BY_CHIP else None,
            roster=roster_of(row.session_id),
            who=row.customer_name if whose is not None and row.customer_id not in (None, whose) else None,
        )
        for row in rows
    ]


def punches(rows: Sequence[Any], *, now: datetime, timezone: str) -> list[Punch]:
    """Return the rows of the ledger as it is read."""
    return [
        Punch(
            when=say_when(row.created_at, now=now, timezone=timezone),
            text=_of_class(LEDGER.get(row.entry_type, row.entry_type), row, now, timezone),
            delta=f"+{row.delta:,}" if row.delta > 0 else f"−{-row.delta:,}",
            left=row.balance,
            reason=row.reason,
            roster=roster_of(row.session_id),
        )
        for row in rows
    ]


def _doer(row: Any, me: str) -> str:
    if row.performed_by_kind == PerformerKind.STAFF and row.performed_by == me:
        return "you"
    return DOERS.get(row.performed_by_kind, str(row.performed_by_kind).lower())


def _of_class(what: str, row: Any, now: datetime, timezone: str) -> str:
    if row.starts_at is None:
        return what
    return f"{what}: {row.class_title}, {say_when(row.starts_at, now=now, timezone=timezone)}"


def sentence_of_act(row: Any, now: datetime, timezone: str) -> str:
    """Return what was done, as a sentence."""
    subject, _, verb = row.action.partition(".")
    details: Mapping[str, Any] = row.details or {}

    def day(value: Any) -> str:
        try:
            return say_day(date.fromisoformat(str(value)), now=now, timezone=timezone)
        except ValueError:
            return str(value)

    if row.action in SAID_BY_CHIP or (subject == "reservation" and verb in RESERVATION):
        what = "a session"
        if row.starts_at is not None:
            what = f"{row.class_title}, {say_when(row.starts_at, now=now, timezone=timezone)}"
        if row.guest_name:
            what += f" for {row.guest_name}"
        return what if row.action in SAID_BY_CHIP else RESERVATION[verb].format(what=what)
    if subject == "registration":
        return _of_pass(verb, details, day, _unit(row, now, timezone))
    if subject == "suspension":
        return _of_suspension(verb, details, day)
    if subject == "customer" and verb in CUSTOMER:
        return CUSTOMER[verb]
    if subject == "customer" and verb == "changed":
        named = ", ".join(str(one) for one in details.get("fields", ()))
        return f"Details changed: {named}" if named else "Details changed"
    return row.action.replace(".", " ").replace("_", " ").capitalize()  # type: ignore[no-any-return]


def _unit(row: Any, now: datetime, timezone: str) -> str:
    """Return what the pass of an act counts."""
    held = pass_of(row, now=now, timezone=timezone)
    return PUNCH if held is None else unit_of(held, pass_types=current_state().pass_types)


def _cost(details: Mapping[str, Any], unit: str) -> str:
    told = []
    if details.get("late"):
        told.append("late")
    for key, words in (("punches_charged", "charged"), ("punches_refunded", "given back"), ("punches", "")):
        if number := details.get(key):
            told.append(f"{counted(number, unit)} {words}".strip())
    if details.get("overridden"):
        told.append("a rule was set aside: " + ", ".join(str(one).replace("_", " ") for one in details["overridden"]))
    if cause := CAUSES.get(str(details.get("reason_code"))):
        told.append(f"because {cause}")
    return ", ".join(told)


def _of_pass(verb: str, details: Mapping[str, Any], day: Callable[[Any], str], unit: str) -> str:
    if verb == "issued":
        included, until = details.get("sessions_included"), details.get("valid_until")
        count = f" with {counted(included, unit)}" if included is not None else ""
        return f"Pass issued{count}" + (f", valid until {day(until)}" if until else "")
    cancelled = details.get("reservations_cancelled") or 0
    lost = f", {cancelled} reservation{'' if cancelled == 1 else 's'} cancelled free" if cancelled else ""
    match details.get("change"):
        case "adjusted":
            delta = details.get("delta") or 0
            sign = f"+{delta}" if delta > 0 else f"−{-delta}"
            return f"Balance adjusted: {sign}, {details.get('sessions_remaining')} left"
        case "frozen":
            return f"Pass frozen{lost}"
        case "unfrozen":
            days, until = details.get("days") or 0, details.get("valid_until")
            longer = f" after {days} day{'' if days == 1 else 's'}"
            return f"Pass unfrozen{longer}" + (f", now valid until {day(until)}" if until else "")
        case "transferred":
            return f"Pass moved to {'another class' if details.get('class_id') else 'all classes'}{lost}"
        case "cancelled":
            return f"Pass cancelled{lost}"
        case "updated":
            changes: Mapping[str, Any] = details.get("changes") or {}
            return "Terms changed: " + "; ".join(_change(name, pair, day) for name, pair in changes.items())
    return "Pass changed"


def _change(name: str, pair: Any, day: Callable[[Any], str]) -> str:
    before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
    label = FIELDS.get(name, name.replace("_", " "))
    if name == "members":
        return f"{label}, {len(before or ())} before, {len(after or ())} now"
    words = ("none" if one is None else day(one) if name.startswith("valid") else str(one) for one in (before, after))
    return f"{label} {' → '.join(words)}"


def _of_suspension(verb: str, details: Mapping[str, Any], day: Callable[[Any], str]) -> str:
    if verb == "created":
        return f"Suspended through {day(details.get('ends_on'))}"
    return {
        "lifted": "Suspension lifted early" if details.get("early") else "Suspension over",
        "voided": "Suspension void: too few no-shows are left",
    }.get(verb, f"Suspension {verb}")
