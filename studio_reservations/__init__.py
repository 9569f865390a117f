"""Flexible class reservations for a studio's own Flask portal: passes, seats, check-in, no-show policy.

What is named here is the public Python API, and stays. Source: rules.md §11.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio_reservations.admin import is_staff
    from studio_reservations.extension import StudioReservations
    from studio_reservations.identity import Identity, LoginIdentity, PortalUser
    from studio_reservations.services.accounts import customer_changed
    from studio_reservations.services.actors import Actor
    from studio_reservations.services.check_in import CheckInService
    from studio_reservations.services.erasure import customer_deleted
    from studio_reservations.services.events import signal
    from studio_reservations.services.issuing import issue_registration
    from studio_reservations.services.punch_passes import PunchPassService
    from studio_reservations.services.reservations import ReservationService

__all__ = [
    "Actor",
    "CheckInService",
    "Identity",
    "LoginIdentity",
    "PortalUser",
    "PunchPassService",
    "ReservationService",
    "StudioReservations",
    "customer_changed",
    "customer_deleted",
    "is_staff",
    "issue_registration",
    "signal",
]

_HOMES = {
    "Actor": "services.actors",
    "CheckInService": "services.check_in",
    "Identity": "identity",
    "LoginIdentity": "identity",
    "PortalUser": "identity",
    "PunchPassService": "services.punch_passes",
    "ReservationService": "services.reservations",
    "StudioReservations": "extension",
    "customer_changed": "services.accounts",
    "customer_deleted": "services.erasure",
    "is_staff": "admin",
    "issue_registration": "services.issuing",
    "signal": "services.events",
}


def __getattr__(name: str) -> Any:
    # On first use, so that a plugin that imports the contract alone does not load Flask and SQLAlchemy.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
