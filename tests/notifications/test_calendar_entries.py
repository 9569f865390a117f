"""The calendar entries of letters, as two programs read them: brought, moved and taken away again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from typing import Any

import pytest
import vobject
from icalendar import Calendar
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from studio_reservations.models import Base, Channel
from studio_reservations.notifications.courier import Courier, as_it_stands
from studio_reservations.notifications.delivery import claim
from studio_reservations.notifications.expanding import expand
from studio_reservations.notifications.mail import as_message
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.settings import load
from tests.factories import NOW
from tests.notifications.gallery import CONFIG, World

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def world() -> Iterator[World]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as db_session:
        yield World(db_session)
    engine.dispose()


def test_a_confirmation_brings_an_entry_that_names_who_organises_it(world: World):
    world.studio.sender_email, world.studio.sender_name = "post@kiln.example", 'Kiln "Street", Töpferei'
    seat = world.seat(now=NOW)
    world.tell("reservation.created", {}, of=seat)

    [(kind, method, entry)] = entries(world)
    assert kind == 'text/calendar; method="PUBLISH"; charset="utf-8"'
    assert (method, entry["SEQUENCE"], entry["STATUS"]) == ("PUBLISH", 0, "CONFIRMED")
    assert entry["UID"] == f"{seat.id}@studio-reservations"
    assert entry["ORGANIZER"] == "mailto:post@kiln.example"
    assert entry["ORGANIZER"].params["CN"] == "Kiln 'Street', Töpferei"


@pytest.mark.parametrize(
    ("event", "status", "method"),
    [
        ("session.moved", Status.PENDING, "PUBLISH"),
        ("reservation.restored", Status.PENDING, "PUBLISH"),
        ("reservation.cancelled", Status.CANCELLED, "CANCEL"),
        ("reservation.auto_cancelled", Status.AUTO_CANCELLED, "CANCEL"),
    ],
)
def test_what_becomes_of_a_seat_becomes_of_its_entry(event: str, status: Status, method: str, world: World):
    seat = world.seat(now=NOW, status=status)
    world.tell(event, {}, of=seat, at=LATER)

    [(_, told, entry)] = entries(world)
    assert (told, entry["UID"]) == (method, f"{seat.id}@studio-reservations")
    assert entry["SEQUENCE"] == LATER.timestamp() - NOW.timestamp()  # later than that of the confirmation
    assert entry["STATUS"] == ("CONFIRMED" if method == "PUBLISH" else "CANCELLED")


@pytest.mark.parametrize("late", [False, True])
def test_a_changed_day_brings_the_new_entry_and_takes_the_old_one(late: bool, world: World):
    old = world.seat(days=2, now=NOW, status=Status.CANCELLED)
    new = world.seat(days=5, now=LATER)
    about = {"replaces": str(old.id), "late": late, "punches_charged": int(late)}
    world.tell("reservation.rescheduled", about, of=new, at=LATER)

    assert [(method, entry["UID"]) for _, method, entry in entries(world)] == [
        ("PUBLISH", f"{new.id}@studio-reservations"),
        ("CANCEL", f"{old.id}@studio-reservations"),
    ]


def test_a_night_that_cancels_three_takes_each_entry(world: World):
    missed = world.seat(days=-1, status=Status.NO_SHOW)
    for days in (2, 3, 4):
        seat = world.seat(days=days, status=Status.AUTO_CANCELLED)
        world.tell("reservation.auto_cancelled", {"because_of": str(missed.id)}, of=seat)

    found = entries(world)
    assert [method for _, method, _ in found] == ["CANCEL"] * 3
    assert len({entry["UID"] for _, _, entry in found}) == 3


@pytest.mark.parametrize("event", ["reservation.checked_in", "reservation.waived"])
def test_a_letter_about_what_is_over_brings_none(event: str, world: World):
    status = Status.CHECKED_IN if event == "reservation.checked_in" else Status.NO_SHOW
    world.tell(event, {}, of=world.seat(status=status, waived_at=NOW))

    assert entries(world) == []


def entries(world: World, *, now: datetime = LATER) -> list[tuple[str, str, Any]]:
    """Return the type, the method and the entry of each calendar in the one letter that is due."""
    world.db_session.flush()
    expand(world.db_session, as_of=now, sms=False)
    [occasion] = claim(world.db_session, now=now, channels=(Channel.EMAIL,))
    courier = Courier.of(load(CONFIG), secret="of the tests", pass_types=installed_pass_types())
    message = message_from_bytes(as_message(courier.letter(as_it_stands(occasion, now=now), now=now)).as_bytes())
    found = []
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            content = bytes(part.get_payload(decode=True))
            calendar = Calendar.from_ical(content)
            [entry] = calendar.walk("VEVENT")
            assert part.get_param("method") == calendar["METHOD"]
            second = vobject.readOne(content.decode()).vevent
            assert (second.uid.value, second.sequence.value) == (entry["UID"], str(entry["SEQUENCE"]))
            assert second.organizer.value == entry["ORGANIZER"]
            found.append((str(part["Content-Type"]), str(calendar["METHOD"]), entry))
    return found
