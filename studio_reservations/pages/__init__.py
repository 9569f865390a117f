"""The customer's pages: passes, calendar, sessions, reservations, and the one on which they choose their messages."""

from __future__ import annotations

from flask import Flask

from studio_reservations.pages import (
    calendar,
    course,
    giving_up,
    messages,
    passes,
    reservation,
    session,
    sessions,
    settings,
)
from studio_reservations.pages.assets import BLUEPRINT, FOLDER, ROOT, PagesBlueprint
from studio_reservations.pages.calls import to_page_of, view_of
from studio_reservations.pages.routes import ROUTES
from studio_reservations.state import State

__all__ = ["BLUEPRINT", "ROUTES", "register"]

PAGES = (passes, calendar, sessions, session, reservation, giving_up, course, settings)
"""Importing them fills the route table."""


def register(app: Flask, state: State) -> None:
    """Register the pages in ``app`` under the configured prefix."""
    blueprint = PagesBlueprint(
        BLUEPRINT,
        __name__,
        url_prefix=state.settings.pages_prefix,
        template_folder=str(ROOT / "templates"),
        static_folder=str(FOLDER),
        static_url_path="/static",
    )
    pages = {one.path for one in ROUTES if one.method == "GET"}
    for one in ROUTES:
        blueprint.add_url_rule(one.path, endpoint=one.name, view_func=view_of(one), methods=[one.method])
        if one.path not in pages:
            blueprint.add_url_rule(one.path, endpoint=f"{one.name}_page", view_func=to_page_of(one), methods=["GET"])
    blueprint.add_url_rule("/deleted", "deleted", settings.deleted, methods=["GET"])
    blueprint.add_url_rule("/messages/<token>", "messages", messages.show, methods=["GET"])
    blueprint.add_url_rule("/messages/<token>", "change_messages", messages.change, methods=["POST"])
    app.register_blueprint(blueprint)
