"""02:00: what an unwaived no-show costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from studio_reservations.pass_types import Status
from studio_reservations.services.no_shows import NoShowService
from tests import factories
from tests.nights.night import NIGHT, Night

JOB = "cancel_futures"


def test_coming_reservations_of_the_pass_are_cancelled_free_and_their_seats_given_back(night: Night):
    registration = night.held(max_advance_reservations=None)
    other_class = factories.make_class(night.db_session, night.studio, title="Glazing")
    missed = night.no_show(registration)
    session = night.coming()
    futures = [
        night.reserve(registration, session),
        night.reserve(registration, night.coming(studio_class=other_class)),
    ]
    untouched = night.reserve(night.held(), session)

    assert night.sweep(JOB) == {"no_shows": 1, "auto_cancelled": 2}

    for one in futures:
        row = night.row(one)
        assert (row.status, row.auto_cancelled_at, row.auto_cancelled_for_id) == ("AUTO_CANCELLED", NIGHT, missed.id)
        [act] = night.acts(one.id)
        assert (act.action, act.from_status, act.performed_by_kind) == (
            "reservation.auto_cancelled",
            "PENDING",
            "SYSTEM",
        )
        assert (act.details or {})["because_of"] == str(missed.id)
    assert night.row(untouched).status == "PENDING"
    assert night.again(session).seats_taken == 1
    assert night.row(missed).futures_cancelled_at == NIGHT
    assert night.again(registration).sessions_remaining == 5
    assert night.ledger(registration.id) == [("ISSUED", 5, 5)]


def test_a_customer_is_told_once_of_all_that_was_cancelled(night: Night):
    parent, child = night.customer(), night.customer()
    registration = night.held(parent, members=(child,), max_advance_reservations=None)
    night.no_show(registration)
    hers = [night.reserve(registration, night.coming(days)) for days in (3, 4)]
    his = night.reserve(registration, night.coming(), customer=child)

    night.sweep(JOB)

    told = {one.reservation_id: one.payload or {} for one in night.messages("reservation.auto_cancelled")}
    assert told.keys() == {*(one.id for one in hers), his.id}
    together = [payload["together"] for payload in told.values() if "together" in payload]
    assert sorted(map(sorted, together)) == sorted([sorted(str(one.id) for one in hers), [str(his.id)]])


@pytest.mark.parametrize(
    "fields",
    [
        {"waived_at": NIGHT - timedelta(hours=2)},
        {"auto_cancel_at": NIGHT + timedelta(seconds=1)},
        {"futures_cancelled_at": NIGHT - timedelta(days=1)},
        {"auto_cancel_at": None},
    ],
    ids=["waived", "not yet", "acted on", "spared by the policy"],
)
def test_a_no_show_that_costs_nothing_tonight(night: Night, fields: dict):
    registration = night.held()
    night.no_show(registration, **fields)
    future = night.reserve(registration, night.coming())

    night.sweep(JOB)

    assert night.row(future).status == "PENDING"


def test_what_has_started_is_never_cancelled_however_late_the_run(night: Night):
    registration = night.held(max_advance_reservations=None)
    night.no_show(registration)
    started = night.reserve(registration, night.coming(days=1))
    later = night.reserve(registration, night.coming(days=3))
    checked_in = night.reserve(registration, night.coming(days=4), Status.CHECKED_IN)

    night.sweep(JOB, NIGHT + timedelta(days=1))

    assert [night.row(one).status for one in (started, later, checked_in)] == [
        "PENDING",
        "AUTO_CANCELLED",
        "CHECKED_IN",
    ]


def test_what_has_started_since_the_instant_of_the_sweep_stays(night: Night):
    """A sweep as of the past, and a night so long that sessions begin while it runs."""
    passes = sorted((night.held(max_advance_reservations=None) for _ in range(3)), key=lambda one: one.id)
    for one in passes:
        night.no_show(one)
    begins = night.coming(days=1)
    reserved = [night.reserve(one, begins) for one in passes]
    instants = iter([begins.starts_at - timedelta(seconds=1), begins.starts_at, begins.starts_at + timedelta(hours=1)])

    assert night.sweep(JOB, clock=lambda: next(instants), batch=1) == {"no_shows": 3, "auto_cancelled": 1}

    assert [night.row(one).status for one in reserved] == ["AUTO_CANCELLED", "PENDING", "PENDING"]
    assert night.again(begins).seats_taken == 2


def test_a_lost_prerequisite_leaves_what_has_started_since_the_instant_of_the_sweep(night: Night):
    course = factories.make_class(night.db_session, night.studio, steps=3)
    first, second, third = factories.steps_of_class(night.db_session, course)
    registration = night.held(pass_type="full_course", studio_class=course, pass_options={"sequence_rule": "reserved"})
    night.no_show(
        registration,
        night.over(hours=40, studio_class=course, step=first),
        auto_cancel_at=None,
        exclusive_step_id=first.id,
    )
    started, later = [
        night.reserve(registration, night.coming(days, studio_class=course, step=step))
        for days, step in ((1, second), (6, third))
    ]

    night.sweep(JOB, clock=lambda: NIGHT + timedelta(days=1))

    assert [night.row(one).status for one in (started, later)] == ["PENDING", "AUTO_CANCELLED"]


def test_what_two_no_shows_would_cost_the_earlier_one_costs(night: Night):
    registration = night.held()
    late = night.no_show(registration, night.over(hours=30), auto_cancel_at=NIGHT)
    early = night.no_show(registration, night.over(hours=60), auto_cancel_at=NIGHT - timedelta(days=1))
    future = night.reserve(registration, night.coming())

    assert night.sweep(JOB) == {"no_shows": 2, "auto_cancelled": 1}
    assert night.row(future).auto_cancelled_for_id == early.id
    assert night.row(late).futures_cancelled_at == NIGHT


def test_reserved_anew_after_the_night_stays(night: Night):
    registration = night.held()
    night.no_show(registration)
    night.sweep(JOB)
    anew = night.reserve(registration, night.coming())

    assert night.sweep(JOB, NIGHT + timedelta(days=1)) == {}
    assert night.row(anew).status == "PENDING"


def test_a_lost_prerequisite_costs_its_dependents_though_the_policy_spares_futures(night: Night):
    course = factories.make_class(night.db_session, night.studio, steps=3)
    first, second, third = factories.steps_of_class(night.db_session, course)
    registration = night.held(pass_type="full_course", studio_class=course, pass_options={"sequence_rule": "reserved"})
    missed = night.no_show(
        registration,
        night.over(hours=40, studio_class=course, step=first),
        auto_cancel_at=None,
        exclusive_step_id=first.id,
    )
    dependents = [
        night.reserve(registration, night.coming(days, studio_class=course, step=step))
        for days, step in ((3, second), (6, third))
    ]
    free = night.reserve(registration, night.coming(8, studio_class=course))

    assert night.sweep(JOB) == {"no_shows": 1, "auto_cancelled": 2}

    assert [night.row(one).status for one in (*dependents, free)] == ["AUTO_CANCELLED", "AUTO_CANCELLED", "PENDING"]
    assert night.row(dependents[0]).auto_cancelled_for_id == missed.id


def test_a_prerequisite_in_grace_costs_nothing_yet(night: Night):
    course = factories.make_class(night.db_session, night.studio, steps=2)
    first, second = factories.steps_of_class(night.db_session, course)
    registration = night.held(pass_type="full_course", studio_class=course, pass_options={"sequence_rule": "reserved"})
    night.no_show(
        registration,
        night.over(hours=40, studio_class=course, step=first),
        auto_cancel_at=None,
        grace_ends_at=NIGHT + timedelta(seconds=1),
    )
    dependent = night.reserve(registration, night.coming(studio_class=course, step=second))

    assert night.sweep(JOB) == {}
    assert night.row(dependent).status == "PENDING"


def test_a_waive_restores_what_the_night_cancelled(night: Night):
    registration = night.held()
    missed = night.no_show(registration)
    future = night.reserve(registration, night.coming())
    night.sweep(JOB)

    waived = night.opened(
        lambda session: (
            NoShowService(session, clock=lambda: NIGHT)
            .waive(reservation_id=missed.id, actor=factories.staff_actor(night.studio))
            .futures
        )
    )

    assert [one.reservation_id for one in waived] == [future.id]
    assert night.row(future).status == "PENDING"
