"""The scenes of the demo: each class, pass and reservation is there to show something."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.world.names import CLOSED, CROWD, FIRST, LAST, MAIN, OTHER, address
from config.world.past import DAYS, Past
from config.world.people import People
from config.world.schedule import Schedule
from studio_reservations.errors import ReservationRefused
from studio_reservations.models import ClassRegistration, ClassSession, Rollout
from studio_reservations.policies import due
from studio_reservations.services.actors import SYSTEM
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.registrations import RegistrationService
from studio_reservations.services.studios import create_studio, studio_by_slug
from studio_reservations.services.suspensions import suspend_customer


class World:
    """All that the demo seeds beside the imported schedule, through the services, in one transaction of the caller's."""

    def __init__(self, db_session: Session, *, now: datetime) -> None:
        self.db_session = db_session
        self.now = now
        self.studio = studio_by_slug(db_session, MAIN)
        self.schedule = Schedule(db_session, self.studio, now=now)
        self.people = People(db_session, self.studio, now=now)

    def build(self) -> None:
        """Seed everything."""
        self.people.add_staff()
        self.people.add_customers()
        self.people.add_child("nora", "Nora Fischer", of="lena")
        self.people.add_child("otto", "Otto Fischer", of="lena")
        self.studio.contact_email, self.studio.contact_phone = address("studio"), "+14165550142"
        self._classes()
        self._passes()
        self._refused_passes()
        self._other_studios()
        self._crowd()

    def _classes(self) -> None:
        add = self.schedule
        self.wheel = add.add_class("Beginner Wheel Throwing")
        # Soon, so that check-in is open while somebody looks around, and on every second evening.
        self.soon = add.add_session(
            self.wheel, self.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
        )
        self.soon.instructor, self.soon.instructor_id = "Ines Instructor", self.people.staff["instructor"].id
        evenings = {day: add.add_session(self.wheel, add.at(day, 18, 30)) for day in range(-DAYS, 29, 2) if day}
        self.evenings = list(evenings.values())
        Past(self.people, add, evenings).play()
        self.mug = add.add_class("Mug Building", capacity=6)
        parts = add.add_parts(self.mug)
        self.parts = [
            [add.add_session(self.mug, add.at(day, 18), hours=2.5, step=step) for day in days]
            for step, days in zip(parts, ((-5, 2, 9), (3, 10, 17), (11, 18, 25)), strict=True)
        ]
        raku = add.add_class("Raku Firing Day", only=["unlimited_series"])
        add.add_session(raku, add.at(5, 10), hours=6)
        sketching = add.add_class("Portrait Sketching", capacity=2)
        self.small = add.add_session(sketching, add.at(4, 19))
        cancelled = add.add_session(sketching, add.at(6, 19))
        ClassSessionService(self.db_session, clock=lambda: self.now).cancel_session(
            session_id=cancelled.id, actor=SYSTEM, reason="The model is ill"
        )
        add.add_session(sketching, self.soon.starts_at - timedelta(hours=2, minutes=30), capacity=10)  # begun already

    def _passes(self) -> None:
        today = self.schedule.at(0, 12).date()
        self.people.issue("maya", "unlimited_series", of=self.wheel, valid_until=today + timedelta(days=90))
        mayas = self.people.issue("maya", "punch_pass", sessions=8)
        for past in [one for one in self.evenings if one.ends_at < self.now][-3:]:
            self.people.attend("maya", past, mayas)
        coming = [one for one in self.evenings if one.starts_at > self.now + timedelta(days=2)]
        self.people.reserve("maya", coming[0])
        self.people.reserve("maya", self.small, registration=mayas)
        self.people.reserve("maya", self.soon)
        self.people.issue("ben", "punch_pass", sessions=10)
        for session in coming[:3]:
            self.people.reserve("ben", session)
        self.people.attend("cara", self.parts[0][0], self.people.issue("cara", "full_course", of=self.mug))
        self.people.miss("paul", self.parts[0][0], self.people.issue("paul", "full_course", of=self.mug))
        self.people.night(due.CANCEL_FUTURES, self.schedule.at(-3, 2))  # his grace is over: what he reserves now stays
        self.people.issue("kim", "punch_pass", sessions=2)
        self.people.reserve("kim", coming[0])
        self.people.reserve("kim", self.small)
        self.people.issue("dan", "drop_in")
        self.people.issue("ola", "punch_pass", sessions=5)
        self.people.reserve("ola", self.soon, now=self.now - timedelta(days=2))
        self.people.issue("nora", "punch_pass", sessions=5)
        self.people.issue("otto", "drop_in")

    def _refused_passes(self) -> None:
        today = self.schedule.at(0, 12).date()
        self.people.issue("eve", "unlimited_series")
        suspend_customer(
            self.db_session,
            customer_id=self.people.customers["eve"].id,
            studio_id=self.studio.id,
            ends_on=today + timedelta(days=10),
            reason="Three classes missed (made up for the demo)",
            actor=SYSTEM,
            now=self.now,
        )
        self.people.issue(
            "finn", "unlimited_series", valid_from=today - timedelta(days=90), valid_until=today - timedelta(days=1)
        )
        self.people.issue("gina", "unlimited_series", valid_from=today + timedelta(days=60))
        frozen = self.people.issue("hugo", "unlimited_series")
        RegistrationService(self.db_session, clock=lambda: self.now).freeze(registration_id=frozen.id, actor=SYSTEM)
        # As if it had been sold while a plugin was installed that is gone now.
        self.people.issue("iris", "unlimited_series").pass_type = "lunar_pass"
        self.db_session.flush()

    def _other_studios(self) -> None:
        for slug, name, zone, rollout in (
            (OTHER, "Kiln Street Pottery", "America/Vancouver", Rollout.ON),
            (CLOSED, "Harbour Yoga", "America/Halifax", Rollout.OFF),
        ):
            studio = create_studio(self.db_session, slug=slug, name=name, timezone=zone, now=self.now, rollout=rollout)
            studio.contact_phone = "+16045550142" if rollout is Rollout.ON else "+19025550142"
            schedule = Schedule(self.db_session, studio, now=self.now)
            of = schedule.add_class("Open Studio" if rollout is Rollout.ON else "Morning Yoga")
            for day in range(1, 15):
                schedule.add_session(of, schedule.at(day, 9))
            self.people.issue("max", "punch_pass", studio=studio, sessions=10)

    def _crowd(self) -> None:
        """Fill the imported sessions: walk-ins without a login, the same ones every time."""
        random = Random(20_251_204)
        crowd: dict[str, ClassRegistration] = {}
        for number in range(CROWD):
            who = f"{random.choice(FIRST)} {random.choice(LAST)}"
            key = f"crowd {number}"
            self.people.add_walk_in(key, who, email=address(f"{who.replace(' ', '.').lower()}{number}"))
            pass_type = random.choice(("unlimited_series", "punch_pass"))
            crowd[key] = self.people.issue(key, pass_type, sessions=20)
        for session in self._imported(self.schedule.at(0, 0), self.now):
            for key in random.sample(sorted(crowd), random.randint(4, 9)):
                absent = random.random() < 0.1 and session.ends_at <= self.now
                (self.people.miss if absent else self.people.attend)(key, session, crowd[key])
        near = self._imported(self.now, self.now + timedelta(hours=36))
        later = self._imported(self.now + timedelta(hours=36), self.now + timedelta(days=14))
        for key in crowd:
            for session in (*random.sample(near, 2), random.choice(later)):
                try:
                    self.people.reserve(key, session)
                except ReservationRefused:
                    continue  # as in life

    def _imported(self, first: datetime, last: datetime) -> list[ClassSession]:
        """Return the imported sessions that start between the two instants, always in the same order."""
        return list(
            self.db_session.scalars(
                select(ClassSession)
                .where(
                    ClassSession.studio_id == self.studio.id,
                    ClassSession.external_ref.startswith("toronto:"),
                    ClassSession.starts_at.between(first, last),
                )
                .order_by(ClassSession.starts_at, ClassSession.external_ref)
            )
        )
