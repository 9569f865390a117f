"""What the tests of the nights share: a studio whose rows are committed, sweeps over it, and its tables to compare."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from copy import copy as shallow_copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from studio_reservations.database import prepare_engine
from studio_reservations.models import (
    Base,
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerSuspension,
    OutboxMessage,
    ReservationHistory,
    SessionReservation,
)
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.services.actors import Clock
from studio_reservations.services.nights.running import Watcher, sweep, unwatched
from studio_reservations.services.nights.sweeps import BATCH, Counts
from tests import factories

T = TypeVar("T")
NIGHT = datetime(2026, 12, 2, 6, 0, tzinfo=UTC)
"""Wednesday 01:00 in Toronto."""

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TABLES = (
    "studio_class_registration",
    "studio_class_session",
    "studio_session_reservation",
    "studio_punch_ledger_entry",
    "studio_customer_suspension",
    "studio_suspension_no_show",
    "studio_reservation_history",
    "studio_outbox_message",
)


class Cut(Exception):
    """The worker was killed here."""


def cut_after(batches: int) -> Watcher:
    """Return a watcher that ends the sweep after so many batches."""
    seen = -1

    def watch(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen >= batches:
            raise Cut

    return watch


class Night:
    """A studio; what the properties build is committed before a sweep sees it."""

    def __init__(self, engine: Engine, *, timezone: str = factories.TORONTO) -> None:
        self.engine = engine
        self.db_session = Session(engine, expire_on_commit=False)
        self.studio = factories.make_studio(self.db_session, timezone=timezone)
        self.studio_class = factories.make_class(self.db_session, self.studio)
        self.db_session.commit()

    def copied(self, path: Path) -> Self:
        """Return the same studio in an SQLite file of its own, every row and id alike."""
        self.db_session.commit()
        source = sqlite3.connect(str(self.engine.url.database))
        copy = sqlite3.connect(path)
        source.backup(copy)
        source.close()
        copy.close()
        other = shallow_copy(self)
        other.engine = create_engine(f"sqlite:///{path}", execution_options=self.engine.get_execution_options())
        prepare_engine(other.engine)
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.db_session.close()

    def opened(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a transaction of its own."""
        with Session(self.engine) as session, session.begin():
            return work(session)

    def sweep(
        self,
        job: str,
        as_of: datetime = NIGHT,
        *,
        clock: Clock | None = None,
        pass_types: PassTypes | None = None,
        watcher: Watcher = unwatched,
        batch: int = BATCH,
    ) -> Counts:
        """Commit what was built, and run the job over the studio; without a ``clock`` no time passes meanwhile."""
        if self.db_session.in_transaction():
            self.db_session.commit()
        return sweep(
            job,
            opened=self.opened,
            studio_id=self.studio.id,
            as_of=as_of,
            clock=clock or (lambda: as_of),
            pass_types=pass_types or installed_pass_types(),
            watcher=watcher,
            batch=batch,
        )

    def customer(self, **fields: Any) -> Customer:
        return factories.make_customer(self.db_session, self.studio, **fields)

    def held(self, customer: Customer | None = None, **fields: Any) -> ClassRegistration:
        return factories.make_pass(self.db_session, customer or self.customer(), self.studio, **fields)

    def session(self, starts_at: datetime, **fields: Any) -> ClassSession:
        return factories.make_session(
            self.db_session, fields.pop("studio_class", self.studio_class), starts_at=starts_at, **fields
        )

    def over(self, hours: float = 9, **fields: Any) -> ClassSession:
        """Add a session that ended so many hours before `NIGHT`, two hours long."""
        return self.session(NIGHT - timedelta(hours=hours + 2), **fields)

    def coming(self, days: float = 5, **fields: Any) -> ClassSession:
        """Add a session that starts so many days after `NIGHT`."""
        return self.session(NIGHT + timedelta(days=days), **fields)

    def reserve(
        self, registration: ClassRegistration, session: ClassSession, status: Status = Status.PENDING, **fields: Any
    ) -> SessionReservation:
        return factories.make_reservation(self.db_session, registration, session, status=status, **fields)

    def no_show(
        self,
        registration: ClassRegistration,
        session: ClassSession | None = None,
        *,
        grace_ends_at: datetime = NIGHT - timedelta(hours=1),
        auto_cancel_at: datetime | None = NIGHT,
        **fields: Any,
    ) -> SessionReservation:
        """Add an unwaived no-show whose grace is over at `NIGHT`, and which acts then."""
        session = session or self.over(hours=40)
        fields.setdefault("missed_at", session.ends_at)
        fields.setdefault("counts_as_no_show", True)
        return self.reserve(
            registration,
            session,
            Status.NO_SHOW,
            no_show_at=session.ends_at,
            grace_ends_at=grace_ends_at,
            auto_cancel_at=auto_cancel_at,
            **fields,
        )

    def row(self, of: SessionReservation | UUID) -> SessionReservation:
        """Return the reservation as it is in the table."""
        reservation_id = of if isinstance(of, UUID) else of.id
        return self.opened(lambda session: self._fresh(session, SessionReservation, reservation_id))

    def again(self, of: Any) -> Any:
        """Return any row as it is in the table."""
        return self.opened(lambda session: self._fresh(session, type(of), of.id))

    def suspensions(self) -> list[CustomerSuspension]:
        return self._all(select(CustomerSuspension).order_by(CustomerSuspension.customer_id, CustomerSuspension.id))

    def acts(self, subject_id: UUID) -> list[ReservationHistory]:
        return self._all(
            select(ReservationHistory)
            .where(ReservationHistory.subject_id == subject_id)
            .order_by(ReservationHistory.created_at, ReservationHistory.id)
        )

    def ledger(self, registration_id: UUID) -> list[tuple[str, int, int]]:
        return self.opened(lambda session: factories.ledger_of(session, registration_id))

    def messages(self, event: str) -> list[OutboxMessage]:
        return self._all(select(OutboxMessage).where(OutboxMessage.event == event).order_by(OutboxMessage.id))

    def tables(self) -> dict[str, list[str]]:
        """Return every row of the tables that the nights write, without ids that a run makes, in an order of their own."""
        return tables(self.engine)

    def _all(self, statement: Any) -> list[Any]:
        def work(session: Session) -> list[Any]:
            rows = list(session.scalars(statement))
            session.expunge_all()
            return rows

        return self.opened(work)

    @staticmethod
    def _fresh(session: Session, model: Any, row_id: UUID) -> Any:
        row = session.get_one(model, row_id)
        session.expunge(row)
        return row


def tables(engine: Engine) -> dict[str, list[str]]:
    """Return all rows of the tables that the nights write, as JSON, sorted.

    Ids that a run makes are left out: of history, ledger and messages their own, of suspensions their own and where others
    name it.
    """
    made = {
        "studio_reservation_history",
        "studio_outbox_message",
        "studio_punch_ledger_entry",
        "studio_customer_suspension",
    }
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        suspensions = Base.metadata.tables["studio_customer_suspension"]
        names = {
            str(row.id): f"the suspension of {row.customer_id} from {row.starts_at.isoformat()}"
            for row in connection.execute(select(suspensions))
        }
        for name in TABLES:
            table = Base.metadata.tables[name]
            rows = []
            for row in connection.execute(select(table)):
                values = dict(row._mapping)
                if name in made:
                    values.pop("id")
                values.pop("dedupe_key", None)
                text = json.dumps(values, default=str, sort_keys=True)
                rows.append(ID.sub(lambda found: names.get(found[0], found[0]), text))
            found[name] = sorted(rows)
    return found
