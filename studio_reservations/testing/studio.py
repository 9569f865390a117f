"""A studio in memory in which the lives of passes are played: the real tables on SQLite and the real services, no mock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, StaticPool, create_engine
from sqlalchemy.orm import Session

from studio_reservations.database import BEGIN_OPTION, prepare_engine
from studio_reservations.models import (
    Base,
    ClassSession,
    ClassStep,
    Customer,
    CustomerStudio,
    Role,
    Rollout,
    Studio,
    StudioClass,
)
from studio_reservations.services.actors import Actor, ActorKind
from studio_reservations.testing.values import NOW, TIMEZONE, known_id, make_step

COURSE, OPEN, KILN = "Pottery", "Open studio", "Kiln day"
_WEEKS = 3
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A class session: ``starts_at`` UTC."""

    id: UUID
    class_id: UUID
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What every life finds: ids, and the sessions by start."""

    studio_id: UUID
    course_id: UUID
    customer_ids: tuple[UUID, ...]
    sessions: tuple[Meeting, ...]

    @property
    def manager(self) -> Actor:
        """Return whoever may do everything at the desk."""
        return Actor(kind=ActorKind.USER, id="the manager", roles={self.studio_id: Role.MANAGER})

    @property
    def customer(self) -> Actor:
        """Return the portal user who acts for all the customers of the pass."""
        return Actor(
            kind=ActorKind.USER,
            id="the customer",
            customer_ids=frozenset(self.customer_ids),
            own_customer_id=self.customer_ids[0],
        )


@contextmanager
def a_life() -> Iterator[tuple[Session, Scene]]:
    """Yield a database session in the studio, and undo all that was done in it."""
    connection, scene = _furnished()
    outer = connection.begin()
    try:
        with Session(connection, join_transaction_mode="create_savepoint") as db_session:
            yield db_session, scene
    finally:
        outer.rollback()


@cache
def _furnished() -> tuple[Connection, Scene]:
    """Make tables and studio once a process."""
    engine: Engine = create_engine("sqlite://", poolclass=StaticPool, execution_options={BEGIN_OPTION: "IMMEDIATE"})
    prepare_engine(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as db_session:
        scene = _scene(db_session)
        db_session.commit()
    return engine.connect(), scene


def _scene(db_session: Session) -> Scene:
    """Add two customers, and three weeks of a course in parts, of open hours by day and night, and of kiln days.

    The ids are those of `known_id`, so that options can name a class.
    """

    def added(row: _Row) -> _Row:
        db_session.add(row)
        db_session.flush()
        return row

    began = NOW - timedelta(days=60)
    studio = added(
        Studio(
            id=known_id("studio"),
            slug="studio",
            name="Clay & Co.",
            timezone=TIMEZONE,
            rollout=Rollout.ON.value,
            created_at=began,
        )
    )
    customers = [added(Customer(id=known_id(name), name=name, created_at=began)) for name in ("Ada", "Ben")]
    for customer in customers:
        added(CustomerStudio(studio_id=studio.id, customer_id=customer.id, internal=False, created_at=began))
    classes = {
        title: added(StudioClass(id=known_id(title), studio_id=studio.id, title=title, active=True, created_at=began))
        for title in (COURSE, OPEN, KILN)
    }
    course = classes[COURSE]
    steps = [
        added(
            ClassStep(
                id=make_step(position).id,
                studio_id=studio.id,
                class_id=course.id,
                position=position,
                title=f"Part {position}",
            )
        )
        for position in (1, 2, 3)
    ]
    today, sessions = NOW.astimezone(ZoneInfo(TIMEZONE)).date(), []

    def add(title: str, day: date, hour: int, *, minutes: int, step: ClassStep | None = None, place: str) -> None:
        starts_at = datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(TIMEZONE))
        sessions.append(
            added(
                ClassSession(
                    studio_id=studio.id,
                    class_id=classes[title].id,
                    step_id=step.id if step is not None else None,
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(minutes=minutes),
                    capacity=4,
                    seats_taken=0,
                    location=place,
                    created_at=began,
                )
            )
        )

    for week in range(_WEEKS):
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=week)
        for number, step in enumerate(steps):
            add(COURSE, monday + timedelta(days=1 + 2 * number), 18, minutes=120, step=step, place="Wheel room")
        for weekday, hour in ((0, 10), (2, 14), (3, 20), (5, 11)):
            add(OPEN, monday + timedelta(days=weekday), hour, minutes=60, place="Hall")
        add(KILN, monday + timedelta(days=6), 9, minutes=300, place="Kiln")
    return Scene(
        studio_id=studio.id,
        course_id=course.id,
        customer_ids=tuple(one.id for one in customers),
        sessions=tuple(
            Meeting(id=one.id, class_id=one.class_id, starts_at=one.starts_at)
            for one in sorted(sessions, key=lambda one: one.starts_at)
        ),
    )
