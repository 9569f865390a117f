"""A studio's post: an outbox on a database, and a courier to servers on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import pytest
from jinja2 import BaseLoader
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from studio_reservations.models import OutboxDelivery
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.delivery import deliver_outbox
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.settings import load
from tests.factories import NOW
from tests.notifications.gallery import World
from tests.notifications.servers import Mailbox, Receiver, http_server, mail_server

T = TypeVar("T")


class Post:
    """The outbox of one database, and what sends it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.config: dict[str, Any] = {
            "STUDIO_WEBHOOK_ALLOW_PRIVATE": True,
            "STUDIO_PUBLIC_URL": "https://kilnstreet.example",
            "STUDIO_MAIL_FROM": "hello@kilnstreet.example",
        }
        self.templates: BaseLoader | None = None
        self.users: dict[str, str] = {}
        """Addresses of the portal's users by their ids."""

    def run(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a transaction of its own."""
        with Session(self.engine, expire_on_commit=False) as db_session, db_session.begin():
            return work(db_session)

    def courier(self) -> Courier:
        return Courier.of(
            load(self.config),
            secret="of the tests",
            templates=self.templates,
            pass_types=installed_pass_types(),
            address_of=self.users.get,
        )

    def deliver(self, *, as_of: datetime = NOW, random: float = 0.5) -> dict[str, int]:
        """Run the job once, at an instant that stands still."""
        report = deliver_outbox(self.run, as_of=as_of, courier=self.courier(), random=lambda: random, timer=lambda: 0.0)
        return report.counts()

    def deliveries(self) -> list[OutboxDelivery]:
        return self.run(lambda db_session: list(db_session.scalars(select(OutboxDelivery).order_by(OutboxDelivery.id))))

    def world(self, **options: Any) -> World:
        """Make the studio of the tests; its rows are committed, its session is closed."""
        db_session = Session(self.engine, expire_on_commit=False)
        return World(db_session, **options)


@pytest.fixture
def post(engine: Engine) -> Post:
    return Post(engine)


@pytest.fixture
def world(post: Post) -> Iterator[World]:
    """Return the studio; whoever changes rows commits them by ``world.db_session.commit()``."""
    world = post.world()
    world.db_session.commit()
    yield world
    world.db_session.close()


@pytest.fixture
def mailbox(post: Post) -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        post.config["STUDIO_SMTP_URL"] = mailbox.url
        yield mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_server() as receiver:
        yield receiver


@pytest.fixture
def sms_provider(post: Post) -> Iterator[Receiver]:
    """Return an SMSEagle gateway, a box that studios may have in their own network."""
    with http_server() as receiver:
        receiver.body = b'{"result": [{"message_id": 1, "status": "ok"}]}'
        post.config["STUDIO_SMS_URL"] = receiver.url.replace("http://", "smseagle://token@") + "/{to}"
        yield receiver
