"""One e-mail of every kind, as a studio's customers get them; as a program, their pictures.

``python -m tests.notifications.gallery FOLDER`` writes each as HTML and text, and as PNG at 390 and 700 px where a Chromium is.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from playwright.sync_api import sync_playwright
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session

from studio_reservations.models import (
    Base,
    OutboxDelivery,
    OutboxMessage,
    SessionReservation,
    SuspensionOrigin,
)
from studio_reservations.notifications.courier import Courier
from studio_reservations.notifications.delivery import claim
from studio_reservations.notifications.expanding import expand
from studio_reservations.notifications.mail import Mail
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.settings import load
from tests import factories
from tests.factories import NOW

CONFIG = {
    "STUDIO_SMTP_URL": "smtp://localhost:25",
    "STUDIO_MAIL_FROM": "hello@kilnstreet.example",
    "STUDIO_PUBLIC_URL": "https://kilnstreet.example",
    "STUDIO_RESERVATION_URL": "https://kilnstreet.example/my/reservations/{id}",
}
WIDTHS = (390, 700)


class World:
    """A studio with a customer, a pass and classes; `tell` writes a message as the services do."""

    def __init__(self, db_session: Session, *, class_title: str = "Beginner Wheel Throwing", name: str = "Maya Rahman"):
        self.db_session = db_session
        self.studio = factories.make_studio(
            db_session,
            name="Kiln Street Pottery",
            contact_email="desk@kilnstreet.example",
            contact_phone="+1 416 555 0134",
            sms_enabled=True,
        )
        self.customer = factories.make_customer(
            db_session, self.studio, name=name, email="maya@example.org", phone="+14165550100"
        )
        self.studio_class = factories.make_class(db_session, self.studio, title=class_title, steps=3)
        self.steps = factories.steps_of_class(db_session, self.studio_class)
        self.held = factories.make_pass(db_session, self.customer, self.studio, valid_until=date(2026, 12, 31))

    def seat(self, *, days: int = 1, hour: int = 8, step: int | None = None, **fields: Any) -> SessionReservation:
        """Reserve a seat so many days from now; 8 hours after 10:00 is 18:00 in Toronto."""
        session = factories.make_session(
            self.db_session,
            self.studio_class,
            starts_at=NOW + timedelta(days=days, hours=hour),
            location="Wheel room, 14 Kiln Street",
            instructor="Elena V.",
            step=self.steps[step] if step is not None else None,
        )
        return factories.make_reservation(self.db_session, self.held, session, **fields)

    def tell(
        self, event: str, payload: Mapping[str, Any], *, of: SessionReservation | None = None, at: datetime = NOW
    ) -> UUID:
        """Write a message and return its id."""
        message = OutboxMessage(
            studio_id=self.studio.id,
            customer_id=self.customer.id,
            reservation_id=of.id if of is not None else None,
            event=event,
            payload={"by": "CUSTOMER", "status": of.status if of is not None else None, **payload},
            dedupe_key=f"{event}:{uuid4()}",
            created_at=at,
        )
        self.db_session.add(message)
        self.db_session.flush()
        return message.id


def tell_everything(world: World) -> dict[str, list[UUID]]:
    """Write one message of every kind; return their ids by the name of the picture."""
    told: dict[str, list[UUID]] = {}

    def tell(picture: str, event: str, payload: Mapping[str, Any], **rest: Any) -> None:
        told.setdefault(picture, []).append(world.tell(event, payload, **rest))

    tell("confirmation", "reservation.created", {"punches_held": 1}, of=world.seat(days=7))
    old = world.seat(days=2, status=Status.CANCELLED, late=True, late_cancel_punches=1)
    tell(
        "rescheduled",
        "reservation.rescheduled",
        {"replaces": str(old.id), "late": True, "punches_charged": 1},
        of=world.seat(days=9, step=1, late_cancel_punches=1, late_cancel_counts=True),
    )
    tell("reminder", "reminder", {}, of=world.seat(days=1, hour=0, late_cancel_counts=True))
    tell(
        "check_in",
        "reservation.checked_in",
        {"method": "SELF", "punches_charged": 1},
        of=world.seat(days=0, hour=1, status=Status.CHECKED_IN),
    )
    missed = world.seat(
        days=-1,
        hour=8,
        status=Status.NO_SHOW,
        counts_as_no_show=True,
        missed_at=NOW - timedelta(hours=14),
        grace_ends_at=NOW + timedelta(hours=10),
        auto_cancel_at=NOW + timedelta(hours=16),
    )
    tell("no_show", "reservation.no_show", {"by": "SYSTEM", "punches_charged": 1}, of=missed)
    tell("waived", "reservation.waived", {"by": "STAFF", "punches_refunded": 1}, of=missed)
    for days in (3, 7, 14):
        tell(
            "auto_cancellation",
            "reservation.auto_cancelled",
            {"by": "SYSTEM", "because_of": str(missed.id)},
            of=world.seat(days=days, hour=9, status=Status.AUTO_CANCELLED, auto_cancelled_for_id=missed.id),
        )
    suspension = factories.make_suspension(
        world.db_session,
        world.customer,
        world.studio,
        created_by_kind=SuspensionOrigin.SYSTEM,
        no_show_count=3,
        limit=3,
    )
    about = {"suspension_id": str(suspension.id)}
    tell("suspension", "suspension.created", {"by": "SYSTEM", **about})
    tell("reinstatement", "suspension.lifted", {"by": "STAFF", **about})
    tell("cancelled", "reservation.cancelled", {"late": False}, of=world.seat(days=5, status=Status.CANCELLED))
    tell(
        "cancelled_by_studio",
        "reservation.cancelled",
        {"by": "STAFF", "late": False, "punches_refunded": 1, "reason_code": "session_cancelled"},
        of=world.seat(days=4, status=Status.CANCELLED),
    )
    for days in (6, 13):
        tell(
            "pass_frozen",
            "reservation.cancelled",
            {"by": "STAFF", "late": False, "reason_code": "pass_frozen"},
            of=world.seat(days=days, hour=11, status=Status.CANCELLED),
        )
    moved = world.seat(days=8, hour=10)
    changes = {"starts_at": [(NOW + timedelta(days=8, hours=8)).isoformat(), (NOW + timedelta(days=8)).isoformat()]}
    tell("moved", "session.moved", {"by": "STAFF", "changes": changes, "flags": ["time_conflict"]}, of=moved)
    tell("restored", "reservation.restored", {"by": "STAFF"}, of=world.seat(days=10))
    tell(
        "late_charge",
        "reservation.cancelled",
        {"late": True, "punches_charged": 1},
        of=world.seat(
            days=0,
            hour=8,
            status=Status.CANCELLED,
            late=True,
            counts_as_no_show=True,
            missed_at=NOW,
            grace_ends_at=NOW + timedelta(hours=24),
        ),
    )
    tell("pass_expiring", "pass_expiring", {"registration_id": str(world.held.id), "valid_until": "2026-12-31"})
    tell(
        "webhook_disabled",
        "webhook.disabled",
        {
            "url": "https://crm.kilnstreet.example/hooks/studio",
            "failing_since": (NOW - timedelta(days=1)).isoformat(),
            "error": "It answered 500: upstream is away",
            "emails": ["owner@kilnstreet.example"],
        },
    )
    world.db_session.execute(
        update(OutboxMessage).where(OutboxMessage.event == "webhook.disabled").values(customer_id=None)
    )
    return told


def mails_of(world: World, told: Mapping[str, list[UUID]], courier: Courier) -> Iterator[tuple[str, Mail]]:
    """Yield the picture's name and the e-mail of each."""
    db_session = world.db_session
    expand(db_session, as_of=NOW, sms=True)
    occasions = claim(db_session, now=NOW, channels=courier.channels, limit=1000)
    of_message = {occasion.delivery.message_id: occasion for occasion in occasions}
    for name, ids in told.items():
        found = [of_message[one] for one in ids if one in of_message]
        assert len(found) == 1, f"{name}: told {len(found)} times"
        yield name, courier.letter(found[0], now=NOW)


def deliveries_of(db_session: Session) -> list[OutboxDelivery]:
    """Return all deliveries, by when they were made."""
    return list(db_session.scalars(select(OutboxDelivery).order_by(OutboxDelivery.id)))


def main(folder: Path) -> int:
    """Write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    courier = Courier.of(load(CONFIG), secret="of the gallery", pass_types=installed_pass_types())
    with Session(engine) as db_session:
        world = World(db_session)
        for name, mail in mails_of(world, tell_everything(world), courier):
            (folder / f"{name}.html").write_text(mail.html)
            (folder / f"{name}.txt").write_text(f"Subject: {mail.subject}\n\n{mail.text}")
    if chromium := shutil.which("chromium") or shutil.which("google-chrome"):
        _take_pictures(folder, chromium)
    return 0


def _take_pictures(folder: Path, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 300})
            for letter in sorted(folder.glob("*.html")):
                page.goto(letter.absolute().as_uri())
                page.screenshot(path=folder / f"{letter.stem}-{width}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "mail-shots")))
