"""However many use one pass at once, it gives what it gives. Source: rules.md §3, §4."""

from __future__ import annotations

from datetime import timedelta

import pytest

from studio_reservations.models import SessionReservation
from tests import factories
from tests.concurrency.acts import Try, in_rounds, in_rounds_locked_while_counting
from tests.concurrency.people import book_faults, live_count, token_for
from tests.concurrency.racing import PROCESSES, race, tally
from tests.factories import NOW

pytestmark = pytest.mark.concurrency

ROUNDS = 5
LIMIT = 3


@pytest.fixture
def studio(db_session):
    return factories.make_studio(db_session)


@pytest.fixture
def sessions(db_session, studio):
    """Return as many sessions as there are processes, with room for everybody."""
    studio_class = factories.make_class(db_session, studio)
    return [
        factories.make_session(db_session, studio_class, starts_at=NOW + timedelta(days=7 + number), capacity=ROUNDS)
        for number in range(PROCESSES)
    ]


def passes_raced_for(db_session, studio, sessions, **fields):
    """Return a pass a round, and the calls of the processes: each for another session, all with the round's pass."""
    rounds = []
    for _ in range(ROUNDS):
        customer = factories.make_customer(db_session, studio)
        registration = factories.make_pass(db_session, customer, studio, **fields)
        rounds.append((registration.id, token_for(db_session, customer)))
    db_session.commit()
    calls = [
        [Try(token=token, session_id=session.id, registration_id=pass_id) for pass_id, token in rounds]
        for session in sessions
    ]
    return [pass_id for pass_id, _ in rounds], calls


def pending(db_session, passes):
    return [live_count(db_session, SessionReservation.registration_id == pass_id) for pass_id in passes]


def test_a_pass_of_5_punches_never_exceeds_its_limit_of_3(db_session, database_url, studio, sessions):
    passes, calls = passes_raced_for(
        db_session, studio, sessions, pass_type="punch_pass", punches=5, max_advance_reservations=LIMIT
    )

    outcomes = race(in_rounds, calls, database_url=database_url)

    assert pending(db_session, passes) == [LIMIT] * ROUNDS
    refused = ROUNDS * (PROCESSES - LIMIT)
    assert tally(outcomes) == {"201": ROUNDS * LIMIT, "advance_limit_reached": refused}
    assert book_faults(db_session) == {}


# SQLite lets one transaction write at a time, whatever it locks.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_lock_and_count_in_one_statement_exceed_the_limit(db_session, database_url, studio, sessions):
    passes, calls = passes_raced_for(
        db_session, studio, sessions, pass_type="punch_pass", punches=PROCESSES, max_advance_reservations=LIMIT
    )

    race(in_rounds_locked_while_counting, calls, database_url=database_url)

    assert max(pending(db_session, passes)) > LIMIT


def test_a_pass_of_2_punches_never_holds_more(db_session, database_url, studio, sessions):
    passes, calls = passes_raced_for(
        db_session, studio, sessions, pass_type="punch_pass", punches=2, max_advance_reservations=None
    )

    outcomes = race(in_rounds, calls, database_url=database_url)

    assert pending(db_session, passes) == [2] * ROUNDS
    assert tally(outcomes) == {"201": ROUNDS * 2, "punches_exhausted": ROUNDS * (PROCESSES - 2)}
    assert book_faults(db_session) == {}


def test_a_full_course_takes_each_step_once(db_session, database_url, studio):
    course = factories.make_class(db_session, studio, title="Glazing", steps=1)
    (step,) = factories.steps_of_class(db_session, course)
    sessions = [
        factories.make_session(db_session, course, step=step, starts_at=NOW + timedelta(days=7 + number))
        for number in range(PROCESSES)
    ]
    passes, calls = passes_raced_for(
        db_session, studio, sessions, pass_type="full_course", studio_class=course, max_advance_reservations=None
    )

    outcomes = race(in_rounds, calls, database_url=database_url)

    assert pending(db_session, passes) == [1] * ROUNDS
    assert tally(outcomes) == {"201": ROUNDS, "step_already_reserved": ROUNDS * (PROCESSES - 1)}
