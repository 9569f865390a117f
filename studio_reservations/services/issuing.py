"""Issuing a pass: the door by which a shop, staff and the walk-in desk bring passes in.

Source: rules.md §1, §4, §10, §11.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from types import EllipsisType, MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound, ReservationRefused
from studio_reservations.models import (
    ClassRegistration,
    Customer,
    LedgerReason,
    RegistrationStatus,
    Role,
    Studio,
    StudioClass,
    SubjectType,
)
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import EarlierPass, Purchase
from studio_reservations.services.actors import SYSTEM, Actor, ActorKind, utc_now
from studio_reservations.services.books import atomic, change_punches
from studio_reservations.services.customers import link_customer, lock_customer, require_known
from studio_reservations.services.events import record
from studio_reservations.services.pass_members import check_number, set_members

LONGEST_REFERENCE = 200
MOST_ADVANCE = 10_000
MOST_GRACE_HOURS = 8_784  # a year
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)


def issue_registration(
    db_session: Session,
    *,
    customer_id: UUID,
    studio_id: UUID,
    pass_type: str,
    pass_options: Mapping[str, Any] | None = None,
    class_id: UUID | None = None,
    members: Collection[UUID] = (),
    valid_from: date | None = None,
    valid_until: date | None = None,
    external_ref: str | None = None,
    absence_grace_period_hours: int | None = None,
    max_advance_reservations: int | EllipsisType | None = ...,
    actor: Actor = SYSTEM,
    now: datetime | None = None,
    pass_types: PassTypes | None = None,
) -> ClassRegistration:
    """Issue a pass and return it; asked again with the same ``external_ref``, return the one that was issued.

    Part of the public API: a shop calls it in a transaction of its own with the id of the order line as ``external_ref``, and
    the customer becomes known to the studio. Staff issue to customers whom their studio knows already.
    ``max_advance_reservations`` left out is what the pass type says; None is no limit. Dates are studio-local and inclusive.
    ``members`` are further customers of the studio who may use it.

    :raises NotFound: for a studio, class, customer or member that is unknown, or none of the actor's business.
    :raises InvalidRequest: naming each wrong field; also where ``external_ref`` is another customer's or pass type's.
    :raises ReservationRefused: where the pass type does not let this customer have one.
    :raises PassTypeUnavailable: where the pass type is at fault.
    """
    actor.require(studio_id, Role.MANAGER)
    now = now or utc_now()
    studio = db_session.get(Studio, studio_id)
    if studio is None:
        raise NotFound()
    customer = _customer(db_session, customer_id, studio_id=studio_id, actor=actor)
    if external_ref is not None and (known := _issued(db_session, studio_id, external_ref)) is not None:
        return _same(known, customer_id=customer.id, pass_type=pass_type)
    pass_types = installed_pass_types() if pass_types is None else pass_types
    if (plugin := pass_types.find(pass_type)) is None:
        raise InvalidRequest(errors={"pass_type": f"Choose one of {', '.join(sorted(one.key for one in pass_types))}."})
    check_class(db_session, class_id=class_id, studio_id=studio_id, pass_type=pass_type)
    check_terms(
        valid_from=valid_from,
        valid_until=valid_until,
        max_advance_reservations=None
        if isinstance(max_advance_reservations, EllipsisType)
        else max_advance_reservations,
        absence_grace_period_hours=absence_grace_period_hours,
        external_ref=external_ref,
    )
    options = plugin.validated_options(pass_options or {})
    further = set(members) - {customer.id}
    try:
        plugin.allow_issue(
            Purchase(
                customer_id=customer.id,
                now=now,
                timezone=studio.timezone,
                options=MappingProxyType(options),
                class_id=class_id,
                valid_from=valid_from,
                valid_until=valid_until,
                people=1 + len(further),
                earlier=_earlier(db_session, customer.id, studio_id=studio_id),
            )
        )
    except ReservationRefused as refusal:
        refusal.values.setdefault("timezone", studio.timezone)  # no session tells in which zone an instant is read
        raise
    issue = plugin.issue(options)
    if isinstance(max_advance_reservations, EllipsisType):
        max_advance_reservations = issue.max_advance_reservations
    registration = ClassRegistration(
        studio_id=studio_id,
        customer_id=customer.id,
        class_id=class_id,
        pass_type=pass_type,
        pass_options=options,
        sessions_included=issue.sessions_included,
        sessions_remaining=None if issue.sessions_included is None else 0,
        sessions_attended=0,
        max_advance_reservations=max_advance_reservations,
        requires_sequential_attendance=issue.requires_sequential_attendance,
        absence_grace_period_hours=absence_grace_period_hours,
        valid_from=valid_from,
        valid_until=valid_until,
        status=RegistrationStatus.ACTIVE.value,
        external_ref=external_ref,
        issued_at=now,
    )
    check_number(registration, further, plugin)
    with atomic(db_session):
        link_customer(db_session, customer_id=customer.id, studio_id=studio_id, now=now)
        try:
            with db_session.begin_nested():
                db_session.add(registration)
        except IntegrityError:
            # The shop asked twice at once: the other call has issued it.
            if external_ref is None or (known := _issued(db_session, studio_id, external_ref)) is None:
                raise
            return _same(known, customer_id=customer.id, pass_type=pass_type)
        set_members(db_session, registration, further, now=now)
        change_punches(
            db_session,
            registration=registration,
            delta=issue.sessions_included or 0,
            entry_type=LedgerReason.ISSUED,
            actor=actor,
            now=now,
        )
        record(
            db_session,
            action="registration.issued",
            subject_type=SubjectType.REGISTRATION,
            subject_id=registration.id,
            studio_id=studio_id,
            customer_id=customer.id,
            actor=actor,
            as_staff=True,
            now=now,
            to_status=registration.status,
            details={
                "pass_type": pass_type,
                "class_id": str(class_id) if class_id else None,
                "sessions_included": issue.sessions_included,
                "valid_from": valid_from.isoformat() if valid_from else None,
                "valid_until": valid_until.isoformat() if valid_until else None,
                "external_ref": external_ref,
                **({"members": sorted(map(str, further))} if further else {}),
            },
        )
    return registration


def check_class(db_session: Session, *, class_id: UUID | None, studio_id: UUID, pass_type: str) -> StudioClass | None:
    """Return the class that a pass is to be for. :raises NotFound: :raises InvalidRequest: where it takes no such pass."""
    if class_id is None:
        return None
    studio_class = db_session.get(StudioClass, class_id)
    if studio_class is None or studio_class.studio_id != studio_id:
        raise NotFound()
    if studio_class.allowed_pass_types is not None and pass_type not in studio_class.allowed_pass_types:
        raise InvalidRequest(errors={"class_id": "This class does not take this kind of pass."})
    return studio_class


def check_terms(
    *,
    valid_from: date | None = None,
    valid_until: date | None = None,
    max_advance_reservations: int | None = None,
    absence_grace_period_hours: int | None = None,
    external_ref: str | None = None,
) -> None:
    """:raises InvalidRequest: naming each term of a pass that cannot be."""
    errors = {}
    for name, day in (("valid_from", valid_from), ("valid_until", valid_until)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            errors[name] = f"Choose a day from {FIRST_DAY} to {LAST_DAY}."
    if not errors and valid_from is not None and valid_until is not None and valid_until < valid_from:
        errors["valid_until"] = "The last day cannot lie before the first."
    if max_advance_reservations is not None and not 0 <= max_advance_reservations <= MOST_ADVANCE:
        errors["max_advance_reservations"] = f"Write a number from 0 to {MOST_ADVANCE}, or nothing for no limit."
    if absence_grace_period_hours is not None and not 0 <= absence_grace_period_hours <= MOST_GRACE_HOURS:
        errors["absence_grace_period_hours"] = f"Write hours from 0 to {MOST_GRACE_HOURS}, or nothing for the studio's."
    if external_ref is not None and not 1 <= len(external_ref) <= LONGEST_REFERENCE:
        errors["external_ref"] = f"Write 1 to {LONGEST_REFERENCE} characters."
    if errors:
        raise InvalidRequest(errors=errors)


def _customer(db_session: Session, customer_id: UUID, *, studio_id: UUID, actor: Actor) -> Customer:
    """Return who gets the pass, locked, so that two passes issued to them at once know of each other."""
    customer = db_session.scalars(lock_customer(customer_id)).one_or_none()
    if customer is not None and customer.merged_into_id is not None:
        customer = db_session.scalars(lock_customer(customer.merged_into_id)).one()
    if customer is None or customer.erased_at is not None:
        raise NotFound()
    if actor.kind is not ActorKind.SYSTEM:
        require_known(db_session, customer_id=customer.id, studio_id=studio_id)
    return customer


def _earlier(db_session: Session, customer_id: UUID, *, studio_id: UUID) -> tuple[EarlierPass, ...]:
    """Return what the customer has held at the studio; passes shared with them are others'."""
    rows = db_session.execute(
        select(
            ClassRegistration.pass_type,
            ClassRegistration.status,
            ClassRegistration.issued_at,
            ClassRegistration.class_id,
            ClassRegistration.sessions_attended,
        )
        .where(ClassRegistration.customer_id == customer_id, ClassRegistration.studio_id == studio_id)
        .order_by(ClassRegistration.issued_at, ClassRegistration.id)
    )
    return tuple(EarlierPass(**row._mapping) for row in rows)


def _issued(db_session: Session, studio_id: UUID, external_ref: str) -> ClassRegistration | None:
    return db_session.scalar(
        select(ClassRegistration).where(
            ClassRegistration.studio_id == studio_id, ClassRegistration.external_ref == external_ref
        )
    )


def _same(known: ClassRegistration, *, customer_id: UUID, pass_type: str) -> ClassRegistration:
    if (known.customer_id, known.pass_type) != (customer_id, pass_type):
        raise InvalidRequest(errors={"external_ref": "Another pass has been issued with this reference."})
    return known
