"""The JSON API."""

from __future__ import annotations

from flask import Blueprint, Flask

from studio_reservations.state import State

BLUEPRINT = "studio_api"


def register(app: Flask, state: State) -> None:
    """Register the API in ``app`` under the configured prefix."""
    app.register_blueprint(Blueprint(BLUEPRINT, __name__), url_prefix=state.settings.api_prefix)
