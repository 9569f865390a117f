"""The language of an answer's sentences: as Accept-Language asks, else the customer's own, else English.

Source: rules.md §9.
"""

from __future__ import annotations

from flask import request

from studio_reservations.language import Language, language_for
from studio_reservations.services.actors import Actor

LOCALE = "studio_reservations.locale"
"""The key of the request's environment under which the caller's own locale stands, once it is known."""


def remember_locale(actor: Actor) -> None:
    """Keep the locale of whoever calls, for the refusal that may follow."""
    request.environ[LOCALE] = actor.locale


def answer_language() -> Language:
    """Return the language in which this request is answered."""
    return language_for(*asked_languages(), request.environ.get(LOCALE))


def asked_languages() -> list[str]:
    """Return what Accept-Language asks for, the most wanted first."""
    return [tag for tag, quality in request.accept_languages if quality > 0]


def language_headers() -> dict[str, str]:
    """Return the headers that name it: the language of the catalogue, whatever region was asked for."""
    return {"Content-Language": str(answer_language().locale.language)}
