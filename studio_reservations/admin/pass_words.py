"""A pass in words: how long it lasts, what is left, what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from studio_reservations.admin.people import say_day, say_when
from studio_reservations.models import RegistrationStatus
from studio_reservations.policies.pass_words import many
from studio_reservations.services.pass_cards import PassCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A pass as it is drawn: ``tags`` are a word with its colour, ``used`` of ``limit`` reservations are held in advance."""

    id: Any
    kind: str
    title: str
    holder: str
    holder_id: Any
    valid: str
    left: str
    more: str
    tags: tuple[tuple[str, str], ...]
    next: str
    used: int
    limit: int | None
    fault: str | None
    dead: bool
    counted: bool
    unit: str
    units: str


def ticket(card: PassCard, *, now: datetime) -> Ticket:
    """Return what is written on a pass."""
    row, held = card.row, card.held
    left, more = _left(card)
    return Ticket(
        id=row.id,
        kind=card.label,
        title=row.class_title or "All classes",
        holder=row.customer_name,
        holder_id=row.customer_id,
        valid=valid(row.valid_from, row.valid_until, now=now, timezone=row.timezone, over=card.over),
        left=left,
        more=more,
        tags=_tags(card, now),
        next=_next(card, now),
        used=card.upcoming,
        limit=held.max_advance_reservations,
        fault=card.fault,
        dead=row.status == RegistrationStatus.CANCELLED or card.over,
        counted=held.sessions_remaining is not None,
        unit=card.remaining.unit,
        units=many(card.remaining.unit),
    )


def figures(card: PassCard, *, now: datetime) -> list[tuple[str, str]]:
    """Return what the pass type shows beside the balance: label and value as they are read."""
    return [(one.label, _value(one.value, now=now, timezone=card.row.timezone)) for one in card.figures]


def valid(first: Any, last: Any, *, now: datetime, timezone: str, over: bool = False) -> str:
    """Return from when until when a pass can be used."""
    if first is None and last is None:
        return "Without an end"
    ends = "" if last is None else say_day(last, now=now, timezone=timezone)
    if first is None:
        return f"{'Ended' if over else 'Until'} {ends}"
    begins = say_day(first, now=now, timezone=timezone)
    return f"From {begins}, without an end" if last is None else f"{begins} to {ends}"


def counted(number: int, one: str) -> str:
    """Return a number of things: ``2 punches``."""
    return f"{number:,} {one if number == 1 else many(one)}"


def _value(value: Any, *, now: datetime, timezone: str) -> str:
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return say_when(value, now=now, timezone=timezone)
    if isinstance(value, date):
        return say_day(value, now=now, timezone=timezone)
    if isinstance(value, tuple):
        return ", ".join(value)
    return value if isinstance(value, str) else f"{value:,}"


def _left(card: PassCard) -> tuple[str, str]:
    held, remaining = card.held, card.remaining
    attended = f"{held.sessions_attended:,} attended"
    if held.sessions_remaining is not None:
        kept = held.punches_held
        free = max(0, held.sessions_remaining - kept)
        left = f"{counted(held.sessions_remaining, remaining.unit)} left"
        if kept > held.sessions_remaining:
            return left, f"{kept} reserved, {kept - held.sessions_remaining} of them without a {remaining.unit}"
        return left, f"{kept} held for reservations, {free} free" if kept else attended
    if remaining.available is not None and remaining.included is not None:
        return f"{remaining.available:,} of {counted(remaining.included, remaining.unit)} open", attended
    if remaining.available is not None:
        return f"{counted(remaining.available, remaining.unit)} open", attended
    return "No limit", attended


def _tags(card: PassCard, now: datetime) -> tuple[tuple[str, str], ...]:
    row = card.row
    tags = []
    if row.status == RegistrationStatus.CANCELLED:
        tags.append(("Cancelled", "is-bad"))
    elif row.status == RegistrationStatus.FROZEN:
        since = f" since {say_day(row.frozen_on, now=now, timezone=row.timezone)}" if row.frozen_on else ""
        tags.append((f"Frozen{since}", "is-warn"))
    elif card.over:
        tags.append(("Over", ""))
    elif card.begins_later:
        tags.append(("Not valid yet", "is-warn"))
    elif row.valid_until is not None and (row.valid_until - card.today).days <= 7:
        tags.append(("Ends soon", "is-warn"))
    if card.fault is not None:
        tags.append(("Plugin missing" if card.plugin_missing else "Plugin at fault", "is-bad"))
    return tuple(tags)


def _next(card: PassCard, now: datetime) -> str:
    row = card.row
    if card.coming:
        first, title = card.coming[0]
        more = len(card.coming) - 1
        rest = f", and {more} more" if more else ""
        return f"Next: {say_when(first.starts_at, now=now, timezone=row.timezone)}, {title}{rest}"
    if row.status == RegistrationStatus.FROZEN:
        return "Unfreezing lengthens it by the days it was frozen."
    if row.status == RegistrationStatus.CANCELLED or card.over:
        return "It can no longer be used."
    if card.held.sessions_remaining == 0:
        return "Nothing is left to reserve with."
    return "Nothing is reserved on it."
