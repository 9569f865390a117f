"""What somebody may see of studios, classes and sessions, and which people they are. Reads only.

Source: rules.md §3 ("a customer sees the studios that know them"), §10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, or_, select, tuple_
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    ClassStep,
    Customer,
    CustomerStudio,
    SessionReservation,
    Studio,
    StudioClass,
)
from studio_reservations.pass_types import LIVE
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.services.actors import Actor
from studio_reservations.services.customers import require_known
from studio_reservations.services.listings import (
    CLOSES_MINUTES,
    OPENS_MINUTES,
    RESERVATIONS,
    Page,
    join_policies,
)
from studio_reservations.services.standing import require_front_desk_or_teacher

DEFAULT_DAYS = 30
LONGEST_DAYS = 92

SESSIONS: Any = join_policies(
    select(
        ClassSession.id,
        ClassSession.studio_id,
        ClassSession.class_id,
        ClassSession.starts_at,
        ClassSession.ends_at,
        ClassSession.location,
        ClassSession.instructor,
        ClassSession.instructor_id,
        ClassSession.status,
        ClassSession.capacity,
        ClassSession.seats_taken,
        StudioClass.title.label("class_title"),
        ClassStep.title.label("step_title"),
        Studio.slug.label("studio_slug"),
        Studio.timezone,
        OPENS_MINUTES.label("check_in_opens_minutes_before"),
        CLOSES_MINUTES.label("check_in_closes_minutes_after"),
    )
    .join(StudioClass, StudioClass.id == ClassSession.class_id)
    .join(Studio, Studio.id == ClassSession.studio_id)
    .outerjoin(ClassStep, ClassStep.id == ClassSession.step_id),
    studio_id=ClassSession.studio_id,
    class_id=ClassSession.class_id,
)
_SESSION = SESSIONS.where(ClassSession.id == bindparam("id"))
_CLASSES = select(
    StudioClass.id,
    StudioClass.title,
    StudioClass.description,
    StudioClass.instructor,
    StudioClass.default_duration_minutes,
    Studio.slug.label("studio_slug"),
).join(Studio, Studio.id == StudioClass.studio_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """A span of local days as instants: from ``starts_from`` to just before ``starts_before``."""

    starts_from: datetime
    starts_before: datetime


def known_studios(db_session: Session, actor: Actor, *, page: Page | None = None) -> Sequence[Studio]:
    """Return the studios that know somebody the actor acts for, and those they work at, by name.

    All of them, or a page and one row more where there is a next page.
    """
    wanted = select(Studio).where(_visible(actor)).order_by(Studio.name, Studio.id)
    if page is not None:
        wanted = wanted.limit(page.limit + 1)
        if page.after is not None:
            wanted = wanted.where(tuple_(Studio.name, Studio.id) > page.after)
    return db_session.scalars(wanted).all()


def known_studio(db_session: Session, actor: Actor, slug: str) -> Studio:
    """Return one of `known_studios`. :raises NotFound:"""
    studio = db_session.scalar(select(Studio).where(Studio.slug == slug, _visible(actor)))
    if studio is None:
        raise NotFound()
    return studio


def studio_by_id(db_session: Session, studio_id: UUID) -> Studio:
    """Return a studio that something else names."""
    return db_session.get_one(Studio, studio_id)


def staff_studio(db_session: Session, actor: Actor, slug: str | None) -> Studio:
    """Return the studio that staff mean: the one named, or the only one they work at.

    :raises NotFound: for a studio that they do not work at, and for whoever works at none.
    :raises InvalidRequest: where none is named and they work at several.
    """
    if not actor.roles:
        raise NotFound()
    if slug is None and len(actor.roles) > 1:
        raise InvalidRequest(errors={"studio": "You work at several studios: say which."})
    wanted = select(Studio).where(Studio.id.in_(sorted(actor.roles)))
    studio = db_session.scalar(wanted if slug is None else wanted.where(Studio.slug == slug))
    if studio is None:
        raise NotFound()
    return studio


def classes_of(
    db_session: Session, *, studio_id: UUID, page: Page
) -> tuple[Sequence[Any], Mapping[UUID, Sequence[ClassStep]]]:
    """Return a page of a studio's active classes by title, one row more where there is a next page, and their steps."""
    wanted = _CLASSES.where(StudioClass.studio_id == studio_id, StudioClass.active.is_(True))
    if page.after is not None:
        wanted = wanted.where(tuple_(StudioClass.title, StudioClass.id) > page.after)
    rows = db_session.execute(wanted.order_by(StudioClass.title, StudioClass.id).limit(page.limit + 1)).all()
    steps: dict[UUID, list[ClassStep]] = {}
    for step in db_session.scalars(
        select(ClassStep).where(ClassStep.class_id.in_([row.id for row in rows])).order_by(ClassStep.position)
    ):
        steps.setdefault(step.class_id, []).append(step)
    return rows, steps


def studio_of_class(db_session: Session, actor: Actor, class_id: UUID) -> Studio:
    """Return the one of `known_studios` that teaches a class. :raises NotFound:"""
    studio = db_session.scalar(
        select(Studio)
        .join(StudioClass, StudioClass.studio_id == Studio.id)
        .where(StudioClass.id == class_id, _visible(actor))
    )
    if studio is None:
        raise NotFound()
    return studio


def session_view(db_session: Session, session_id: UUID) -> Any:
    """Return a class session with its class, step, studio and check-in minutes. :raises NotFound:"""
    row = db_session.execute(_SESSION, {"id": session_id}).one_or_none()
    if row is None:
        raise NotFound()
    return row


def session_for(db_session: Session, *, actor: Actor, session_id: UUID) -> Any:
    """Return a class session of one of `known_studios`. :raises NotFound:"""
    row = db_session.execute(_SESSION.where(_visible(actor)), {"id": session_id}).one_or_none()
    if row is None:
        raise NotFound()
    return row


def roster_of(db_session: Session, *, actor: Actor, session_id: UUID) -> tuple[Any, Sequence[Any]]:
    """Return a class session and those who are or were to come, by name: for the front desk and whoever teaches it.

    :raises NotFound, Forbidden:
    """
    session = session_view(db_session, session_id)
    require_front_desk_or_teacher(actor, studio_id=session.studio_id, instructor_id=session.instructor_id)
    rows = db_session.execute(
        RESERVATIONS.add_columns(Customer.name.label("customer_name"), SessionReservation.flags)
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .where(
            SessionReservation.session_id == session_id,
            SessionReservation.status.not_in(("CANCELLED", "AUTO_CANCELLED")),
        )
        .order_by(Customer.name, SessionReservation.id)
    ).all()
    return session, rows


def own_reservation(db_session: Session, *, actor: Actor, session: Any, customer_id: UUID) -> UUID | None:
    """Return the customer's reservation for a session (a row of `SESSIONS`): the live one, else the latest; None without.

    For whoever acts for them, the front desk, and the instructor whose session it is.

    :raises NotFound, Forbidden: for a customer who is none of the actor's.
    """
    if not actor.acts_for(customer_id):
        require_front_desk_or_teacher(actor, studio_id=session.studio_id, instructor_id=session.instructor_id)
        require_known(db_session, customer_id=customer_id, studio_id=session.studio_id)
    return db_session.scalar(
        select(SessionReservation.id)
        .where(
            SessionReservation.session_id == session.id,
            SessionReservation.customer_id == customer_id,
            SessionReservation.guest_name.is_(None),
        )
        .order_by(
            SessionReservation.status.in_(LIVE).desc(),
            SessionReservation.reserved_at.desc(),
            SessionReservation.id.desc(),
        )
        .limit(1)
    )


def people_of(db_session: Session, actor: Actor) -> Sequence[Customer]:
    """Return the customers whom the actor acts for, by name."""
    return db_session.scalars(
        select(Customer).where(Customer.id.in_(sorted(actor.customer_ids))).order_by(Customer.name, Customer.id)
    ).all()


def studio_days(*, first: date | None, last: date | None, timezone: str, now: datetime) -> Days:
    """Return the span of the studio-local days ``first`` … ``last``, inclusive: by default today and 30 days more.

    :raises InvalidRequest: where it ends before it begins, or is longer than 92 days.
    """
    begin = first or local_date(now, timezone=timezone)
    end = last or begin + timedelta(days=DEFAULT_DAYS)
    if end < begin:
        raise InvalidRequest(errors={"to": "It lies before `from`."})
    if (end - begin).days >= LONGEST_DAYS:
        raise InvalidRequest(errors={"to": f"Ask for at most {LONGEST_DAYS} days."})
    return Days(
        starts_from=day_start(begin, timezone=timezone),
        starts_before=day_start(end + timedelta(days=1), timezone=timezone),
    )


def timezone_of(db_session: Session, *, kind: str, row_id: UUID) -> str | None:
    """Return the zone in which what happens to a session, reservation or registration is told."""
    tables: Mapping[str, Any] = {
        "session": ClassSession,
        "reservation": SessionReservation,
        "registration": ClassRegistration,
    }
    table = tables[kind]
    return db_session.scalar(
        select(Studio.timezone).join(table, table.studio_id == Studio.id).where(table.id == row_id)
    )


def _visible(actor: Actor) -> ColumnElement[bool]:
    known = select(CustomerStudio.studio_id).where(CustomerStudio.customer_id.in_(sorted(actor.customer_ids)))
    return or_(Studio.id.in_(known), Studio.id.in_(sorted(actor.roles)))
