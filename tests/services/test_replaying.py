"""What would have happened, read from the tables: who may ask, and what the history tells that the rows do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from studio_reservations.errors import Forbidden, InvalidRequest, NotFound
from studio_reservations.models import Role
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.services.attendance import AttendanceService
from studio_reservations.services.class_sessions import ClassSessionService
from studio_reservations.services.replaying import Comparison, what_would_have_happened
from tests import factories
from tests.factories import NOW
from tests.services.scene import Scene

LATER = NOW + timedelta(days=30)
"""When the manager asks: a month after what the `Scene` is about."""


@pytest.fixture
def scene(db_session):
    return Scene(db_session)


def asked(scene: Scene, *, role: Role = Role.MANAGER, **values: Any) -> Comparison:
    return what_would_have_happened(
        scene.db_session,
        studio_id=scene.studio.id,
        class_id=values.pop("class_id", None),
        values=values,
        actor=factories.staff_actor(scene.studio, role),
        now=LATER,
        pass_types=installed_pass_types(),
    )


def test_managers_ask_of_their_own_studio(scene):
    with pytest.raises(Forbidden):
        asked(scene, role=Role.FRONT_DESK)
    with pytest.raises(NotFound):
        asked(scene, class_id=scene.studio.id)
    with pytest.raises(InvalidRequest):
        asked(scene, class_id=scene.studio_class.id, max_no_shows=2)


def test_people_are_named_with_what_they_missed_and_attended(scene):
    for day in (1, 3):
        scene.reserve(scene.another_session(starts_at=NOW + timedelta(days=day)))
    came = scene.another_session(starts_at=NOW + timedelta(days=5))
    factories.make_reservation(
        scene.db_session, scene.registration, came, status=Status.ATTENDED, checked_in_at=came.starts_at
    )

    found = asked(scene, max_no_shows=2, auto_cancel_futures=False)

    assert (found.reservations, found.customers) == (3, 1)
    assert (found.first_day.isoformat(), found.last_day.isoformat()) == ("2026-10-03", "2026-12-31")
    assert [(one.name, one.missed, one.attended) for one in found.newly] == [("Ada Potter", 2, 1)]
    assert (found.spared, found.suspended) == ((), found.newly)
    assert (found.today.no_shows, found.today.reservations_cancelled) == (1, 2)
    assert (found.yours.no_shows, found.yours.reservations_cancelled) == (2, 0)


def test_a_late_cancellation_is_the_customers_and_not_the_studios(scene):
    by_customer, by_staff = scene.reserve(), scene.reserve(scene.another_session())
    close = scene.session.starts_at - timedelta(hours=30)
    scene.cancel(by_customer, now=close)
    scene.cancel(by_staff, now=close, actor=factories.staff_actor(scene.studio))

    found = asked(scene, cancellation_cutoff_hours=48, deduct_punch_on_late_cancel=True)

    assert (found.today.late_cancellations, found.yours.late_cancellations) == (0, 1)
    assert found.yours.punches_charged == 1


def test_whoever_was_moved_by_the_studio_cancels_free(scene):
    created = scene.reserve()
    moved_at = NOW + timedelta(days=1)
    ClassSessionService(scene.db_session, clock=lambda: moved_at).update_session(
        session_id=scene.session.id,
        changes={"starts_at": scene.session.starts_at + timedelta(hours=1)},
        actor=factories.staff_actor(scene.studio),
    )
    scene.cancel(created, now=scene.session.starts_at - timedelta(hours=2))

    assert asked(scene).today.late_cancellations == 0


def test_a_rescheduled_reservation_is_given_up_as_late_as_it_was(scene):
    created = scene.reserve()
    scene.reschedule(created, scene.another_session(starts_at=LATER), now=scene.session.starts_at - timedelta(hours=30))

    assert asked(scene, cancellation_cutoff_hours=48).yours.late_cancellations == 1


def test_a_no_show_that_staff_marked_is_one_from_then_on(scene):
    created = scene.reserve()
    scene.reserve(scene.another_session(starts_at=NOW + timedelta(days=8)))
    AttendanceService(scene.db_session, clock=lambda: scene.session.starts_at).mark_no_show(
        reservation_id=created.reservation_id, actor=factories.staff_actor(scene.studio)
    )

    # Marked at the start, it acts in the night after the class; found by a night after so long a window, it would be too late.
    found = asked(scene, grace_period_hours=2, check_in_closes_minutes_after=1440)

    assert (found.yours.no_shows, found.yours.reservations_cancelled) == (1, 1)
