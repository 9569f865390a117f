"""What a page stands in: our own frame or the portal's, one language, and the ways out, to the portal and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, make_response, render_template, request, url_for

from studio_reservations.language import Language
from studio_reservations.settings import SettingsError
from studio_reservations.state import State

TEMPLATES = "studio_reservations/pages"
OWN_BASE = f"{TEMPLATES}/own.html"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Of a page of our own; within the portal's template the policy is the portal's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame of one answer."""

    state: State
    language: Language

    @property
    def in_own_base(self) -> bool:
        """Whether the page brings its own frame; otherwise it stands in the portal's template."""
        return self.state.settings.base_template is None

    @property
    def base(self) -> str:
        """The template that the layout extends."""
        return self.state.settings.base_template or OWN_BASE

    @property
    def home(self) -> str:
        """The address of the portal's first page."""
        return f"{request.script_root}/"

    @property
    def log_out(self) -> tuple[str, str] | None:
        """Where the portal logs out and by which method, where `STUDIO_LOGOUT_ENDPOINT` tells.

        :raises SettingsError: where the portal has no such endpoint.
        """
        endpoint = self.state.settings.logout_endpoint
        if endpoint is None:
            return None
        if endpoint not in current_app.view_functions:
            raise SettingsError(f"STUDIO_LOGOUT_ENDPOINT names {endpoint!r}, which is no endpoint of the portal.")
        methods = {one for rule in current_app.url_map.iter_rules(endpoint) for one in rule.methods or ()}
        return url_for(endpoint), "get" if "GET" in methods else "post"

    def say(self, message: str, **values: Any) -> str:
        """Return a translated message, its ``%(name)s`` filled."""
        return self.language.say(message, **values)

    def says(self, one: str, many: str, count: int, **values: Any) -> str:
        """Return a translated message for that many, ``%(n)s``."""
        return self.language.says(one, many, count, **values)

    def answer(self, template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
        """Return the page that a template of ours makes."""
        response = make_response(render_template(f"{TEMPLATES}/{template}", **values), status)
        response.headers.update(HEADERS)
        if self.in_own_base:
            response.headers["Content-Security-Policy"] = POLICY
        return response
