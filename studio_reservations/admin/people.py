"""What the screens of customers and passes share: days in words, pages of lists, errors at their fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import request, url_for
from werkzeug.routing import BuildError

from studio_reservations.admin.screens import Desk
from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import Customer, Studio
from studio_reservations.policies.local_time import local_date, zone
from studio_reservations.services.customer_views import studio_that_knows
from studio_reservations.services.customers import require_known

PAGE_SIZE = 50
LAST_PAGE = 10_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[T]):
    """One page of a list, from 1, and whether another follows."""

    rows: Sequence[T]
    page: int
    more: bool


def page_asked(given: Any) -> int:
    """Return the page number in the address; nonsense is the first."""
    text = given.get("page", "1")
    return min(int(text), LAST_PAGE) if text.isascii() and text.isdigit() and int(text[:9]) > 0 else 1


def paged(rows: Sequence[T], page: int, *, size: int = PAGE_SIZE) -> Listed[T]:
    """Return a page of rows of which one more was asked for."""
    return Listed(rows=rows[:size], page=page, more=len(rows) > size)


def id_asked(given: Any, name: str) -> UUID | None:
    """Return the id of that name in what was given; None where there is none, or nonsense."""
    try:
        return UUID(given.get(name, ""))
    except ValueError:
        return None


def day_asked(given: Any, name: str) -> date | None:
    """Return the day of that name in what was given; None where there is none, or nonsense."""
    try:
        return date.fromisoformat(given.get(name, ""))
    except ValueError:
        return None


def say_day(day: date, *, now: datetime, timezone: str) -> str:
    """Return a studio-local day as people say it, with the year where it is not this one."""
    year = f" {day.year}" if day.year != local_date(now, timezone=timezone).year else ""
    return f"{day:%a} {day.day} {day:%b}{year}"


def say_when(instant: datetime, *, now: datetime, timezone: str) -> str:
    """Return a studio-local instant as people say it."""
    local = instant.astimezone(zone(timezone))
    return f"{say_day(local.date(), now=now, timezone=timezone)}, {local:%H:%M}"


def link_to(endpoint: str, **values: Any) -> str | None:
    """Return the address of another screen's page, None where the portal does not have that screen."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return None


def roster_of(session_id: UUID | None) -> str | None:
    """Return the address of a session's roster."""
    return None if session_id is None else link_to("studio_sessions.roster", session_id=session_id)


def put_at_fields(desk: Desk, *forms: Any, renamed: Callable[[str], str] = str) -> Desk:
    """Say at each field what a service found wrong with it; where all has a place, return the desk without the refusal."""
    if not isinstance(desk.refusal, InvalidRequest):
        return desk
    everywhere = True
    for name, sentence in desk.refusal.values.get("errors", {}).items():
        field = next((one._fields[renamed(name)] for one in forms if renamed(name) in one._fields), None)
        if field is None:
            everywhere = False
        else:
            field.errors = [*field.errors, sentence]
    return replace(desk, refusal=None) if everywhere else desk


def known_customer(desk: Desk, customer_id: UUID) -> tuple[Customer, Studio]:
    """Return a customer and the studio at which they are looked at: the one named, or the first that knows them.

    :raises NotFound: for whom none of the reader's studios knows.
    """
    named = [desk.studio()] if "studio" in request.values else desk.studios
    studio = studio_that_knows(desk.db_session, customer_id=customer_id, studios=named)
    if studio is None:
        raise NotFound()
    return require_known(desk.db_session, customer_id=customer_id, studio_id=studio.id), studio
