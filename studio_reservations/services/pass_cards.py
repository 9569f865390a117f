"""Passes as staff look at them: found, and each with what is left and what happens next. Reads only.

Source: rules.md §4, §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from studio_reservations.errors import PassTypeUnavailable
from studio_reservations.models import (
    ClassRegistration,
    Customer,
    RegistrationMember,
    RegistrationStatus,
    Role,
    Studio,
    StudioClass,
)
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.pass_types import Figure, HeldPass, HeldReservation, Remaining, Status
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.reserving import upcoming
from studio_reservations.services.actors import Actor
from studio_reservations.services.contact import DEFAULT_REGION
from studio_reservations.services.customers import matching
from studio_reservations.services.pass_views import REGISTRATIONS, bare_balance
from studio_reservations.services.seen import load_held_passes

SOON_DAYS = 30
HELD_PASSES: Any = REGISTRATIONS.add_columns(Customer.name.label("customer_name")).join(
    Customer, Customer.id == ClassRegistration.customer_id
)


class Standing(StrEnum):
    """Which passes are asked for, by how they stand."""

    IN_USE = "in-use"
    FROZEN = "frozen"
    OVER = "over"
    CANCELLED = "cancelled"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which passes of a studio; ``q`` is looked for in the holder's name, e-mail and phone."""

    q: str = ""
    pass_type: str | None = None
    standing: Standing = Standing.IN_USE
    ends_soon: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCard:
    """A pass with what it still gives; ``coming`` is what it holds next.

    ``figures`` are the plugin's, those for staff among them; ``fault`` says what is wrong with it where it cannot answer.
    """

    row: Any
    label: str
    held: HeldPass
    remaining: Remaining
    upcoming: int
    coming: tuple[tuple[HeldReservation, str], ...]
    fault: str | None
    plugin_missing: bool
    details: dict[str, Any]
    figures: tuple[Figure, ...]
    today: date

    @property
    def over(self) -> bool:
        """Whether its last day is past."""
        return self.row.valid_until is not None and self.row.valid_until < self.today

    @property
    def begins_later(self) -> bool:
        """Whether its first day is to come."""
        return self.row.valid_from is not None and self.row.valid_from > self.today


def passes_of_studio(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    wanted: Wanted,
    pass_types: PassTypes,
    now: datetime,
    limit: int,
    skip: int = 0,
    region: str = DEFAULT_REGION,
) -> Sequence[Any]:
    """Return the studio's passes that are asked for, the latest first; those that end soon by their end.

    :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.FRONT_DESK)
    today = local_date(now, timezone=studio.timezone)
    found = HELD_PASSES.where(
        ClassRegistration.studio_id == studio.id,
        *matching(wanted.q, region=region),
        *_standing(wanted.standing, today),
    )
    if wanted.pass_type is not None:
        found = found.where(ClassRegistration.pass_type == wanted.pass_type)
    if wanted.missing:
        found = found.where(ClassRegistration.pass_type.not_in([one.key for one in pass_types]))
    if wanted.ends_soon:
        found = found.where(ClassRegistration.valid_until.between(today, today + timedelta(days=SOON_DAYS)))
        found = found.order_by(ClassRegistration.valid_until)
    found = found.order_by(ClassRegistration.issued_at.desc(), ClassRegistration.id.desc())
    return db_session.execute(found.limit(limit).offset(skip)).all()


def passes_of_customer(db_session: Session, *, customer_id: UUID, studio_id: UUID) -> Sequence[Any]:
    """Return the passes that a customer may use at a studio, those in use first, then the latest."""
    as_member = select(RegistrationMember.registration_id).where(RegistrationMember.customer_id == customer_id)
    theirs = or_(ClassRegistration.customer_id == customer_id, ClassRegistration.id.in_(as_member))
    found = HELD_PASSES.where(ClassRegistration.studio_id == studio_id, theirs).order_by(
        ClassRegistration.status != RegistrationStatus.ACTIVE.value,
        ClassRegistration.issued_at.desc(),
        ClassRegistration.id.desc(),
    )
    return db_session.execute(found).all()


def pass_row(db_session: Session, registration_id: UUID) -> Any:
    """Return one pass that is known to exist, as `passes_of_studio` returns it."""
    db_session.flush()
    return db_session.execute(HELD_PASSES.where(ClassRegistration.id == registration_id)).one()


def cards_of(
    db_session: Session, rows: Sequence[Any], *, timezone: str, now: datetime, pass_types: PassTypes
) -> list[PassCard]:
    """Return a card for each of these rows of one studio: three queries for any number."""
    held = load_held_passes(db_session, rows, now=now, timezone=timezone)
    coming = {
        key: [one for one in of.reservations if one.status is Status.PENDING and one.ends_at > now]
        for key, of in held.items()
    }
    class_ids = {one.class_id for ones in coming.values() for one in ones}
    titles: dict[UUID, str] = {}
    if class_ids:
        found = db_session.execute(select(StudioClass.id, StudioClass.title).where(StudioClass.id.in_(class_ids)))
        titles = {row.id: row.title for row in found}
    today = local_date(now, timezone=timezone)
    cards = []
    for row in rows:
        remaining, details, figures, label, fault = _told(held[row.id], pass_types)
        cards.append(
            PassCard(
                row=row,
                label=label,
                held=held[row.id],
                remaining=remaining,
                upcoming=upcoming(held[row.id]),
                coming=tuple((one, titles[one.class_id]) for one in coming[row.id]),
                fault=fault,
                plugin_missing=row.pass_type not in pass_types,
                details=details,
                figures=figures,
                today=today,
            )
        )
    return cards


def members_of(db_session: Session, registration_id: UUID) -> Sequence[Customer]:
    """Return the further people who may use a pass, by name."""
    return db_session.scalars(
        select(Customer)
        .join(RegistrationMember, RegistrationMember.customer_id == Customer.id)
        .where(RegistrationMember.registration_id == registration_id)
        .order_by(Customer.name, Customer.id)
    ).all()


def classes_for(db_session: Session, *, studio_id: UUID, pass_type: str) -> Sequence[StudioClass]:
    """Return the studio's active classes that take such a pass, by title."""
    classes = db_session.scalars(
        select(StudioClass)
        .where(StudioClass.studio_id == studio_id, StudioClass.active.is_(True))
        .order_by(StudioClass.title, StudioClass.id)
    )
    return [one for one in classes if one.allowed_pass_types is None or pass_type in one.allowed_pass_types]


def _told(
    held: HeldPass, pass_types: PassTypes
) -> tuple[Remaining, dict[str, Any], tuple[Figure, ...], str, str | None]:
    """Return what the plugin says of a pass; where it cannot, the bare balance and what is wrong with it."""
    label = held.pass_type.replace("_", " ").capitalize()
    try:
        plugin = pass_types.get(held.pass_type)
        label = plugin.label
        return plugin.remaining(held), plugin.status_fields(held), plugin.figures(held), label, None
    except PassTypeUnavailable:
        return bare_balance(held), {}, (), label, pass_types.fault_of(held.pass_type, timezone=held.timezone)


def _standing(standing: Standing, today: date) -> list[ColumnElement[bool]]:
    active = ClassRegistration.status == RegistrationStatus.ACTIVE.value
    over = ClassRegistration.valid_until < today
    return {
        Standing.IN_USE: [active, or_(ClassRegistration.valid_until.is_(None), ClassRegistration.valid_until >= today)],
        Standing.FROZEN: [ClassRegistration.status == RegistrationStatus.FROZEN.value],
        Standing.OVER: [and_(active, over)],
        Standing.CANCELLED: [ClassRegistration.status == RegistrationStatus.CANCELLED.value],
        Standing.ALL: [],
    }[standing]
