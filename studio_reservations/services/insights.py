"""What a studio's reservations, passes and policies come to over a period, beside the same number of days before. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from studio_reservations.models import Role, Studio
from studio_reservations.policies.insights import (
    Counts,
    Period,
    SessionCounts,
    around,
    by_class,
    by_hour,
    by_week,
    total,
    within,
)
from studio_reservations.policies.local_time import local_date
from studio_reservations.services import insight_queries as read
from studio_reservations.services.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedPasses:
    """Punch passes of ``size`` punches that ended with ``used`` of them spent: all of them, or the last day came first."""

    size: int
    used: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A period in numbers.

    ``auto_cancelled`` reservations on so many ``nights``, after a missed class and not restored. ``suspended`` of
    ``customers`` who had reserved; of ``suspensions_over`` so many customers ``came_back``: hold or held a seat since.
    """

    period: Period
    counts: Counts
    customers: int
    auto_cancelled: int
    nights: int
    suspended: int
    suspensions_over: int
    came_back: int
    passes: Sequence[EndedPasses]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A policy that was changed in the period, of a class or of the studio, and the sessions it is about on either side.

    ``changed`` holds what each field was and is. Without ``days``, there is nothing to compare yet.
    """

    on: date
    class_title: str | None
    changed: Mapping[str, Sequence[Any]]
    days: int
    before: Counts
    after: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    """Everything that the page shows; classes are told apart by their title. ``title`` is that of those asked for."""

    titles: Sequence[str]
    title: str | None
    now: Span
    before: Span
    by_week: Sequence[tuple[date, Counts]]
    by_hour: Mapping[tuple[int, int], Counts]
    by_class: Sequence[tuple[str, Counts, Counts]]
    changes: Sequence[PolicyChange]


def insights_of(
    db_session: Session, *, studio: Studio, period: Period, title: str | None, actor: Actor, now: datetime
) -> Insights:
    """Return what the sessions that have ended by now come to; passes and suspensions are always the whole studio's.

    ``title`` asks for the classes of that title; where there are none, for all. Seven queries, whatever there is.
    :raises NotFound, Forbidden:
    """
    actor.require(studio.id, Role.MANAGER)
    classes = read.classes_of(db_session, studio)
    class_ids = {one for one, of in classes.items() if of == title} or None
    asked = read.Asked(studio=studio, class_ids=class_ids, period=period, now=now)
    sessions = read.sessions_of(db_session, asked)
    of_period, of_before = within(sessions, period), within(sessions, period.before)
    now_by_class, before_by_class = by_class(of_period, classes), by_class(of_before, classes)
    shown, before = _spans(db_session, asked, total(of_period), total(of_before))
    return Insights(
        titles=sorted(set(classes.values())),
        title=title if class_ids else None,
        now=shown,
        before=before,
        by_week=by_week(of_period, period),
        by_hour=by_hour(of_period),
        by_class=[(one, now_by_class[one], before_by_class.get(one, Counts())) for one in sorted(now_by_class)],
        changes=_changes(db_session, asked, classes, sessions),
    )


def _spans(db_session: Session, asked: read.Asked, *counts: Counts) -> list[Span]:
    """Return the period and the one before."""
    customers = read.customers_of(db_session, asked)
    cancelled = read.auto_cancelled(db_session, asked)
    suspensions = read.suspensions(db_session, asked)
    passes = read.passes_ended(db_session, asked)
    halves = (asked.period, asked.since, asked.until), (asked.period.before, asked.earlier, asked.since)
    spans = []
    for which, (period, start, end) in enumerate(halves):
        gone = [
            (local_date(at, timezone=asked.studio.timezone), number) for at, number in cancelled if start <= at < end
        ]
        over = [one for one in suspensions if start <= one.over_at < end]
        spans.append(
            Span(
                period=period,
                counts=counts[which],
                customers=customers[which],
                auto_cancelled=sum(number for _, number in gone),
                nights=len({night for night, _ in gone}),
                suspended=len({one.customer_id for one in suspensions if start <= one.starts_at < end}),
                suspensions_over=len({one.customer_id for one in over}),
                came_back=len({one.customer_id for one in over if one.came_back}),
                passes=[
                    EndedPasses(size=one.size, used=one.used, number=one.number)
                    for one in passes
                    if one.is_current == (which == 0)
                ],
            )
        )
    return spans


def _changes(
    db_session: Session, asked: read.Asked, classes: Mapping[UUID, str], sessions: Iterable[SessionCounts]
) -> list[PolicyChange]:
    timezone = asked.studio.timezone
    last = local_date(asked.until, timezone=timezone) - timedelta(days=1)
    found = []
    for at, details in read.policy_changes(db_session, asked):
        class_id = UUID(details["class_id"]) if details.get("class_id") else None
        # A field that says for itself what it inherited before is written down too.
        changed = {name: pair for name, pair in details["changed"].items() if pair[0] != pair[1]}
        of_others = asked.class_ids is not None and class_id is not None and class_id not in asked.class_ids
        if of_others or not changed:
            continue
        on = local_date(at, timezone=timezone)
        concerned = [one for one in sessions if class_id in (None, one.class_id)]
        sides = around(on, last=last)
        before, after = (total(within(concerned, one)) for one in sides) if sides else (Counts(), Counts())
        found.append(
            PolicyChange(
                on=on,
                class_title=classes.get(class_id) if class_id is not None else None,
                changed=changed,
                days=sides[0].days if sides else 0,
                before=before,
                after=after,
            )
        )
    return found
