"""A replay of the policy in force says what the real services and nights have written into the tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from studio_reservations.database import BEGIN_OPTION, prepare_engine
from studio_reservations.errors import StudioError
from studio_reservations.models import CustomerSuspension, Role, SessionReservation
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.policies.due import NIGHTLY, due_at
from studio_reservations.policies.local_time import day_start
from studio_reservations.policies.past import Tally
from studio_reservations.policies.replaying import replay
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.overrides import Override
from studio_reservations.services.past import past_of
from studio_reservations.services.policies import policies_of
from studio_reservations.services.registrations import RegistrationService
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.suspensions import current_suspension, lift_suspension, suspend_customer
from tests import factories
from tests.factories import TORONTO
from tests.nights.night import Night

DAYS = 9
POLICY = {
    "grace_period_hours": st.sampled_from([0, 1, 5, 24, 25, 48]),
    "auto_cancel_futures": st.booleans(),
    "deduct_punch_on_no_show": st.booleans(),
    "cancellation_cutoff_hours": st.sampled_from([0, 2, 24, 48]),
    "undo_minutes": st.sampled_from([0, 15, 600]),
    "deduct_punch_on_late_cancel": st.booleans(),
    "late_cancel_counts_as_no_show": st.booleans(),
    "check_in_closes_minutes_after": st.sampled_from([0, 120, 600]),
}
SUSPENSION = {"max_no_shows": st.integers(1, 2), "suspension_days": st.integers(1, 3)}
WINDOW = {"no_show_window_days": st.sampled_from([1, 3, 90]), "window_is_forever": st.booleans()}
PASS = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 1),
        "kind": st.sampled_from(["punch_pass", "punch_pass", "unlimited_series", "full_course"]),
        "punches": st.integers(1, 3),
        "grace": st.sampled_from([None, None, 0, 30]),
    }
)
SESSION = st.fixed_dictionaries({"starts": st.integers(72, 24 * DAYS), "step": st.integers(0, 3)})
VISIT = st.fixed_dictionaries(
    {
        "pass": st.integers(0, 3),
        "session": st.integers(0, 9),
        "reserved": st.integers(1, 70),
        "then": st.sampled_from(
            ["nothing", "nothing", "nothing", "cancel", "cancel", "as_customer", "by_staff", "move", "come", "mark"]
        ),
        "before": st.integers(0, 60),
        "to": st.integers(0, 9),
        "waived": st.sampled_from([None, None, None, 3, 12]),
        "let_in": st.booleans(),
    }
)
BY_STAFF = st.fixed_dictionaries(
    {
        "act": st.sampled_from(["suspend", "lift", "adjust", "call_off"]),
        "at": st.integers(72, 24 * DAYS),
        "of": st.integers(0, 3),
    }
)


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is a database: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    first_day=st.sampled_from([date(2026, 6, 1), date(2026, 3, 4), date(2026, 10, 28)]),
    policy=st.fixed_dictionaries({**POLICY, **SUSPENSION}, optional=WINDOW),
    class_policy=st.fixed_dictionaries({}, optional=POLICY),
    passes=st.lists(PASS, min_size=2, max_size=4),
    sessions=st.lists(SESSION, min_size=4, max_size=8),
    visits=st.lists(VISIT, min_size=12, max_size=24),
    by_staff=st.lists(BY_STAFF, max_size=3),
)
def test_a_replay_of_the_policy_in_force_tells_what_the_tables_hold(sqlite_template: Path, **drawn: Any):
    with history(sqlite_template, **drawn) as (night, first_day, until):
        with Session(night.engine) as db_session:
            past = past_of(
                db_session,
                studio_id=night.studio.id,
                timezone=TORONTO,
                first_day=first_day,
                until=until,
                pass_types=installed_pass_types(),
            )
            replayed = replay(
                past, policy=policies_of(db_session, night.studio.id).of_class, pass_types=installed_pass_types()
            )

        assert replayed.tally == tally_of_tables(night)
        assert replayed.suspended == suspended_in_tables(night)


def tally_of_tables(night: Night) -> Tally:
    rows = night.opened(_expunged(select(SessionReservation)))
    by_id = {one.id: one for one in rows}
    late = [one for one in rows if one.late]
    return Tally(
        no_shows=sum(one.status == Status.NO_SHOW for one in rows),
        reservations_cancelled=sum(
            one.status == Status.AUTO_CANCELLED and by_id[one.auto_cancelled_for_id].status == Status.NO_SHOW
            for one in rows
        ),
        late_cancellations=len(late),
        late_cancellations_charged=sum(one.punches_used > 0 for one in late),
        late_cancellations_counted=sum(one.counts_as_no_show and one.waived_at is None for one in late),
        punches_charged=sum(one.punches_used for one in rows if one.status in (Status.NO_SHOW, Status.CANCELLED)),
        customers_suspended=len(suspended_in_tables(night)),
        reservations_refused=0,
    )


def suspended_in_tables(night: Night) -> dict[UUID, datetime]:
    begun: dict[UUID, datetime] = {}
    for one in night.opened(_expunged(select(CustomerSuspension).order_by(CustomerSuspension.starts_at))):
        if one.created_by_kind == "SYSTEM":
            begun.setdefault(one.customer_id, one.starts_at)
    return begun


@contextmanager
def history(
    template: Path,
    *,
    first_day: date,
    policy: dict[str, Any],
    class_policy: dict[str, Any],
    passes: list[dict[str, Any]],
    sessions: list[dict[str, Any]],
    visits: list[dict[str, Any]],
    by_staff: list[dict[str, Any]],
) -> Iterator[tuple[Night, date, datetime]]:
    """Live through it all with the real services, each night at its hour."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "history.sqlite"
        shutil.copyfile(template, path)
        engine = create_engine(f"sqlite:///{path}", execution_options={BEGIN_OPTION: "IMMEDIATE"})
        prepare_engine(engine)
        begin = day_start(first_day, timezone=TORONTO)
        with Night(engine) as night:
            life = Life(night, begin, policy, class_policy, passes, sessions)
            for number, visit in enumerate(visits):
                life.plan_visit(number, visit)
            for one in by_staff:
                life.plan_by_staff(one)
            until = begin + timedelta(days=DAYS + 5)
            for day in range(DAYS + 5):
                for job in NIGHTLY:
                    at = due_at(first_day + timedelta(days=day), job.at, timezone=TORONTO)
                    life.acts.append(Act(at, 1, partial(_sweep, night, job.name)))
            for act in sorted(life.acts, key=lambda one: (one.at, one.rank)):
                act.do(act.at)
            yield night, first_day, until
        engine.dispose()


@dataclass(frozen=True)
class Act:
    """Something that somebody tries at an instant; what is refused is refused."""

    at: datetime
    rank: int
    do: Callable[[datetime], None]


class Life:
    """A studio with its passes and sessions, and what people will do there."""

    def __init__(self, night: Night, begin: datetime, policy: Any, class_policy: Any, passes: Any, sessions: Any):
        self.night, self.begin = night, begin
        self.acts: list[Act] = []
        self.made: dict[int, UUID] = {}
        database, studio = night.db_session, night.studio
        course = factories.make_class(database, studio, steps=3)
        steps = [None, *factories.steps_of_class(database, course)]
        factories.make_policy(database, studio, **policy)
        factories.make_policy(database, studio, course, **class_policy)
        self.customers = [night.customer() for _ in range(2)]
        self.held = [
            night.held(
                self.customers[one["customer"]],
                pass_type=one["kind"],
                punches=one["punches"],
                pass_options={"sequence_rule": "reserved"} if one["kind"] == "full_course" else {},
                max_advance_reservations=None,
                absence_grace_period_hours=one["grace"],
                now=begin - timedelta(days=30),
            )
            for one in passes
        ]
        self.sessions = [
            night.session(
                begin + timedelta(hours=one["starts"]),
                studio_class=course if one["step"] else night.studio_class,
                step=steps[one["step"]],
                capacity=50,
            )
            for one in sessions
        ]
        self.manager = factories.staff_actor(studio, Role.MANAGER)
        database.commit()

    def plan_visit(self, number: int, visit: dict[str, Any]) -> None:
        registration = self.held[visit["pass"] % len(self.held)]
        session = self.sessions[visit["session"] % len(self.sessions)]
        own = factories.customer_actor(next(one for one in self.customers if one.id == registration.customer_id))
        override = Override(rules=frozenset({"customer_suspended"}), reason="Known to us.") if visit["let_in"] else None

        def reserve(db_session: Session, now: datetime) -> None:
            self.made[number] = (
                ReservationService(db_session, clock=lambda: now)
                .create_reservation(
                    actor=self.manager if override else own,
                    session_id=session.id,
                    customer_id=registration.customer_id,
                    registration_id=registration.id,
                    override=override,
                )
                .reservation_id
            )

        def then(db_session: Session, now: datetime) -> None:
            mine = self.made[number]
            service = ReservationService(db_session, clock=lambda: now)
            match visit["then"]:
                case "cancel":
                    service.cancel_reservation(actor=own, reservation_id=mine)
                case "as_customer":
                    service.cancel_reservation(actor=self.manager, reservation_id=mine, as_customer=True)
                case "by_staff":
                    service.cancel_reservation(actor=self.manager, reservation_id=mine)
                case "move":
                    other = self.sessions[visit["to"] % len(self.sessions)]
                    self.made[number] = service.reschedule(
                        actor=own, reservation_id=mine, session_id=other.id
                    ).reservation_id
                case "come":
                    CheckInService(db_session, clock=lambda: now).check_in(reservation_id=mine, actor=self.manager)
                case "mark":
                    AttendanceService(db_session, clock=lambda: now).mark_no_show(
                        reservation_id=mine, actor=self.manager
                    )

        def waive(db_session: Session, now: datetime) -> None:
            row = db_session.get_one(SessionReservation, self.made[number])
            if row.grace_ends_at is not None and now < row.grace_ends_at:
                NoShowService(db_session, clock=lambda: now).waive(reservation_id=row.id, actor=self.manager)

        reserved_at = session.starts_at - timedelta(hours=visit["reserved"], minutes=1)
        moment = {"come": timedelta(minutes=-10), "mark": timedelta(minutes=20)}.get(
            visit["then"], -min(timedelta(hours=visit["before"]), timedelta(hours=visit["reserved"]))
        )
        self._plan(reserved_at, reserve)
        self._plan(session.starts_at + moment, then)
        if visit["waived"] is not None:
            self._plan(session.ends_at + timedelta(hours=visit["waived"]), waive)

    def plan_by_staff(self, one: dict[str, Any]) -> None:
        customer = self.customers[one["of"] % len(self.customers)]
        registration = self.held[one["of"] % len(self.held)]
        session = self.sessions[one["of"] % len(self.sessions)]

        def do(db_session: Session, now: datetime) -> None:
            manager, studio = self.manager, self.night.studio
            match one["act"]:
                case "suspend":
                    suspend_customer(
                        db_session,
                        customer_id=customer.id,
                        studio_id=studio.id,
                        ends_on=now.date() + timedelta(days=one["of"] + 1),
                        reason="Away.",
                        actor=manager,
                        now=now,
                    )
                case "lift":
                    standing = current_suspension(db_session, customer_id=customer.id, studio_id=studio.id, now=now)
                    if standing is not None:
                        lift_suspension(db_session, suspension_id=standing.id, reason="Ill.", actor=manager, now=now)
                case "adjust":
                    RegistrationService(db_session, clock=lambda: now).adjust(
                        registration_id=registration.id, delta=1, reason="A gift.", actor=manager
                    )
                case "call_off":
                    ClassSessionService(db_session, clock=lambda: now).cancel_session(
                        session_id=session.id, actor=manager
                    )

        self._plan(self.begin + timedelta(hours=one["at"], minutes=30), do)

    def _plan(self, at: datetime, work: Callable[[Session, datetime], None]) -> None:
        def attempt(now: datetime) -> None:
            with suppress(StudioError, KeyError):  # refused, or never reserved
                self.night.opened(lambda db_session: work(db_session, now))

        self.acts.append(Act(at, 0, attempt))


def _sweep(night: Night, job: str, at: datetime) -> None:
    night.sweep(job, at)


def _expunged(statement: Any) -> Callable[[Session], list[Any]]:
    def work(db_session: Session) -> list[Any]:
        rows = list(db_session.scalars(statement))
        db_session.expunge_all()
        return rows

    return work
