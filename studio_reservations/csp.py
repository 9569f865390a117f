"""What lets our styles and scripts past a portal's strict Content-Security-Policy."""

from __future__ import annotations

from flask import current_app
from markupsafe import Markup


def nonce() -> Markup:
    """Return the attribute ``nonce`` of a style or script, where the portal's Flask-Admin has a ``csp_nonce_generator``."""
    admins = current_app.extensions.get("admin", ())
    make = next((one.csp_nonce_generator for one in admins if one.csp_nonce_generator), None)
    return Markup('nonce="{}"').format(make()) if make else Markup("")
