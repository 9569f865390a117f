"""The table of the customer's pages: each view says once where it lies, and what is shown again where it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One page, or one action of a page; the endpoint is the name of its function.

    ``again`` is called with the call and the path's values where an action is refused, to show the page with the refusal.
    """

    method: str
    path: str
    handle: Callable[..., Any]
    nav: str
    again: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        """The endpoint within the blueprint."""
        return self.handle.__name__


ROUTES: list[Route] = []


def page(path: str, *, nav: str) -> Callable[[F], F]:
    """Make the decorated ``(call, **path)`` a page; ``nav`` is the entry of the navigation under which it lies."""
    return _added("GET", path, nav, None)


def action(path: str, *, nav: str, again: Callable[..., Any] | None = None) -> Callable[[F], F]:
    """Make the decorated ``(call, **path)`` what a form does: it calls one service and goes on to a page."""
    return _added("POST", path, nav, again)


def _added(method: str, path: str, nav: str, again: Callable[..., Any] | None) -> Callable[[F], F]:
    def add(handle: F) -> F:
        ROUTES.append(Route(method=method, path=path, handle=handle, nav=nav, again=again))
        return handle

    return add
