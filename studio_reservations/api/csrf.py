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


def csrf_token() -> str:
    """Return the token of this browser's session."""
    return str(generate_csrf())


def check_csrf(request: Request) -> None:
    """Let pass a write with the session's token in its header. :raises CsrfFailed:"""
    token = next((request.headers[name] for name in HEADERS if name in request.headers), None)
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CsrfFailed() from error
