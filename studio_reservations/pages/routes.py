"""The table of the customer's pages: each view says once where it lies, and on which page the form of an action stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One page, or one action of a page; the endpoint is the name of its function.

    ``page`` is that on which an action's form stands: shown again with the refusal where it is refused, and gone to where its
    address is opened by hand or again.
    """

    method: str
    path: str
    handle: Callable[..., Any]
    nav: str
    page: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        """The endpoint within the blueprint."""
        return self.handle.__name__

    @property
    def page_name(self) -> str:
        """The endpoint of the page."""
        return (self.page or self.handle).__name__

    def of_page(self, path: Mapping[str, Any]) -> dict[str, Any]:
        """Return those values of the path that its page takes as well."""
        taken = signature(self.page).parameters if self.page is not None else ()
        return {name: value for name, value in path.items() if name in taken}


ROUTES: list[Route] = []


def page(path: str, *, nav: str) -> Callable[[F], F]:
    """Make the decorated ``(call, **path)`` a page; ``nav`` is the entry of the navigation under which it lies."""
    return _added("GET", path, nav, None)


def action(path: str, *, nav: str, page: Callable[..., Any]) -> Callable[[F], F]:
    """Make the decorated ``(call, **path)`` what a form of ``page`` does: it calls one service and goes on to a page."""
    return _added("POST", path, nav, page)


def _added(method: str, path: str, nav: str, page: Callable[..., Any] | None) -> Callable[[F], F]:
    def add(handle: F) -> F:
        ROUTES.append(Route(method=method, path=path, handle=handle, nav=nav, page=page))
        return handle

    return add
