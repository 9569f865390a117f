"""The language of a page: as its reader chose it, as the portal selects it, as their browser asks for it, else English."""

from __future__ import annotations

from flask import current_app, request

from studio_reservations.language import Language, language_for
from studio_reservations.models import Customer


def language_of(reader: Customer | None, *, chosen: str | None = None) -> Language:
    """Return the language in which a page is written for ``reader``, who may be unknown but have ``chosen`` one."""
    asked = (tag for tag, quality in request.accept_languages if quality > 0)
    return language_for(reader.locale if reader is not None else chosen, selected_by_portal(), *asked)


def selected_by_portal() -> str | None:
    """Return the locale that the portal's Flask-Babel selects for this request, where it has one that selects."""
    select = getattr(current_app.extensions.get("babel"), "locale_selector", None)
    selected = select() if select is not None else None
    return None if selected is None else str(selected)


def default_of_portal() -> str | None:
    """Return the locale in which the portal's Flask-Babel speaks to whoever asks for none."""
    default = getattr(current_app.extensions.get("babel"), "default_locale", None)
    return None if default is None else str(default)
