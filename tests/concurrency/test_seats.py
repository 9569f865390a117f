"""However many want a seat at once, as many get one as there are. Source: rules.md §3, Concurrency."""

from __future__ import annotations

from datetime import timedelta

import pytest

from studio_reservations.models import ClassRegistration, ClassSession, SessionReservation
from tests import factories
from tests.concurrency.acts import (
    Cancel,
    Move,
    Try,
    in_rounds,
    one_after_the_other,
    one_after_the_other_unguarded,
)
from tests.concurrency.people import book_faults, live_count, make_crowd, token_for
from tests.concurrency.racing import PROCESSES, race, tally
from tests.factories import NOW

pytestmark = pytest.mark.concurrency

TRIES = 50
SEATS = 20


@pytest.fixture
def studio(db_session):
    return factories.make_studio(db_session)


@pytest.fixture
def studio_class(db_session, studio):
    return factories.make_class(db_session, studio)


@pytest.fixture
def wanted(db_session, studio_class):
    return factories.make_session(db_session, studio_class, capacity=SEATS)


@pytest.fixture
def tries(db_session, studio, wanted):
    """Return the calls of 400 customers for the same session, 50 for each process."""
    crowd = make_crowd(db_session, studio, PROCESSES * TRIES)
    db_session.commit()
    calls = [Try(token=one.token, session_id=wanted.id, registration_id=one.registration_id) for one in crowd]
    return [calls[process::PROCESSES] for process in range(PROCESSES)]


def reserved(db_session, person, session):
    """Return the id of a reservation that the person has already."""
    registration = db_session.get_one(ClassRegistration, person.registration_id)
    return factories.make_reservation(db_session, registration, session).id


def test_400_customers_get_exactly_the_20_seats(db_session, database_url, wanted, tries):
    outcomes = race(one_after_the_other, tries, database_url=database_url)

    assert tally(outcomes) == {"201": SEATS, "session_full": PROCESSES * TRIES - SEATS}
    assert live_count(db_session) == SEATS
    assert db_session.get_one(ClassSession, wanted.id, populate_existing=True).seats_taken == SEATS
    assert book_faults(db_session) == {}


def test_without_the_guard_the_same_race_oversells(db_session, database_url, tries):
    outcomes = race(one_after_the_other_unguarded, tries, database_url=database_url)

    sold = tally(outcomes)["201"]
    assert sold > SEATS
    assert live_count(db_session) == sold


def test_cancelling_at_once_frees_each_seat_once(db_session, database_url, studio, wanted):
    crowd = make_crowd(db_session, studio, PROCESSES + 1)
    cancel = [Cancel(token=one.token, reservation_id=reserved(db_session, one, wanted)) for one in crowd]
    db_session.commit()
    *mine, everybodys = cancel

    outcomes = race(in_rounds, [[everybodys, one, one] for one in mine], database_url=database_url)

    assert tally(outcomes) == {"200": 3 * PROCESSES}
    assert db_session.get_one(ClassSession, wanted.id, populate_existing=True).seats_taken == 0
    assert live_count(db_session) == 0


def test_two_sessions_exchange_their_customers(db_session, database_url, studio, studio_class):
    sessions = [
        factories.make_session(db_session, studio_class, capacity=PROCESSES, starts_at=NOW + timedelta(days=days))
        for days in (7, 8)
    ]
    moves = []
    for number, one in enumerate(make_crowd(db_session, studio, PROCESSES)):
        here, there = sessions if number % 2 else reversed(sessions)
        reservation_id = reserved(db_session, one, here)
        moves.append([Move(token=one.token, reservation_id=reservation_id, session_id=there.id)])
    db_session.commit()

    outcomes = race(in_rounds, moves, database_url=database_url)

    assert tally(outcomes) == {"201": PROCESSES}
    for session in sessions:
        assert live_count(db_session, SessionReservation.session_id == session.id) == PROCESSES // 2
        db_session.refresh(session)
        assert session.seats_taken == PROCESSES // 2


def test_two_passes_of_one_customer_reserve_a_session_once(db_session, database_url, studio, wanted):
    customer = factories.make_customer(db_session, studio)
    token = token_for(db_session, customer)
    passes = [factories.make_pass(db_session, customer, studio).id for _ in range(2)]
    db_session.commit()
    tries = [
        [Try(token=token, session_id=wanted.id, registration_id=passes[number % 2])] for number in range(PROCESSES)
    ]

    outcomes = race(in_rounds, tries, database_url=database_url)

    assert tally(outcomes) == {"201": 1, "already_reserved": PROCESSES - 1}
    assert book_faults(db_session) == {}


def test_one_pass_moves_in_while_the_other_reserves(db_session, database_url, studio, studio_class, wanted):
    """A seat and the customer's place in the session are taken in one order by whoever comes in."""
    rounds = 6
    calls: list[tuple[Move, Try]] = []
    for _ in range(rounds):
        customer = factories.make_customer(db_session, studio)
        token = token_for(db_session, customer)
        one, other = (factories.make_pass(db_session, customer, studio) for _ in range(2))
        before = factories.make_session(db_session, studio_class, starts_at=NOW + timedelta(days=9))
        old = factories.make_reservation(db_session, one, before)
        calls.append(
            (
                Move(token=token, reservation_id=old.id, session_id=wanted.id),
                Try(token=token, session_id=wanted.id, registration_id=other.id),
            )
        )
    db_session.commit()

    moves, tries = ([pair[side] for pair in calls] for side in range(2))
    outcomes = race(in_rounds, [moves, tries], database_url=database_url)

    assert [sorted(pair) for pair in zip(*outcomes, strict=True)] == [["201", "already_reserved"]] * rounds
    assert live_count(db_session, SessionReservation.session_id == wanted.id) == rounds
