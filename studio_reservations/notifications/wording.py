"""What the templates of messages may say: values as people read them, in the studio's zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from studio_reservations.notifications.occasions import Occasion
from studio_reservations.policies.local_time import local_date, zone

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LinkOf = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Instants (or their ISO text) and days in words, as seen at ``now`` in the studio's zone; another year is named."""

    timezone: str
    now: datetime

    def day(self, value: datetime | date | str) -> str:
        """Return such as ``Tue 24 November``."""
        day = self._local(value)
        year = "" if day.year == local_date(self.now, timezone=self.timezone).year else f" {day.year}"
        return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}{year}"

    def time(self, value: datetime | str) -> str:
        """Return such as ``18:30``."""
        return f"{self._local(value):%H:%M}"

    def when(self, value: datetime | str) -> str:
        """Return such as ``Tue 24 November, 18:30``."""
        return f"{self.day(value)}, {self.time(value)}"

    def near(self, value: datetime | str) -> str:
        """Return ``today``, ``tomorrow`` or such as ``on Tue 24 November``."""
        local, today = self._local(value), local_date(self.now, timezone=self.timezone)
        day = local.date() if isinstance(local, datetime) else local
        return {today: "today", today + timedelta(days=1): "tomorrow"}.get(day, f"on {self.day(value)}")

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
    local = row.starts_at.astimezone(zone(calendar.timezone))
    part = None
    if row.step_position is not None:
        named = row.step_title and row.step_title.strip().lower() != f"part {row.step_position}"
        part = f"Part {row.step_position}: {row.step_title}" if named else f"Part {row.step_position}"
    return Seat(
        row=row,
        class_title=" ".join(row.class_title.split()),
        part=part,
        starts_at=row.starts_at,
        when=calendar.when(row.starts_at),
        day=calendar.day(row.starts_at),
        hours=f"{calendar.time(row.starts_at)}–{calendar.time(row.ends_at)}",
        weekday=DAYS[local.weekday()],
        number=str(local.day),
        month=MONTHS[local.month - 1][:3],
        where=row.location,
        teacher=row.instructor,
        guest=row.guest_name,
        url=link(row.id),
    )


def punches(count: int) -> str:
    """Return such as ``1 punch`` or ``3 punches``."""
    return "1 punch" if count == 1 else f"{count:,} punches"


def counted(count: int, one: str, many: str) -> str:
    """Return ``one`` or ``many`` with its number in the place of ``#``."""
    return (one if count == 1 else many).replace("#", f"{count:,}")


def context_of(occasion: Occasion, *, now: datetime, link: LinkOf) -> dict[str, Any]:
    """Return the names that a message's template may use; a name that is not here is an error, which parks the message."""
    calendar = Calendar(timezone=occasion.studio.timezone, now=now)
    seats = [seat_of(one, calendar=calendar, link=link) for one in occasion.seats]
    customer = occasion.customer
    recipient = occasion.delivery.recipient
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
        "pass_name": _pass_name(occasion),
        "suspension": occasion.suspension,
        "now": now,
        "at": occasion.delivery.at,
        "day": calendar.day,
        "time": calendar.time,
        "when": calendar.when,
        "near": calendar.near,
        "punches": punches,
        "counted": counted,
    }


class _Details(dict[str, Any]):
    """An event's own values; one that it does not have is None, so that templates can ask for it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)

    def __missing__(self, key: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return self[name]


def _pass_name(occasion: Occasion) -> str | None:
    source = occasion.held_pass if occasion.held_pass is not None else occasion.seat
    return None if source is None else source.pass_type.replace("_", " ")
