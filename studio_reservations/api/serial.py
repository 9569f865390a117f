"""Rows turned into the JSON of the API; instants with the studio's offset beside ``timezone``.

Source: api.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from studio_reservations.models import PerformerKind, Role
from studio_reservations.pass_types import Figure
from studio_reservations.policies.local_time import zone
from studio_reservations.services.actors import Actor
from studio_reservations.services.listings import auto_cancel_at, cancellable_until, window_of


def instant(value: datetime | None, timezone: str) -> str | None:
    """Return an instant as RFC 3339 with the offset of ``timezone``."""
    return None if value is None else value.astimezone(zone(timezone)).isoformat()


def day(value: date | None) -> str | None:
    """Return a local date."""
    return None if value is None else value.isoformat()


def text(value: Any) -> str | None:
    """Return an id as text."""
    return None if value is None else str(value)


def session_brief(row: Any) -> dict[str, Any]:
    """Return the session of a row of `listings.RESERVATIONS`."""
    return {
        "id": str(row.session_id),
        "class": row.class_title,
        "step": row.step_title,
        "starts_at": instant(row.starts_at, row.timezone),
        "ends_at": instant(row.ends_at, row.timezone),
        "timezone": row.timezone,
        "location": row.location,
    }


def reservation(row: Any) -> dict[str, Any]:
    """Return a reservation from a row of `listings.RESERVATIONS`."""
    zone_name = row.timezone
    window = window_of(row)
    return {
        "id": str(row.id),
        "registration_id": str(row.registration_id),
        "customer_id": str(row.customer_id),
        "session": session_brief(row),
        "status": row.status,
        "makeup_for_id": text(row.makeup_for_id),
        "reserved_at": instant(row.reserved_at, zone_name),
        "checked_in_at": instant(row.checked_in_at, zone_name),
        "check_in_method": row.check_in_method,
        "punches_held": row.punches_held,
        "punches_used": row.punches_used,
        "cancellable_until": instant(cancellable_until(row), zone_name),
        "free_cancellation_until": instant(row.free_cancellation_until, zone_name),
        "grace_ends_at": instant(row.grace_ends_at, zone_name),
        "auto_cancel_at": instant(auto_cancel_at(row), zone_name),
        "check_in": {
            "opens_at": instant(window.opens_at, zone_name),
            "closes_at": instant(window.closes_at, zone_name),
        },
    }


def act(row: Any, timezone: str, *, as_staff: bool) -> dict[str, Any]:
    """Return one act of a reservation's history; to its customer without the reasons of others."""
    is_shown = as_staff or row.performed_by_kind == PerformerKind.CUSTOMER
    return {
        "action": row.action,
        "from_status": row.from_status,
        "to_status": row.to_status,
        "by": row.performed_by_kind,
        "reason": row.reason if is_shown else None,
        "at": instant(row.created_at, timezone),
    }


def session(row: Any) -> dict[str, Any]:
    """Return a class session from a row of `directory.SESSIONS`."""
    return {
        "id": str(row.id),
        "studio": row.studio_slug,
        "class_id": str(row.class_id),
        "class": row.class_title,
        "step": row.step_title,
        "starts_at": instant(row.starts_at, row.timezone),
        "ends_at": instant(row.ends_at, row.timezone),
        "timezone": row.timezone,
        "location": row.location,
        "instructor": row.instructor,
        "status": row.status,
        "capacity": row.capacity,
        "seats_left": row.capacity - row.seats_taken,
    }


def studio(row: Any, role: str | None) -> dict[str, Any]:
    """Return a studio and the caller's role there."""
    return {"slug": row.slug, "name": row.name, "timezone": row.timezone, "role": role}


def class_(row: Any, steps: Iterable[Any]) -> dict[str, Any]:
    """Return what a studio teaches, with its steps."""
    return {
        "id": str(row.id),
        "studio": row.studio_slug,
        "title": row.title,
        "description": row.description,
        "instructor": row.instructor,
        "duration_minutes": row.default_duration_minutes,
        "steps": [{"id": str(one.id), "position": one.position, "title": one.title} for one in steps],
    }


def customer(row: Any) -> dict[str, Any]:
    """Return a customer."""
    return {"id": str(row.id), "name": row.name, "email": row.email, "phone": row.phone, "locale": row.locale}


def registration(row: Any, label: str) -> dict[str, Any]:
    """Return a pass from a row of `directory.REGISTRATIONS`."""
    return {
        "id": str(row.id),
        "studio": row.studio_slug,
        "customer_id": str(row.customer_id),
        "class_id": text(row.class_id),
        "class": row.class_title,
        "pass_type": row.pass_type,
        "pass_label": label,
        "status": row.status,
        "sessions_included": row.sessions_included,
        "sessions_remaining": row.sessions_remaining,
        "sessions_attended": row.sessions_attended,
        "max_advance_reservations": row.max_advance_reservations,
        "valid_from": day(row.valid_from),
        "valid_until": day(row.valid_until),
        "frozen_on": day(row.frozen_on),
        "issued_at": instant(row.issued_at, row.timezone),
        "timezone": row.timezone,
    }


def staff_registration(row: Any, label: str, *, fault: str | None) -> dict[str, Any]:
    """Return a pass as staff see it, with what was last wrong with its pass type."""
    return {
        **registration(row, label),
        "pass_options": row.pass_options,
        "external_ref": row.external_ref,
        "fault": fault,
    }


def figure(one: Figure, timezone: str) -> dict[str, Any]:
    """Return what a pass type shows beside the balance."""
    value = one.value
    if isinstance(value, datetime):
        value = instant(value, timezone)
    elif isinstance(value, date):
        value = day(value)
    return {"key": one.key, "label": one.label, "value": value, "staff_only": one.staff_only}


def suspension(row: Any, timezone: str) -> dict[str, Any]:
    """Return a suspension as the customer sees it."""
    return {
        "id": str(row.id),
        "customer_id": str(row.customer_id),
        "starts_at": instant(row.starts_at, timezone),
        "ends_on": day(row.ends_on),
        "ends_at": instant(row.ends_at, timezone),
        "timezone": timezone,
    }


def explanation(row: Any, timezone: str) -> dict[str, Any] | None:
    """Return what the customer wrote of a missed class, from a reservation; an erased text is null."""
    if row.explained_at is None:
        return None
    return {
        "text": row.explanation,
        "sent_at": instant(row.explained_at, timezone),
        "answer": row.explanation_answer,
        "answered_at": instant(row.explanation_answered_at, timezone),
    }


def ledger_entry(row: Any, timezone: str, *, reader: Actor) -> dict[str, Any]:
    """Return one change of a pass's balance; the reason to staff, and to whoever gave it."""
    is_shown = reader.has_role(row.studio_id, Role.FRONT_DESK) or row.performed_by == reader.id
    return {
        "id": str(row.id),
        "entry_type": row.entry_type,
        "delta": row.delta,
        "balance": row.balance,
        "reservation_id": text(row.reservation_id),
        "reason": row.reason if is_shown else None,
        "created_at": instant(row.created_at, timezone),
    }
