"""The few words in which a tile tells of a pass, a check-in and what is special."""

from __future__ import annotations

from studio_reservations.admin.pass_words import counted
from studio_reservations.pass_types import Remaining
from studio_reservations.services.actors import KIOSK_ID
from studio_reservations.services.roster_tiles import Tile

FLAGS = {
    "prerequisite_lost": "Earlier part lost",
    "uncharged_check_in": "Not charged",
    "no_show_not_charged": "Not charged",
    "charge_shortfall": "Charged in part",
    "time_conflict": "Clashes",
    "sequence_not_met": "Out of order",
    "pass_expired": "Pass ends before",
    "pass_not_yet_valid": "Pass starts later",
}
"""What staff read for the flags of a reservation; any other is read aloud."""


def left_words(tile: Tile, *, short: bool = False) -> str:
    """Return what is left on the pass: its punches, what its plugin counts, or what it is called."""
    remaining, included = tile.remaining, tile.row.ClassRegistration.sessions_included
    left = "" if short else " left"
    if tile.left is not None and (included or 0) > 1:
        return f"{counted(tile.left, remaining.unit)}{left}"
    if tile.left is None and remaining.available is not None and remaining.included is not None:
        return f"{remaining.available} of {counted(remaining.included, remaining.unit)}{left}"
    # A limit that nobody counts is none: the name of the pass has no more to say.
    return "Unlimited" if tile.left is None and remaining == Remaining(unit=remaining.unit) else tile.label


def act_words(action: str) -> str:
    """Return what staff read for an act of the history."""
    name = action.partition(".")[2]
    return "Reserved" if name == "created" else name.replace("_", " ").replace("no show", "no-show").capitalize()


def flag_words(flag: str) -> str:
    """Return what staff read for a flag."""
    return FLAGS.get(flag) or flag.replace("_", " ").capitalize()


def where_words(tile: Tile) -> str:
    """Return where they checked in."""
    if tile.row.check_in_method == "STAFF":
        return "desk"
    if tile.row.check_in_method == "AUTO":
        return "integration"
    return "kiosk" if str(tile.row.checked_in_by or "").startswith(KIOSK_ID) else "phone"
