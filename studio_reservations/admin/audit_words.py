"""Every act of the history in words: those of customers and passes as in their stories, those of the studio here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from studio_reservations.admin.message_words import TEMPLATES
from studio_reservations.admin.people import say_when
from studio_reservations.admin.staff_roles import ROLES
from studio_reservations.admin.stories import SAID_BY_CHIP, sentence_of_act
from studio_reservations.models import PerformerKind

KINDS = {
    PerformerKind.CUSTOMER.value: "The customer",
    PerformerKind.STAFF.value: "Staff",
    PerformerKind.INTEGRATION.value: "An integration",
    PerformerKind.SYSTEM.value: "The system",
}
ACTS = {
    "reservation.created": "Reserved",
    "reservation.rescheduled": "Changed the day",
    "reservation.checked_in": "Checked in",
    "reservation.check_in_undone": "Check-in taken back",
    "reservation.attended": "Attended",
    "reservation.attendance_undone": "Attendance taken back",
    "reservation.no_show": "No-show",
    "reservation.explained": "Explained",
    "reservation.explanation_declined": "Explanation declined",
    "reservation.waived": "No-show waived",
    "reservation.unwaived": "Waive taken back",
    "reservation.cancelled": "Cancelled",
    "reservation.auto_cancelled": "Cancelled by policy",
    "reservation.restored": "Restored",
    "reservation.seat_released": "Seat released",
    "reservation.punches_deducted": "Charged by hand",
    "reservation.punches_refunded": "Refunded by hand",
    "registration.issued": "Pass issued",
    "registration.changed": "Pass changed",
    "suspension.created": "Suspended",
    "suspension.lifted": "Suspension lifted or over",
    "suspension.voided": "Suspension void",
    "session.created": "Session added",
    "session.changed": "Session changed",
    "session.moved": "Session moved",
    "session.cancelled": "Session cancelled",
    "policy.changed": "Policy changed",
    "customer.created": "Customer added",
    "customer.claimed": "Customer signed in",
    "customer.changed": "Customer changed",
    "customer.merged": "Customers merged",
    "customer.erased": "Customer erased",
    "staff.added": "Staff added",
    "staff.role_changed": "Role changed",
    "staff.deactivated": "Staff let go",
    "token.created": "Token made",
    "token.revoked": "Token revoked",
    "webhook.added": "Webhook added",
    "webhook.rotated": "Webhook secret changed",
    "webhook.old_secret_ended": "Webhook's old secret ended",
    "webhook.enabled": "Webhook switched on",
    "webhook.disabled": "Webhook switched off",
    "webhook.removed": "Webhook removed",
    "kiosk.added": "Kiosk added",
    "kiosk.paired": "Kiosk paired",
    "kiosk.revoked": "Kiosk revoked",
    "message.sent_again": "Message sent again",
    "studio.rollout_changed": "Rollout changed",
    "studio.timezone_changed": "Time zone changed",
    "studio.night_asked_for": "Night asked for",
}
_OF_STUDIO = {
    "staff.added": "{name} works here as {to}",
    "staff.role_changed": "{name} is {to} now, was {was}",
    "staff.deactivated": "{name} does not work here any more",
    "token.created": "Made the token “{name}”",
    "token.revoked": "Revoked the token “{name}”",
    "webhook.added": "Events go to {url} from now on",
    "webhook.rotated": "New secret for {url}",
    "webhook.old_secret_ended": "The old secret for {url} is valid no more",
    "webhook.enabled": "Switched on again: {url}",
    "webhook.disabled": "Switched off: {url}",
    "webhook.removed": "Events go no more to {url}",
    "kiosk.added": "Added the kiosk “{name}”",
    "kiosk.paired": "The kiosk “{name}” is paired with its tablet",
    "kiosk.revoked": "The kiosk “{name}” may nothing any more",
    "studio.rollout_changed": "Reservations: {to}, were {was}",
    "studio.timezone_changed": "Time zone is {to}, was {was}",
    "studio.night_asked_for": "Asked for the night now",
}
_ROLLOUT = {"OFF": "off", "INTERNAL": "for a few", "ON": "open"}


def sentence(row: Any, *, now: datetime, timezone: str) -> str:
    """Return what was done, as a sentence."""
    details: Mapping[str, Any] = row.details or {}
    subject = row.action.partition(".")[0]
    if row.action in _OF_STUDIO:
        return _OF_STUDIO[row.action].format(
            name=details.get("name") or f"Portal user {details.get('user_id')}",
            url=details.get("url"),
            to=_state(row.to_status),
            was=_state(row.from_status),
        )
    if row.action == "message.sent_again":
        return f"Sent again: {TEMPLATES.get(details.get('template') or '') or details.get('event')}"
    if subject == "policy":
        return f"{'Policy of a class' if details.get('class_id') else 'Policy'} changed: {_changes(details.get('changed'))}"
    if subject == "session":
        return _of_session(row, details, now, timezone)
    said = sentence_of_act(row, now, timezone)
    return f"{ACTS[row.action]}: {said}" if row.action in SAID_BY_CHIP else said


def _of_session(row: Any, details: Mapping[str, Any], now: datetime, timezone: str) -> str:
    what = "A session"
    if row.starts_at is not None:
        what = f"{row.class_title}, {say_when(row.starts_at, now=now, timezone=timezone)}"
    said = f"{ACTS.get(row.action, row.action)}: {what}"
    if row.action == "session.cancelled":
        number = details.get("cancelled") or 0
        return f"{said}, {number} reservation{'' if number == 1 else 's'} cancelled free"
    changes = _changes(details.get("changes"), now=now, timezone=timezone)
    return f"{said}; {changes}" if changes else said


def _changes(changes: Any, *, now: datetime | None = None, timezone: str = "UTC") -> str:
    if not isinstance(changes, Mapping):
        return ""

    def word(value: Any) -> str:
        if value is None:
            return "none"
        if now is not None and isinstance(value, str) and "T" in value:
            try:
                return say_when(datetime.fromisoformat(value), now=now, timezone=timezone)
            except ValueError:
                return value
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

    pairs = {name: pair for name, pair in changes.items() if isinstance(pair, list) and len(pair) == 2}
    return "; ".join(
        f"{name.removesuffix('_at').replace('_', ' ')} {word(before)} → {word(after)}"
        for name, (before, after) in pairs.items()
    )


def _state(status: str | None) -> str:
    return ROLES.get(status or "", _ROLLOUT.get(status or "", status or "nothing")).lower()
