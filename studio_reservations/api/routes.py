"""The route table: each endpoint says once what it takes, gives and refuses; views, OpenAPI and tests are made from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from studio_reservations.api.answers import Answer
from studio_reservations.api.requests import Input
from studio_reservations.callers import READING

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One call of the API.

    ``takes`` is the body of a write and the query of a GET or DELETE; ``gives`` the answers by status, a model or a media
    type. ``public`` asks for nobody; ``own_transactions`` opens its transactions itself, where one would be too long.
    """

    method: str
    path: str
    handle: Callable[..., Answer]
    tag: str
    takes: type[Input]
    gives: Mapping[int, type[BaseModel] | str]
    errors: tuple[str, ...]
    public: bool = False
    own_transactions: bool = False

    @property
    def name(self) -> str:
        """The Flask endpoint within the blueprint, and the ``operationId``."""
        return self.handle.__name__

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method not in READING

    @property
    def takes_body(self) -> bool:
        """Whether its input is the JSON body; otherwise it is the query string."""
        return self.method not in READING and self.method != "DELETE"

    @property
    def open_path(self) -> str:
        """The path as OpenAPI writes it."""
        return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", self.path)

    @property
    def path_parameters(self) -> list[tuple[str, str]]:
        """The converter and the name of each variable part of the path."""
        return [(kind or "string", name) for kind, name in re.findall(r"<(?:([^:<>]+):)?([^<>]+)>", self.path)]


ENDPOINTS: list[Endpoint] = []
"""All calls, in the order in which they are documented."""


def endpoint(
    method: str,
    path: str,
    *,
    tag: str,
    gives: type[BaseModel] | str | Mapping[int, type[BaseModel] | str],
    takes: type[Input] = Input,
    errors: tuple[str, ...] = (),
    public: bool = False,
    own_transactions: bool = False,
) -> Callable[[F], F]:
    """Put the decorated function, whose docstring becomes the documentation, into the route table."""

    def add(handle: F) -> F:
        ENDPOINTS.append(
            Endpoint(
                method=method,
                path=path,
                handle=handle,
                tag=tag,
                takes=takes,
                gives=gives if isinstance(gives, Mapping) else {200: gives},
                errors=errors,
                public=public,
                own_transactions=own_transactions,
            )
        )
        return handle

    return add
