"""Which message tells a customer of what, and who may do without it.

Source: rules.md §6 (`notify_*`), §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from enum import StrEnum
from typing import Any

from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import zone


class Message(StrEnum):
    """The messages to customers; each has its ``notify_…`` in the policy and its template."""

    CONFIRMATION = "confirmation"
    REMINDER = "reminder"
    CHECK_IN = "check_in"
    NO_SHOW = "no_show"
    AUTO_CANCELLATION = "auto_cancellation"
    SUSPENSION = "suspension"
    REINSTATEMENT = "reinstatement"
    CANCELLED = "cancelled"
    CANCELLED_BY_STUDIO = "cancelled_by_studio"
    MOVED = "moved"
    RESTORED = "restored"
    WAIVED = "waived"
    LATE_CHARGE = "late_charge"
    PASS_EXPIRING = "pass_expiring"  # noqa: S105 - a message, not a secret
    SMS_CHECK_IN = "sms_check_in"
    SMS_LAST_CALL = "sms_last_call"


SMS = frozenset({Message.SMS_CHECK_IN, Message.SMS_LAST_CALL})
"""These travel by SMS, all others by e-mail."""

TIMED = frozenset({Message.REMINDER, Message.PASS_EXPIRING, *SMS})
"""These tell of no event but of a time that has come; in the outbox they stand under their own name."""

SWITCHED_OFF_BY: Mapping[Message, str] = {
    Message.REMINDER: "reminder",
    Message.CHECK_IN: "check_in",
    Message.PASS_EXPIRING: "pass_expiring",
    Message.SMS_CHECK_IN: "sms",
    Message.SMS_LAST_CALL: "sms",
}
"""The preference with which a customer switches a message off; all others cannot be switched off."""

GIVES_A_SEAT = frozenset({Message.CONFIRMATION, Message.MOVED, Message.RESTORED})
TAKES_A_SEAT = frozenset(
    {Message.CANCELLED, Message.CANCELLED_BY_STUDIO, Message.AUTO_CANCELLATION, Message.LATE_CHARGE}
)
"""These letters bring a calendar entry, and these take it away."""

_SO_WHILE: Mapping[Message, frozenset[Status]] = {
    **dict.fromkeys(GIVES_A_SEAT, frozenset({Status.PENDING, Status.CHECKED_IN, Status.ATTENDED})),
    **dict.fromkeys(TAKES_A_SEAT, frozenset({Status.CANCELLED})),
    **dict.fromkeys(TIMED, frozenset({Status.PENDING})),
    Message.AUTO_CANCELLATION: frozenset({Status.AUTO_CANCELLED}),
    Message.CHECK_IN: frozenset({Status.CHECKED_IN, Status.ATTENDED}),
    Message.NO_SHOW: frozenset({Status.NO_SHOW}),
}
"""In which states of a reservation it is so what a message says of it. Source: docs/decisions/0014."""

_UNTIL_WAIVED = frozenset({Message.NO_SHOW, Message.LATE_CHARGE})

_TOLD: Mapping[str, tuple[Message, ...]] = {
    "reservation.created": (Message.CONFIRMATION,),
    "reservation.checked_in": (Message.CHECK_IN,),
    "reservation.no_show": (Message.NO_SHOW,),
    "reservation.waived": (Message.WAIVED,),
    "reservation.auto_cancelled": (Message.AUTO_CANCELLATION,),
    "reservation.restored": (Message.RESTORED,),
    "suspension.created": (Message.SUSPENSION,),
    "suspension.lifted": (Message.REINSTATEMENT,),
    "suspension.voided": (Message.REINSTATEMENT,),
    "session.moved": (Message.MOVED,),
    **{message.value: (message,) for message in TIMED},
}


def told_by(event: str, payload: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return the messages that can tell the customer of an event; the first that is wanted is sent, so it is told once."""
    if event == "reservation.rescheduled":
        # The confirmation tells a late charge too.
        return (Message.CONFIRMATION, Message.LATE_CHARGE) if payload.get("late") else (Message.CONFIRMATION,)
    if event == "reservation.cancelled":
        if payload.get("late"):
            return (Message.LATE_CHARGE, Message.CANCELLED) if _costs(payload) else (Message.CANCELLED,)
        by_customer = payload.get("by") == "CUSTOMER" and "reason_code" not in payload
        return (Message.CANCELLED,) if by_customer else (Message.CANCELLED_BY_STUDIO,)
    return _TOLD.get(event, ())


def is_wanted(
    message: Message,
    *,
    studio: Mapping[str, Any] | None,
    of_class: Mapping[str, Any] | None,
    preferences: Mapping[str, Any],
) -> bool:
    """Say whether the policy (the class's row over the studio's, null inherits) and the customer want the message."""
    field = f"notify_{message.value}"
    chosen = [layer[field] for layer in (of_class, studio) if layer is not None and layer.get(field) is not None]
    preference = SWITCHED_OFF_BY.get(message)
    return (chosen[0] if chosen else True) and (preference is None or preferences.get(preference) is not False)


def is_still_so(message: Message, *, status: str, waived: bool, session: str) -> bool:
    """Say whether a message about a reservation still says what is so; ``session`` is the state of the class session."""
    if message in _UNTIL_WAIVED and waived:
        return False
    if message is Message.WAIVED:
        return waived
    if message in TIMED and session != "SCHEDULED":
        return False
    return message not in _SO_WHILE or status in _SO_WHILE[message]


def is_quiet(now: datetime, *, quiet_from: time | None, quiet_until: time | None, timezone: str) -> bool:
    """Say whether the studio's quiet hours (local, from inclusive, until exclusive, perhaps over midnight) cover ``now``."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return False
    local = now.astimezone(zone(timezone)).time()
    if quiet_from < quiet_until:
        return quiet_from <= local < quiet_until
    return local >= quiet_from or local < quiet_until


def _costs(payload: Mapping[str, Any]) -> bool:
    return bool(payload.get("punches_charged")) or bool(payload.get("counts_as_no_show"))
