"""Reminders: a day before by the studio's clock, two hours and half an hour before; each once, never too late."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from textwrap import dedent
from typing import Any

import pytest
from sqlalchemy import select

from studio_reservations.models import ClassSession, OutboxMessage, RegistrationStatus, SessionStatus
from studio_reservations.notifications.reminders import due_messages, send_reminders
from studio_reservations.pass_types import Status
from tests import factories
from tests.factories import NOW
from tests.notifications.conftest import Post
from tests.notifications.gallery import World
from tests.notifications.servers import Mailbox
from tests.processes import run_at_once


@pytest.mark.parametrize(
    ("before", "due"),
    [
        (timedelta(hours=24, seconds=1), []),
        (timedelta(hours=24), ["reminder"]),
        (timedelta(hours=2, seconds=1), ["reminder"]),
        (timedelta(hours=2), ["reminder", "sms_check_in"]),
        (timedelta(minutes=30, seconds=1), ["reminder", "sms_check_in"]),
        (timedelta(minutes=30), ["reminder", "sms_last_call"]),
        (timedelta(seconds=1), ["reminder", "sms_last_call"]),
        (timedelta(0), []),
        (timedelta(seconds=-1), []),
    ],
)
def test_what_is_due_before_a_session(before: timedelta, due: list[str]):
    starts_at = datetime(2026, 7, 1, 14, tzinfo=UTC)
    found = due_messages(starts_at, timezone="America/Toronto", as_of=starts_at - before, sms=True)

    assert [message.value for message, _ in found] == due


@pytest.mark.parametrize(
    ("timezone", "starts", "reminded"),
    [
        # The clocks go forward on Sunday 14 March: Saturday 10:00 is 23 hours before.
        ("America/New_York", "2027-03-14T10:00-04:00", "2027-03-13T10:00-05:00"),
        # They go back on Sunday 7 November: 25 hours.
        ("America/New_York", "2027-11-07T10:00-05:00", "2027-11-06T10:00-04:00"),
        # Half an hour on Lord Howe.
        ("Australia/Lord_Howe", "2027-04-04T10:00+10:30", "2027-04-03T10:00+11:00"),
        ("Pacific/Apia", "2027-04-04T10:00+13:00", "2027-04-03T10:00+13:00"),
        ("Pacific/Honolulu", "2027-03-14T10:00-10:00", "2027-03-13T10:00-10:00"),
    ],
)
def test_a_day_before_is_counted_on_the_studios_clock(timezone: str, starts: str, reminded: str):
    starts_at, at = datetime.fromisoformat(starts), datetime.fromisoformat(reminded)

    assert [*due_messages(starts_at, timezone=timezone, as_of=at - timedelta(seconds=1), sms=False)] == []
    ((message, due_at),) = due_messages(starts_at, timezone=timezone, as_of=at, sms=False)
    assert (message, due_at) == ("reminder", at)


def test_a_reminder_is_written_once_however_often_the_job_runs(post: Post, world: World):
    seat = world.seat(days=1, hour=0)
    world.db_session.commit()

    assert remind(post, NOW - timedelta(minutes=1)) == {}
    assert remind(post, NOW) == {"reminder": 1}
    assert remind(post, NOW) == {}
    assert remind(post, NOW + timedelta(hours=22)) == {"sms_check_in": 1}
    assert remind(post, NOW + timedelta(hours=23, minutes=30)) == {"sms_last_call": 1}
    assert remind(post, NOW + timedelta(hours=24)) == {}
    events = post.run(lambda db_session: list(db_session.scalars(select(OutboxMessage.event))))
    assert sorted(events) == ["reminder", "sms_check_in", "sms_last_call"]
    assert seat.status == "PENDING"


def test_a_late_run_still_reminds_but_not_after_the_start(post: Post, world: World):
    world.seat(days=1, hour=0)
    world.seat(days=0, hour=0)
    world.db_session.commit()

    assert remind(post, NOW + timedelta(hours=12)) == {"reminder": 1}


def test_who_reserved_later_than_its_time_is_not_reminded(post: Post, world: World):
    world.seat(days=1, hour=0, now=NOW)
    world.seat(days=1, hour=-1, now=NOW)
    world.db_session.commit()

    assert remind(post, NOW) == {"reminder": 1}  # the one at the very instant of its reminder


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.AUTO_CANCELLED, Status.CHECKED_IN, Status.NO_SHOW])
def test_only_what_is_pending_is_reminded_of(post: Post, world: World, status: Status):
    world.seat(days=1, hour=0, status=status)
    world.db_session.commit()

    assert remind(post, NOW) == {}


def test_a_cancelled_session_is_not_reminded_of(post: Post, world: World):
    seat = world.seat(days=1, hour=0)
    world.db_session.get_one(ClassSession, seat.session_id).status = SessionStatus.CANCELLED
    world.db_session.commit()

    assert remind(post, NOW) == {}


def test_a_studio_without_sms_gets_no_text_messages(post: Post, world: World):
    world.studio.sms_enabled = False
    world.seat(days=0, hour=2, now=NOW - timedelta(days=3))
    world.db_session.commit()

    assert remind(post, NOW) == {"reminder": 1}


def test_a_session_moved_to_another_day_is_reminded_of_again(post: Post, world: World):
    seat = world.seat(days=1, hour=0)
    world.db_session.commit()
    assert remind(post, NOW) == {"reminder": 1}

    session = world.db_session.get_one(ClassSession, seat.session_id)
    session.starts_at, session.ends_at = NOW + timedelta(days=4), NOW + timedelta(days=4, hours=2)
    world.db_session.commit()
    assert remind(post, NOW + timedelta(days=2)) == {}
    assert remind(post, NOW + timedelta(days=3)) == {"reminder": 1}


@pytest.mark.parametrize(
    ("as_of", "told"),
    [
        ("2026-12-24T09:59:59-05:00", {}),
        ("2026-12-24T10:00:00-05:00", {"pass_expiring": 1}),
        ("2026-12-31T23:59:59-05:00", {"pass_expiring": 1}),
        ("2027-01-01T00:00:00-05:00", {}),
    ],
)
def test_the_end_of_a_pass_is_told_a_week_before_at_ten(post: Post, world: World, as_of: str, told: dict[str, int]):
    assert remind(post, datetime.fromisoformat(as_of)) == told
    assert remind(post, datetime.fromisoformat(as_of)) == {}


def test_a_pass_issued_in_its_last_week_or_frozen_is_not_told_of(post: Post, world: World):
    at = datetime(2026, 12, 28, 15, tzinfo=UTC)
    world.held.status = RegistrationStatus.FROZEN
    factories.make_pass(world.db_session, world.customer, world.studio, valid_until=date(2026, 12, 30), now=at)
    world.db_session.commit()

    assert remind(post, at) == {}


def test_a_reminder_that_could_not_be_sent_before_the_start_is_dropped(post: Post, world: World, mailbox: Mailbox):
    world.seat(days=1, hour=0)
    world.db_session.commit()
    remind(post, NOW)
    mailbox.stop()
    assert post.deliver(random=1.0)["postponed"] == 1
    mailbox.start()

    assert post.deliver(as_of=NOW + timedelta(days=1))["dropped"] == 1
    assert mailbox.received == []


@pytest.mark.concurrency
def test_two_workers_at_once_write_each_reminder_once(post: Post, world: World, database_url: str):
    seats = 40
    session = factories.make_session(
        world.db_session, world.studio_class, starts_at=NOW + timedelta(days=1), capacity=seats
    )
    for number in range(seats):
        customer = factories.make_customer(world.db_session, world.studio, name=f"Customer {number}")
        held = factories.make_pass(world.db_session, customer, world.studio)
        factories.make_reservation(world.db_session, held, session)
    world.db_session.commit()
    prepare = """
        from sqlalchemy import create_engine
        from sqlalchemy.orm import Session
        from studio_reservations.database import BEGIN_OPTION, prepare_engine
        from studio_reservations.notifications.reminders import send_reminders
        from tests.factories import NOW

        engine = create_engine(sys.argv[1], execution_options={BEGIN_OPTION: "IMMEDIATE"})
        prepare_engine(engine)

        def run(work):
            with Session(engine) as db_session, db_session.begin():
                return work(db_session)
    """
    run_at_once(2, prepare=dedent(prepare), act="print(send_reminders(run, as_of=NOW))", arguments=(database_url,))

    keys = post.run(lambda db_session: list(db_session.scalars(select(OutboxMessage.dedupe_key))))
    assert len(keys) == seats
    assert Counter(keys).most_common(1)[0][1] == 1


def remind(post: Post, as_of: datetime) -> dict[str, Any]:
    """Run the job once; return what it wrote."""
    return {name: number for name, number in send_reminders(post.run, as_of=as_of).items() if number}
