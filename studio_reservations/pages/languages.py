"""The language of a page: as its reader chose it, as the portal selects it, as their browser asks for it, else English."""

from __future__ import annotations

from flask import request

from studio_reservations.language import Language, language_for
from studio_reservations.models import Customer
from studio_reservations.portal_languages import selected_by_portal


def language_of(reader: Customer | None, *, chosen: str | None = None) -> Language:
    """Return the language in which a page is written for ``reader``, who may be unknown but have ``chosen`` one."""
    asked = (tag for tag, quality in request.accept_languages if quality > 0)
    return language_for(reader.locale if reader is not None else chosen, selected_by_portal(), *asked)
