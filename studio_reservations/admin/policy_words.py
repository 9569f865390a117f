"""A policy in sentences, and what a replay comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio_reservations.admin.policy_form import FIELDS
from studio_reservations.policies.past import Tally
from studio_reservations.services.policies import NOTIFY_FIELDS, Field
from studio_reservations.services.replaying import OFTEN, Comparison, Person

ROWS = {
    "no_shows": "No-shows",
    "reservations_cancelled": "Reservations cancelled",
    "late_cancellations": "Late cancellations",
    "late_cancellations_charged": "Of these charged",
    "late_cancellations_counted": "Of these counted",
    "punches_charged": "Punches charged",
    "customers_suspended": "Customers suspended",
    "reservations_refused": "Reservations refused",
}
SELF_CHECK_IN = {
    "anywhere": "Customers check in by themselves",
    "door_code": "Customers check in by themselves with the door code",
    "off": "Customers check in at the kiosk or the desk",
}
TIMES = {1: "once", 2: "twice"}


def sentences(fields: Mapping[str, Field]) -> list[str]:
    """Return the policy as a customer of the studio would be told it."""
    value = {name: one.value for name, one in fields.items()}
    later = (
        "then later reservations on the same pass are cancelled"
        if value["auto_cancel_futures"]
        else "later reservations stay"
    )
    within = "" if value["no_show_window_days"] is None else f" within {_days(value['no_show_window_days'])}"
    suspends = (
        "Nobody is suspended for missing classes."
        if value["max_no_shows"] is None
        else f"Whoever misses {_many(value['max_no_shows'], 'class', 'classes')}{within} cannot reserve "
        f"for {_days(value['suspension_days'])}."
    )
    silent = [FIELDS[name].label.lower() for name in NOTIFY_FIELDS if not value[name]]
    free = (
        f"Cancelling is free until {_many(value['cancellation_cutoff_hours'], 'hour')} before the start; "
        f"a new reservation can be undone for {_minutes(value['undo_minutes'])}."
    )
    door = (
        f"{SELF_CHECK_IN[value['self_check_in']]}, from {_minutes(value['check_in_opens_minutes_before'])} before "
        f"the start to {_minutes(value['check_in_closes_minutes_after'])} after the end."
    )
    return [
        f"Whoever misses a class has {_many(value['grace_period_hours'], 'hour')} to explain; {later}.",
        f"A missed class costs {'a' if value['deduct_punch_on_no_show'] else 'no'} punch.",
        suspends,
        free,
        f"Cancelling later {_late(value)}.",
        door,
        f"Not sent: {', '.join(silent)}." if silent else "Customers get every message.",
    ]


def differences(own: Mapping[str, Any], studio: Mapping[str, Field]) -> list[tuple[str, str, str]]:
    """Return what a class has of its own: the field, its value and the studio's, in words."""
    return [
        (one.label, one.said(own[name]), one.said(studio[name].value)) for name, one in FIELDS.items() if name in own
    ]


def tally_rows(today: Tally, yours: Tally) -> list[tuple[str, int, int]]:
    """Return the lines of the table: what, under today's policy, under yours."""
    return [(label, getattr(today, name), getattr(yours, name)) for name, label in ROWS.items()]


def summary(found: Comparison) -> str:
    """Return the change in one breath, its first two: ``+9 suspended, +24 punches``."""
    changes = [
        (found.yours.customers_suspended - found.today.customers_suspended, "suspended"),
        (found.yours.punches_charged - found.today.punches_charged, "punches"),
        (found.yours.reservations_cancelled - found.today.reservations_cancelled, "cancelled"),
        (found.yours.no_shows - found.today.no_shows, "no-shows"),
    ]
    told = [f"{signed(change)} {what}" for change, what in changes if change]
    return ", ".join(told[:2]) or "Nothing would have changed"


def signed(change: int) -> str:
    """Return a change with its sign, a true minus; ``same`` for none."""
    return "same" if change == 0 else f"+{change:,}" if change > 0 else f"−{-change:,}"


def headline(found: Comparison) -> str:
    """Return what happens to people, in a sentence."""
    newly, spared = len(found.newly), len(found.spared)
    if newly and spared:
        return f"{_many(newly, 'more person', 'more people')} suspended, {spared:,} spared."
    if newly:
        return f"{_many(newly, 'more person', 'more people')} suspended."
    if spared:
        return f"{_many(spared, 'person', 'people')} spared a suspension."
    if found.suspended:
        return "The same people are suspended."
    return "Nobody is suspended."


def regulars(found: Comparison) -> str:
    """Return who of the newly suspended came often all the same; empty where nobody did."""
    often = found.newly_though_often
    if not often:
        return ""
    who = f"{len(often):,} of them" if len(found.newly) > 1 else "They"
    return f"{who} missed {_times(often)} but came to {OFTEN} or more sessions in the same 90 days."


def person(one: Person) -> str:
    """Return what somebody missed and attended."""
    return f"{one.missed:,} missed, {one.attended:,} attended"


def _times(people: Iterable[Person]) -> str:
    missed = sorted({one.missed for one in people})
    most = TIMES.get(missed[-1], f"{missed[-1]:,} times")
    return most if len(missed) == 1 else f"at most {most}"


def _late(value: Mapping[str, Any]) -> str:
    costs = [
        words
        for words, holds in (
            ("costs a punch", value["deduct_punch_on_late_cancel"]),
            ("counts as a missed class", value["late_cancel_counts_as_no_show"]),
        )
        if holds
    ]
    return " and ".join(costs) or "costs nothing either"


def _days(count: int) -> str:
    return _many(count, "day")


def _minutes(count: int) -> str:
    return _many(count // 60, "hour") if count and count % 60 == 0 else _many(count, "minute")


def _many(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
