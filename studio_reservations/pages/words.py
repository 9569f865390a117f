"""What our templates can call: texts, dates in the studio's zone, addresses. Names that a portal's base template has not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from babel.lists import format_list
from markupsafe import Markup

from studio_reservations import sentences
from studio_reservations.csp import nonce
from studio_reservations.csrf import csrf_token
from studio_reservations.errors import CsrfFailed, InvalidRequest, InvalidTransition, StudioError
from studio_reservations.language import N_, Language
from studio_reservations.pages.assets import asset
from studio_reservations.pages.back import came_from, here, place_of
from studio_reservations.pages.strips import strip_of
from studio_reservations.policies.local_time import local_date, zone
from studio_reservations.services.listings import at_risk, window_of
from studio_reservations.wording import WORDS

if TYPE_CHECKING:
    from studio_reservations.pages.calls import Call

PLACES = {"calendar": N_("Calendar"), "sessions": N_("Sessions"), "course": N_("Course")}
"""How the link back to a page reads, by the first word of its address."""

NOT_YET = {
    "explain": N_("Not sent yet"),
    "save_messages": N_("Not saved yet"),
    "save_details": N_("Not saved yet"),
    "move_now": N_("Not moved yet"),
    "delete_data_now": N_("Not deleted yet"),
    "check_in": N_("Not checked in yet"),
    "reserve": N_("Not reserved yet"),
}
"""What heads a form that is not filled in as it should be, by its action."""
NOT_DONE = N_("Not done yet")

NAVIGATION = (
    ("passes", N_("Passes"), "pass"),
    ("calendar", N_("Calendar"), "cal"),
    ("sessions", N_("Sessions"), "list"),
    ("settings", N_("Settings"), "gear"),
)
"""Endpoint, title and icon of what stands in the masthead."""

STATES = {
    "PENDING": ("is-pending", "ring", N_("Reserved")),
    "CHECKED_IN": ("is-checked", "check", N_("Checked in")),
    "ATTENDED": ("is-attended", "checks", N_("Attended")),
    "NO_SHOW": ("is-noshow", "cross", N_("Missed")),
    "CANCELLED": ("is-cancelled", "minus", N_("Cancelled")),
    "AUTO_CANCELLED": ("is-auto", "auto", N_("Cancelled automatically")),
}
"""Class, icon and word of each state of a reservation, as customers read it."""


class Words:
    """Dates and times as one reader reads them, at one instant; days and hours are those of the studio's zone."""

    def __init__(self, language: Language, *, now: datetime) -> None:
        self._language = language
        self._now = now

    def on_day(self, value: datetime | date, timezone: str, style: str = "short") -> str:
        """Return such as ``Fri 27 Nov``, or in another style of `language.PATTERNS`; another year is named."""
        today = self._today(timezone) if f"{style} with year" in _WITH_YEAR else None
        return self._language.day(_local(value, timezone), style, today=today)

    def at_time(self, value: datetime, timezone: str) -> str:
        """Return such as ``18:30``."""
        return self._language.time(value.astimezone(zone(timezone)))

    def hours(self, row: Any, timezone: str) -> str:
        """Return such as ``18:30–20:30`` of a row with ``starts_at`` and ``ends_at``."""
        return f"{self.at_time(row.starts_at, timezone)}–{self.at_time(row.ends_at, timezone)}"

    def near_day(self, value: datetime | date, timezone: str, style: str = "short") -> str:
        """Return ``Today``, ``Tomorrow``, or the day."""
        away = _local(value, timezone) - self._today(timezone)
        if away == timedelta(0):
            return self._language.say("Today")
        return self._language.say("Tomorrow") if away == timedelta(days=1) else self.on_day(value, timezone, style)

    def when(self, value: datetime, timezone: str) -> str:
        """Return such as ``Fri 27 Nov, 18:30``."""
        return f"{self.on_day(value, timezone)}, {self.at_time(value, timezone)}"

    def days_of(self, rows: Iterable[Any]) -> str:
        """Return the days on which these rows start, such as ``16 October, 6 November and 19 November``."""
        days = [self.on_day(row.starts_at, row.timezone, "day and month") for row in rows]
        return format_list(days, locale=self._language.locale)

    def left(self, until: datetime) -> str:
        """Return the time left until an instant, such as ``8 h 8 min``, ``8 h`` or ``3 days``."""
        minutes = max(0, int((until - self._now).total_seconds()) // 60)
        if minutes >= 48 * 60:
            return self._language.says("%(n)s day", "%(n)s days", minutes // (24 * 60))
        if minutes >= 60 and minutes % 60:
            return self._language.say("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)
        if minutes >= 60:
            return self._language.say("%(hours)s h", hours=minutes // 60)
        return self._language.say("%(minutes)s min", minutes=minutes)

    def at_risk(self, row: Any) -> datetime | None:
        """Return the night that cancels a reservation for a class that was missed, or None."""
        return at_risk(row, now=self._now)

    def _today(self, timezone: str) -> date:
        return local_date(self._now, timezone=timezone)


def helpers(call: Call) -> dict[str, Any]:
    """Return the context of every template of ours."""
    words = Words(call.language, now=call.now)
    return {
        "studio_page": call,
        "studio_csrf": csrf_token,
        "studio_back": here,
        "studio_way_back": _way_back(call),
        "studio_nonce": nonce,
        "studio_described": _described(call),
        "studio_now": call.now,
        "studio_day": timedelta(days=1),
        "say": call.say,
        "says": call.says,
        "link": call.link,
        "asset": asset,
        "on_day": words.on_day,
        "at_time": words.at_time,
        "hours": words.hours,
        "near_day": words.near_day,
        "when": words.when,
        "left": words.left,
        "at_risk": words.at_risk,
        "days_of": words.days_of,
        "window_of": window_of,
        "sentence": _sentences(call),
        "title_of": _titles(call),
        "strip": strip_of(call, words),
        "STATES": STATES,
        "NAVIGATION": NAVIGATION,
    }


def _way_back(call: Call) -> tuple[str, str] | None:
    """Return address and name of the page from which this one was opened."""
    address = came_from()
    title = PLACES.get(place_of(address)) if address else None
    return (address, call.say(title)) if address and title else None


def _described(call: Call) -> Callable[..., Markup]:
    def described(name: str, of: str, more: str = "", *, focus: bool = True) -> Markup:
        """Return what a field with the id ``of`` is described by; one that is at fault has the focus."""
        if not call.fault(name):
            return Markup(' aria-describedby="{}"').format(more) if more else Markup("")
        led = Markup(" autofocus") if focus else Markup("")
        return Markup(' aria-invalid="true" aria-describedby="{}"{}').format(f"{of}-fault {more}".strip(), led)

    return described


def _titles(call: Call) -> Callable[[StudioError], str]:
    def title_of(error: StudioError) -> str:
        if isinstance(error, InvalidRequest):
            return call.say(NOT_YET.get(call.route.name, NOT_DONE))
        return sentences.title_of(error, language=call.language)

    return title_of


def _sentences(call: Call) -> Callable[..., str]:
    def sentence(error: StudioError, timezone: str | None = None) -> str:
        if isinstance(error, InvalidRequest):  # a field and its fault: here the field is in sight
            return " ".join(call.language.text(str(one)) for one in error.values["errors"].values())
        if isinstance(error, CsrfFailed):  # here the form is in sight, made anew
            return call.say("This page was open for too long, so nothing was done. Press the button again.")
        if isinstance(error, InvalidTransition) and (state := WORDS.get(str(error.values.get("state")))):
            return call.say("This is %(state)s now, so that cannot be done any more.", state=call.say(state))
        known = timezone or error.values.get("timezone") or (call.timezones[0] if len(call.timezones) == 1 else None)
        person = None if call.is_own else call.first_name
        return sentences.sentence_of(error, timezone=known, language=call.language, person=person)

    return sentence


def _local(value: datetime | date, timezone: str) -> date:
    return local_date(value, timezone=timezone) if isinstance(value, datetime) else value


_WITH_YEAR = frozenset({"short with year", "sentence with year", "long with year", "day and month with year"})
