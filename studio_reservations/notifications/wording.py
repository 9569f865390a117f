"""What the templates of messages may say: values as people read them, in the studio's zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from studio_reservations.language import ENGLISH, N_, Language
from studio_reservations.notifications.occasions import Occasion
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.policies.local_time import local_date, zone
from studio_reservations.policies.pass_words import PUNCH, amount, held_pass_of, unit_of

LinkOf = Callable[[Any], str | None]
PASS_NAMES: Mapping[str, str] = {
    "unlimited_series": N_("unlimited series"),
    "punch_pass": N_("punch pass"),
    "full_course": N_("full course"),
    "drop_in": N_("drop in"),
}
"""The kinds of pass that come with us, as they stand within a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Instants (or their ISO text) and days in words, as seen at ``now`` in the studio's zone; another year is named."""

    timezone: str
    now: datetime
    language: Language = ENGLISH

    def day(self, value: datetime | date | str) -> str:
        """Return such as ``Tue 24 November``."""
        return self.language.day(self._local(value), "sentence", today=local_date(self.now, timezone=self.timezone))

    def time(self, value: datetime | str) -> str:
        """Return such as ``18:30``."""
        local = self._local(value)
        if not isinstance(local, datetime):
            raise TypeError(f"{value!r} is a day without a time.")
        return self.language.time(local)

    def when(self, value: datetime | str) -> str:
        """Return such as ``Tue 24 November, 18:30``."""
        return f"{self.day(value)}, {self.time(value)}"

    def near(self, value: datetime | str) -> str:
        """Return ``today``, ``tomorrow`` or such as ``on Tue 24 November``."""
        if (away := self.days_away(value)) in (0, 1):
            return self.language.text(N_("tomorrow") if away else N_("today"))
        return self.language.text(N_("on %(day)s")) % {"day": self.day(value)}

    def days_away(self, value: datetime | date | str) -> int:
        """Return how many days there are from today until that day."""
        local = self._local(value)
        day = local.date() if isinstance(local, datetime) else local
        return (day - local_date(self.now, timezone=self.timezone)).days

    def _local(self, value: datetime | date | str) -> datetime | date:
        if isinstance(value, str):
            value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        return value.astimezone(zone(self.timezone)) if isinstance(value, datetime) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A reservation as its ticket shows it."""

    row: Any
    class_title: str
    part: str | None
    starts_at: datetime
    when: str
    day: str
    hours: str
    weekday: str
    number: str
    month: str
    where: str | None
    teacher: str | None
    guest: str | None
    url: str | None


def seat_of(row: Any, *, calendar: Calendar, link: LinkOf) -> Seat:
    """Return a reservation's ticket."""
    language, local = calendar.language, row.starts_at.astimezone(zone(calendar.timezone))
    part = None
    if row.step_position is not None:
        named = row.step_title and row.step_title.strip().lower() != f"part {row.step_position}"
        message = N_("Part %(n)s: %(title)s") if named else N_("Part %(n)s")
        part = language.text(message) % {"n": row.step_position, "title": row.step_title}
    return Seat(
        row=row,
        class_title=" ".join(row.class_title.split()),
        part=part,
        starts_at=row.starts_at,
        when=calendar.when(row.starts_at),
        day=calendar.day(row.starts_at),
        hours=f"{calendar.time(row.starts_at)}–{calendar.time(row.ends_at)}",
        weekday=language.day(local, "short weekday"),
        number=str(local.day),
        month=language.day(local, "short month"),
        where=row.location,
        teacher=row.instructor,
        guest=row.guest_name,
        url=link(row.id),
    )


def context_of(
    occasion: Occasion, *, now: datetime, link: LinkOf, pass_types: PassTypes, language: Language = ENGLISH
) -> dict[str, Any]:
    """Return the names that a message's template may use; a name that is not here is an error, which parks the message."""
    calendar = Calendar(timezone=occasion.studio.timezone, now=now, language=language)
    seats = [seat_of(one, calendar=calendar, link=link) for one in occasion.subjects]
    customer = occasion.customer
    recipient = occasion.delivery.recipient
    saying = _Saying(language)
    held = None
    if occasion.held_pass is not None:
        held = held_pass_of(occasion.held_pass, now=now, timezone=occasion.studio.timezone)
    counts_punches = held is None or unit_of(held, pass_types=pass_types) == PUNCH
    is_own = customer is not None and recipient in (customer.email, customer.phone)
    return {
        "event": occasion.delivery.event,
        "studio": occasion.studio,
        "customer": customer,
        "for_name": None if is_own or customer is None else " ".join(customer.name.split()),
        "details": _Details(occasion.payload),
        "seat": seats[0] if seats else None,
        "seats": seats,
        "cause": seat_of(occasion.cause, calendar=calendar, link=link) if occasion.cause is not None else None,
        "held_pass": occasion.held_pass,
        "pass_name": _pass_name(occasion, pass_types, language),
        "suspension": occasion.suspension,
        "now": now,
        "at": occasion.delivery.at,
        "day": calendar.day,
        "time": calendar.time,
        "when": calendar.when,
        "near": calendar.near,
        "days_away": calendar.days_away,
        "language": language,
        "say": saying.say,
        "says": saying.says,
        "punches": saying.punches,
        "counted": saying.counted,
        "counts_punches": counts_punches,
        "amount": saying.punches
        if held is None
        else partial(amount, held=held, pass_types=pass_types, language=language),
    }


class _Details(dict[str, Any]):
    """An event's own values; one that it does not have is None, so that templates can ask for it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)

    def __missing__(self, key: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return self[name]


class _Saying:
    """What templates say in one language: plain words, for the layouts escape them."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def say(self, message: str, **values: Any) -> str:
        """Return the translated message, each ``%(name)s`` filled."""
        return self._language.text(message) % values if values else self._language.text(message)

    def says(self, one: str, many: str, count: int, **values: Any) -> str:
        """Return the translated message for that many; ``%(n)s`` is the number."""
        told = str(self._language.translations.ungettext(one, many, count))
        return told % {"n": self._language.number(count), **values}

    def punches(self, count: int) -> str:
        """Return such as ``1 punch`` or ``3 punches``."""
        return self.says("%(n)s punch", "%(n)s punches", count)

    def counted(self, count: int, one: str, many: str) -> str:
        """Return ``one`` or ``many``, which a template brings itself, with its number in the place of ``#``."""
        return (one, many)[self._language.form_of(count)].replace("#", self._language.number(count))


def _pass_name(occasion: Occasion, pass_types: PassTypes, language: Language) -> str | None:
    """Return such as ``punch pass``; another maker's as it is called, and by its key where it is missing."""
    source = occasion.held_pass if occasion.held_pass is not None else occasion.seat
    if source is None:
        return None
    if source.pass_type in PASS_NAMES:
        return language.text(PASS_NAMES[source.pass_type])
    found = pass_types.find(source.pass_type)
    return source.pass_type.replace("_", " ") if found is None else found.say(found.label, language=language.tag)
