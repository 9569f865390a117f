"""Reservations as iCalendar: in letters, in the customer's feed, and as one file.

Source: RFC 5545, RFC 5546; rules.md §9.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress

MEDIA_TYPE = "text/calendar; charset=utf-8"


def event_of(
    reservation_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    summary: str,
    location: str | None,
    stamp: datetime,
    url: str | None = None,
    status: str = "CONFIRMED",
    sequence: int | None = None,
    organizer: tuple[str, str] | None = None,
) -> Event:
    """Return one reservation; its UID is the same wherever it is shown, so that a calendar has it once.

    Of two with that UID a calendar keeps the one of the higher ``sequence``. A calendar with a method needs an ``organizer``,
    an address and a name.
    """
    event = Event()
    event.add("uid", f"{reservation_id}@studio-reservations")
    event.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", starts_at.astimezone(UTC))
    event.add("dtend", ends_at.astimezone(UTC))
    event.add("summary", summary)
    event.add("status", status)
    if sequence is not None:
        event.add("sequence", sequence)
    if organizer is not None:
        address = vCalAddress(f"mailto:{organizer[0]}")
        address.params["CN"] = " ".join(organizer[1].replace('"', "'").split())
        event.add("organizer", address)
    if location:
        event.add("location", location)
    if url:
        event.add("url", url)
    return event


def sequence_at(instant: datetime, *, reserved_at: datetime) -> int:
    """Return the sequence of an entry as it was at an instant: the reservation's age in seconds, which only grows."""
    return max(0, int((instant - reserved_at).total_seconds()))


def calendar_of(events: Iterable[Event], **properties: Any) -> bytes:
    """Return a calendar of these; ``properties`` such as ``method`` are added to it."""
    calendar = Calendar()
    calendar.add("prodid", "-//studio-reservations//EN")
    calendar.add("version", "2.0")
    for name, value in properties.items():
        calendar.add(name.replace("_", "-"), value)
    for event in events:
        calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text
