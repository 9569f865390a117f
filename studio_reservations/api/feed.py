"""The customer's calendar feed, for the calendar on their phone."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from icalendar import Calendar, Event

from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.routes import endpoint
from studio_reservations.services.accounts import customer_by_feed_token
from studio_reservations.services.pass_views import feed_of

MEDIA_TYPE = "text/calendar; charset=utf-8"
PAST = timedelta(days=90)
AT_MOST = 1_000


@endpoint("GET", "/calendar/<token>.ics", tag="Me", gives="text/calendar", errors=("not_found",), public=True)
def get_calendar_feed(call: Call, token: str) -> Answer:
    """A customer's reservations as iCalendar; whoever has the address may read it."""
    customer = customer_by_feed_token(call.db_session, token=token)
    rows = feed_of(call.db_session, customer_id=customer.id, since=call.now - PAST, at_most=AT_MOST)
    calendar = Calendar()
    calendar.add("prodid", "-//studio-reservations//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Classes")
    for row in rows:
        calendar.add_component(_event(row))
    return Answer(
        value=calendar.to_ical(),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="classes.ics"', "Cache-Control": "private, max-age=300"},
    )


def _event(row: Any) -> Event:
    event = Event()
    event.add("uid", f"{row.id}@studio-reservations")
    event.add("dtstamp", row.reserved_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", row.starts_at.astimezone(UTC))
    event.add("dtend", row.ends_at.astimezone(UTC))
    event.add("summary", f"{row.class_title}: {row.step_title}" if row.step_title else row.class_title)
    event.add("status", "CONFIRMED")
    if row.location:
        event.add("location", row.location)
    return event
