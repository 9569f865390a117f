"""A month: what is mine in each state, and what else can be reserved; a grid where it fits, an agenda on a phone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from studio_reservations.language import N_
from studio_reservations.models import Studio
from studio_reservations.pages.calls import Call
from studio_reservations.pages.offers import limits_of, told_once
from studio_reservations.pages.routes import page
from studio_reservations.policies.choosing import SET_ASIDE
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.directory import classes_of, studio_days
from studio_reservations.services.listings import Page
from studio_reservations.services.pass_views import reservations_between
from studio_reservations.services.reservation_questions import Available
from studio_reservations.services.reservations import ReservationService

MOST_SESSIONS = 1500
MOST_IN_A_DAY = 3
SHORTLY: Mapping[str, str] = {
    "session_full": N_("Full"),
    "session_cancelled": N_("Called off"),
    "advance_limit_reached": N_("Limit reached"),
    "punches_exhausted": N_("No punch free"),
    "pass_expired": N_("Pass ends before"),
    "pass_not_yet_valid": N_("Pass starts later"),
    "sequence_not_met": N_("Earlier part first"),
    "step_already_reserved": N_("Part is reserved"),
    "makeup_required": N_("Makeup"),
    "customer_suspended": N_("Paused"),
}
"""Why not, in the few words that fit into a day; the session's page has the sentence."""

A_MONTH = re.compile(r"(19[789]\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A session in a day: a reservation of the person's, or one that is offered (``left`` seats, or ``why`` not)."""

    row: Any
    mine: Any = None
    left: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the month's weeks, ``more`` sessions than are shown."""

    date: date
    entries: Sequence[Entry]
    more: int
    classes: str


@page("/calendar", nav="calendar")
def calendar(call: Call) -> Response:
    """Show a month of one studio."""
    studio = call.studio()
    if studio is None:
        return call.show("calendar.html", studio=None)
    today = call.today(studio.timezone)
    first = _month(today)
    weeks_first = first - timedelta(days=(first.weekday() - call.language.first_weekday(studio.timezone)) % 7)
    following = (first + timedelta(days=32)).replace(day=1)
    number = -(-(following - weeks_first).days // 7) * 7
    days = [weeks_first + timedelta(days=one) for one in range(number)]
    span = studio_days(first=days[0], last=days[-1], timezone=studio.timezone, now=call.now)
    found: Sequence[Available] = ()
    if span.starts_before > call.now:
        found = call.service(ReservationService).available(
            actor=call.actor,
            studio_id=studio.id,
            starts_from=max(span.starts_from, call.now),
            starts_before=span.starts_before,
            customer_id=call.person.id,
            limit=MOST_SESSIONS,
        )
    mine = reservations_between(
        call.db_session,
        customer_id=call.person.id,
        studio_id=studio.id,
        starts_from=span.starts_from,
        starts_before=span.starts_before,
    )
    classes, _ = classes_of(call.db_session, studio_id=studio.id, page=Page(limit=500))
    earlier = "earlier" in request.args or following <= today
    entries = _entries(found, mine, studio)
    return call.show(
        "calendar.html",
        studio=studio,
        first=first,
        previous=(first - timedelta(days=1)).strftime("%Y-%m"),
        following=following.strftime("%Y-%m"),
        weekdays=days[:7],
        days=[_day(one, entries.get(one, []), first=first, today=today, earlier=earlier) for one in days],
        hidden=None if earlier or first >= today else today - timedelta(days=1),
        everywhere=told_once(found),
        limits=limits_of(call, found, {row.id: row.title for row in classes}),
        cut=len(found) == MOST_SESSIONS,
    )


def _month(today: date) -> date:
    """Return the first day of the month that the address names, or of this one."""
    named = A_MONTH.fullmatch(request.args.get("month", ""))
    return today.replace(day=1) if named is None else date(int(named[1]), int(named[2]), 1)


def _entries(found: Sequence[Available], mine: Mapping[UUID, Any], studio: Studio) -> dict[date, list[Entry]]:
    """Return what stands in each day, by time."""
    offered = {one.session.id for one in found}
    entries = [_entry(one, mine.get(one.session.id)) for one in found]
    entries += [Entry(row=row, mine=row) for session_id, row in mine.items() if session_id not in offered]
    by_day: dict[date, list[Entry]] = {}
    for entry in sorted((one for one in entries if one is not None), key=lambda one: one.row.starts_at):
        by_day.setdefault(local_date(entry.row.starts_at, timezone=studio.timezone), []).append(entry)
    return by_day


def _entry(one: Available, mine: Any) -> Entry | None:
    """Return a session as it stands in its day; None for one that no pass of theirs says anything about."""
    row, refusal = one.session, one.answer.refusal
    if mine is not None and (refusal is not None or mine.status in ("PENDING", "CHECKED_IN", "ATTENDED")):
        return Entry(row=row, mine=mine)
    if refusal is None:
        return Entry(row=row, left=row.capacity - row.seats_taken)
    if refusal.code in SET_ASIDE:
        return None
    return Entry(row=row, why=SHORTLY.get(refusal.code, N_("Not open")))


def _day(day: date, entries: list[Entry], *, first: date, today: date, earlier: bool) -> Day:
    """Return a day: what is mine, and the first few others, those that can be reserved before those that cannot."""
    others = sorted((one for one in entries if one.mine is None), key=lambda one: one.left is None)
    has_mine = len(others) < len(entries)
    room = max(1, MOST_IN_A_DAY - (len(entries) - len(others)))
    shown = {id(one) for one in others[:room]}
    kept = [one for one in entries if one.mine is not None or id(one) in shown]
    states = {
        "is-past": day < today,
        "is-today": day == today,
        "is-out": day.month != first.month,
        "is-empty": not entries,
        "is-mine": day < today and has_mine and (earlier or day == today - timedelta(days=1)),
    }
    return Day(
        date=day,
        entries=kept,
        more=len(entries) - len(kept),
        classes=" ".join(name for name, holds in states.items() if holds),
    )
