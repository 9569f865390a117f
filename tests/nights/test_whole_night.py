"""A missed class and all that comes of it, in real processes: scheduler, two workers, Redis, a mail server and a webhook."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import Engine, create_engine, exists, select
from standardwebhooks import Webhook

from config.clock import move
from studio_reservations.models import (
    Channel,
    CustomerSuspension,
    DeliveryState,
    JobRun,
    JobState,
    OutboxDelivery,
    OutboxMessage,
    Role,
    SessionReservation,
)
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.webhooks import WebhookService
from tests import factories
from tests.host import Clock
from tests.nights import killing
from tests.nights.night import NIGHT, Night
from tests.notifications.servers import Mailbox, Receiver, http_server, mail_server

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

SENDER = "hello@kilnstreet.example"
GRACE_OVER = NIGHT + timedelta(days=1)
"""01:00 of the second night: the class was missed for good at the first."""

TWO, THREE = GRACE_OVER + timedelta(hours=1), GRACE_OVER + timedelta(hours=2)
MORNING = timedelta(hours=3)
"""From 01:00 to 04:00, when all jobs of a night are due."""

PROCESSES = {"scheduler": ("scheduler", "--interval", "1"), "worker-1": ("worker",), "worker-2": ("worker",)}
Until = Callable[[datetime, str], None]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_server() as receiver:
        yield receiver


def test_a_missed_class_costs_what_the_policy_says_and_everybody_is_told_once(
    night: Night, database_url: str, redis_url: str, mailbox: Mailbox, receiver: Receiver, tmp_path: Path
):
    factories.make_policy(night.db_session, night.studio, max_no_shows=1)
    customer = night.customer(email="ada@example.org")
    registration = night.held(customer)
    missed = night.reserve(registration, night.over())
    futures = [night.reserve(registration, night.coming(days)) for days in (4, 5)]
    stranger = night.reserve(night.held(), night.coming())
    secret = _endpoint(night, receiver)

    with _portal(database_url, redis_url=redis_url, mailbox=mailbox, directory=tmp_path) as until:
        until(NIGHT, "detect_no_shows")
        row = night.row(missed)
        assert (row.status, row.grace_ends_at, row.auto_cancel_at) == ("NO_SHOW", GRACE_OVER, TWO)
        until(NIGHT + MORNING, "lift_suspensions")
        assert [night.row(one).status for one in futures] == ["PENDING"] * 2

        until(TWO, "cancel_futures")
        assert [night.row(one).status for one in futures] == ["AUTO_CANCELLED"] * 2
        assert night.suspensions() == []
        until(THREE, "enforce_suspensions")
        [suspension] = night.suspensions()
        assert (suspension.customer_id, suspension.no_show_count, suspension.limit) == (customer.id, 1, 1)

        until(GRACE_OVER + timedelta(days=1) + MORNING, "lift_suspensions")  # a night more, in which nothing is new

    assert [one.id for one in night.suspensions()] == [suspension.id]
    assert night.row(stranger).status == "PENDING"
    deliveries = night._all(select(OutboxDelivery))
    assert {one.state for one in deliveries} == {DeliveryState.SENT}
    _check_mails(mailbox, deliveries)
    _check_webhooks(receiver, deliveries, secret, missed=missed, futures=futures, suspension=suspension)


def _check_mails(mailbox: Mailbox, deliveries: list[OutboxDelivery]) -> None:
    """Each mail came once, to the customer alone, under the id of its delivery."""
    arrived = {mail["Message-ID"]: mail["Subject"] for mail in mailbox.received}
    assert sorted(arrived.values()) == [
        "2 reservations were cancelled",
        "New reservations are paused through Wed 16 December",
        "You missed Beginner Wheel Throwing, Tue 1 December, 14:00",
    ]
    assert set(mailbox.recipients) == {"ada@example.org"}
    domain = SENDER.partition("@")[2]
    assert arrived.keys() == {f"<{one.id}@{domain}>" for one in deliveries if one.channel == Channel.EMAIL}


def _check_webhooks(
    receiver: Receiver,
    deliveries: list[OutboxDelivery],
    secret: str,
    *,
    missed: SessionReservation,
    futures: list[SessionReservation],
    suspension: CustomerSuspension,
) -> None:
    """Each event came once, signed at the instant at which the portal's clock stood, under the id of its message."""
    at = {"reservation.no_show": NIGHT, "reservation.auto_cancelled": TWO, "suspension.created": THREE}
    arrived = {}
    for _, headers, body in receiver.calls:
        with time_machine.travel(at[json.loads(body)["type"]], tick=False):
            event = Webhook(secret).verify(body, headers)
        arrived[headers["webhook-id"]] = (event["type"], event["data"].get("reservation_id", str(suspension.id)))
    assert Counter(arrived.values()) == Counter(
        [
            ("reservation.no_show", str(missed.id)),
            *(("reservation.auto_cancelled", str(one.id)) for one in futures),
            ("suspension.created", str(suspension.id)),
        ]
    )
    assert arrived.keys() == {str(one.message_id) for one in deliveries if one.channel == Channel.WEBHOOK}


def _endpoint(night: Night, receiver: Receiver) -> str:
    """Let the receiver have every event; return the secret."""
    webhooks = WebhookService(night.db_session, clock=Clock(NIGHT), allow_private=True)
    owner = factories.staff_actor(night.studio, Role.OWNER)
    secret = webhooks.add_endpoint(studio_id=night.studio.id, url=receiver.url, actor=owner).secret
    night.db_session.commit()
    return secret


@contextmanager
def _portal(database_url: str, *, redis_url: str, mailbox: Mailbox, directory: Path) -> Iterator[Until]:
    """Run a scheduler and two workers; yield what sets their clock and waits until a job and all messages are through."""
    config = {
        "STUDIO_TIMETABLE": "tests.nights.portal:WITH_MESSAGES",
        "STUDIO_SMTP_URL": mailbox.url,
        "STUDIO_MAIL_FROM": SENDER,
        "STUDIO_WEBHOOK_ALLOW_PRIVATE": True,
    }
    environ = killing.environment(database_url, redis_url=redis_url, directory=directory)
    environ["PORTAL_CONFIG"] = json.dumps(config)
    engine = create_engine(database_url)

    def until(instant: datetime, job: str) -> None:
        move(directory / killing.CLOCK, instant)
        day = local_date(instant, timezone=factories.TORONTO)
        killing.wait(lambda: _is_through(engine, job, day), directory, every=0.05)

    move(directory / killing.CLOCK, NIGHT)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        for name, command in PROCESSES.items():
            stack.enter_context(killing.running(*command, environ=environ, log=directory / f"{name}.log"))
        yield until


def _is_through(engine: Engine, job: str, day: date) -> bool:
    """Say whether the job has succeeded for that night, and no message waits."""
    done = exists().where(JobRun.job == job, JobRun.business_date == day, JobRun.state == JobState.SUCCEEDED.value)
    unsent = exists().where(OutboxDelivery.state == DeliveryState.DUE.value)
    with engine.connect() as database:
        return bool(database.scalar(select(done & ~exists().where(OutboxMessage.expanded_at.is_(None)) & ~unsent)))
