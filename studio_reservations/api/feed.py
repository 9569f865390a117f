"""The customer's calendar feed, for the calendar on their phone."""

from __future__ import annotations

from datetime import timedelta

from studio_reservations.api.answers import Answer
from studio_reservations.api.calls import Call
from studio_reservations.api.languages import asked_languages
from studio_reservations.api.routes import endpoint
from studio_reservations.language import N_, language_for
from studio_reservations.notifications.calendars import MEDIA_TYPE, calendar_of, event_of
from studio_reservations.page_language import default_of_portal, selected_by_portal
from studio_reservations.services.accounts import customer_by_feed_token, locale_of
from studio_reservations.services.pass_views import feed_of

PAST = timedelta(days=90)
AT_MOST = 1_000


@endpoint("GET", "/calendar/<token>.ics", tag="Me", gives="text/calendar", errors=("not_found",), public=True)
def get_calendar_feed(call: Call, token: str) -> Answer:
    """A customer's reservations as iCalendar; whoever has the address may read it."""
    customer = customer_by_feed_token(call.db_session, token=token)
    rows = feed_of(call.db_session, customer_id=customer.id, since=call.now - PAST, at_most=AT_MOST)
    events = (
        event_of(
            row.id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            summary=f"{row.class_title}: {row.step_title}" if row.step_title else row.class_title,
            location=row.location,
            stamp=row.reserved_at,
        )
        for row in rows
    )
    own = locale_of(call.db_session, customer)
    # A calendar program often asks for no language, and nobody is logged in: then as the portal speaks.
    language = language_for(own, selected_by_portal(), *asked_languages(), default_of_portal())
    return Answer(
        value=calendar_of(events, x_wr_calname=language.text(N_("Classes"))),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="classes.ics"', "Cache-Control": "private, max-age=300"},
    )
