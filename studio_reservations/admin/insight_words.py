"""Insights in words: each figure with what it counts, and a sentence for each chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from studio_reservations.admin.policy_form import FIELDS
from studio_reservations.policies.insights import FEW, Counts, Share
from studio_reservations.services.insights import Insights, PolicyChange, Span

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of the top row: ``says`` what it counts, ``was`` what it was in the days before."""

    label: str
    value: str
    says: str
    was: str = ""


def said(share: Share) -> str:
    """Return a share as a percentage; one of few as it is, such as ``3 of 4``."""
    if not share.whole:
        return "–"
    if share.is_few:
        return f"{share.part} of {share.whole}"
    return f"{100 * share.value:.1f}".removesuffix(".0") + "%"


def day_of(day: date) -> str:
    """Return a day without its year, such as ``5 Oct``."""
    return f"{day.day} {day:%b}"


def days_of(found: Insights) -> str:
    """Return which days are shown and compared."""
    shown = found.now.period
    first = day_of(shown.first) if shown.first.year == shown.last.year else f"{day_of(shown.first)} {shown.first.year}"
    before = f"{shown.days} days" if shown.days > 1 else "day"
    return f"{first} – {day_of(shown.last)} {shown.last.year}, compared with the {before} before"


def figures(found: Insights) -> list[Figure]:
    """Return the numbers of the top row; those of suspensions only where all classes are shown."""
    now, before = found.now, found.before
    counts, earlier = now.counts, before.counts
    late = f", {counts.late:,} of them late" if counts.cancelled else ""
    waived = f", {counts.waived:,} of them waived" if counts.waived else ""
    shown = [
        Figure(
            label="Reserved ahead",
            value=_ahead(counts),
            says=f"on average, over {_many(counts.ahead, 'reservation')} made before the start",
            was=_ahead(earlier) if earlier.ahead else "",
        ),
        Figure(
            label="Cancelled",
            value=said(counts.cancellations),
            says=f"{_of(counts.cancellations, 'reservations')} were given up{late}",
            was=said(earlier.cancellations) if earlier.reserved else "",
        ),
        Figure(
            label="Missed",
            value=said(counts.no_shows),
            says=f"{_of(counts.no_shows, 'expected')} did not come{waived}",
            was=said(earlier.no_shows) if earlier.no_shows.whole else "",
        ),
        Figure(
            label="Cancelled automatically",
            value=f"{now.auto_cancelled:,}",
            says=f"reservations after a missed class, on {_many(now.nights, 'night')}",
            was=f"{before.auto_cancelled:,}" if earlier.reserved else "",
        ),
    ]
    if found.title is None:
        back = f"; {now.came_back} of {now.suspensions_over} whose suspension ended reserved again"
        shown.append(
            Figure(
                label="Suspended",
                value=f"{now.suspended:,}",
                says=f"of {_many(now.customers, 'customer')} who reserved{back if now.suspensions_over else ''}",
                was=f"{before.suspended:,}" if before.customers else "",
            )
        )
    return shown


def of_weeks(found: Insights) -> str:
    """Return how many did not come, and what the last change of a policy did to it."""
    shown = found.now.counts.no_shows
    if not shown.whole:
        return "Nobody was expected on these days."
    told = [f"{_many(shown.part, 'person', 'people')} of {shown.whole:,} expected did not come."]
    if change := latest(found.changes):
        told.append(f"{said(change.before.no_shows)} in the {_many(change.days, 'day')} before the policy of")
        told.append(f"{day_of(change.on)}, {said(change.after.no_shows)} in the {_many(change.days, 'day')} after.")
    return " ".join(told)


def latest(changes: Iterable[PolicyChange]) -> PolicyChange | None:
    """Return the last change that has something to compare on both sides."""
    return next((one for one in changes if one.before.no_shows.whole and one.after.no_shows.whole), None)


def of_hours(found: Insights) -> str:
    """Return when sessions are fullest and emptiest."""
    told = [(when, one.fill) for when, one in found.by_hour.items() if not one.fill.is_few]
    if not told:
        return f"{_many(found.now.counts.sessions, 'session')}: too few seats at any hour for a percentage."
    ordered = sorted(told, key=lambda one: (-one[1].value, one[0]))
    (full, most), (empty, least) = ordered[0], ordered[-1]
    fullest = f"Fullest: {hour_of(*full)}, {said(most)} of {most.whole:,} seats."
    return fullest if len(told) == 1 else f"{fullest} Emptiest: {hour_of(*empty)}, {said(least)} of {least.whole:,}."


def of_classes(found: Insights) -> str:
    """Return which class is missed most often, and how many are too small to say."""
    ranked = ranked_classes(found)
    few = sum(1 for _, one, _ in found.by_class if one.no_shows.whole and one.no_shows.is_few)
    if not ranked:
        return f"No class had {FEW} people expected: too few for a percentage."
    title, most, _ = ranked[0]
    told = f"{title}: {most.no_shows.part:,} of {most.no_shows.whole:,} expected did not come."
    return (
        f"{told} {_many(few, 'class', 'classes')} with fewer than {FEW} expected: only in the table." if few else told
    )


def ranked_classes(found: Insights) -> list[tuple[str, Counts, Counts]]:
    """Return the classes with enough people for a percentage, the most missed first."""
    enough = [one for one in found.by_class if not one[1].no_shows.is_few]
    return sorted(enough, key=lambda one: (-one[1].no_shows.value, one[0]))


def common_size(span: Span) -> int | None:
    """Return the size of which most of the ended punch passes are."""
    sizes: Counter[int] = Counter()
    for one in span.passes:
        sizes[one.size] += one.number
    return min(sizes, key=lambda size: (-sizes[size], size)) if sizes else None


def of_passes(found: Insights) -> str:
    """Return how far punch passes were used, and how many ended with punches left."""
    ended, before = found.now.passes, found.before.passes
    number = sum(one.number for one in ended)
    if not number:
        return "No punch pass ended on these days: none was used up, none passed its last day."
    unused, half = _unused(ended), sum(one.number for one in ended if 2 * one.used <= one.size)
    used = sum(one.used * one.number for one in ended) / number
    shares = ([] if unused.is_few else [said(unused)]) + ([f"was {said(_unused(before))}"] if before else [])
    return (
        f"Of {_many(number, 'ended pass', 'ended passes')}, {unused.part:,} had punches left"
        f"{' (' + ', '.join(shares) + ')' if shares else ''}, {half:,} of them half or more. "
        f"On average {used:.1f} punches were used."
    )


def of_check_ins(found: Insights) -> str:
    """Return how many did without the desk."""
    counts = found.now.counts
    if not counts.checked_in:
        return "Nobody was checked in on these days."
    return f"{counts.without_desk:,} of {_many(counts.checked_in, 'check-in')} without the desk."


def change_in_words(change: PolicyChange) -> str:
    """Return what was changed, each field with what it was and is."""
    told = [f"{one.label}: {one.said(pair[0])} → {one.said(pair[1])}" for one, pair in _fields(change)]
    return "; ".join(told) or "Something that is no setting any more"


def of_change(change: PolicyChange) -> str:
    """Return how many did not come before and after a change."""
    if not change.days:
        return "There is no day after it to compare yet."
    before, after = (_who_did_not_come(one.no_shows) for one in (change.before, change.after))
    return f"In the {_many(change.days, 'day')} before, {before}; after, {after}."


def hour_of(weekday: int, hour: int) -> str:
    """Return a weekday and an hour, such as ``Sat 10:00``."""
    return f"{WEEKDAYS[weekday]} {hour:02}:00"


def _fields(change: PolicyChange) -> list[tuple[Any, Sequence[Any]]]:
    return [(FIELDS[name], pair) for name, pair in change.changed.items() if name in FIELDS]


def _unused(passes: Iterable[Any]) -> Share:
    ended = list(passes)
    return Share(sum(one.number for one in ended if one.used < one.size), sum(one.number for one in ended))


def _ahead(counts: Counts) -> str:
    if not counts.ahead:
        return "–"
    days = counts.ahead_days
    return f"{days:.1f} days" if days >= 1 else _many(round(24 * days), "hour")


def _of(share: Share, what: str) -> str:
    """Return the numbers of a share, unless its percentage is one of few and so says them already."""
    return what if share.is_few else f"{share.part:,} of {share.whole:,} {what}"


def _who_did_not_come(share: Share) -> str:
    if not share.whole:
        return "nobody was expected"
    return f"{said(share)}{'' if share.is_few else f' of {share.whole:,}'} expected did not come"


def _many(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
