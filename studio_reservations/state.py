"""What the extension keeps for one portal, in ``app.extensions["studio_reservations"]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy

from studio_reservations.identity import Identity
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.settings import Settings

EXTENSION = "studio_reservations"

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The portal's database, and what its start decided; ``clock`` returns aware instants and is read once a request."""

    db: SQLAlchemy
    settings: Settings
    clock: Clock
    identity: Identity
    pass_types: PassTypes


def current_state() -> State:
    """Return the state of the current app.

    :raises RuntimeError: where the extension is not installed in it.
    """
    try:
        state: State = current_app.extensions[EXTENSION]
    except KeyError:
        raise RuntimeError(
            "studio-reservations is not installed in this app: call StudioReservations(db).init_app(app) after db.init_app(app)."
        ) from None
    return state


def secret_keys(app: Flask) -> list[str | bytes]:
    """Return the portal's secret keys, the one that signs last.

    :raises RuntimeError: where the portal has none.
    """
    if not app.secret_key:
        raise RuntimeError("The portal has no SECRET_KEY, with which the links in messages are signed.")
    return [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
