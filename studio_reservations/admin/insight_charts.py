"""Where the marks of a chart stand: across in percent, so that letters are as large on a phone; down in pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from studio_reservations.admin.insight_words import WEEKDAYS, day_of, said
from studio_reservations.policies.insights import Counts, Period
from studio_reservations.services.insights import EndedPasses

LEFT, RIGHT, TOP, BOTTOM = 10.0, 97.0, 34.0, 164.0
"""The plot of a chart with an axis, which is 196 high."""
CEILINGS = (4, 8, 12, 20, 30, 40, 60, 100)
"""Percentages at which an axis may end; each has a middle."""
MOST_COLUMNS = 12
LEVELS = (0.60, 0.75, 0.95)
"""From these fills on a cell is a shade darker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A word of a chart, where it stands and which of its ends."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The missed by week: ``segments`` from point to point, none across a week without anybody; ``band`` since a day."""

    ticks: Sequence[Label]
    weeks: Sequence[Label]
    segments: Sequence[tuple[float, float, float, float]]
    end: tuple[float, float]
    last: Label
    band: Label | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A bar or a cell; ``level`` is its shade."""

    x: float
    y: float
    width: float
    height: float
    level: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Bars or cells, the words along them, and how high they stand in all."""

    boxes: Sequence[Box]
    labels: Sequence[Label]
    height: float


def whole_weeks(weeks: Sequence[tuple[date, Counts]], period: Period) -> Sequence[tuple[date, Counts]]:
    """Return the weeks that lie in the period as a whole, so that one of two days is no peak; all, where they are too few."""
    whole = [one for one in weeks if period.first <= one[0] and one[0] + timedelta(days=6) <= period.last]
    return whole if sum(1 for _, one in whole if one.no_shows.whole) > 1 else weeks


def line_of(weeks: Sequence[tuple[date, Counts]], *, since: date | None) -> Line | None:
    """Return the share of missed classes by week; ``since`` begins a band, for a policy. None where nobody was expected."""
    shares = [one.no_shows for _, one in weeks]
    known = [place for place, share in enumerate(shares) if share.whole]
    if not known:
        return None
    highest = max(share.value for share in shares)
    ceiling = next(one for one in CEILINGS if 100 * highest <= one)

    def x(place: float) -> float:
        return _rounded(LEFT + (RIGHT - LEFT) * place / max(len(weeks) - 1, 1))

    def y(percent: float) -> float:
        return _rounded(BOTTOM - (BOTTOM - TOP) * percent / ceiling)

    points = {place: (x(place), y(100 * shares[place].value)) for place in known}
    end = points[known[-1]]
    falls = len(known) > 1 and points[known[-2]][1] < end[1] < BOTTOM - 24  # then there is room below the last point
    step = ceil((len(weeks) - 1) / 3) or 1
    band = None
    if since is not None:
        begun = max(0.0, (since - weeks[0][0]) / timedelta(weeks=1))
        left = x(min(begun, len(weeks) - 1))
        late = left > (LEFT + RIGHT) / 2
        band = Label(x=left, y=TOP - 14, text=f"Policy since {day_of(since)}", anchor="end" if late else "start")
    return Line(
        ticks=[Label(x=LEFT - 2, y=y(each), text=f"{each:g}%", anchor="end") for each in (0, ceiling / 2, ceiling)],
        weeks=[
            Label(x=x(at), y=BOTTOM + 24, text=day_of(weeks[at][0]), anchor=_anchor(at, len(weeks)))
            for at in range(0, len(weeks), step)
        ],
        # A point without a next one is a line to itself, which a round end makes a dot.
        segments=[(*at, *points.get(place + 1, at)) for place, at in points.items()],
        end=end,
        last=Label(
            x=end[0],
            y=end[1] + (20 if falls else -12),
            text=said(shares[known[-1]]),
            anchor="end" if end[0] > (LEFT + RIGHT) / 2 else "start",
        ),
        band=band,
    )


def cells_of(by_hour: Mapping[tuple[int, int], Counts]) -> Boxes:
    """Return how full each weekday and hour is, a row for each hour at which something begins."""
    hours = sorted({hour for _, hour in by_hour})
    left, width, height, top = 14.0, 12.3, 32, 26
    boxes, labels = [], [Label(x=left + (day + 0.5) * width, y=14, text=name) for day, name in enumerate(WEEKDAYS)]
    for row, hour in enumerate(hours):
        y = top + row * height
        labels.append(Label(x=0, y=y + 19, text=f"{hour:02}:00", anchor="start"))
        for day in range(7):
            one = by_hour.get((day, hour))
            boxes.append(
                Box(
                    x=_rounded(left + day * width),
                    y=y,
                    width=width - 1,
                    height=height - 4,
                    level=0 if one is None else 1 + sum(one.fill.value >= level for level in LEVELS),
                    text="" if one is None else _in_cell(one),
                )
            )
    return Boxes(boxes=boxes, labels=labels, height=top + len(hours) * height)


def columns_of(passes: Sequence[EndedPasses], *, size: int) -> Boxes:
    """Return how many passes of that size ended with how many punches used; those used up stand last, by themselves."""
    step = ceil(size / MOST_COLUMNS)
    starts = [*range(0, size, step), size]
    numbers = [
        sum(one.number for one in passes if one.size == size and start <= one.used < min(start + step, size))
        for start in starts[:-1]
    ]
    numbers.append(sum(one.number for one in passes if one.size == size and one.used == size))
    width, highest = 100 / len(starts), max(numbers)
    boxes, labels = [], []
    for place, (start, number) in enumerate(zip(starts, numbers, strict=True)):
        height = _rounded((BOTTOM - TOP) * number / highest)
        middle = _rounded((place + 0.5) * width)
        boxes.append(
            Box(
                x=_rounded((place + 0.1) * width),
                y=BOTTOM - height,
                width=_rounded(0.8 * width),
                height=height,
                level=1 if start == size else 2,
                text=f"{number:,}" if number else "",
            )
        )
        end = min(start + step, size) - 1
        text = f"{start}" if start == size or end == start else f"{start}–{end}"
        if step == 1 or place % 2 == (len(starts) - 1) % 2:
            labels.append(Label(x=middle, y=BOTTOM + 22, text=text))
    return Boxes(boxes=boxes, labels=labels, height=BOTTOM + 32)


def _in_cell(one: Counts) -> str:
    """Return a fill as short as a cell is: percent without the sign, seats of few as they are."""
    fill = one.fill
    return f"{fill.part}/{fill.whole}" if fill.is_few else f"{100 * fill.value:.0f}"


def _anchor(place: int, of: int) -> str:
    return "start" if place == 0 else "end" if place == of - 1 else "middle"


def _rounded(value: float) -> float:
    return round(value, 2)
