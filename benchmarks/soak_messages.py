"""``python -m benchmarks.soak_messages``: a whole night with all its messages, its workers killed with -9 at random points.

The four nightly jobs, the reminders and the delivery of the outbox are hit; the mail server and the receiver of webhooks are
real. Each message must have come exactly once, taken by its id, and be one that an undisturbed night sends. It ends with 1
where that is not so.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import time_machine
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from benchmarks.tallies import HEAD, Tally
from config.processes import stop_on_sigterm
from studio_reservations.models import Base, Channel, OutboxDelivery, OutboxMessage, Role, Studio
from studio_reservations.policies.due import NIGHTLY
from studio_reservations.services.webhooks import WebhookService
from tests import factories
from tests.host import Clock, db
from tests.nights import killing
from tests.nights.crowd import populate
from tests.nights.killing import FOUR, WATCHED, Watched
from tests.nights.night import NIGHT
from tests.notifications.servers import Mailbox, Receiver, http_server, mail_server
from tests.servers import Postgres, postgres_server, valkey_server

SENDER = "hello@kilnstreet.example"
REMINDED_SESSIONS = 10
REMINDED = "SELECT id FROM studio_class_session WHERE location = 'reminded'"
UNSENT = """SELECT (SELECT count(*) FROM studio_outbox_message WHERE expanded_at IS NULL)
  + (SELECT count(*) FROM studio_outbox_delivery WHERE state = 'DUE')"""
UNREMINDED = f"""SELECT count(*) FROM studio_session_reservation WHERE session_id IN ({REMINDED})
  AND id NOT IN (SELECT reservation_id FROM studio_outbox_message WHERE event = 'reminder')"""
MESSAGES = {
    "send_reminders": Watched(
        done="SELECT count(*) FROM studio_outbox_message WHERE event = 'reminder'", under_way=UNREMINDED
    ),
    "deliver_outbox": Watched(
        done="SELECT count(*) FROM studio_outbox_delivery WHERE state = 'SENT'",
        under_way="SELECT count(*) FROM studio_outbox_delivery WHERE claimed_until IS NOT NULL",
    ),
}
TRIED_AGAIN = """SELECT channel, attempts, last_error, count(*) FROM studio_outbox_delivery
  WHERE attempts > 1 OR state <> 'SENT' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
JOBS = ("send_reminders", *(job.name for job in NIGHTLY), "deliver_outbox")
Sent = Counter[tuple[Any, ...]]


def main() -> int:
    """Kill, receive, compare and print."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="nights, each with a kill in every job (default 5)")
    parser.add_argument("--customers", type=int, default=24, help="in each round's studio (default 24)")
    parser.add_argument("--seed", type=int, default=1, help="of the random points (default 1)")
    given = parser.parse_args()
    stop_on_sigterm()
    begun = perf_counter()
    hits: Counter[str] = Counter()
    faults = again = 0
    with postgres_server() as server, valkey_server() as redis_url, mail_server() as mailbox, http_server() as receiver:
        template = server.create_database()
        secret = _populate(template, receiver, customers=given.customers)
        post = _Post(server, redis_url, mailbox=mailbox, receiver=receiver, secret=secret)
        _, expected, tallies = post.night(template, [])
        total = expected.total()
        print(f"undisturbed: {total} messages\n{HEAD}")
        _print(tallies)
        faults += _wrong(tallies)
        chance = random.Random(given.seed)
        for number in range(1, given.rounds + 1):
            kills = [(job, _point(job, chance, customers=given.customers, total=total)) for job in JOBS]
            hit, sent, tallies = post.night(template, kills)
            hits.update(hit)
            again += sum(len(one.arrived) - len(set(one.arrived)) for one in tallies.values())
            faults += _wrong(tallies) + (sent != expected)
            points = ", ".join(f"{job} at {at}{'' if job in hit else ' (done)'}" for job, at in kills)
            print(f"{number}: {points}: {'as undisturbed' if sent == expected else 'DIFFERENT'}", flush=True)
            _print(tallies)
    print(
        f"{given.rounds} nights in {perf_counter() - begun:.0f} s, {given.rounds * len(JOBS)} kills; at work: {dict(hits)}"
    )
    print(f"sent again under the same id, after a kill between sending and noting it: {again}")
    print("each message exactly once" if not faults else f"{faults} FAULTS")
    return 1 if faults else 0


class _Post:
    """Nights on copies of a database, and what they send."""

    def __init__(self, server: Postgres, redis_url: str, *, mailbox: Mailbox, receiver: Receiver, secret: str) -> None:
        self._server, self._redis_url = server, redis_url
        self._mailbox, self._receiver, self._secret = mailbox, receiver, secret
        self._config = {
            "STUDIO_TIMETABLE": "tests.nights.portal:WITH_MESSAGES",
            "STUDIO_SMTP_URL": mailbox.url,
            "STUDIO_MAIL_FROM": SENDER,
            "STUDIO_WEBHOOK_ALLOW_PRIVATE": True,
        }

    def night(self, template: str, kills: list[tuple[str, int]]) -> tuple[list[str], Sent, dict[str, Tally]]:
        """Run one; return the jobs that were hit, what was sent to whom of what, and how it arrived."""
        self._mailbox.received.clear()
        self._receiver.calls.clear()
        url = self._server.create_database(template=template)
        with tempfile.TemporaryDirectory() as directory:
            hit = killing.run_killed(
                url,
                redis_url=self._redis_url,
                directory=Path(directory),
                kills=kills,
                watched={**WATCHED, **MESSAGES},
                waiting=f"SELECT ({UNSENT}) + ({UNREMINDED})",
                config=self._config,
            )
        engine = create_engine(url)
        sent, tallies = self._arrived(engine)
        with engine.connect() as connection:
            if tried := connection.execute(text(TRIED_AGAIN)).all():
                print("tried again:", *tried, sep="\n  ")
        engine.dispose()
        self._server.drop_database(url)
        return hit, sent, tallies

    def _arrived(self, engine: Engine) -> tuple[Sent, dict[str, Tally]]:
        with engine.connect() as connection:
            rows = connection.execute(
                select(
                    OutboxDelivery.id,
                    OutboxDelivery.message_id,
                    OutboxDelivery.channel,
                    OutboxDelivery.state,
                    OutboxDelivery.recipient,
                    OutboxDelivery.template,
                    OutboxMessage.event,
                    OutboxMessage.customer_id,
                    OutboxMessage.reservation_id,
                ).join(OutboxMessage, OutboxMessage.id == OutboxDelivery.message_id)
            ).all()
        letters = {
            f"<{row.id}@{SENDER.partition('@')[2]}>": _about(row) for row in rows if row.channel == Channel.EMAIL
        }
        events = {str(row.message_id): _about(row) for row in rows if row.channel == Channel.WEBHOOK}
        mails = [str(mail["Message-ID"]) for mail in self._mailbox.received]
        return Counter(tuple(row)[2:] for row in rows), {
            "Letters": Tally(set(letters.values()), [(one, letters.get(one, one)) for one in mails]),
            "Webhooks": Tally(
                set(events.values()),
                [
                    (self._checked(headers, body), events[headers["webhook-id"]])
                    for _, headers, body in self._receiver.calls
                ],
            ),
        }

    def _checked(self, headers: dict[str, str], body: bytes) -> str:
        """Return the id of an event that is signed, at an instant of that night."""
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        assert timedelta(0) <= at - FOUR < timedelta(hours=3), at
        with time_machine.travel(at, tick=False):
            Webhook(self._secret).verify(body, headers)
        return headers["webhook-id"]


def _about(row: Any) -> str:
    return json.dumps([row.event, row.template, row.recipient, str(row.customer_id), str(row.reservation_id)])


def _point(job: str, chance: random.Random, *, customers: int, total: int) -> int:
    if job == "deliver_outbox":
        return chance.randrange(total * 9 // 10)
    return chance.randrange(1, customers) if job == "send_reminders" else 0


def _print(tallies: dict[str, Tally]) -> None:
    for name, tally in tallies.items():
        print(tally.row(f"  {name}"), flush=True)


def _wrong(tallies: dict[str, Tally]) -> int:
    return sum(one.faults for one in tallies.values())


def _populate(url: str, receiver: Receiver, *, customers: int) -> str:
    """Make a studio with work for the four jobs, as many others to be reminded, and a webhook; return its secret."""
    engine = create_engine(url)
    for metadata in (db.metadata, Base.metadata):
        metadata.create_all(engine)
    studio_id = populate(engine, customers=customers, suspended=customers // 4)
    long_ago = NIGHT - timedelta(days=9)
    with Session(engine) as db_session:
        studio = db_session.get_one(Studio, studio_id)
        taught = factories.make_class(db_session, studio, title="Glazing", now=long_ago)
        sessions = [
            factories.make_session(
                db_session,
                taught,
                starts_at=FOUR + timedelta(hours=8, minutes=30 * number),
                capacity=customers,
                location="reminded",
                now=long_ago,
            )
            for number in range(REMINDED_SESSIONS)
        ]
        for number in range(customers):
            held = factories.make_pass(
                db_session, factories.make_customer(db_session, studio, now=long_ago), studio, now=long_ago
            )
            factories.make_reservation(db_session, held, sessions[number % len(sessions)], now=long_ago)
        webhooks = WebhookService(db_session, clock=Clock(NIGHT), allow_private=True)
        owner = factories.staff_actor(studio, Role.OWNER)
        secret = webhooks.add_endpoint(studio_id=studio.id, url=receiver.url, actor=owner).secret
        db_session.commit()
    engine.dispose()
    return secret


if __name__ == "__main__":
    sys.exit(main())
