"""A new reservation: the row that is written, and how it is told and shown.

Source: rules.md §2, §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from studio_reservations.models import new_id
from studio_reservations.pass_types import Event, HeldReservation, Status
from studio_reservations.policies.cancelling import free_cancellation_until, undo_until
from studio_reservations.policies.reserving import Case
from studio_reservations.services.reserving import Context


def reservation_row(
    context: Context,
    *,
    replaces_id: UUID | None = None,
    first_reserved_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the row of a new PENDING reservation, its terms as they stand now.

    :raises PassTypeUnavailable: where the plugin cannot say what it costs.
    """
    case, policy = context.case, context.policy
    held, session, now = case.held, case.offer.candidate, case.now
    pass_type = case.pass_type
    assert pass_type is not None  # noqa: S101 - rule 2 has been judged
    begun = first_reserved_at or now
    late_punches = pass_type.punches_for(Event.LATE_CANCEL, held, session) if policy.deduct_punch_on_late_cancel else 0
    exclusive = session.step is not None and pass_type.exclusive_steps(held)
    step_id = session.step.id if session.step is not None else None
    return {
        "id": new_id(),
        "studio_id": case.offer.studio_id,
        "registration_id": held.id,
        "session_id": session.id,
        "customer_id": case.customer_id,
        "step_id": step_id,
        "exclusive_step_id": step_id if exclusive else None,
        "status": Status.PENDING.value,
        "makeup_for_id": session.makeup_for_id,
        "replaces_id": replaces_id,
        "reserved_at": now,
        "first_reserved_at": begun,
        "undo_until": undo_until(first_reserved_at=begun, policy=policy),
        "punches_held": pass_type.punches_for(Event.CHECK_IN, held, session),
        "punches_used": 0,
        "free_cancellation_until": free_cancellation_until(
            starts_at=session.starts_at, timezone=session.timezone, policy=policy
        ),
        "late_cancel_punches": late_punches,
        "late_cancel_counts": policy.late_cancel_counts_as_no_show,
        "late": False,
        "counts_as_no_show": False,
        "flags": [],
    }


def shown(context: Context, row: Mapping[str, Any]) -> Any:
    """Return a new reservation as `listings.RESERVATIONS` would read it; reading it would keep the session locked longer."""
    session, policy = context.case.offer.candidate, context.policy
    return SimpleNamespace(
        **row,
        guest_name=None,
        checked_in_at=None,
        check_in_method=None,
        grace_ends_at=None,
        auto_cancel_at=None,
        waived_at=None,
        threatened_at=context.threatened_at,
        class_id=session.class_id,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        location=session.location,
        class_title=session.class_title,
        step_title=session.step.title if session.step is not None else None,
        timezone=session.timezone,
        holder_id=context.holder_id,
        check_in_opens_minutes_before=policy.check_in_opens_minutes_before,
        check_in_closes_minutes_after=policy.check_in_closes_minutes_after,
    )


def described(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what history and messages say of a new reservation, JSON values."""
    return {
        "session_id": str(row["session_id"]),
        "registration_id": str(row["registration_id"]),
        "punches_held": row["punches_held"],
        "makeup_for_id": str(row["makeup_for_id"]) if row["makeup_for_id"] else None,
    }


def as_held(row: dict[str, Any], case: Case) -> HeldReservation:
    """Return the frozen value of a row just made."""
    session = case.offer.candidate
    return HeldReservation(
        id=row["id"],
        customer_id=row["customer_id"],
        session_id=session.id,
        class_id=session.class_id,
        step_id=row["step_id"],
        status=Status.PENDING,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        reserved_at=row["reserved_at"],
        punches_held=row["punches_held"],
        makeup_for_id=row["makeup_for_id"],
    )
