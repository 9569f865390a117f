"""Erasing a person: what tells of them goes, the books stay.

Source: rules.md §11.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import String, cast, delete, func, literal, null, or_, select, update
from sqlalchemy.orm import Session

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import (
    AccessKind,
    ApiToken,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerAccess,
    CustomerStudio,
    CustomerSuspension,
    DeliveryState,
    IdempotencyRecord,
    OutboxDelivery,
    OutboxMessage,
    PunchLedgerEntry,
    ReservationHistory,
    Role,
    SessionReservation,
)
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import SYSTEM, Actor
from studio_reservations.services.books import atomic, change_seats, lock_registrations, seat_changes
from studio_reservations.services.cancelling import cancel_free
from studio_reservations.services.customers import has_role_everywhere, lock_customer, record_customer, require_known

ERASED_NAME = "Erased customer"
ERASED_GUEST = "Guest"
_GIVEN_UP = (Status.PENDING.value, Status.CHECKED_IN.value)


def customer_deleted(db_session: Session, *, user_id: str, now: datetime) -> Customer | None:
    """Erase the customer that a portal user is, and end what the user may do for others. To be called by the portal.

    Return the erased customer, or None for a user who is none. Wards stay, and can be claimed again.
    """
    customer_id = db_session.scalar(
        select(CustomerAccess.customer_id).where(
            CustomerAccess.user_id == user_id, CustomerAccess.kind == AccessKind.SELF.value
        )
    )
    with atomic(db_session):
        db_session.execute(delete(CustomerAccess).where(CustomerAccess.user_id == user_id))
        return None if customer_id is None else erase_customer(db_session, customer_id=customer_id, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePreview:
    """What erasing a customer cancels and takes away, and what stays in the books without them."""

    customer: Customer
    coming: int
    passes: int
    people: int
    reservations: int
    elsewhere: bool


def preview_erasure(
    db_session: Session, *, customer_id: UUID, studio_id: UUID, actor: Actor, now: datetime
) -> ErasurePreview:
    """Say what `erase_by_staff` would do; ``elsewhere``: another studio knows them, of which the actor is no owner.

    :raises NotFound, Forbidden:
    """
    actor.require(studio_id, Role.OWNER)
    customer = require_known(db_session, customer_id=customer_id, studio_id=studio_id)
    registrations = _passes_of(db_session, [customer_id])
    access = select(CustomerAccess.id).where(CustomerAccess.customer_id == customer_id)
    reservations = select(func.count()).where(SessionReservation.customer_id == customer_id)
    passes = select(func.count()).where(ClassRegistration.customer_id == customer_id)
    return ErasurePreview(
        customer=customer,
        coming=len(_future(db_session, [customer_id], registrations, now)),
        passes=db_session.scalars(passes).one(),
        people=len(db_session.scalars(access).all()),
        reservations=db_session.scalars(reservations).one(),
        elsewhere=not has_role_everywhere(db_session, customer_id=customer_id, actor=actor, least=Role.OWNER),
    )


def erase_by_staff(db_session: Session, *, customer_id: UUID, studio_id: UUID, actor: Actor, now: datetime) -> Customer:
    """Erase a customer for the owner of every studio that knows them.

    :raises NotFound: for whom this studio does not know, or no longer. :raises Forbidden:
    """
    actor.require(studio_id, Role.OWNER)
    require_known(db_session, customer_id=customer_id, studio_id=studio_id)
    if not has_role_everywhere(db_session, customer_id=customer_id, actor=actor, least=Role.OWNER):
        raise Forbidden(role=Role.OWNER.value)
    return erase_customer(db_session, customer_id=customer_id, now=now, actor=actor, studio_id=studio_id)


def erase_customer(
    db_session: Session,
    *,
    customer_id: UUID,
    now: datetime,
    actor: Actor = SYSTEM,
    studio_id: UUID | None = None,
) -> Customer:
    """Anonymise a customer, and those merged into them, and cancel what they have reserved; erased already, unchanged.

    Reasons, metadata, explanations, notes, what waits to be sent, remembered answers and the feed token go; ledger, history
    and reservations stay without them. :raises NotFound:
    """
    customer = db_session.get(Customer, customer_id)
    if customer is None:
        raise NotFound()
    if customer.erased_at is not None:
        return customer
    with atomic(db_session):
        people = [customer_id, *db_session.scalars(select(Customer.id).where(Customer.merged_into_id == customer_id))]
        # Passes first, as everywhere; then nothing is reserved for them meanwhile.
        registrations = lock_registrations(db_session, _passes_of(db_session, people))
        _forget_messages(db_session, people)
        _forget_words(db_session, people)
        _forget_answers(db_session, people)
        for one in sorted(people):
            _anonymise(db_session.scalars(lock_customer(one)).one(), now)
        db_session.execute(delete(CustomerAccess).where(CustomerAccess.customer_id.in_(people)))
        db_session.execute(
            update(ApiToken)
            .where(ApiToken.customer_id.in_(people), ApiToken.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        record_customer(db_session, customer, "customer.erased", actor=actor, now=now, studio_id=studio_id)
        future = _future(db_session, people, registrations, now)
        for reservation in future:
            cancel_free(
                db_session,
                registration=registrations[reservation.registration_id],
                reservation=reservation,
                actor=actor,
                as_staff=True,
                now=now,
                details={"reason_code": "customer_erased"},
            )
        change_seats(db_session, seat_changes(*((one.session_id, -1) for one in future)))
    return customer


def _passes_of(db_session: Session, people: Iterable[UUID]) -> set[UUID]:
    """Return the passes that they hold, or on which they have a reservation."""
    own = select(ClassRegistration.id).where(ClassRegistration.customer_id.in_(people))
    used = select(SessionReservation.registration_id).where(SessionReservation.customer_id.in_(people))
    return {*db_session.scalars(own), *db_session.scalars(used)}


def _future(
    db_session: Session, people: Iterable[UUID], registrations: Iterable[UUID], now: datetime
) -> list[SessionReservation]:
    return list(
        db_session.scalars(
            select(SessionReservation)
            .join(ClassSession, ClassSession.id == SessionReservation.session_id)
            .where(
                SessionReservation.customer_id.in_(people),
                SessionReservation.registration_id.in_(sorted(registrations)),
                SessionReservation.status.in_(_GIVEN_UP),
                ClassSession.starts_at > now,
            )
            .order_by(SessionReservation.id)
            .execution_options(populate_existing=True)
        )
    )


def _anonymise(customer: Customer, now: datetime) -> None:
    customer.name = ERASED_NAME
    customer.email = customer.phone = customer.locale = customer.feed_token_hash = None
    customer.preferences = {}
    customer.erased_at = now


def _forget_messages(db_session: Session, people: list[UUID]) -> None:
    """Take the payload of every message to them, what is not sent yet altogether, and the address of what was."""
    messages = select(OutboxMessage.id).where(OutboxMessage.customer_id.in_(people))
    of_them = OutboxDelivery.message_id.in_(messages)
    sent = OutboxDelivery.state == DeliveryState.SENT.value
    db_session.execute(delete(OutboxDelivery).where(of_them, ~sent))
    db_session.execute(
        update(OutboxDelivery)
        .where(of_them, OutboxDelivery.endpoint_id.is_(None))
        .values(recipient=literal("erased ") + cast(OutboxDelivery.id, String))
        .execution_options(synchronize_session=False)
    )
    db_session.execute(
        delete(OutboxMessage)
        .where(OutboxMessage.customer_id.in_(people), OutboxMessage.expanded_at.is_(None))
        .execution_options(synchronize_session=False)
    )
    db_session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.customer_id.in_(people))
        .values(payload=null())
        .execution_options(synchronize_session=False)
    )


def _forget_words(db_session: Session, people: list[UUID]) -> None:
    """Null the reasons and metadata of the books, and what was written about them elsewhere."""
    passes = select(ClassRegistration.id).where(ClassRegistration.customer_id.in_(people))
    reservations = select(SessionReservation.id).where(SessionReservation.customer_id.in_(people))
    for statement in (
        update(ReservationHistory)
        .where(or_(ReservationHistory.customer_id.in_(people), ReservationHistory.reservation_id.in_(reservations)))
        .values(reason=None, details=null()),
        update(PunchLedgerEntry)
        .where(or_(PunchLedgerEntry.registration_id.in_(passes), PunchLedgerEntry.reservation_id.in_(reservations)))
        .values(reason=None, details=null()),
        update(SessionReservation).where(SessionReservation.customer_id.in_(people)).values(explanation=None),
        update(SessionReservation)
        .where(SessionReservation.customer_id.in_(people), SessionReservation.guest_name.is_not(None))
        .values(guest_name=ERASED_GUEST),
        update(CustomerSuspension)
        .where(CustomerSuspension.customer_id.in_(people))
        .values(reason=None, lift_reason=None, void_reason=None),
        update(CustomerStudio).where(CustomerStudio.customer_id.in_(people)).values(notes=None),
    ):
        db_session.execute(statement.execution_options(synchronize_session=False))
    db_session.expire_all()


def _forget_answers(db_session: Session, people: list[UUID]) -> None:
    """Delete the answers of the API that name them and are still kept to be given again."""
    body, names = IdempotencyRecord.body, [str(one).encode() for one in people]
    is_sqlite = connection(db_session).dialect.name == "sqlite"  # whose LIKE may not see into bytes
    named = [func.instr(body, name) > 0 if is_sqlite else body.bool_op("LIKE")(b"%" + name + b"%") for name in names]
    db_session.execute(delete(IdempotencyRecord).where(or_(*named)).execution_options(synchronize_session=False))
