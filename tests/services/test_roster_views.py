"""The roster as both databases read it: who is on it, what is special about them, and when it is another."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import Role
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services.check_in import CheckInService
from studio_reservations.services.roster_views import person_on_roster, roster_for, roster_version, sessions_of_day
from tests.factories import (
    NOW,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_staff,
    make_studio,
    make_suspension,
    staff_actor,
)

START = NOW + timedelta(hours=4)


def read(db_session, session, actor, *, now=NOW):
    return roster_for(db_session, actor=actor, session_id=session.id, now=now, pass_types=installed_pass_types())


def test_who_is_to_come_stands_by_name_and_whoever_came_back_has_not_gone(db_session):
    studio = make_studio(db_session)
    session = make_session(db_session, make_class(db_session, studio), starts_at=START)
    for name, states in {
        "zoe": ("PENDING",),
        "Åsa": ("CHECKED_IN",),
        "Bo": ("CANCELLED", "PENDING"),
        "Cy": ("CANCELLED", "AUTO_CANCELLED"),
        "Di": ("NO_SHOW",),
    }.items():
        registration = make_pass(db_session, make_customer(db_session, studio, name=name), studio)
        for hours, status in enumerate(states):
            make_reservation(db_session, registration, session, status=status, now=NOW + timedelta(hours=hours))

    roster = read(db_session, session, staff_actor(studio, Role.FRONT_DESK))

    assert [one.name for one in roster.tiles] == ["Bo", "Di", "zoe", "Åsa"]
    assert [(one.customer_name, one.status) for one in roster.gone] == [("Cy", "AUTO_CANCELLED")]
    assert (roster.here, roster.to_come, roster.missing, roster.free) == (1, 2, 1, 6)


def test_a_tile_knows_the_first_visit_a_recent_miss_and_a_suspension(db_session):
    studio, elsewhere = make_studio(db_session), make_studio(db_session)
    studio_class = make_class(db_session, studio)
    session = make_session(db_session, studio_class, starts_at=START)
    people = {name: make_customer(db_session, studio, name=name) for name in ("Ada", "Ben", "Cara", "Dan")}
    passes = {name: make_pass(db_session, one, studio) for name, one in people.items()}
    for registration in passes.values():
        make_reservation(db_session, registration, session)
    for name, days, status in (("Ben", 3, "ATTENDED"), ("Cara", 3, "NO_SHOW"), ("Dan", 30, "NO_SHOW")):
        past = make_session(db_session, studio_class, starts_at=NOW - timedelta(days=days))
        story: dict[str, Any] = {"counts_as_no_show": True, "missed_at": past.ends_at} if status == "NO_SHOW" else {}
        make_reservation(db_session, passes[name], past, status=status, **story)
    there = make_session(db_session, make_class(db_session, elsewhere), starts_at=NOW - timedelta(days=2))
    make_reservation(db_session, make_pass(db_session, people["Ada"], elsewhere), there, status="ATTENDED")
    make_suspension(db_session, people["Ada"], studio, ends_on=date(2026, 12, 9))
    make_suspension(db_session, people["Ben"], elsewhere)

    tiles = {one.name: one for one in read(db_session, session, staff_actor(studio, Role.FRONT_DESK)).tiles}

    assert {name for name, one in tiles.items() if one.first_visit} == {"Ada", "Cara", "Dan"}
    assert {name for name, one in tiles.items() if one.missed_at} == {"Cara"}
    assert {name: one.row.suspended_through for name, one in tiles.items() if one.row.suspended_through} == {
        "Ada": date(2026, 12, 9)
    }


def test_the_version_changes_with_each_act_and_with_nothing_else(db_session):
    studio = make_studio(db_session)
    session = make_session(db_session, make_class(db_session, studio), starts_at=START)
    other = make_session(db_session, make_class(db_session, studio), starts_at=START)
    registration = make_pass(db_session, make_customer(db_session, studio), studio)
    here, there = (make_reservation(db_session, registration, one) for one in (session, other))
    desk = staff_actor(studio, Role.FRONT_DESK)
    service = CheckInService(db_session, clock=lambda: NOW)

    def version(now=NOW):
        return roster_version(db_session, actor=desk, session_id=session.id, now=now)

    first = version()
    service.check_in(reservation_id=there.id, actor=desk)
    assert version() == first == version(NOW + timedelta(minutes=5))
    service.check_in(reservation_id=here.id, actor=desk)
    second = version()
    assert second != first
    service.undo_check_in(reservation_id=here.id, actor=desk)
    assert version() not in (first, second)
    assert version(START) != version()


def test_a_day_is_the_studios_and_an_instructor_has_their_own_of_it(db_session):
    studio = make_studio(db_session)
    teacher = make_staff(db_session, studio, Role.INSTRUCTOR)
    studio_class = make_class(db_session, studio)
    late = make_session(db_session, studio_class, starts_at=NOW + timedelta(hours=13), instructor_id=teacher.id)
    make_session(db_session, studio_class, starts_at=NOW + timedelta(hours=14, minutes=30))  # past midnight in Toronto
    early = make_session(db_session, studio_class, starts_at=NOW - timedelta(hours=10))
    registration = make_pass(db_session, make_customer(db_session, studio), studio)
    make_reservation(db_session, registration, late)
    instructor = staff_actor(studio, Role.INSTRUCTOR, staff=teacher)

    def day(actor):
        return sessions_of_day(db_session, actor=actor, studio=studio, day=date(2026, 12, 1))

    assert [row.id for row in day(staff_actor(studio, Role.FRONT_DESK))] == [early.id, late.id]
    assert [(row.id, row.to_come, row.here, row.missing) for row in day(instructor)] == [(late.id, 1, 0, 0)]
    assert read(db_session, late, instructor).to_come == 1
    with pytest.raises(Forbidden):
        read(db_session, early, instructor)
    with pytest.raises(NotFound):
        day(staff_actor(make_studio(db_session), Role.OWNER))


def test_a_pass_whose_plugin_is_missing_is_called_by_its_key(db_session):
    studio = make_studio(db_session)
    session = make_session(db_session, make_class(db_session, studio), starts_at=START)
    registration = make_pass(db_session, make_customer(db_session, studio), studio, pass_type="loyalty_card")
    reservation = make_reservation(db_session, registration, session)

    _, tile = person_on_roster(
        db_session,
        actor=staff_actor(studio, Role.FRONT_DESK),
        reservation_id=reservation.id,
        now=NOW,
        pass_types=installed_pass_types(),
    )

    assert tile.label == "Loyalty card"
