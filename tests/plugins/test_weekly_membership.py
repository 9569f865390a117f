"""So many sessions a week: the example of `plugins/weekly_membership`, by the services. NOW is Tuesday, 1 December."""

from __future__ import annotations

from datetime import timedelta

import pytest
from studio_weekly_membership import WeeklyMembership

from studio_reservations.models import ClassSession, SessionReservation
from studio_reservations.pass_types import Remaining
from tests.factories import NOW, make_policy
from tests.plugins.life import Life, local

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_week_gives_two_and_the_third_is_refused(db_session):
    life = Life(db_session, WeeklyMembership, a_week=2)

    life.reserve("2026-12-07 00:00")
    life.reserve("2026-12-13 23:30")

    assert life.said("2026-12-09 18:30") == (
        "week_used_up: Week used up. This membership gives 2 sessions a week, and nothing is left in the week of "
        "Mon 7 December. Choose another week, or cancel a session of that one."
    )
    assert life.said("2026-12-09 18:30", language="fr-CA").startswith(
        "week_used_up: Semaine épuisée. Cet abonnement donne 2 séances par semaine, et il ne reste rien la semaine du "
    )
    assert life.said("2026-12-14 00:00") == "reserved"


def test_the_week_is_the_studios_and_not_that_of_utc(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1)

    life.reserve("2026-12-06 22:00")  # Sunday at the studio, Monday in Greenwich

    assert life.said("2026-12-06 10:00").startswith("week_used_up")
    assert life.said("2026-12-07 10:00") == "reserved"


def test_unused_sessions_lapse(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1)

    life.reserve("2026-12-21 18:30")

    assert life.said("2026-12-22 18:30").startswith("week_used_up")


def test_unused_sessions_go_into_the_next_week_up_to_a_number(db_session):
    life = Life(db_session, WeeklyMembership, a_week=2, carried=1)

    outcomes = [life.said(f"2026-12-{day} 18:30")[:12] for day in (21, 22, 23, 24)]

    assert outcomes == ["reserved", "reserved", "reserved", "week_used_up"]


def test_what_a_later_week_counts_on_is_not_given_twice(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1, carried=1)
    for day in (14, 15):  # the second is what the week before leaves
        life.reserve(f"2026-12-{day} 18:30")

    assert life.said("2026-12-08 18:30") == "reserved"  # carried from the first week
    assert life.said("2026-12-09 18:30").startswith("week_used_up")


def test_a_cancelled_session_is_free_again_and_a_missed_one_is_not_until_it_is_waived(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1)
    cancelled, missed = life.reserve("2026-12-09 18:30"), life.reserve("2026-12-16 18:30")

    life.cancel(cancelled)
    life.miss(missed)
    before = [life.said("2026-12-10 18:30"), life.said("2026-12-18 18:30")[:12]]
    life.waive(missed)

    assert before == ["reserved", "week_used_up"]
    assert life.said("2026-12-18 18:30") == "reserved"


def test_a_check_in_costs_nothing_and_a_late_cancellation_neither(db_session):
    life = Life(db_session, WeeklyMembership, a_week=2)
    make_policy(db_session, life.studio, deduct_punch_on_late_cancel=True, deduct_punch_on_no_show=True)
    came, late, missed = (life.reserve(f"2026-12-{day} 18:30") for day in ("02", "03", "09"))

    checked_in = life.check_in(came)
    cancelled = life.cancel(late, now=local("2026-12-03 18:00"))

    assert (checked_in.status, checked_in.punches_used) == ("CHECKED_IN", 0)
    assert (cancelled.late, cancelled.punches_charged) == (True, 0)
    assert life.miss(missed).punches_used == 0
    assert life.registration.sessions_remaining is None
    assert life.ledger() == []


def test_the_status_shows_this_week_and_to_staff_the_idle_ones(db_session):
    life = Life(db_session, WeeklyMembership, a_week=2, carried=1)
    life.check_in(life.reserve("2026-12-02 18:30"))
    later = NOW + timedelta(days=21)

    assert life.status().remaining == Remaining(available=1, included=2)
    assert life.status(now=later).remaining == Remaining(available=3, included=3)
    assert life.figures(now=later) == {}
    assert life.figures(now=later, as_staff=True) == {"Weeks without a session": 2}
    assert life.figures(now=later, as_staff=True, language="fr") == {"Semaines sans séance": 2}


def test_a_membership_that_begins_later_shows_its_first_week(db_session):
    life = Life(db_session, WeeklyMembership, a_week=2)
    life.registration.valid_from = (NOW + timedelta(days=30)).date()

    assert life.status().remaining == Remaining(available=2, included=2)


def test_a_week_that_staff_overfilled_does_not_block_the_others(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1)
    moved = life.reserve("2026-12-09 18:30")
    life.reserve("2026-12-16 18:30")
    session = db_session.get_one(ClassSession, db_session.get_one(SessionReservation, moved).session_id)
    session.starts_at, session.ends_at = local("2026-12-17 18:30"), local("2026-12-17 20:30")

    assert life.said("2026-12-10 18:30") == "reserved"
    assert life.said("2026-12-18 18:30").startswith("week_used_up")
    assert life.status(now=local("2026-12-18 12:00")).remaining == Remaining(available=0, included=2)


def test_a_reschedule_within_a_full_week_keeps_its_place(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1)
    reserved = life.reserve("2026-12-09 18:30")
    service = life.service(NOW)
    moved = service.reschedule(
        actor=life.actor, reservation_id=reserved, session_id=life.session("2026-12-11 18:30").id
    )

    assert moved.replaces_id == reserved
    assert life.said("2026-12-10 18:30").startswith("week_used_up")


def test_four_weeks_can_be_reserved_ahead(db_session):
    life = Life(db_session, WeeklyMembership, a_week=1)
    days = ("2026-12-07", "2026-12-14", "2026-12-21", "2026-12-28", "2027-01-04")

    outcomes = [life.said(f"{day} 18:30")[:21] for day in days]

    assert outcomes == ["reserved"] * 4 + ["advance_limit_reached"]
