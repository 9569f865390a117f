"""``python -m benchmarks.soak_outages``: reservations over HTTP while one thing after another is away.

Real processes: the portal under gunicorn, valkey, a scheduler, two workers, a mail server, a receiver of webhooks that checks
signatures. What was reserved, by the answers to its calls, is compared with the letters and events that arrived. It ends with
1 where anything is lost, doubled or answered by a 5xx.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import redis
from rq_scheduler import Scheduler
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from benchmarks.steadily import Calls, Phase
from benchmarks.tallies import HEAD, Tally
from config.processes import guarded, stop_on_sigterm, valkey
from studio_reservations.models import Base, Role
from studio_reservations.services.tokens import create_token
from studio_reservations.services.webhooks import WebhookService
from tests import factories
from tests.host import db
from tests.notifications.servers import Mailbox, Receiver, http_server, mail_server
from tests.servers import postgres_server

CUSTOMERS = 50
SENDER = "hello@kilnstreet.example"
LAST_LETTER_SECONDS = 400.0
"""Five minutes, which is the longest wait after an outage, and some."""

MANY = 1_000_000
CALENDAR_ID = "UID:"


class CheckingReceiver(Receiver):
    """A receiver that refuses what is not signed as Standard Webhooks wants it, when it arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = ""
        self.taken: list[tuple[str, str]] = []
        self.refused = 0

    def status_of(self, headers: dict[str, str], body: bytes) -> int:
        """Take an event, unless a status is to be given instead."""
        event = Webhook(self.secret).verify(body, headers)
        status = super().status_of(headers, body)
        if status < 300:
            self.taken.append((headers["webhook-id"], event["data"]["reservation_id"]))
        else:
            self.refused += 1
        return status


def main() -> int:
    """Reserve, take things away, and print what came of it."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each outage lasts (default 60)")
    parser.add_argument("--rate", type=float, default=5.0, help="reservations a second (default 5)")
    given = parser.parse_args()
    stop_on_sigterm()
    receiver = CheckingReceiver()
    with (
        postgres_server() as server,
        mail_server() as mailbox,
        http_server(receiver),
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
    ):
        directory, url = Path(folder), server.create_database()
        sessions = int(given.rate * given.seconds * 8 / CUSTOMERS) + 10
        tokens, session_ids, receiver.secret = _populate(url, receiver, sessions=sessions)
        environ = _environment(url, mailbox=mailbox, directory=directory)
        with _running(directory, environ) as redis_server:
            calls = Calls(directory / "portal.sock", tokens=tokens, session_ids=session_ids, rate=given.rate)
            phases = _play(calls, given.seconds, mailbox=mailbox, receiver=receiver, redis_server=redis_server)
            letters, events = _await(phases, mailbox, receiver)
        kept = _reserved(url)
    return _report(phases, letters, events, kept=kept, receiver=receiver)


class RedisServer:
    """A valkey that can be stopped and started again, empty."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self.url = ""

    def start(self) -> None:
        """Start it."""
        self.url = self._stack.enter_context(valkey(self._directory))

    def stop(self) -> None:
        """Stop it; what it knew is gone."""
        self._stack.close()


def _play(
    calls: Calls, seconds: float, *, mailbox: Mailbox, receiver: CheckingReceiver, redis_server: RedisServer
) -> list[Phase]:
    def mail_away() -> None:
        mailbox.stop()
        sleep(seconds / 2)
        mailbox.answers = deque(["451 4.3.0 Try again later"] * MANY)
        mailbox.start()
        sleep(seconds / 2)
        mailbox.answers.clear()

    def receiver_ill() -> None:
        receiver.answers = deque([500] * MANY)
        sleep(seconds)
        receiver.answers.clear()

    def redis_away() -> None:
        redis_server.stop()
        sleep(seconds)
        redis_server.start()

    def keys_deleted() -> None:
        with redis.Redis.from_url(redis_server.url) as client:
            for _ in range(3):
                client.delete(Scheduler.scheduled_jobs_key, *client.keys("rq:job:studio-*"))
                sleep(seconds / 6)
            client.flushall()
        sleep(seconds / 2)

    acts: Sequence[tuple[str, Callable[[], None]]] = (
        ("all is well", lambda: sleep(seconds / 4)),
        (f"mail: {seconds / 2:g} s gone, {seconds / 2:g} s 451", mail_away),
        (f"receiver: {seconds:g} s of 500", receiver_ill),
        (f"Redis: {seconds:g} s stopped", redis_away),
        ("scheduler's keys, FLUSHALL", keys_deleted),
        ("all is well again", lambda: sleep(seconds / 4)),
    )
    with calls.running():
        return [calls.during(name, act) for name, act in acts]


def _await(phases: Sequence[Phase], mailbox: Mailbox, receiver: CheckingReceiver) -> tuple[Tally, Tally]:
    """Wait until everything has arrived, or cannot be waited for any longer, and as long again as nothing new comes."""
    expected = {one for phase in phases for one in phase.reserved}
    until = monotonic() + LAST_LETTER_SECONDS
    while True:
        letters = Tally(expected, [(str(mail["Message-ID"]), _told_of(mail)) for mail in list(mailbox.received)])
        events = Tally(expected, list(receiver.taken))
        if not (letters.lost or events.lost) or monotonic() > until:
            break
        sleep(0.5)
    sleep(3)  # what would come twice comes now
    letters.arrived = [(str(mail["Message-ID"]), _told_of(mail)) for mail in mailbox.received]
    events.arrived = list(receiver.taken)
    return letters, events


def _told_of(mail: object) -> str:
    """Return the reservation that a confirmation is about, as its calendar entry says."""
    for part in mail.iter_attachments():  # type: ignore[attr-defined]
        for line in part.get_content().splitlines():
            if line.startswith(CALENDAR_ID):
                return str(line.removeprefix(CALENDAR_ID).partition("@")[0])
    return str(mail["Subject"])  # type: ignore[index]


def _report(
    phases: Sequence[Phase], letters: Tally, events: Tally, *, kept: set[str], receiver: CheckingReceiver
) -> int:
    print("\nReservations".ljust(35) + "  answers".ljust(28) + "slowest")
    for phase in phases:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(phase.statuses.items()))
        print(f"  {phase.name:<32} {answers:<26} {phase.slowest * 1000:>6.0f} ms")
    for kind, tally in (("Letters", letters), ("Webhooks", events)):
        print(f"\n{HEAD.replace(' ' * len(kind), kind, 1)}")
        for phase in phases:
            print(tally.of(phase.reserved).row(f"  {phase.name}"))
        print(tally.row("  together"))
    reserved = {one for phase in phases for one in phase.reserved}
    failed = sum(count for phase in phases for status, count in phase.statuses.items() if status != "201")
    print(f"\nanswered 201: {len(reserved)}, in the tables: {len(kept)}, different: {len(reserved ^ kept)}")
    print(f"webhooks answered 500 and sent again: {receiver.refused}")
    faults = letters.faults + events.faults + len(reserved ^ kept) + failed
    print("nothing lost, nothing doubled" if not faults else f"{faults} FAULTS")
    return 1 if faults else 0


@contextmanager
def _running(directory: Path, environ: dict[str, str]) -> Iterator[RedisServer]:
    """Run all processes, once the portal answers."""
    redis_server = RedisServer(directory)
    flask = [sys.executable, "-m", "flask", "--app", "tests.nights.portal", "studio"]
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
    gunicorn += ["--bind", f"unix:{directory / 'portal.sock'}", "tests.nights.portal:create_app()"]
    commands = {"portal": gunicorn, "scheduler": [*flask, "scheduler", "--interval", "1"]}
    commands |= {f"worker-{one}": [*flask, "worker"] for one in (1, 2)}
    redis_server.start()
    with ExitStack() as stack:
        stack.callback(redis_server.stop)
        guards = {
            name: stack.enter_context(guarded(command, log=directory / f"{name}.log", environ=environ))
            for name, command in commands.items()
        }
        yield redis_server
        for name, guard in guards.items():
            if guard.poll() is not None:
                print(f"{name} ended with {guard.returncode}:\n{(directory / f'{name}.log').read_text()[-2_000:]}")


def _environment(url: str, *, mailbox: Mailbox, directory: Path) -> dict[str, str]:
    redis_url = f"unix://{directory / 'valkey.sock'}"
    config = {
        "TESTING": False,
        "STUDIO_TIMETABLE": "tests.nights.portal:WITH_MESSAGES",
        "STUDIO_SMTP_URL": mailbox.url,
        "STUDIO_MAIL_FROM": SENDER,
        "STUDIO_WEBHOOK_ALLOW_PRIVATE": True,
        "STUDIO_RATE_LIMIT_STORAGE": f"redis+{redis_url}",
    }
    own = {"DATABASE_URL": url, "REDIS_URL": redis_url, "PORTAL_CONFIG": json.dumps(config)}
    return {**os.environ, **own, "FLASK_SKIP_DOTENV": "1"}


def _populate(url: str, receiver: Receiver, *, sessions: int) -> tuple[list[str], list[str], str]:
    """Make a studio; return its customers' tokens, its sessions' ids, and the webhook's secret."""
    engine = create_engine(url)
    for metadata in (db.metadata, Base.metadata):
        metadata.create_all(engine)
    now = datetime.now(UTC)
    with Session(engine) as db_session:
        studio = factories.make_studio(db_session, now=now)
        taught = factories.make_class(db_session, studio, now=now)
        ids = [
            str(
                factories.make_session(
                    db_session, taught, starts_at=now + timedelta(days=2, hours=number), capacity=CUSTOMERS, now=now
                ).id
            )
            for number in range(sessions)
        ]
        tokens = []
        for _ in range(CUSTOMERS):
            customer = factories.make_customer(db_session, studio, now=now)
            factories.make_pass(
                db_session, customer, studio, pass_type="unlimited_series", max_advance_reservations=None, now=now
            )
            tokens.append(create_token(db_session, name="soak", now=now, customer_id=customer.id))
        webhooks = WebhookService(db_session, clock=lambda: now, allow_private=True)
        owner = factories.staff_actor(studio, Role.OWNER)
        secret = webhooks.add_endpoint(studio_id=studio.id, url=receiver.url, actor=owner).secret
        db_session.commit()
    engine.dispose()
    return tokens, ids, secret


def _reserved(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {str(one) for one in connection.scalars(text("SELECT id FROM studio_session_reservation"))}
    engine.dispose()
    return found


if __name__ == "__main__":
    sys.exit(main())
