"""The list of sessions: filtered, judged for one person, each reserved with one tap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from studio_reservations.errors import AlreadyReserved, MakeupRequired, NotFound
from studio_reservations.language import N_
from studio_reservations.models import Studio
from studio_reservations.pages.calls import Call
from studio_reservations.pages.ids import read_id
from studio_reservations.pages.offers import cards_of, is_same, limits_of, told_alike, told_once
from studio_reservations.pages.routes import page
from studio_reservations.pass_types import LIVE
from studio_reservations.policies.local_time import zone
from studio_reservations.services.directory import (
    DEFAULT_DAYS,
    LONGEST_DAYS,
    Days,
    classes_of,
    session_for,
    studio_days,
)
from studio_reservations.services.listings import Page
from studio_reservations.services.pass_views import reservations_between
from studio_reservations.services.reservation_questions import Available
from studio_reservations.services.reservations import ReservationService

A_PAGE = 40
MOST_CLASSES = 500
MOST_COUNTED = 200
TIMES = {
    "morning": (N_("Morning, before 12"), range(12)),
    "afternoon": (N_("Afternoon, 12 to 17"), range(12, 17)),
    "evening": (N_("Evening, after 17"), range(17, 24)),
}
"""Title and local hours of each time of day."""

Place = tuple[datetime, UUID]
"""Start and id of a session, by which the list is ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for; what cannot be meant is left out."""

    first: date
    last: date
    class_id: UUID | None
    time: str | None
    only_reservable: bool

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


@page("/sessions", nav="sessions")
def sessions(call: Call) -> Response:
    """Show the sessions that the filters leave, a page of them."""
    studio = call.studio()
    if studio is None:
        return call.show("sessions.html", studio=None)
    wanted = _wanted(call, studio)
    classes, _ = classes_of(call.db_session, studio_id=studio.id, page=Page(limit=MOST_CLASSES))
    titles = {row.id: row.title for row in classes}
    after = _place(call, "after")
    before = _place(call, "before") if after is None else None
    found = _found(call, studio, wanted, after=after, before=before, limit=A_PAGE + 1)
    if before is not None and not found:  # all of them have begun: the list begins here now
        before, found = None, _found(call, studio, wanted, limit=A_PAGE + 1)
    shown = found[:A_PAGE] if before is None else found[-A_PAGE:]
    more = len(found) > A_PAGE
    none_open = after is None and before is None and not more and not any(map(_is_open, shown))
    shut = _shut(call, studio, wanted) if wanted.only_reservable and none_open else []
    everywhere = told_once(shut or shown)
    return call.show(
        "sessions.html",
        studio=studio,
        wanted=wanted,
        classes=[row for row in classes if row.title],
        cards=cards_of(call, studio, shown, titles),
        limits=limits_of(call, shown, titles),
        everywhere=everywhere,
        alike=told_alike(call, shut or shown, titles) if everywhere is None else None,
        is_same=is_same,
        others=Counter(one.answer.refusal.code for one in shut if one.answer.refusal is not None),
        capped=len(shut) == MOST_COUNTED,
        # What the address names stands beside the page, unless it has begun meanwhile.
        previous=shown[0].session.id if shown and (more if before else after and after[0] >= call.now) else None,
        following=shown[-1].session.id if shown and (before or more) else None,
        is_first=after is None and (before is None or not more),
        here=_address(call, studio, wanted),
        TIMES=TIMES,
    )


def _found(
    call: Call, studio: Studio, wanted: Wanted, *, after: Place | None = None, before: Place | None = None, limit: int
) -> list[Available]:
    days = studio_days(first=wanted.first, last=wanted.last, timezone=studio.timezone, now=call.now)
    return call.service(ReservationService).available(
        actor=call.actor,
        studio_id=studio.id,
        starts_from=max(days.starts_from, call.now),
        starts_before=days.starts_before,
        customer_id=call.person.id,
        class_id=wanted.class_id,
        keep=_kept(call, studio, wanted, days),
        after=after,
        before=before,
        limit=limit,
    )


def _kept(call: Call, studio: Studio, wanted: Wanted, days: Days) -> Callable[[Available], bool] | None:
    """Return what keeps the sessions of a time of day, and those that can be reserved beside the person's own."""
    if wanted.time is None and not wanted.only_reservable:
        return None
    hours = TIMES[wanted.time][1] if wanted.time is not None else range(24)
    mine = _mine(call, studio, days) if wanted.only_reservable else {}

    def keep(one: Available) -> bool:
        if one.session.starts_at.astimezone(zone(one.timezone)).hour not in hours:
            return False
        return not wanted.only_reservable or one.session.id in mine or _is_open(one)

    return keep


def _mine(call: Call, studio: Studio, days: Days) -> Collection[UUID]:
    """Return the sessions in which the person has a seat."""
    found = reservations_between(
        call.db_session,
        customer_id=call.person.id,
        studio_id=studio.id,
        starts_from=days.starts_from,
        starts_before=days.starts_before,
    )
    return {session_id for session_id, row in found.items() if row.status in LIVE}


def _is_open(one: Available) -> bool:
    """Tell whether a session can be reserved, be it as a makeup."""
    return one.answer.refusal is None or isinstance(one.answer.refusal, MakeupRequired)


def _wanted(call: Call, studio: Studio) -> Wanted:
    today = call.today(studio.timezone)
    first = max(_day("from") or today, today)
    last = _day("to") or first + timedelta(days=DEFAULT_DAYS)
    time = request.args.get("time")
    return Wanted(
        first=first,
        last=min(max(last, first), first + timedelta(days=LONGEST_DAYS - 1)),
        class_id=read_id(request.args.get("class")),
        time=time if time in TIMES else None,
        only_reservable=request.args.get("open") == "1",
    )


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if 1970 <= found.year < 2200 else None


def _place(call: Call, name: str) -> Place | None:
    """Return the session ``after`` which the page begins, or ``before`` which it ends."""
    session_id = read_id(request.args.get(name))
    if session_id is None:
        return None
    try:
        row = session_for(call.db_session, actor=call.actor, session_id=session_id)
    except NotFound:
        return None
    return row.starts_at, row.id


def _shut(call: Call, studio: Studio, wanted: Wanted) -> list[Available]:
    """Return the first sessions that the filters leave, where none can be reserved; not those of one's own."""
    found = _found(call, studio, replace(wanted, only_reservable=False), limit=MOST_COUNTED)
    return [one for one in found if not isinstance(one.answer.refusal, AlreadyReserved)]


def _address(call: Call, studio: Studio, wanted: Wanted) -> Callable[..., str]:
    """Return what makes the address of this list with other values."""
    now: dict[str, Any] = {
        "from": wanted.first if "from" in request.args else None,
        "to": wanted.last if "to" in request.args else None,
        "class": wanted.class_id,
        "time": wanted.time,
        "open": 1 if wanted.only_reservable else None,
        "studio": studio.slug if len(call.studios) > 1 else None,
    }
    return lambda **values: call.link("sessions", **{**now, **values})
