"""My passes."""

from __future__ import annotations

from flask import Response

from studio_reservations.pages.calls import Call
from studio_reservations.pages.routes import page


@page("/", nav="passes")
def passes(call: Call) -> Response:
    """Show them."""
    return call.show("passes.html")
