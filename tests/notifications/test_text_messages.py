"""SMS through a provider, in good time and never in the studio's quiet hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from studio_reservations.models import ClassSession
from studio_reservations.pass_types import Status
from studio_reservations.policies.messages import is_quiet
from tests.factories import NOW
from tests.notifications.conftest import Post
from tests.notifications.gallery import World
from tests.notifications.servers import Receiver

# Apprise looks at all its plugins when the first is asked for; one imports what Python 3.13 has not.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_a_text_message_reaches_the_provider(post: Post, world: World, sms_provider: Receiver):
    last_call(world)

    assert post.deliver()["sent"] == 1
    (sent,) = sms_provider.json()
    assert sent["params"]["to"] == "+14165550100"
    assert sent["params"]["message"] == (
        "Kiln Street Pottery: Beginner Wheel Throwing starts at 10:20 and you are not checked in yet. "
        "Check in, or cancel to give the seat away."
    )


def test_a_provider_that_refuses_is_asked_again(post: Post, world: World, sms_provider: Receiver):
    last_call(world)
    sms_provider.answers.append(500)

    assert post.deliver(random=0.5)["postponed"] == 1
    assert "SMSEagle" in str(post.deliveries()[0].last_error)
    assert post.deliver(as_of=NOW + timedelta(seconds=15))["sent"] == 1
    assert len(sms_provider.calls) == 2


def test_in_quiet_hours_it_is_dropped_and_not_kept_for_the_morning(post: Post, world: World, sms_provider: Receiver):
    world.studio.quiet_from, world.studio.quiet_until = time(9, 30), time(10, 30)
    last_call(world)

    assert post.deliver()["dropped"] == 1
    assert post.deliver(as_of=NOW + timedelta(minutes=15))["sent"] == 0
    assert (post.deliveries()[0].state, post.deliveries()[0].last_error) == ("DROPPED", "It is quiet at the studio.")
    assert sms_provider.calls == []


def test_it_is_dropped_when_its_time_is_over(post: Post, world: World, sms_provider: Receiver):
    last_call(world)
    assert post.deliver(as_of=NOW + timedelta(minutes=20))["dropped"] == 1

    checked_in = last_call(world)
    checked_in.status = Status.CHECKED_IN
    world.db_session.commit()
    assert post.deliver()["dropped"] == 1

    last_call(world)
    world.customer.preferences = {"sms": False}
    world.db_session.commit()
    counts = post.deliver()
    assert (counts["expanded"], counts["sent"]) == (1, 0)
    assert sms_provider.calls == []


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until", "local", "quiet"),
    [
        ("21:00", "08:00", "20:59", False),
        ("21:00", "08:00", "21:00", True),
        ("21:00", "08:00", "03:00", True),
        ("21:00", "08:00", "07:59", True),
        ("21:00", "08:00", "08:00", False),
        ("13:00", "15:00", "12:59", False),
        ("13:00", "15:00", "13:00", True),
        ("13:00", "15:00", "15:00", False),
        ("09:00", "09:00", "09:00", False),
    ],
)
def test_quiet_hours_are_the_studios_and_may_run_over_midnight(
    quiet_from: str, quiet_until: str, local: str, quiet: bool
):
    at = datetime.fromisoformat(f"2026-07-01T{local}:00-04:00")  # Toronto in summer

    assert (
        is_quiet(
            at,
            quiet_from=time.fromisoformat(quiet_from),
            quiet_until=time.fromisoformat(quiet_until),
            timezone="America/Toronto",
        )
        is quiet
    )


def test_without_quiet_hours_it_is_never_quiet():
    assert not is_quiet(NOW, quiet_from=None, quiet_until=time(8), timezone="America/Toronto")


def last_call(world: World):
    """Remind of a session that starts in 20 minutes."""
    seat = world.seat(days=0, hour=0)
    _start_at(world, seat, NOW + timedelta(minutes=20))
    world.tell("sms_last_call", {}, of=seat)
    world.db_session.commit()
    return seat


def _start_at(world: World, seat, starts_at: datetime) -> None:
    session = world.db_session.get_one(ClassSession, seat.session_id)
    session.starts_at, session.ends_at = starts_at, starts_at + timedelta(hours=2)
