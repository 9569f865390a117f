"""One pass and what is done to it, by the real services; every answer is held against the others.

Source: rules.md §2 to §6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.errors import ReservationRefused, StudioError
from studio_reservations.models import ClassRegistration, NoShowPolicy, SessionReservation
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.issuing import issue_registration
from studio_reservations.services.nights.running import JOBS, sweep
from studio_reservations.services.no_shows import NoShowService
from studio_reservations.services.overrides import Override
from studio_reservations.services.pass_views import status_of
from studio_reservations.services.punch_passes import PunchPassService
from studio_reservations.services.registrations import RegistrationService
from studio_reservations.services.reservations import ReservationService
from studio_reservations.services.seen import load_held_passes
from studio_reservations.testing.books import check_books, check_room
from studio_reservations.testing.judging import JudgedPassType, broken
from studio_reservations.testing.studio import Meeting, a_life
from studio_reservations.testing.values import NOW, TIMEZONE

ANYWAY = Override(rules=frozenset({"not_class_day", "punches_exhausted"}), reason="the bus was late")
T = TypeVar("T")


class Life:
    """A pass in a studio of its own, at ``now``. What is refused leaves everything as it was; `close` undoes all of it."""

    def __init__(self, judged: JudgedPassType) -> None:
        self.judged = judged
        self.now: datetime = NOW
        self.reservation_ids: list[UUID] = []
        self.touched = True
        self._open = ExitStack()
        self.db_session, self.scene = self._open.enter_context(a_life())
        self._given: dict[str, Any] = {"clock": lambda: self.now, "pass_types": PassTypes([judged])}

    def close(self) -> None:
        """Undo the life."""
        self._open.close()

    def issue(
        self, options: Mapping[str, Any], *, of_course: bool, valid_days: int | None, limit: Any, **policy: Any
    ) -> None:
        """Issue the pass, at a studio with this policy: to two people where one pass takes two."""
        self.db_session.add(NoShowPolicy(studio_id=self.scene.studio_id, updated_at=self.now, max_no_shows=4, **policy))
        registration = self._issued(options, of_course=of_course, valid_days=valid_days, limit=limit)
        self._of_pass: dict[str, Any] = {"registration_id": registration.id, "actor": self.scene.manager}
        self._meetings = [one for one in self.scene.sessions if registration.class_id in (None, one.class_id)]

    def _issued(
        self, options: Mapping[str, Any], *, of_course: bool, valid_days: int | None, limit: Any
    ) -> ClassRegistration:
        """Issue the pass on these terms, or on those that the pass type takes instead. :raises ContractBroken: on none."""
        holder, *others = self.scene.customer_ids
        refusal: object = None
        for class_id, members in product(
            (self.scene.course_id, None) if of_course else (None, self.scene.course_id), (others, [])
        ):
            outcome = self._do(
                partial(
                    issue_registration,
                    self.db_session,
                    customer_id=holder,
                    studio_id=self.scene.studio_id,
                    pass_type=self.judged.key,
                    pass_options=options,
                    class_id=class_id,
                    members=members,
                    valid_until=(self.now + timedelta(days=valid_days)).date() if valid_days is not None else None,
                    max_advance_reservations=limit,
                    actor=self.scene.manager,
                    now=self.now,
                    pass_types=self._given["pass_types"],
                )
            )
            if not isinstance(outcome, StudioError):
                return outcome
            refusal = outcome
        return broken(
            f"{self.judged.name} refuses a pass to somebody who has had none: {refusal}; expected that it can be issued"
        )

    def reserve(self, number: int, *, by_staff: bool = False, who: int = 0) -> None:
        """Reserve, as a makeup where that is asked for, and hold the answer against what was said before."""
        asked = {**self._asked(by_staff=by_staff, who=who), "session_id": self._coming(number).id}
        said = self._desk.can_create_reservation(**asked)
        outcome = self._do(partial(self._desk.create_reservation, **asked))
        self._compare(said.refusal, outcome, "asked whether it may be reserved", "reserved")
        makeup_for_id = outcome.values.get("makeup_for_id") if isinstance(outcome, ReservationRefused) else None
        if isinstance(makeup_for_id, UUID):
            outcome = self._do(partial(self._desk.create_reservation, **asked, makeup_for_id=makeup_for_id))
        self._check_reserved(outcome)

    def judge_many(self, *numbers: int) -> None:
        """Judge all coming sessions at once, and some of them alone."""
        listed = self._desk.available(
            **self._asked(),
            studio_id=self.scene.studio_id,
            starts_from=self.now,
            starts_before=self.now + timedelta(days=60),
            limit=200,
        )
        for number in numbers if listed else ():
            one = listed[number % len(listed)]
            alone = self._desk.can_create_reservation(**self._asked(), session_id=one.session.id)
            self._compare(one.answer.refusal, alone.refusal, "judged among many", "judged alone")

    def cancel(self, which: int, *, by_staff: bool, as_customer: bool) -> None:
        """Cancel, early or late."""
        actor = self.scene.manager if by_staff else self.scene.customer
        one: dict[str, Any] = {"actor": actor, "reservation_id": self._reservation(which)}
        self._do(partial(self._desk.cancel_reservation, **one, as_customer=as_customer and by_staff))

    def reschedule(self, which: int, number: int) -> None:
        """Move a reservation to another session."""
        one: dict[str, Any] = {"actor": self.scene.customer, "reservation_id": self._reservation(which)}
        self._check_reserved(self._do(partial(self._desk.reschedule, **one, session_id=self._coming(number).id)))

    def staff_act(self, which: int, act: str) -> None:
        """Do what staff do to one reservation."""
        check_ins, attendance = (
            CheckInService(self.db_session, **self._given),
            AttendanceService(self.db_session, **self._given),
        )
        no_shows = NoShowService(self.db_session, **self._given)
        punches = PunchPassService(self.db_session, clock=self._given["clock"])
        registration_id = self._of_pass["registration_id"]
        acts: dict[str, Callable[..., object]] = {
            "check_in": partial(check_ins.check_in, override=ANYWAY),
            "undo_check_in": check_ins.undo_check_in,
            "attended": attendance.mark_attended,
            "undo_attended": attendance.undo_attended,
            "no_show": attendance.mark_no_show,
            "waive": no_shows.waive,
            "unwaive": no_shows.unwaive,
            "deduct_punch": partial(punches.deduct_punch, registration_id=registration_id),
            "refund_punch": partial(punches.refund_punch, registration_id=registration_id),
        }
        self._do(partial(acts[act], reservation_id=self._reservation(which), actor=self.scene.manager))

    def adjust(self, delta: int, *, confirm: bool) -> None:
        """Give punches or take them away."""
        self._do(partial(self._passes.adjust, **self._of_pass, delta=delta, reason="Sold by mistake", confirm=confirm))

    def freeze(self) -> None:
        """Freeze the pass."""
        self._do(partial(self._passes.freeze, **self._of_pass))

    def unfreeze(self) -> None:
        """Take the pass up again."""
        self._do(partial(self._passes.unfreeze, **self._of_pass))

    def wait(self, hours: int) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)
        self.touched = True

    def wait_for_class(self, which: int) -> None:
        """Let time pass until the class of a reservation begins, where it has not yet."""
        session_id = self.db_session.get_one(SessionReservation, self._reservation(which)).session_id
        self.now = max(self.now, next(one.starts_at for one in self.scene.sessions if one.id == session_id))
        self.touched = True

    def night(self) -> None:
        """Let the nightly jobs do what is due."""

        def opened(work: Callable[[Session], T], /) -> T:
            with self.db_session.begin_nested():
                return work(self.db_session)

        for job in JOBS:
            sweep(
                job,
                opened=opened,
                studio_id=self.scene.studio_id,
                as_of=self.now,
                clock=lambda: self.now,
                pass_types=self._given["pass_types"],
            )
        self.db_session.expire_all()
        self.touched = True

    def check(self) -> None:
        """Hold what is written against itself, and show the pass to its customer in whatever state it is."""
        registration_id = self._of_pass["registration_id"]
        check_books(self.db_session, registration_id=registration_id, name=self.judged.name)
        status_of(
            self.db_session,
            actor=self.scene.customer,
            registration_id=registration_id,
            now=self.now,
            pass_types=self._given["pass_types"],
        )
        self.touched = False

    @property
    def _desk(self) -> ReservationService:
        return ReservationService(self.db_session, **self._given)

    @property
    def _passes(self) -> RegistrationService:
        return RegistrationService(self.db_session, **self._given)

    def _coming(self, number: int) -> Meeting:
        """Return one of the coming sessions that the pass covers: the next one for 0."""
        coming = [one for one in self._meetings if one.starts_at > self.now] or self._meetings
        return coming[number % len(coming)]

    def _reservation(self, which: int) -> UUID:
        return self.reservation_ids[-1 - which % len(self.reservation_ids)]

    def _asked(self, *, by_staff: bool = False, who: int = 0) -> dict[str, Any]:
        return {
            "actor": self.scene.manager if by_staff else self.scene.customer,
            "customer_id": self.scene.customer_ids[who],
            "registration_id": self._of_pass["registration_id"],
        }

    def _do(self, work: Callable[[], T]) -> T | StudioError:
        try:
            outcome = work()
        except StudioError as refusal:
            return refusal
        self.touched = True
        return outcome

    def _compare(self, first: Any, second: Any, first_asked: str, then: str) -> None:
        said = [one.code if isinstance(one, StudioError) else "allowed" for one in (first, second)]
        if said[0] != said[1]:
            broken(
                f"{self.judged.name} answered {said[0]!r} for a session when it was {first_asked}, and {said[1]!r} when it "
                f"was {then}; expected the same answer for one and for many"
            )

    def _check_reserved(self, outcome: Any) -> None:
        """Hold a new reservation against the limit of the pass and against its punches."""
        if isinstance(outcome, StudioError):
            return
        self.reservation_ids.append(outcome.reservation_id)
        registration = self.db_session.get_one(
            ClassRegistration, self._of_pass["registration_id"], populate_existing=True
        )
        held = load_held_passes(self.db_session, [registration], now=self.now, timezone=TIMEZONE)[registration.id]
        check_room(held, reservation_id=outcome.reservation_id, name=self.judged.name)
