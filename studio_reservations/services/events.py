"""One act, told three times: a history row, an outbox message, and a signal once it is committed.

Source: rules.md §1, §9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from blinker import NamedSignal, Namespace
from sqlalchemy import Table, event, insert
from sqlalchemy.orm import Session, SessionTransaction

from studio_reservations.models import OutboxMessage, ReservationHistory, SubjectType, new_id
from studio_reservations.models.bulk import insert_rows
from studio_reservations.models.connection import connection
from studio_reservations.services.actors import Actor

ANNOUNCED = frozenset(
    {
        *(
            f"reservation.{name}"
            for name in (
                "created",
                "checked_in",
                "check_in_undone",
                "attended",
                "no_show",
                "waived",
                "unwaived",
                "attendance_undone",
                "explained",
                "cancelled",
                "auto_cancelled",
                "restored",
                "rescheduled",
            )
        ),
        *(f"suspension.{name}" for name in ("created", "lifted", "voided")),
        *(f"session.{name}" for name in ("cancelled", "moved")),
        *(f"registration.{name}" for name in ("issued", "changed")),
    }
)
"""The acts that are announced by message, webhook and signal; all others are in the history only."""

_HISTORY: Table = ReservationHistory.__table__  # type: ignore[assignment]
_MESSAGE: Table = OutboxMessage.__table__  # type: ignore[assignment]
_namespace = Namespace()
_WAITING = "studio_reservations.events"


def signal(action: str) -> NamedSignal:
    """Return the blinker signal of an announced act, such as ``reservation.created``; it is sent after the commit.

    Receivers get ``sender=None`` and the keywords ``subject_id``, ``studio_id``, ``payload``.
    :raises LookupError: for an act that is not announced.
    """
    if action not in ANNOUNCED:
        raise LookupError(f"{action!r} is not announced; these are: {', '.join(sorted(ANNOUNCED))}")
    return _namespace.signal(action)


def event_rows(
    *,
    action: str,
    subject_type: SubjectType,
    subject_id: UUID,
    studio_id: UUID | None,
    actor: Actor,
    as_staff: bool,
    now: datetime,
    reservation_id: UUID | None = None,
    customer_id: UUID | None = None,
    from_status: str | None = None,
    to_status: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the history row, and the outbox row where the act is announced.

    ``details`` are JSON values; they stand in the history's ``metadata`` and in the message's payload.
    """
    history = {
        "id": new_id(),
        "studio_id": studio_id,
        "action": action,
        "subject_type": subject_type.value,
        "subject_id": subject_id,
        "reservation_id": reservation_id,
        "customer_id": customer_id,
        "from_status": from_status,
        "to_status": to_status,
        "performed_by_kind": actor.performer(as_staff=as_staff).value,
        "performed_by": actor.id,
        "reason": reason,
        "details": dict(details) if details else None,
        "created_at": now,
    }
    if action not in ANNOUNCED:
        return history, None
    payload = {
        f"{subject_type.value}_id": str(subject_id),
        "customer_id": str(customer_id) if customer_id else None,
        "from_status": from_status,
        "status": to_status,
        "at": now.isoformat(),
        "by": history["performed_by_kind"],
        **(details or {}),
    }
    message = {
        "id": new_id(),
        "studio_id": studio_id,
        "customer_id": customer_id,
        "reservation_id": reservation_id,
        "event": action,
        "payload": payload,
        "dedupe_key": f"{action}:{history['id']}",
        "expanded_at": None,
        "created_at": now,
    }
    return history, message


def record(db_session: Session, **act: Any) -> UUID:
    """Write one act (the keywords of `event_rows`) and return the id of its history row."""
    history, message = event_rows(**act)
    db_session.flush()  # what the act is about goes first, for the rows refer to it
    db_session.execute(insert(ReservationHistory), [history])
    if message is not None:
        db_session.execute(insert(OutboxMessage), [message])
        announce(db_session, message)
    return UUID(str(history["id"]))


def record_many(db_session: Session, acts: Iterable[Mapping[str, Any]]) -> None:
    """Write many acts, each the keywords of `event_rows`, in two statements; what they are about is in the tables already."""
    told = [event_rows(**act) for act in acts]
    if not told:
        return
    database = connection(db_session)
    insert_rows(database, _HISTORY, [_by_column(history) for history, _ in told])
    messages = [message for _, message in told if message is not None]
    insert_rows(database, _MESSAGE, messages)
    for message in messages:
        announce(db_session, message)


def _by_column(history: dict[str, Any]) -> dict[str, Any]:
    history["metadata"] = history.pop("details")
    return history


def announce(db_session: Session, message: Mapping[str, Any]) -> None:
    """Send the signal of ``message`` once the outermost transaction is committed; a rollback forgets it."""
    transaction = db_session.get_nested_transaction() or db_session.get_transaction()
    db_session.info.setdefault(_WAITING, []).append((transaction, message))


@event.listens_for(Session, "after_commit")
def _send(db_session: Session) -> None:
    for _, message in db_session.info.pop(_WAITING, []):
        subject = next(value for key, value in message["payload"].items() if key.endswith("_id"))
        signal(message["event"]).send(
            None, subject_id=UUID(subject), studio_id=message["studio_id"], payload=message["payload"]
        )


@event.listens_for(Session, "after_soft_rollback")
def _forget(db_session: Session, rolled_back: SessionTransaction) -> None:
    if waiting := db_session.info.get(_WAITING):
        waiting[:] = [one for one in waiting if not _within(one[0], rolled_back)]


def _within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is outer:
            return True
        transaction = transaction.parent
    return False
