"""A recurring schedule: the studio-local starts that an RRULE names, clock changes and all. Values in, values out.

Source: rules.md, Time; RFC 5545, 3.3.10.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulestr

from studio_reservations.policies.local_time import exists, instant_of

MOST = 366
REACH = timedelta(days=3 * 366)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PART = re.compile(r"[A-Z]+=[A-Z0-9,+\-]+")
_ANY = frozenset({"FREQ", "INTERVAL", "BYDAY", "UNTIL", "COUNT", "WKST"})
_KNOWN = {"DAILY": _ANY, "WEEKLY": _ANY, "MONTHLY": _ANY | {"BYMONTHDAY", "BYMONTH", "BYSETPOS"}}
"""What a rule may have, by its FREQ: nothing that could search the calendar for a day that never comes."""


class RuleError(ValueError):
    """The rule cannot be meant; the text says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """Every start that ``rule``, an RRULE without its name, gives from the naive local ``first`` on, but for ``skip``."""

    first: datetime
    rule: str
    skip: frozenset[date] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start: what the studio's clock shows, and the instant; ``moved`` where the clock never shows that time on that day."""

    wall: datetime
    at: datetime
    moved: bool = False


def weekly_rule(*, weekdays: Sequence[int], every: int, until: date) -> str:
    """Return the RRULE of some weekdays (Monday is 0) of every so manieth week, through the local day ``until``."""
    days = ",".join(WEEKDAYS[day] for day in sorted(set(weekdays)))
    return f"FREQ=WEEKLY;INTERVAL={every};BYDAY={days};UNTIL={until:%Y%m%d}T235959"


def starts(recurrence: Recurrence, *, timezone: str) -> tuple[Start, ...]:
    """Return the starts in order, at most 366 and within three years.

    :raises RuleError: for a rule that cannot be read, has no end within reach, or gives more than 366.
    """
    rule = _checked(recurrence.rule)
    try:
        walls = rrulestr(rule, dtstart=recurrence.first)
        found = list(islice(walls, MOST + 1))
    except (ValueError, TypeError, OverflowError) as error:
        raise RuleError(f"The rule cannot be read: {error}.") from error
    if len(found) > MOST:
        raise RuleError(f"The rule gives more than {MOST} sessions. Let it end sooner.")
    if found and found[-1] - recurrence.first > REACH:
        raise RuleError("The rule goes on for more than three years. Let it end sooner.")
    return tuple(
        Start(
            wall=wall,
            at=instant_of(wall, timezone=timezone),
            moved=not exists(wall, timezone=timezone),
        )
        for wall in found
        if wall.date() not in recurrence.skip
    )


def _checked(text: str) -> str:
    rule = text.strip().upper().removeprefix("RRULE:")
    parts = rule.split(";")
    if not rule or not all(_PART.fullmatch(part) for part in parts):
        raise RuleError("Write a rule such as FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20270630T235959.")
    names = [part.partition("=")[0] for part in parts]
    values = dict(part.split("=", 1) for part in parts)
    known = _KNOWN.get(values.get("FREQ", ""))
    if known is None:
        raise RuleError("FREQ must be DAILY, WEEKLY or MONTHLY.")
    if len(set(names)) != len(names) or not set(names) <= known:
        raise RuleError(f"A rule of FREQ={values['FREQ']} may have {', '.join(sorted(known))}, each once.")
    if values.get("INTERVAL", "1").lstrip("0") == "":
        raise RuleError("INTERVAL must be 1 or more.")
    if ("UNTIL" in values) == ("COUNT" in values):
        raise RuleError("Say where it ends: UNTIL=20270630T235959, or COUNT=12.")
    if values.get("UNTIL", "").endswith("Z"):
        raise RuleError("UNTIL is the studio's local time, without Z.")
    return rule
