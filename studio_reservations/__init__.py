"""Flexible class reservations for a studio's own Flask portal: passes, seats, check-in, no-show policy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio_reservations.extension import StudioReservations
    from studio_reservations.identity import Identity, LoginIdentity, PortalUser

__all__ = ["Identity", "LoginIdentity", "PortalUser", "StudioReservations"]

_HOMES = {
    "StudioReservations": "extension",
    "Identity": "identity",
    "LoginIdentity": "identity",
    "PortalUser": "identity",
}


def __getattr__(name: str) -> Any:
    # On first use, so that a plugin that imports the contract alone does not load Flask and SQLAlchemy.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
