"""What the lists of the studio's own affairs show: one of each, for a studio of the tests."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.models import (
    Channel,
    JobRun,
    JobState,
    OutboxDelivery,
    OutboxMessage,
    PerformerKind,
    ReservationHistory,
    Role,
    SessionReservation,
    SubjectType,
    WebhookEndpoint,
)
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.tokens import TokenService
from tests.factories import NOW


def make_records(db_session: Session, reservation: SessionReservation) -> dict[str, UUID]:
    """Return the ids of a token, a webhook, a confirmation that was sent, a night, and the act of reserving."""
    studio_id = reservation.studio_id
    token = TokenService(db_session, clock=lambda: NOW).create(
        studio_id=studio_id, actor=SYSTEM, name="The shop", role=Role.FRONT_DESK
    )
    endpoint = WebhookEndpoint(
        studio_id=studio_id, url="https://crm.example/hooks", secret="whsec_c2VjcmV0", created_at=NOW
    )
    message = OutboxMessage(
        studio_id=studio_id,
        customer_id=reservation.customer_id,
        reservation_id=reservation.id,
        event="reservation.created",
        payload={"reservation_id": str(reservation.id), "by": "CUSTOMER", "status": "PENDING"},
        dedupe_key=f"reservation.created:{reservation.id}",
        expanded_at=NOW,
        created_at=NOW,
    )
    run = JobRun(
        studio_id=studio_id,
        job="detect_no_shows",
        business_date=NOW.date(),
        state=JobState.SUCCEEDED.value,
        as_of=NOW - timedelta(hours=9),
        heartbeat_at=NOW - timedelta(hours=9),
        started_at=NOW - timedelta(hours=9),
        finished_at=NOW - timedelta(hours=9),
        counts={"no_shows": 2, "attended": 0},
    )
    act = ReservationHistory(
        studio_id=studio_id,
        action="reservation.created",
        subject_type=SubjectType.RESERVATION.value,
        subject_id=reservation.id,
        reservation_id=reservation.id,
        customer_id=reservation.customer_id,
        to_status="PENDING",
        performed_by_kind=PerformerKind.CUSTOMER.value,
        created_at=NOW,
    )
    db_session.add_all([endpoint, message, run, act])
    db_session.flush()
    delivery = OutboxDelivery(
        studio_id=studio_id,
        message_id=message.id,
        channel=Channel.EMAIL.value,
        recipient="priya@kiln.example",
        template="confirmation",
        state="SENT",
        attempts=1,
        sent_at=NOW,
        created_at=NOW,
    )
    db_session.add(delivery)
    db_session.flush()
    return {"token": token.token.id, "endpoint": endpoint.id, "delivery": delivery.id, "run": run.id, "act": act.id}
