"""The tables behind the figures and charts of insights, as they are shown and exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio_reservations.admin.insight_words import change_in_words, figures, hour_of, ranked_classes, said
from studio_reservations.policies.insights import Share
from studio_reservations.services.insights import Insights

WAYS = {
    "by_phone": "On their phone",
    "by_kiosk": "At the kiosk",
    "by_staff": "By staff",
    "by_token": "By an integration",
}
"""How somebody was checked in: SELF, from the own page or at the kiosk, STAFF and AUTO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The numbers behind a chart; the first column names the row, ``name`` is that of its file too."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


def tables_of(found: Insights) -> dict[str, Table]:
    """Return every table by its name."""
    counts = found.now.counts
    by_fill = sorted(found.by_hour.items(), key=lambda one: (-one[1].fill.value, one[0]))
    by_rank = [*ranked_classes(found), *(one for one in found.by_class if one[1].no_shows.is_few and one[1].reserved)]
    made = [
        Table(
            name="figures",
            title="Figures",
            head=("Figure", "Value", "Before", "What it counts"),
            rows=[(one.label, one.value, one.was or "–", one.says) for one in figures(found)],
        ),
        Table(
            name="weeks",
            title="Missed classes by week",
            head=("Week of", "Expected", "Missed", "Share"),
            rows=[
                (week, one.no_shows.whole, one.no_shows.part, said(one.no_shows))
                for week, one in found.by_week
                if one.no_shows.whole
            ],
        ),
        Table(
            name="hours",
            title="Seats filled",
            head=("Begins", "Sessions", "Seats", "Held", "Share"),
            rows=[
                (hour_of(*when), one.sessions, one.fill.whole, one.fill.part, said(one.fill)) for when, one in by_fill
            ],
        ),
        Table(
            name="classes",
            title="Missed, by class",
            head=("Class", "Reserved", "Cancelled", "Expected", "Missed", "Share", "Before"),
            rows=[
                (
                    title,
                    one.reserved,
                    one.cancelled,
                    one.no_shows.whole,
                    one.missed,
                    said(one.no_shows),
                    said(was.no_shows),
                )
                for title, one, was in by_rank
            ],
        ),
        Table(
            name="passes",
            title="Punches used",
            head=("Punches on the pass", "Used", "Passes"),
            rows=[
                (one.size, one.used, one.number)
                for one in sorted(found.now.passes, key=lambda one: (one.size, one.used))
            ],
        ),
        Table(
            name="check-ins",
            title="How people check in",
            head=("How", "Check-ins", "Share"),
            rows=[
                (label, getattr(counts, name), said(Share(getattr(counts, name), counts.checked_in)))
                for name, label in WAYS.items()
            ],
        ),
        Table(
            name="policies",
            title="Changed policies",
            head=(
                "Changed on",
                "Of",
                "What",
                "Expected before",
                "Missed before",
                "Expected after",
                "Missed after",
                "Days on either side",
            ),
            rows=[
                (
                    one.on,
                    one.class_title or "All classes",
                    change_in_words(one),
                    one.before.no_shows.whole,
                    one.before.no_shows.part,
                    one.after.no_shows.whole,
                    one.after.no_shows.part,
                    one.days,
                )
                for one in found.changes
            ],
        ),
    ]
    return {one.name: one for one in made}
