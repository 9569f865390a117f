"""What was just done, told at the top of the page on which one lands: by the address, so that nothing is kept for it.

After an action, ``call.go("passes", done="reserved", it=reservation_id)``; the address may be sent again, and the strip tells
what is still so: undo is offered while it is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request

from studio_reservations.errors import StudioError
from studio_reservations.language import N_
from studio_reservations.pages.ids import read_id
from studio_reservations.services.listings import reservation_for

if TYPE_CHECKING:
    from studio_reservations.pages.calls import Call
    from studio_reservations.pages.words import Words

DONE: Mapping[str, str] = {
    "reserved": N_("Reserved: %(what)s, %(when)s."),
    "undone": N_("Undone: %(what)s, %(when)s is no longer reserved. Nothing was charged."),
    "explained": N_("The studio has your explanation about %(what)s, %(when)s."),
    "cancelled": N_("Cancelled: %(what)s, %(when)s. Nothing was charged."),
    "cancelled_late": N_("Cancelled late: %(what)s, %(when)s. Its page says what it cost."),
    "moved": N_("Moved: now %(what)s, %(when)s."),
    "saved": N_("Saved."),
    "feed_deleted": N_("The address of the calendar is deleted. Calendars that follow it get nothing more."),
    "deleted": N_("The data was deleted."),
}
"""What each ``done`` says; ``%(what)s`` is the class, ``%(when)s`` the day and time."""

DONE_FOR: Mapping[str, str] = {
    "reserved": N_("Reserved for %(name)s: %(what)s, %(when)s."),
    "undone": N_("Undone for %(name)s: %(what)s, %(when)s is no longer reserved. Nothing was charged."),
    "cancelled": N_("Cancelled for %(name)s: %(what)s, %(when)s. Nothing was charged."),
    "cancelled_late": N_("Cancelled late for %(name)s: %(what)s, %(when)s. Its page says what it cost."),
    "moved": N_("Moved for %(name)s: now %(what)s, %(when)s."),
}
"""The same where one acts for several, of whom it names one."""

UNDOABLE = frozenset({"reserved"})
STILL: Mapping[str, str] = {
    "reserved": "PENDING",
    "moved": "PENDING",
    "undone": "CANCELLED",
    "cancelled": "CANCELLED",
    "cancelled_late": "CANCELLED",
}
"""The status in which the reservation still is, else the address is from before or made up, and nothing is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What was done, and the reservation that can be undone until ``undo_until``."""

    text: str
    row: Any = None
    undo_until: Any = None


def strip_of(call: Call, words: Words) -> Strip | None:
    """Return the strip that the address asks for, or None where it asks for none or for what is somebody else's."""
    kind = request.args.get("done", "")
    if kind not in DONE or call.refusal is not None:
        return None
    reservation_id = read_id(request.args.get("it"))
    if reservation_id is None:
        return Strip(text=call.say(DONE[kind])) if "%" not in DONE[kind] else None
    try:
        row = reservation_for(call.db_session, actor=call.actor, reservation_id=reservation_id)
    except StudioError:
        return None
    if row.customer_id != call.person.id:
        return None
    if row.status != STILL.get(kind, row.status):
        return None
    undoable = kind in UNDOABLE and call.now < row.starts_at and call.now <= row.undo_until
    what = f"{row.class_title}: {row.step_title}" if row.step_title else row.class_title
    told = DONE_FOR.get(kind, DONE[kind]) if call.for_name else DONE[kind]
    return Strip(
        text=call.say(told, what=what, when=words.when(row.starts_at, row.timezone), name=call.for_name),
        row=row,
        undo_until=row.undo_until if undoable else None,
    )
