"""Ninety days of pottery evenings before today: who came, who did not, and what the nights made of it. All of it is made up.

Everything happens in the order of its instants, through the product's own services and its nightly jobs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from flask import current_app

from config.world.names import MAIL_REFUSED, REGULARS, address
from config.world.people import People
from config.world.schedule import Schedule
from studio_reservations.errors import ReservationRefused
from studio_reservations.models import ClassRegistration, ClassSession
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.delivery import deliver_outbox
from studio_reservations.notifications.failures import Hopeless
from studio_reservations.notifications.mail import Mail, Mailer
from studio_reservations.policies import due
from studio_reservations.services.actors import Actor
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.policies import put_policy
from studio_reservations.services.staffing import user_actor
from studio_reservations.state import current_state

DAYS = 90
AHEAD = timedelta(days=3)
POLICY_CHANGED = -45
"""On this day, counted from today, late cancellations begin to cost a punch; fewer people stay away since."""
LAST_DAYS = (-58, -24)
"""Through these days the first two passes of a regular with punches are good; they come to no more than a few sessions each."""
SMALL_PASS = 5
DESK_EVERY = 4
"""Every fourth of those who come is checked in at the desk."""
FRIDAY = 4
NO_SUCH_USER = 550
Act = Callable[[datetime], object]


class Past:
    """The evenings that are over, by days from today, played from the first to the last."""

    def __init__(self, people: People, schedule: Schedule, evenings: dict[int, ClassSession]) -> None:
        self.people = people
        self.schedule = schedule
        self.evenings = evenings
        state = current_state()
        mail = Courier.of(state.settings, secret=current_app.secret_key or "", pass_types=state.pass_types)
        self._courier = replace(mail, mailer=_Mailboxes())
        self._random = Random(20_250_902)
        self._passes: dict[str, ClassRegistration] = {}
        self._arrived = 0
        self._made: dict[tuple[str, UUID], UUID] = {}
        self._planned: Counter[UUID] = Counter()
        self._agenda: list[tuple[datetime, Act]] = []

    def play(self) -> None:
        """Let all of it happen."""
        self._add_people()
        self._plan_stories()  # first, so that those of whom one is told find a seat
        for day, evening in self.evenings.items():
            if evening.ends_at <= self.people.now:
                self._plan_evening(day, evening)
        for instant, act in sorted(self._agenda, key=lambda one: one[0]):
            if instant <= self.people.now:
                act(instant)

    def _add_people(self) -> None:
        for key, (who, pass_type) in REGULARS.items():
            # Only those of whom a story is told have an address: their letters are enough to look at.
            if key not in self.people.customers:
                self.people.add_walk_in(key, who, email=address(key) if " " not in key else None)
            self._passes[key] = self.people.issue(
                key,
                pass_type,
                sessions=60,
                issued=timedelta(days=DAYS + 5),
                absence_grace_period_hours=72 if key in ("uma", "xenia") else None,
            )
            if pass_type == "punch_pass" and " " in key:
                self._add_small_passes(key, self._passes.pop(key))

    def _add_small_passes(self, key: str, lasting: ClassRegistration) -> None:
        """Give a regular two passes that are over by now; the best of the three is taken each time."""
        for number, day in enumerate(LAST_DAYS):
            self.people.issue(
                key,
                "punch_pass",
                sessions=SMALL_PASS,
                issued=timedelta(days=DAYS + 5 if number == 0 else 1 - LAST_DAYS[0]),
                valid_until=self.schedule.at(day, 12).date(),
            )

    def _plan_evening(self, day: int, evening: ClassSession) -> None:
        weekend = evening.starts_at.astimezone(self.schedule.zone).weekday() >= FRIDAY
        several = self._random.randint(5, 7) if weekend else self._random.randint(2, 4)
        several = min(several, evening.capacity - self._planned[evening.id] - 1)  # and Maya finds a seat
        come, stay_away = (0.78, 0.92) if day < POLICY_CHANGED else (0.86, 0.92)
        for key in self._random.sample([one for one in REGULARS if " " in one], several):
            chance = self._random.random()
            self._plan(key, evening, "come" if chance < come else "miss" if chance < stay_away else "cancel")
        night, next_night = self.schedule.at(day + 1, 1), partial(self.schedule.at, day + 2)
        self._at(night, partial(self.people.night, due.DETECT_NO_SHOWS))
        self._at(next_night(2), partial(self.people.night, due.CANCEL_FUTURES))
        self._at(next_night(3), partial(self.people.night, due.ENFORCE_SUSPENSIONS))
        self._at(next_night(4), partial(self.people.night, due.LIFT_SUSPENSIONS))
        self._at(night + timedelta(minutes=10), self._deliver)
        self._at(next_night(4, 10), self._deliver)

    def _plan_stories(self) -> None:
        at, plan = self.schedule.at, self._plan
        self._at(at(POLICY_CHANGED, 12), self._change_policy)
        for key in ("tom", "uma", "vera", "wanda", "xenia"):
            for day in range(-60, -28, 8):
                plan(key, self.evenings[day], "come")
        # Three times absent, one explanation that was declined: suspended, and two reservations lost with the last of them.
        for day in (-14, -10, -6):
            plan("tom", self.evenings[day], "miss", ahead=at(day - 1, 12))
        for day in (4, 6):
            plan("tom", self.evenings[day], "miss", ahead=at(-8, 21))
        self._at(at(-9, 9), partial(self._explain, "tom", -10, "I forgot."))
        self._at(at(-9, 11), partial(self._decline, "tom", -10))
        # Absent once, explained and waived within the day.
        plan("vera", self.evenings[-20], "miss")
        self._at(at(-19, 9), partial(self._explain, "vera", -20, "My train stood still for two hours."))
        self._at(at(-19, 11), partial(self._waive, "vera", -20, "The train did stand still"))
        # Absent once: a coming reservation went with it, and can still be given back.
        plan("wanda", self.evenings[-10], "miss")
        plan("wanda", self.evenings[8], "miss", ahead=at(-11, 12))
        # Absent, with 72 hours of grace; what she wrote waits for an answer.
        plan("uma", self.evenings[-2], "miss")
        self._at(at(-1, 8), partial(self._explain, "uma", -2, "My daughter had a fever and I could not leave her."))
        # Absent likewise, and has not said why: the two that are coming go with it, unless she does.
        plan("xenia", self.evenings[-2], "miss")
        for day in (4, 8):
            plan("xenia", self.evenings[day], "miss", ahead=at(-3, 12))
        # Nothing reaches her mailbox.
        plan("yuri", self.evenings[-4], "come")

    def _plan(self, key: str, session: ClassSession, what: str, *, ahead: datetime | None = None) -> None:
        self._planned[session.id] += 1
        self._at(ahead or session.starts_at - AHEAD, partial(self._reserve, key, session))
        if what == "come":
            self._at(session.starts_at - timedelta(minutes=10), partial(self._arrive, key, session))
        elif what == "cancel":
            hours = self._random.choice((4, 30))  # late, or free
            self._at(session.starts_at - timedelta(hours=hours), partial(self._cancel, key, session))

    def _at(self, instant: datetime, act: Act) -> None:
        self._agenda.append((instant, act))

    def _reserve(self, key: str, session: ClassSession, now: datetime) -> None:
        with suppress(ReservationRefused):  # suspended, or too many in advance: as in life
            self._made[key, session.id] = self.people.reserve(key, session, registration=self._passes.get(key), now=now)

    def _arrive(self, key: str, session: ClassSession, now: datetime) -> None:
        self._arrived += 1
        by = None if self._arrived % DESK_EVERY else self._staff("desk")
        self._then(partial(self.people.check_in, by=by), key, session, now=now)

    def _cancel(self, key: str, session: ClassSession, now: datetime) -> None:
        self._then(self.people.cancel, key, session, now=now)

    def _then(self, act: Callable[..., None], key: str, session: ClassSession, *, now: datetime) -> None:
        made = self._made.get((key, session.id))
        if made is not None:
            with suppress(ReservationRefused):  # the nights took it away
                act(key, made, now=now)

    def _explain(self, key: str, day: int, text: str, now: datetime) -> None:
        missed = self._made[key, self.evenings[day].id]
        self._no_shows(now).explain(reservation_id=missed, actor=self.people.actor(key), text=text)

    def _waive(self, key: str, day: int, reason: str, now: datetime) -> None:
        missed = self._made[key, self.evenings[day].id]
        self._no_shows(now).waive(reservation_id=missed, actor=self._staff("manager"), reason=reason)

    def _decline(self, key: str, day: int, now: datetime) -> None:
        missed = self._made[key, self.evenings[day].id]
        self._no_shows(now).decline(
            reservation_id=missed, actor=self._staff("manager"), reason="The third time this month"
        )

    def _no_shows(self, now: datetime) -> NoShowService:
        return NoShowService(self.people.db_session, clock=lambda: now)

    def _change_policy(self, now: datetime) -> None:
        put_policy(
            self.people.db_session,
            studio_id=self.people.studio.id,
            class_id=None,
            values={"deduct_punch_on_late_cancel": True},
            actor=self._staff("manager"),
            now=now,
        )

    def _staff(self, name: str) -> Actor:
        return user_actor(self.people.db_session, user_id=str(self.people.users[name].id))

    def _deliver(self, now: datetime) -> None:
        deliver_outbox(lambda work: work(self.people.db_session), as_of=now, courier=self._courier)


class _Mailboxes(Mailer):
    """The mailboxes of made-up people: they take every letter, but for one that is gone, and no letter leaves the machine."""

    def __init__(self) -> None:
        super().__init__("smtp://localhost", envelope_from="")

    def send(self, mail: Mail) -> None:
        if mail.recipient == address(MAIL_REFUSED):
            raise Hopeless(f"5.1.1 <{mail.recipient}>: there is no such mailbox.", status=NO_SUCH_USER)
