"""The no-shows and suspensions of a studio as staff see them. Reads only.

Source: rules.md §6; api.md, Endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, literal, not_, select, tuple_
from sqlalchemy.orm import Session, aliased

from studio_reservations.errors import NotFound
from studio_reservations.models import (
    ClassSession,
    Customer,
    CustomerSuspension,
    Role,
    SessionReservation,
    Studio,
    SuspensionNoShow,
)
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.missing import next_night
from studio_reservations.policies.policy import Policy
from studio_reservations.services.actors import Actor
from studio_reservations.services.counting import counting
from studio_reservations.services.directory import DEFAULT_DAYS, studio_days
from studio_reservations.services.listings import RESERVATIONS, Page
from studio_reservations.services.policies import policies_of

_coming = aliased(SessionReservation, name="coming")
_coming_session = aliased(ClassSession, name="coming_session")
_lost = aliased(SessionReservation, name="lost")
_other = aliased(SessionReservation, name="other")

_LOST: Any = (
    select(func.count())
    .select_from(_lost)
    .where(_lost.auto_cancelled_for_id == SessionReservation.id, _lost.status == "AUTO_CANCELLED")
    .correlate(SessionReservation)
    .scalar_subquery()
)

SUSPENSIONS: Any = (
    select(
        *(column for column in CustomerSuspension.__table__.columns),
        Customer.name.label("customer_name"),
        Customer.email.label("customer_email"),
        Studio.slug.label("studio_slug"),
        Studio.timezone,
    )
    .join(Studio, Studio.id == CustomerSuspension.studio_id)
    .join(Customer, Customer.id == CustomerSuspension.customer_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShows:
    """A page of missed classes, and the number of them at which the studio suspends; None where it never does."""

    rows: Sequence[Any]
    limit: int | None


def no_shows_for(
    db_session: Session,
    *,
    actor: Actor,
    studio: Studio,
    first: date | None,
    last: date | None,
    now: datetime,
    page: Page,
) -> NoShows:
    """Return the classes missed on the studio-local days ``first`` … ``last``, the latest first, and one row more.

    By default the last 30 days and today. Waived ones and counted late cancellations are among them. Each row is one of
    `listings.RESERVATIONS` with the customer, the explanation, and what it threatens or cost. One query for all rows.

    :raises NotFound, Forbidden: :raises InvalidRequest: for more than 92 days.
    """
    actor.require(studio.id, Role.FRONT_DESK)
    end = last or local_date(now, timezone=studio.timezone)
    days = studio_days(first=first or end - timedelta(days=DEFAULT_DAYS), last=end, timezone=studio.timezone, now=now)
    policy = policies_of(db_session, studio.id).of_class(None)
    wanted = missed_classes(studio, policy=policy, now=now).where(
        SessionReservation.missed_at >= days.starts_from,
        SessionReservation.missed_at < days.starts_before,
    )
    key = tuple_(SessionReservation.missed_at, SessionReservation.id)
    if page.after is not None:
        wanted = wanted.where(key < page.after)
    ordered = wanted.order_by(SessionReservation.missed_at.desc(), SessionReservation.id.desc())
    return NoShows(rows=db_session.execute(ordered.limit(page.limit + 1)).all(), limit=policy.max_no_shows)


def missed_classes(studio: Studio, *, policy: Policy, now: datetime) -> Any:
    """Return the select of a studio's missed classes: `listings.RESERVATIONS` with the customer and what hangs on each.

    Waived ones and counted late cancellations are among them. ``policy`` is the studio's own.
    """
    counted = (
        select(func.count())
        .select_from(_other)
        .where(
            _other.customer_id == SessionReservation.customer_id,
            counting(_other, studio_id=studio.id, as_of=now, timezone=studio.timezone, policy=policy),
        )
        .correlate(SessionReservation)
        .scalar_subquery()
    )
    return (
        RESERVATIONS.add_columns(
            Customer.name.label("customer_name"),
            Customer.email.label("customer_email"),
            Customer.phone.label("customer_phone"),
            SessionReservation.missed_at,
            SessionReservation.futures_cancelled_at,
            SessionReservation.seat_released_at,
            SessionReservation.flags,
            SessionReservation.explanation,
            SessionReservation.explained_at,
            SessionReservation.explanation_answer,
            SessionReservation.explanation_answered_at,
            _threatened(now, studio.timezone).label("futures_threatened"),
            _LOST.label("futures_cancelled"),
            counted.label("no_shows_counted"),
        )
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .where(SessionReservation.studio_id == studio.id, SessionReservation.counts_as_no_show.is_(True))
    )


def suspensions_for(
    db_session: Session, *, actor: Actor, studio: Studio, active: bool | None, now: datetime, page: Page
) -> Sequence[Any]:
    """Return a page of the studio's suspensions, the latest first, and one row more where there is a next page.

    ``active`` asks for those that cover now, or for all others. :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.FRONT_DESK)
    wanted = SUSPENSIONS.where(CustomerSuspension.studio_id == studio.id)
    if active is not None:
        covers = and_(
            CustomerSuspension.starts_at <= now, CustomerSuspension.ends_at > now, CustomerSuspension.ended_at.is_(None)
        )
        wanted = wanted.where(covers if active else not_(covers))
    if page.after is not None:
        wanted = wanted.where(tuple_(CustomerSuspension.starts_at, CustomerSuspension.id) < page.after)
    ordered = wanted.order_by(CustomerSuspension.starts_at.desc(), CustomerSuspension.id.desc())
    return db_session.execute(ordered.limit(page.limit + 1)).all()


def suspension_view(db_session: Session, suspension_id: UUID) -> Any:
    """Return one suspension with its customer, studio and zone. :raises NotFound:"""
    db_session.flush()
    row = db_session.execute(SUSPENSIONS.where(CustomerSuspension.id == suspension_id)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def built_by(db_session: Session, suspension_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """Return the missed classes that built each of these suspensions, in one query."""
    found: dict[UUID, list[UUID]] = {one: [] for one in suspension_ids}
    for suspension_id, reservation_id in db_session.execute(
        select(SuspensionNoShow.suspension_id, SuspensionNoShow.reservation_id)
        .where(SuspensionNoShow.suspension_id.in_(sorted(found)))
        .order_by(SuspensionNoShow.reservation_id)
    ):
        found[suspension_id].append(reservation_id)
    return found


def _threatened(now: datetime, timezone: str) -> Any:
    """Return how many coming reservations of the pass the night will take for this no-show, unless it is waived."""
    own = SessionReservation.auto_cancel_at
    night = case((own > now, own), else_=literal(next_night(now, now=now, timezone=timezone), own.type))
    taken = (
        select(func.count())
        .select_from(_coming)
        .join(_coming_session, _coming_session.id == _coming.session_id)
        .where(
            _coming.registration_id == SessionReservation.registration_id,
            _coming.status == "PENDING",
            _coming_session.starts_at > night,
        )
        .correlate(SessionReservation)
        .scalar_subquery()
    )
    standing = and_(
        SessionReservation.status == "NO_SHOW",
        SessionReservation.waived_at.is_(None),
        SessionReservation.futures_cancelled_at.is_(None),
        own.is_not(None),
    )
    return case((standing, taken), else_=0)
