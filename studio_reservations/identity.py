"""Who is calling: the one thing that the extension asks of the portal's users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app
from flask_login import current_user


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalUser:
    """A user of the portal; ``id`` is the portal's own as text, ``phone`` as the portal has it."""

    id: str
    name: str | None = None
    email: str | None = None
    email_verified: bool = False
    phone: str | None = None


class Identity(Protocol):
    """The adapter between the portal's users and the extension. Source: rules.md §11."""

    def current_user(self) -> PortalUser | None:
        """Return who is calling, or None for a visitor."""

    def user_by_email(self, email: str) -> PortalUser | None:
        """Return the portal user with that address, or None where there is none or the portal cannot tell."""

    def user_by_id(self, user_id: str) -> PortalUser | None:
        """Return the portal user of that id, or None; it is asked without a request, to write to a studio's owners."""


class LoginIdentity:
    """The adapter for a portal with Flask-Login and users that have ``id``, ``email`` and ``name``.

    ``email_verified`` and ``phone`` are read where the user has them; an address not said to be verified is not.
    ``by_email`` finds a user for ``flask studio staff add --email``; by id Flask-Login's own ``user_loader`` finds them.
    """

    def __init__(self, *, by_email: Callable[[str], Any] | None = None) -> None:
        self._by_email = by_email

    def current_user(self) -> PortalUser | None:
        """Return the user who is logged in through Flask-Login; nobody is in a portal without it, which tokens alone may call."""
        if not hasattr(current_app, "login_manager"):
            return None
        return self.portal_user(current_user) if current_user.is_authenticated else None

    def user_by_email(self, email: str) -> PortalUser | None:
        """Return the user whom ``by_email`` finds."""
        user = self._by_email(email) if self._by_email is not None else None
        return None if user is None else self.portal_user(user)

    def user_by_id(self, user_id: str) -> PortalUser | None:
        """Return the user whom Flask-Login's ``user_loader`` finds."""
        # Flask-Login has no public name for it outside a request.
        load = getattr(getattr(current_app, "login_manager", None), "_user_callback", None)
        user = load(user_id) if load is not None else None
        return None if user is None else self.portal_user(user)

    def portal_user(self, user: Any) -> PortalUser:
        """Return the extension's view of one of the portal's users."""
        return PortalUser(
            id=str(user.get_id()),
            name=getattr(user, "name", None),
            email=getattr(user, "email", None),
            email_verified=bool(getattr(user, "email_verified", False)),
            phone=getattr(user, "phone", None),
        )
