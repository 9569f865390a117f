"""Insights: what a studio's reservations, passes and policies come to over a period, in figures, charts and files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from studio_reservations.admin import insight_charts as charts
from studio_reservations.admin import insight_words as words
from studio_reservations.admin.insight_tables import tables_of
from studio_reservations.admin.row_filters import Asked, read_day
from studio_reservations.admin.row_values import csv_of, exported, shown
from studio_reservations.admin.screens import Desk, StaffScreen, page
from studio_reservations.models import Role, Studio
from studio_reservations.policies.insights import AROUND, Period
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.insights import Insights, insights_of

PERIODS = {"30": "30 days", "90": "90 days", "365": "Year"}
USUAL = "90"
LONGEST_DAYS = 731
MOST_BARS = 8
FIRST, LAST, DAYS, CLASS = "from", "to", "days", "class"


class InsightsScreen(StaffScreen):
    """What a period comes to. The desk has no part in it."""

    least = Role.MANAGER

    @page(least=Role.MANAGER)
    def index(self, desk: Desk) -> str:
        """Show the figures and charts of a period."""
        studio = desk.studio()
        asked, found = _found(desk, studio)
        size = words.common_size(found.now)
        change = words.latest(found.changes)
        weeks = charts.whole_weeks(found.by_week, found.now.period)
        return self.show(
            "insights.html",
            studio=studio,
            studios=desk.studios,
            asked=asked,
            found=found,
            periods=PERIODS,
            around=AROUND,
            today=local_date(desk.now, timezone=studio.timezone),
            words=words,
            tables=tables_of(found),
            shown=shown,
            line=charts.line_of(weeks, since=change.on if change else None),
            cells=charts.cells_of(found.by_hour),
            bars=words.ranked_classes(found)[:MOST_BARS],
            size=size,
            columns=charts.columns_of(found.now.passes, size=size) if size else None,
        )

    @page("/export.csv", least=Role.MANAGER)
    def export_csv(self, desk: Desk) -> ResponseReturnValue:
        """Give the table that the address names, the figures unless it does; where it asks for nonsense, the page says so."""
        studio = desk.studio()
        asked, found = _found(desk, studio)
        table = tables_of(found).get(desk.given.get("table", "figures"))
        if table is None or asked.problems:
            query = request.query_string.decode("ascii", "replace")
            return redirect(f"{url_for(f'{self.endpoint}.index')}?{query}", 303)
        rows = ([exported(one, studio.timezone) for one in row] for row in table.rows)
        response = make_response(csv_of(table.head, rows))
        response.mimetype = "text/csv"
        shown = found.now.period
        name = f"insights-{table.name}-{shown.first}-{shown.last}.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _found(desk: Desk, studio: Studio) -> tuple[Asked, Insights]:
    """Return what the address asks for, with what made no sense of it, and what there is."""
    asked = Asked(desk.given)
    asked.keep("studio", studio.slug)
    terms: dict[str, Any] = {"studio": studio, "actor": desk.actor, "now": desk.now}
    period = _period(asked, local_date(desk.now, timezone=studio.timezone))
    title = asked.text(CLASS)
    found = insights_of(desk.db_session, period=period, title=title or None, **terms)
    if found.title is not None:
        asked.keep(CLASS, found.title)
    elif title:
        asked.problems.append(f"“{title}” is no class of {studio.name}; all are shown.")
    return asked, found


def _period(asked: Asked, today: date) -> Period:
    first, last = read_day(asked, FIRST), read_day(asked, LAST)
    if last is not None and last > today:
        asked.problems.append("What is still to come is left out; the last day is today.")
        last = today
    if first is not None and first > (last or today):
        asked.problems.append("The first day is after the last. Here are the last 90 days.")
        first = last = None
    if first is not None or last is not None:
        last = last or today
        first = first or last - timedelta(days=int(USUAL) - 1)
        if (last - first).days >= LONGEST_DAYS:
            asked.problems.append("Two years at most are put together; here are the last two of those days.")
            first = last - timedelta(days=LONGEST_DAYS - 1)
        asked.keep(FIRST, first.isoformat())
        asked.keep(LAST, last.isoformat())
        return Period(first=first, last=last)
    days = asked.text(DAYS) or USUAL
    if days not in PERIODS:
        asked.problems.append(f"“{days}” is none of the periods. Here are the last 90 days.")
        days = USUAL
    asked.keep(DAYS, days)
    return Period(first=today - timedelta(days=int(days) - 1), last=today)
