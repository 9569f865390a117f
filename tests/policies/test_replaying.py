"""What each field of a policy would have made of the past, and what a replay takes as given."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies.local_time import day_start
from studio_reservations.policies.past import Outcome, Past, PastPass, PastReservation, Replayed, StaffSuspension
from studio_reservations.policies.policy import Policy
from studio_reservations.policies.replaying import replay

TORONTO = "America/Toronto"
FIRST = date(2026, 9, 1)
SPACE = UUID(int=1)
CAME, CANCELLED, MISSED, UNKNOWN = Outcome.CAME, Outcome.CANCELLED, Outcome.MISSED, Outcome.UNKNOWN


def at(day: float, hour: float = 0) -> datetime:
    return day_start(FIRST, timezone=TORONTO) + timedelta(days=day, hours=hour)


def named(name: str) -> UUID:
    return uuid5(SPACE, name)


def visit(day: float, outcome: Outcome, **fields: Any) -> PastReservation:
    """A reservation of a class from 18:00 to 20:00, reserved a week before, by Ada on her pass unless said otherwise."""
    name = fields.pop("name", f"{outcome} {day}")
    reserved_at = fields.pop("reserved_at", at(day - 7))
    values: dict[str, Any] = {
        "id": named(name),
        "registration_id": named(fields.pop("on", "Ada's pass")),
        "customer_id": named(fields.pop("by", "Ada")),
        "session_id": named(f"session {day}"),
        "class_id": named("wheel"),
        "starts_at": at(day, 18),
        "ends_at": at(day, 20),
        "called_off": False,
        "reserved_at": reserved_at,
        "first_reserved_at": reserved_at,
        "outcome": outcome,
        "at": at(day, 18) if outcome is CAME else None,
        "own_terms": outcome is CANCELLED,
        "punches": 1,
        "no_show_punches": 1,
        "late_punches": 1,
    }
    return PastReservation(**{**values, **fields})


def replayed(
    *visits: PastReservation, punches: int = 10, past: dict[str, Any] | None = None, **fields: Any
) -> Replayed:
    """Replay a policy that lets everything go, but for these fields, over a counted pass of Ada's."""
    quiet: dict[str, Any] = {"auto_cancel_futures": False, "max_no_shows": None}
    given: dict[str, Any] = {"passes": {named("Ada's pass"): PastPass(punches=punches)}, **(past or {})}
    return replay(
        Past(timezone=TORONTO, first_day=FIRST, until=at(60), reservations=visits, **given),
        policy=lambda _: Policy(**{**quiet, **fields}),
        pass_types=installed_pass_types(),
    )


def test_whoever_never_came_is_a_no_show_the_night_after_the_window_closed():
    assert replayed(visit(1, MISSED), visit(2, CAME), visit(3, CANCELLED, at=at(1))).tally.no_shows == 1
    assert replayed(visit(59.5, MISSED)).tally.no_shows == 0
    assert replayed(visit(58, MISSED)).tally.no_shows == 1
    assert replayed(visit(58, MISSED), check_in_closes_minutes_after=1440).tally.no_shows == 0


def test_a_called_off_session_is_missed_by_nobody():
    assert replayed(visit(1, MISSED, called_off=True)).tally.no_shows == 0


@pytest.mark.parametrize(("costs", "left", "charged"), [(False, 5, 0), (True, 5, 2), (True, 1, 1), (True, 0, 0)])
def test_a_missed_class_costs_what_is_left(costs: bool, left: int, charged: int):
    tally = replayed(visit(1, MISSED), visit(2, MISSED), punches=left, deduct_punch_on_no_show=costs).tally

    assert tally.punches_charged == charged


def test_who_comes_pays_first_what_they_came_for():
    tally = replayed(visit(1, CAME), visit(2, MISSED), punches=1, deduct_punch_on_no_show=True).tally

    assert tally.punches_charged == 0


def test_a_waive_gives_back_and_counts_for_nothing():
    waived = visit(1, MISSED, waived_at=at(2, 12))

    found = replayed(waived, visit(9, CAME), deduct_punch_on_no_show=True, auto_cancel_futures=True, max_no_shows=1)

    assert (found.tally.no_shows, found.tally.punches_charged) == (1, 0)
    assert (found.tally.reservations_cancelled, found.suspended, found.missed) == (0, {}, {})


def test_later_reservations_on_the_pass_are_cancelled_at_two_in_the_night_after_grace():
    coming = [visit(day, CAME, name=f"coming {day}", reserved_at=at(0)) for day in (2, 3, 4)]

    assert replayed(visit(1, MISSED), *coming, auto_cancel_futures=True).tally.reservations_cancelled == 2
    grown = replayed(visit(1, MISSED), *coming, auto_cancel_futures=True, grace_period_hours=48)
    assert grown.tally.reservations_cancelled == 1
    assert replayed(visit(1, MISSED), *coming).tally.reservations_cancelled == 0


@pytest.mark.parametrize(
    "fields", [{"on": "another"}, {"spared": True}, {"reserved_at": at(4)}, {"outcome": CANCELLED, "at": at(2)}]
)
def test_what_is_no_more_there_or_not_yet_is_not_cancelled(fields: dict[str, Any]):
    other = visit(9, fields.pop("outcome", CAME), **fields)

    assert replayed(visit(1, MISSED), other, auto_cancel_futures=True).tally.reservations_cancelled == 0


def test_the_passs_own_grace_wins():
    coming = visit(3, CAME)

    found = replayed(visit(1, MISSED, grace_hours=72), coming, auto_cancel_futures=True, grace_period_hours=0)

    assert found.tally.reservations_cancelled == 0


def test_what_would_have_been_cancelled_is_neither_missed_nor_paid():
    found = replayed(visit(1, MISSED), visit(9, MISSED), visit(10, CANCELLED, at=at(10, 12)), auto_cancel_futures=True)

    assert (found.tally.no_shows, found.tally.late_cancellations) == (1, 0)


def test_what_the_policy_of_the_day_cancelled_and_this_one_keeps_is_neither_missed_nor_attended():
    found = replayed(visit(1, MISSED), visit(9, UNKNOWN))

    assert (found.tally.no_shows, found.tally.reservations_cancelled) == (1, 0)


@pytest.mark.parametrize(
    ("hours_before", "fields", "late"),
    [
        (25, {}, 0),
        (24, {}, 0),
        (23, {}, 1),
        (25, {"cancellation_cutoff_hours": 48}, 1),
        (1, {"cancellation_cutoff_hours": 0}, 0),
    ],
)
def test_a_cancellation_after_the_cutoff_is_late(hours_before: int, fields: dict[str, Any], late: int):
    assert replayed(visit(9, CANCELLED, at=at(9, 18 - hours_before)), **fields).tally.late_cancellations == late


def test_staff_cancel_free_and_so_does_whoever_undoes_or_was_moved():
    soon = {"at": at(9, 12), "reserved_at": at(9, 11)}

    assert replayed(visit(9, CANCELLED, **soon)).tally.late_cancellations == 1
    assert replayed(visit(9, CANCELLED, **soon), undo_minutes=60).tally.late_cancellations == 0
    assert replayed(visit(9, CANCELLED, **soon, own_terms=False)).tally.late_cancellations == 0
    assert replayed(visit(9, CANCELLED, **soon, moved_at=at(9, 11.5))).tally.late_cancellations == 0
    assert replayed(visit(9, CANCELLED, **soon, moved_at=at(9, 10))).tally.late_cancellations == 1


def test_a_late_cancellation_is_charged_and_counted_as_the_policy_says():
    late = visit(9, CANCELLED, at=at(9, 12))

    nothing, both = replayed(late), replayed(late, deduct_punch_on_late_cancel=True, late_cancel_counts_as_no_show=True)

    assert (nothing.tally.late_cancellations_charged, nothing.tally.late_cancellations_counted) == (0, 0)
    assert (both.tally.late_cancellations_charged, both.tally.late_cancellations_counted) == (1, 1)
    assert (both.tally.punches_charged, both.missed) == (1, {named("Ada"): 1})


def test_a_counted_late_cancellation_cancels_nothing_that_comes():
    found = replayed(
        visit(9, CANCELLED, at=at(9, 12)),
        visit(20, CAME),
        late_cancel_counts_as_no_show=True,
        auto_cancel_futures=True,
    )

    assert found.tally.reservations_cancelled == 0


def test_the_limit_the_window_and_the_length_of_a_suspension():
    missed = [visit(day, MISSED) for day in (1, 5, 9)]

    assert replayed(*missed, max_no_shows=3).suspended == {named("Ada"): at(11, 3)}
    assert replayed(*missed, max_no_shows=3, no_show_window_days=9).suspended == {}
    assert replayed(*missed, max_no_shows=3, no_show_window_days=None).suspended == {named("Ada"): at(11, 3)}
    assert replayed(*missed, max_no_shows=None).suspended == {}


def test_a_suspension_starts_the_count_again_and_nothing_can_be_reserved_meanwhile():
    first, held, refused, after = (
        visit(1, MISSED),
        visit(6, MISSED, reserved_at=at(0)),
        visit(7, MISSED, name="refused", reserved_at=at(4)),
        visit(20, CAME, reserved_at=at(18)),
    )

    short = replayed(first, held, refused, after, max_no_shows=1, suspension_days=14)
    long = replayed(first, held, refused, after, max_no_shows=1, suspension_days=30)

    assert short.suspended == long.suspended == {named("Ada"): at(3, 3)}
    assert (short.tally.no_shows, short.tally.reservations_refused) == (2, 1)
    assert (long.tally.no_shows, long.tally.reservations_refused) == (2, 2)


def test_a_manager_who_let_somebody_in_did_so():
    missed = visit(7, MISSED, reserved_at=at(4), let_in=True)

    assert replayed(visit(1, MISSED), missed, max_no_shows=1).tally.no_shows == 2


def test_what_was_given_up_for_another_that_could_not_be_reserved_stays():
    old = visit(30, CANCELLED, name="old", at=at(4), reserved_at=at(0))
    new = visit(31, MISSED, replaces_id=named("old"), reserved_at=at(4))

    kept = replayed(visit(1, MISSED), old, new, max_no_shows=1, cancellation_cutoff_hours=700)
    moved = replayed(visit(1, MISSED), old, new, cancellation_cutoff_hours=700)

    assert (kept.tally.late_cancellations, kept.tally.no_shows) == (0, 1)
    assert (moved.tally.late_cancellations, moved.tally.no_shows) == (1, 2)


def test_a_suspension_by_staff_blocks_and_is_none_of_the_policys():
    by_staff = StaffSuspension(customer_id=named("Ada"), starts_at=at(2), ends_at=at(12))

    found = replayed(
        visit(1, MISSED), visit(9, CAME, reserved_at=at(5)), max_no_shows=1, past={"suspended_by_staff": (by_staff,)}
    )

    assert (found.suspended, found.tally.reservations_refused) == ({}, 1)


def test_who_was_let_off_can_reserve_again():
    lifted = {"lifted": ((named("Ada"), at(5)),)}
    missed, later = visit(1, MISSED), visit(9, CAME, reserved_at=at(6))

    assert replayed(missed, later, max_no_shows=1).tally.reservations_refused == 1
    assert replayed(missed, later, max_no_shows=1, past=lifted).tally.reservations_refused == 0


def test_the_numbers_of_one_class_are_its_own_and_suspensions_the_studios():
    past = Past(
        timezone=TORONTO,
        first_day=FIRST,
        until=at(60),
        reservations=(visit(1, MISSED), visit(2, MISSED, class_id=named("mug"))),
    )

    found = replay(
        past,
        policy=lambda class_id: Policy(max_no_shows=2, grace_period_hours=0 if class_id == named("mug") else 24),
        pass_types=installed_pass_types(),
        class_id=named("mug"),
    )

    assert (found.tally.no_shows, found.tally.customers_suspended) == (1, 1)
