"""In which language the portal itself speaks: what its Flask-Babel says, where it has one."""

from __future__ import annotations

from flask import current_app


def selected_by_portal() -> str | None:
    """Return the locale that the portal selects for this request, where it has a selector."""
    select = getattr(current_app.extensions.get("babel"), "locale_selector", None)
    selected = select() if select is not None else None
    return None if selected is None else str(selected)


def default_of_portal() -> str | None:
    """Return the locale in which the portal speaks to whoever asks for none."""
    default = getattr(current_app.extensions.get("babel"), "default_locale", None)
    return None if default is None else str(default)
