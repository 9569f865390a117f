"""Lists in pages: a cursor names the last row that was given by its sort key, an instant and an id."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import Field

from studio_reservations.api.requests import YEARS, Input
from studio_reservations.errors import InvalidCursor
from studio_reservations.services.listings import Page

T = TypeVar("T")


class PageQuery(Input):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=200, description="How many items at the most.")
    cursor: str | None = Field(None, max_length=2000, description="`next` of the page before.")

    def page(self, kind: type[datetime] | type[str] = datetime) -> Page:
        """Return the page asked for, of a list sorted by values of ``kind``. :raises InvalidCursor:"""
        return Page(limit=self.limit, after=None if self.cursor is None else _decoded(self.cursor, kind))


def page_json(rows: Sequence[T], *, page: Page, key: Callable[[T], tuple[Any, UUID]], item: Callable[[T], Any]) -> Any:
    """Return the JSON of a page; ``rows`` holds one row more than the page where there is a next one."""
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return {"items": [item(row) for row in shown], "next": _encoded(*key(shown[-1])) if more else None}


def _encoded(value: datetime | str, row_id: UUID) -> str:
    text = value if isinstance(value, str) else value.isoformat()
    return base64.urlsafe_b64encode(f"{row_id}{text}".encode()).decode().rstrip("=")


def _decoded(cursor: str, kind: type[datetime] | type[str]) -> tuple[datetime | str, UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        row_id, value = UUID(text[:36]), text[36:]
        if kind is str and "\0" not in value:
            return value, row_id
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidCursor() from error
    if instant.tzinfo is None or instant.year not in YEARS:
        raise InvalidCursor()
    return instant, row_id
