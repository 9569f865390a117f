"""Writes that come with the portal's cookie need a token that another site cannot know.

The token is that of Flask-WTF, so that one from the portal's own pages serves as well; no CSRFProtect is needed. Source:
rules.md §10.
"""

from __future__ import annotations

from flask import Request
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import ValidationError

from studio_reservations.errors import CsrfFailed

HEADERS = ("X-CSRFToken", "X-CSRF-Token")
FIELD = "csrf_token"


def csrf_token() -> str:
    """Return the token of this browser's session."""
    return str(generate_csrf())


def check_csrf(request: Request) -> None:
    """Let pass a write with the session's token in its header. :raises CsrfFailed:"""
    _check(next((request.headers[name] for name in HEADERS if name in request.headers), None))


def check_form_csrf(request: Request) -> None:
    """Let pass a form with the session's token in its field ``csrf_token``, or in its header. :raises CsrfFailed:"""
    if FIELD in request.form:
        _check(request.form[FIELD])
    else:
        check_csrf(request)


def _check(token: str | None) -> None:
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CsrfFailed() from error
