"""The catalogue: one title and one sentence for each code, in English. The voice is: what is so, then why, then what to do.

A code has its variants from the fullest to one that needs no value; the first whose values are all there is used. In a
placeholder, ``{limit:# seat|# seats}`` chooses by a count (with three parts: none, one, more), ``:day`` and ``:time`` show one
half of an instant, ``:word`` reads a name aloud and ``:titles`` a list of codes. `sentences` fills them.
"""

from __future__ import annotations

from typing import NamedTuple

from studio_reservations.language import N_

NAMED_VARIANTS = {"registration_inactive": "state", "step_already_reserved": "state", "sequence_not_met": "rule"}
"""Codes whose sentence depends on a name among their values; what differs stands under ``code.name``."""
OF_A_PLUGIN = N_("This pass cannot be used for this session. Ask the studio, or choose another pass.")
ABOUT_SOMEBODY = N_("About %(name)s: %(sentence)s")
"""What a plugin says to "you", where somebody else reads it: we cannot word it anew."""


WORDS = {
    "PENDING": N_("reserved"),
    "CHECKED_IN": N_("checked in"),
    "ATTENDED": N_("attended"),
    "NO_SHOW": N_("a no-show"),
    "CANCELLED": N_("cancelled"),
    "AUTO_CANCELLED": N_("cancelled automatically"),
    "ACTIVE": N_("active"),
    "FROZEN": N_("frozen"),
    "SCHEDULED": N_("scheduled"),
    "instructor": N_("instructor"),
    "front_desk": N_("front desk"),
    "manager": N_("manager"),
    "owner": N_("owner"),
}
"""States and roles as ``:word`` reads them aloud."""


class Wording(NamedTuple):
    """A title and the variants of its sentence, the fullest first; the last needs no value."""

    title: str
    variants: tuple[str, ...]


def _w(title: str, *variants: str) -> Wording:
    return Wording(title, variants)


CATALOGUE: dict[str, Wording] = {
    # The order of errors.py.
    "reservations_disabled": _w(
        "Reservations are not open yet",
        "Reservations are not open yet. The studio has not switched them on. Call the studio to reserve.",
    ),
    "registration_inactive": _w(
        "Pass not active", "This pass is not active. It can no longer be used. Ask the studio, or choose another pass."
    ),
    "registration_inactive.FROZEN": _w(
        "Pass not active",
        "This pass is frozen. It can be used again when the studio unfreezes it. Ask the studio, or choose another pass.",
    ),
    "registration_inactive.CANCELLED": _w(
        "Pass not active", "This pass is cancelled. It can no longer be used. Ask the studio, or choose another pass."
    ),
    "pass_type_unavailable": _w(
        "Pass cannot be used right now",
        "This kind of pass cannot be used right now. It is not your doing, and nothing is lost. "
        "Ask the studio, or choose another pass.",
    ),
    "class_not_covered": _w(
        "Class not covered",
        "Your passes do not cover {class_title}. Ask the studio for a pass that does.",
        "Your passes do not cover this class. Ask the studio for a pass that does.",
    ),
    "session_cancelled": _w(
        "Session cancelled", "The studio cancelled this session. You were charged nothing. Choose another session."
    ),
    "session_started": _w(
        "Session has begun",
        "This session began at {starts_at:time}. It can no longer be reserved or changed here. "
        "At the studio already? Ask at the desk.",
        "This session has begun. It can no longer be reserved or changed here. At the studio already? Ask at the desk.",
    ),
    "pass_not_yet_valid": _w(
        "Pass not valid yet",
        "This pass starts on {valid_from}. Choose a session from that day on.",
        "This pass starts after this session. Choose a later day or another pass.",
    ),
    "pass_expired": _w(
        "Pass ends before this session",
        "This pass ends on {valid_until}, before this session. Choose an earlier day or another pass.",
        "This pass ends before this session. Choose an earlier day or another pass.",
    ),
    "customer_suspended": _w(
        "New reservations are paused",
        "New reservations are paused through {ends_on}. {no_shows:# class was|# classes were} missed. "
        "What you hold stays. Ask the studio if that is wrong.",
        "New reservations are paused through {ends_on}. What you hold stays. Ask the studio if that is wrong.",
        "New reservations are paused. What you hold stays. Ask the studio if that is wrong.",
    ),
    "already_reserved": _w("Already reserved", "You already have a seat in this session. See your reservation."),
    "advance_limit_reached": _w(
        "Advance limit reached",
        "You can hold {limit:# upcoming reservation|# upcoming reservations} and have {used}. "
        "Come to one or cancel one, and a place opens.",
        "You hold as many upcoming reservations as this pass allows. Come to one or cancel one, and a place opens.",
    ),
    "session_full": _w(
        "Session full",
        "{capacity:This session has no seats|The only seat is taken|All # seats are taken}. Choose another session.",
        "All seats are taken. Choose another session.",
    ),
    "no_usable_pass": _w(
        "No usable pass",
        "{passes:You hold no pass at this studio. Ask the studio for one.|"
        "Your pass cannot be used for this session. See why, or ask the studio for another pass.|"
        "None of your # passes can be used for this session. See why for each, or ask the studio for another.}",
        "No pass of yours can be used for this session. Ask the studio for one that can.",
    ),
    "punches_exhausted": _w(
        "No punch left",
        "{remaining:No punches are left on this pass. Ask for a new pass, or choose another.|"
        "Your last punch is held for another day. Cancel that one, or ask for a new pass.|"
        "Your # remaining punches are held for other days. Cancel one of those, or ask for a new pass.}",
        "No punch of this pass is free. Ask for a new pass, or choose another.",
    ),
    "step_already_reserved": _w(
        "Part already reserved",
        "You already hold part {step}, on {starts_at:day}. To change the day, move that one.",
        "You already hold this part. To change the day, move that one.",
    ),
    "step_already_reserved.ATTENDED": _w(
        "Part already reserved",
        "You went to part {step} on {starts_at:day}. Each part is taken once. Choose another part.",
    ),
    "sequence_not_met": _w(
        "An earlier part comes first",
        "Part {step} opens when you have been to part {missing}. Yours is on {starts_at:day}.",
        "Part {step} opens when you have been to part {missing}, which was missed on {missed_at:day}. Make that one up first.",
        "Part {step} opens when you have been to part {missing}. Reserve that one first.",
        "This part opens when you have been to the earlier ones. Reserve those first.",
    ),
    "sequence_not_met.reserved": _w(
        "An earlier part comes first",
        "Part {step} comes after part {missing}. Yours is on {starts_at:day}. Choose a session after that.",
        "Part {step} comes after part {missing}, which was missed on {missed_at:day}. Make that one up first.",
        "Part {step} comes after part {missing}. Reserve that one first.",
        "This part comes after the earlier ones. Reserve those first.",
    ),
    "makeup_required": _w(
        "Only as a makeup",
        "You missed part {step}. It can be taken again as a makeup only. Choose the missed class that this makes up for.",
        "You missed this part. It can be taken again as a makeup only. Choose the missed class that this makes up for.",
    ),
    "makeup_not_allowed": _w(
        "No makeup here",
        "Part {step} cannot be taken as a makeup here. Ask the studio.",
        "This session cannot be taken as a makeup. Reserve it without, or ask the studio.",
    ),
    "invalid_transition": _w(
        "Not possible any more",
        "This is {state:word} now, so that cannot be done. Reload to see how it stands.",
        "That cannot be done as things stand now. Reload to see how they stand.",
    ),
    "cancellation_not_free": _w(
        "Cancelling is not free",
        "Free cancellation ended on {free_until}. "
        "{punches:Cancelling now counts as late|Cancelling now costs 1 punch|Cancelling now costs # punches}. "
        "Confirm that, or keep the reservation.",
        "Free cancellation has ended. Confirm the cost, or keep the reservation.",
    ),
    "capacity_below_taken": _w(
        "More seats are taken",
        "{taken:# seat is|# seats are} taken, more than {capacity}. Choose at least {taken}, or cancel reservations first.",
        "More seats are taken than that. Choose more, or cancel reservations first.",
    ),
    "session_not_started": _w(
        "Session has not begun",
        "This session begins on {starts_at}. That can be done from then on.",
        "This session has not begun. That can be done once it has.",
    ),
    "session_ended": _w(
        "Session is over",
        "This session ended on {ends_at}. It can no longer be changed.",
        "This session is over. It can no longer be changed.",
    ),
    "time_conflict": _w(
        "Changed in the meantime",
        "Somebody changed this in the meantime, or it clashes in time. Reload to see how it stands, then try again.",
    ),
    "punches_held": _w(
        "Punches are held",
        "{reservations:Reservations need|# reservation needs|# reservations need} the punches you take away. "
        "Look at the list and confirm, or take fewer.",
        "Reservations need the punches you take away. Look at the list and confirm, or take fewer.",
    ),
    "explanation_closed": _w("Time to explain is over", "The time to explain this is over. Ask the studio."),
    "already_explained": _w("Already explained", "Your explanation has been sent. The studio answers it."),
    "last_owner": _w(
        "The last owner stays",
        "This is the studio's only owner, without whom nobody could change its staff. Make somebody else an owner first.",
    ),
    "already_suspended": _w(
        "Already suspended",
        "This customer is suspended already, through {ends_on}. Lift that suspension first.",
        "This customer is suspended already. Lift that suspension first.",
    ),
    "check_in_too_early": _w(
        "Check-in is not open yet",
        "Check-in opens on {opens_at}. Come back then, or ask at the desk.",
        "Check-in is not open yet. Come back later, or ask at the desk.",
    ),
    "check_in_too_late": _w(
        "Check-in has closed",
        "Check-in closed at {closes_at:time}. Were you there? Tell the studio: it can still check you in.",
        "Check-in has closed. Were you there? Tell the studio: it can still check you in.",
    ),
    "not_class_day": _w(
        "Not the day of the class",
        "The class is on {opens_at:day}. Check in on that day; staff can override it with a reason.",
        "This is not the day of the class. Check in on that day; staff can override it with a reason.",
    ),
    "self_check_in_off": _w("Check in at the desk", "This studio checks people in at the desk. Ask there."),
    "code_invalid": _w("Code not valid", "This code is not valid here. Check it, or find the name instead."),
    "code_expired": _w("Code no longer valid", "This code is no longer valid. Show a new one, or ask at the desk."),
    "invalid_request": _w(
        "Some values cannot be used",
        "{errors:Something sent cannot be used|# value cannot be used|# values cannot be used}: {errors}. "
        "Correct what is named and send it again.",
        "Something sent cannot be used. Correct it and send it again.",
    ),
    "invalid_cursor": _w("Unknown cursor", "This cursor is not known here. Start again from the first page."),
    "override_not_allowed": _w(
        "Cannot be overridden",
        "This cannot be overridden here: {rules:titles}. Leave it out, or ask somebody with another role.",
        "This cannot be overridden here. Leave it out, or ask somebody with another role.",
    ),
    "reason_required": _w("A reason is needed", "This needs a reason. Say why in a few words."),
    "idempotency_key_reused": _w(
        "Idempotency key used before", "This Idempotency-Key was used for another request. Take a new key."
    ),
    "idempotency_in_progress": _w(
        "Still in progress", "The same request is still being worked on. Wait a moment, then send it again."
    ),
    "malformed_json": _w(
        "Not readable as JSON", "What was sent is not readable as JSON. Correct it and send it again."
    ),
    "not_authenticated": _w("Not logged in", "You are not logged in. Log in, or send a valid token."),
    "forbidden": _w(
        "Not allowed",
        "This takes the role {role:word} at this studio. Ask somebody who has it.",
        "This is not allowed to you. Ask the studio.",
    ),
    "csrf_failed": _w("Page out of date", "The safety token is missing or out of date. Reload the page and try again."),
    "not_found": _w("Not found", "There is nothing here under that address, or it is not yours to see."),
    "method_not_allowed": _w(
        "Method not allowed", "This address does not answer that method. See the API's documentation."
    ),
    "payload_too_large": _w(
        "Too large",
        "What was sent is larger than {limit:# byte|# bytes}. Send less at once.",
        "What was sent is too large. Send less at once.",
    ),
    "unsupported_media_type": _w("Only JSON", "Only JSON is read here. Send it with Content-Type: application/json."),
    "rate_limited": _w(
        "Too many requests",
        "Too many requests at once. Wait {retry_after:# second|# seconds}, then try again.",
        "Too many requests at once. Wait a little, then try again.",
    ),
    "internal_error": _w(
        "Something went wrong",
        "Something went wrong on our side. Try again; if it stays so, give the studio this reference: {reference}.",
        "Something went wrong on our side. Try again; if it stays so, tell the studio.",
    ),
    "try_again": _w("Try again", "Many people are reserving right now. Nothing was changed. Try again in a moment."),
}

OF_SOMEBODY: dict[str, tuple[str, ...]] = {
    "class_not_covered": (
        N_("No pass of {name} covers {class_title}. Ask the studio for one that does."),
        N_("No pass of {name} covers this class. Ask the studio for one that does."),
    ),
    "session_cancelled": (N_("The studio cancelled this session. Nothing was charged. Choose another session."),),
    "customer_suspended": (
        N_(
            "New reservations are paused through {ends_on}. {no_shows:# class was|# classes were} missed. "
            "What {name} holds stays. Ask the studio if that is wrong."
        ),
        N_(
            "New reservations are paused through {ends_on}. What {name} holds stays. Ask the studio if that is wrong.",
        ),
        N_("New reservations are paused. What {name} holds stays. Ask the studio if that is wrong."),
    ),
    "already_reserved": (N_("{name} already has a seat in this session. See the reservation."),),
    "advance_limit_reached": (
        N_(
            "{name} can hold {limit:# upcoming reservation|# upcoming reservations} and has {used}. "
            "Come to one or cancel one, and a place opens."
        ),
        N_(
            "{name} holds as many upcoming reservations as this pass allows. "
            "Come to one or cancel one, and a place opens."
        ),
    ),
    "no_usable_pass": (
        N_(
            "{passes:No pass is held at this studio. Ask the studio for one.|"
            "The pass cannot be used for this session. See why, or ask the studio for another pass.|"
            "None of the # passes can be used for this session. See why for each, or ask the studio for another.}"
        ),
        N_("No pass of {name} can be used for this session. Ask the studio for one that can."),
    ),
    "punches_exhausted": (
        N_(
            "{remaining:No punches are left on this pass. Ask for a new pass, or choose another.|"
            "The last punch is held for another day. Cancel that one, or ask for a new pass.|"
            "The # remaining punches are held for other days. Cancel one of those, or ask for a new pass.}"
        ),
    ),
    "step_already_reserved": (
        N_("{name} already holds part {step}, on {starts_at:day}. To change the day, move that one."),
        N_("{name} already holds this part. To change the day, move that one."),
    ),
    "step_already_reserved.ATTENDED": (
        N_("{name} went to part {step} on {starts_at:day}. Each part is taken once. Choose another part."),
    ),
    "sequence_not_met": (
        N_("Part {step} opens when {name} has been to part {missing}. It is reserved on {starts_at:day}."),
        N_(
            "Part {step} opens when {name} has been to part {missing}, which was missed on {missed_at:day}. "
            "Make that one up first."
        ),
        N_("Part {step} opens when {name} has been to part {missing}. Reserve that one first."),
        N_("This part opens when {name} has been to the earlier ones. Reserve those first."),
    ),
    "sequence_not_met.reserved": (
        N_(
            "Part {step} comes after part {missing}. {name} has that one on {starts_at:day}. "
            "Choose a session after that."
        ),
    ),
    "makeup_required": (
        N_(
            "{name} missed part {step}. It can be taken again as a makeup only. "
            "Choose the missed class that this makes up for."
        ),
        N_(
            "{name} missed this part. It can be taken again as a makeup only. "
            "Choose the missed class that this makes up for."
        ),
    ),
    "check_in_too_late": (
        N_(
            "Check-in closed at {closes_at:time}. Was {name} there? Tell the studio: it can still check them in.",
        ),
        N_("Check-in has closed. Was {name} there? Tell the studio: it can still check them in."),
    ),
}
"""The same, said to whoever acts for somebody else: sentences that are "you" above, by the key there. ``name`` is theirs."""
