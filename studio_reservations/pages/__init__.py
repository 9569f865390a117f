"""The customer's pages: so far the one on which they choose their messages."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask

from studio_reservations.pages import messages
from studio_reservations.state import State

__all__ = ["BLUEPRINT", "register"]

BLUEPRINT = "studio_pages"
ROOT = Path(__file__).parent.parent


def register(app: Flask, state: State) -> None:
    """Register the pages in ``app`` under the configured prefix."""
    blueprint = Blueprint(
        BLUEPRINT,
        __name__,
        url_prefix=state.settings.pages_prefix,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        static_url_path="/static",
    )
    blueprint.add_url_rule("/messages/<token>", "messages", messages.show, methods=["GET"])
    blueprint.add_url_rule("/messages/<token>", "change_messages", messages.change, methods=["POST"])
    app.register_blueprint(blueprint)
