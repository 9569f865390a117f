"""The JSON API.

Source: api.md.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, Response, request
from flask.globals import request_ctx
from werkzeug.exceptions import MethodNotAllowed, NotFound, default_exceptions
from werkzeug.routing import PathConverter

from studio_reservations.api import (
    check_in,
    docs,
    feed,
    me,
    registrations,
    reservations,
    sessions,
    staff_customers,
    staff_no_shows,
    staff_pass_types,
    staff_policies,
    staff_registrations,
    staff_reservations,
    staff_sessions,
    staff_suspensions,
)
from studio_reservations.api.calls import view_of
from studio_reservations.api.limits import CallLimit
from studio_reservations.api.problems import problem_for
from studio_reservations.api.routes import ENDPOINTS
from studio_reservations.errors import StudioError
from studio_reservations.state import State

__all__ = ["BLUEPRINT", "ENDPOINTS", "register"]

BLUEPRINT = "studio_api"
NOWHERE = "nowhere"
ROOT = Path(__file__).parent.parent
ENDPOINT_MODULES = (
    me,
    sessions,
    reservations,
    check_in,
    registrations,
    staff_reservations,
    staff_no_shows,
    staff_sessions,
    staff_customers,
    staff_suspensions,
    staff_pass_types,
    staff_registrations,
    staff_policies,
    feed,
)
"""Importing them fills the route table, which is documented in this order."""
ENDPOINTS.sort(key=lambda one: [module.__name__ for module in ENDPOINT_MODULES].index(one.handle.__module__))


class AnyMethod(set[str]):
    """Every method, also one that nobody knows; it names none, so that `Allow` is what the other rules allow.

    To learn that, werkzeug asks for a method named ``--``.
    """

    def __contains__(self, method: object) -> bool:
        return method != "--"


class AnyRest(PathConverter):
    """The rest of a path whatever is in it, line breaks and slashes too, at which werkzeug's own stops."""

    regex = "(?s:.*?)"
    part_isolating = False


def register(app: Flask, state: State) -> None:
    """Register the API in ``app`` under the configured prefix."""
    blueprint = Blueprint(
        BLUEPRINT,
        __name__,
        url_prefix=state.settings.api_prefix,
        template_folder=ROOT / "templates",
        static_folder=ROOT / "static",
        static_url_path="/static",
    )
    limit = CallLimit(state.settings)
    for one in ENDPOINTS:
        blueprint.add_url_rule(
            one.path,
            endpoint=one.name,
            view_func=view_of(one, limit),
            methods=[one.method],
        )
    docs.register(blueprint)
    app.url_map.converters[AnyRest.__name__] = AnyRest
    for path in ("", "/", f"/<{AnyRest.__name__}:rest>"):
        blueprint.add_url_rule(path, endpoint=NOWHERE, view_func=_nowhere, provide_automatic_options=False)
    # Per status code: a portal's handler of a code outranks ours of HTTPException.
    for code in default_exceptions:
        blueprint.register_error_handler(code, _problem)
    blueprint.register_error_handler(StudioError, _problem)
    blueprint.register_error_handler(Exception, _problem)
    app.register_blueprint(blueprint)
    for rule in app.url_map.iter_rules(f"{BLUEPRINT}.{NOWHERE}"):
        rule.methods = AnyMethod()


def _problem(error: Exception) -> Response:
    return problem_for(error).response()


def _nowhere(rest: str = "") -> Response:  # noqa: ARG001 - the rest of the path is the route's
    """Answer all that is under the prefix and no endpoint: unknown, or known by other methods."""
    adapter = request_ctx.url_adapter
    methods = sorted(adapter.allowed_methods()) if adapter is not None and "//" not in request.path else []
    return _problem(MethodNotAllowed(methods) if methods else NotFound())
