"""Calendar."""

from __future__ import annotations

from flask import Response

from studio_reservations.pages.calls import Call
from studio_reservations.pages.routes import page


@page("/calendar", nav="calendar")
def calendar(call: Call) -> Response:
    """Show them."""
    return call.show("calendar.html")
