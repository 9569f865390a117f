"""What the extension keeps for one portal, in ``app.extensions["studio_reservations"]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
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
