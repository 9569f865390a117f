"""The demo's schedule: the excerpt of a real one moved to the current weeks, and some classes of our own making beside it."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from studio_reservations.models import ClassSession, ClassStep, Studio, StudioClass

SCHEDULES = Path(__file__).resolve().parents[1] / "schedules"
MAPPING = SCHEDULES / "toronto.toml"
TORONTO = ZoneInfo("America/Toronto")
PARTS = ("Throwing cylinders", "Trimming and handles", "Glazing your mug")
Row = TypeVar("Row")


def move_excerpt(target: Path, *, now: datetime) -> int:
    """Write the excerpt with its dates moved to begin in the week before this one; return by how many weeks.

    Only dates are moved, by whole weeks: weekdays and hours on the wall stay what they are, also across a change of the clocks.
    """
    with (SCHEDULES / "toronto_excerpt.csv").open(newline="", encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    first = min(date.fromisoformat(row["First Date"]) for row in rows)
    weeks = (_monday(now.astimezone(TORONTO).date()) - _monday(first)).days // 7 - 1
    for row in rows:
        for column in ("First Date", "Last Date"):
            row[column] = str(date.fromisoformat(row[column]) + timedelta(weeks=weeks))
        row["Date Range"] = f"{row['First Date']} to {row['Last Date']}"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return weeks


class Schedule:
    """Classes of our own making in one studio; days are counted from today, hours are the studio's."""

    def __init__(self, db_session: Session, studio: Studio, *, now: datetime) -> None:
        self.db_session = db_session
        self.studio = studio
        self.now = now
        self.zone = ZoneInfo(studio.timezone)

    def at(self, days: int, hour: int, minute: int = 0) -> datetime:
        """Return an instant by the studio's wall clock."""
        day = self.now.astimezone(self.zone).date() + timedelta(days=days)
        return datetime.combine(day, time(hour, minute), self.zone).astimezone(UTC)

    def add_class(self, title: str, *, capacity: int = 8, only: list[str] | None = None) -> StudioClass:
        """Add a class; ``only`` names the pass types that it takes."""
        new = StudioClass(
            studio_id=self.studio.id,
            title=title,
            description="Made up for the demo",
            default_capacity=capacity,
            default_duration_minutes=120,
            allowed_pass_types=only,
            external_ref=f"demo:{title.lower().replace(' ', '-')}",
            created_at=self.now,
        )
        return self._added(new)

    def add_parts(self, course: StudioClass) -> list[ClassStep]:
        """Make the class one of three parts."""
        return [
            self._added(ClassStep(studio_id=self.studio.id, class_id=course.id, position=position, title=title))
            for position, title in enumerate(PARTS, start=1)
        ]

    def add_session(
        self,
        of: StudioClass,
        starts_at: datetime,
        *,
        hours: float = 2,
        capacity: int | None = None,
        step: ClassStep | None = None,
    ) -> ClassSession:
        """Put the class on the schedule once."""
        new = ClassSession(
            studio_id=self.studio.id,
            class_id=of.id,
            step_id=step.id if step else None,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=hours),
            capacity=capacity or of.default_capacity,
            location="Pottery room",
            external_ref=f"{of.external_ref}:{starts_at:%Y%m%dT%H%M}",
            created_at=self.now,
        )
        return self._added(new)

    def _added(self, row: Row) -> Row:
        self.db_session.add(row)
        self.db_session.flush()
        return row


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
