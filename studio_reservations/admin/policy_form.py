"""The form of a policy: each field with its sentence, for the studio as it is in force, for a class with what it inherits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from wtforms import BooleanField, Form, StringField
from wtforms.validators import ValidationError

from studio_reservations.services.policies import STUDIO_ONLY, Field

MONTH_HOURS, DAY_MINUTES, TEN_YEARS_DAYS = 31 * 24, 24 * 60, 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number from ``least`` to ``most``; ``empty`` says what none means, where there may be none."""

    label: str
    help: str
    unit: str
    least: int = 0
    most: int
    empty: str | None = None

    def said(self, value: Any) -> str:
        """Return the value in words."""
        return str(self.empty) if value is None else f"{value:,} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Yes or no."""

    label: str
    help: str = ""

    def said(self, value: Any) -> str:
        """Return the value in words."""
        return "yes" if value else "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several, by value."""

    label: str
    help: str
    of: Mapping[str, str]

    def said(self, value: Any) -> str:
        """Return the value in words."""
        return self.of[value].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What belongs together on the page; ``folded``: shown when it is opened."""

    title: str
    fields: Mapping[str, Number | Switch | Choice]
    folded: bool = False


SECTIONS = (
    Section(
        title="Missing a class",
        fields={
            "grace_period_hours": Number(
                label="Time to explain",
                help="From 01:00 of the night after, or when staff mark it. Staff can waive it until the next 02:00 after that.",
                unit="hours",
                most=MONTH_HOURS,
            ),
            "auto_cancel_futures": Switch(
                label="Cancel later reservations",
                help="Those on the same pass are released for others when the time to explain is over.",
            ),
            "deduct_punch_on_no_show": Switch(
                label="A missed class costs a punch", help="Punch passes only. Waiving gives it back."
            ),
        },
    ),
    Section(
        title="Suspension",
        fields={
            "max_no_shows": Number(
                label="Suspend after",
                help="Classes missed without being waived. Empty: never.",
                unit="missed",
                least=1,
                most=1000,
                empty="never",
            ),
            "no_show_window_days": Number(
                label="Count those within",
                help="Empty: for ever. A suspension starts the count again at zero.",
                unit="days",
                least=1,
                most=TEN_YEARS_DAYS,
                empty="for ever",
            ),
            "suspension_days": Number(
                label="A suspension lasts",
                help="Nothing new can be reserved meanwhile. What is already reserved stays.",
                unit="days",
                least=1,
                most=TEN_YEARS_DAYS,
            ),
        },
    ),
    Section(
        title="Cancelling",
        fields={
            "cancellation_cutoff_hours": Number(
                label="Free until",
                help="On the studio’s clock: with 24 hours, for Sunday 10:00 that is Saturday 10:00, also when clocks change.",
                unit="hours before",
                most=MONTH_HOURS,
            ),
            "deduct_punch_on_late_cancel": Switch(
                label="A late cancellation costs a punch", help="Customers see the cost before they confirm."
            ),
            "late_cancel_counts_as_no_show": Switch(
                label="A late cancellation counts as missed",
                help="It counts toward a suspension. Later reservations stay.",
            ),
            "undo_minutes": Number(
                label="Undo a reservation within",
                help="Free of charge, even when it is too late to cancel free.",
                unit="minutes",
                most=DAY_MINUTES,
            ),
        },
    ),
    Section(
        title="Checking in",
        fields={
            "check_in_opens_minutes_before": Number(
                label="Opens",
                help="Before the start, for customers. Staff can check in all day.",
                unit="minutes before",
                most=DAY_MINUTES,
            ),
            "check_in_closes_minutes_after": Number(
                label="Closes",
                help="After the end. Whoever is not checked in by then is a no-show the next night.",
                unit="minutes after",
                most=DAY_MINUTES,
            ),
            "self_check_in": Choice(
                label="Customers check in by themselves",
                help="The door code changes on the kiosk’s screen. The kiosk itself and staff can always check in.",
                of={"anywhere": "Anywhere", "door_code": "Door code", "off": "No"},
            ),
        },
    ),
    Section(
        title="Messages to customers",
        folded=True,
        fields={
            "notify_confirmation": Switch(label="Reserved"),
            "notify_reminder": Switch(label="Reminder, 24 hours before"),
            "notify_check_in": Switch(label="Checked in"),
            "notify_no_show": Switch(
                label="Missed a class", help="With the time to explain, and how. Without it they may not know in time."
            ),
            "notify_auto_cancellation": Switch(label="Later reservations cancelled"),
            "notify_suspension": Switch(label="Suspended"),
            "notify_reinstatement": Switch(label="Suspension over"),
            "notify_cancelled": Switch(label="Cancelled by the customer"),
            "notify_cancelled_by_studio": Switch(label="Cancelled by the studio"),
            "notify_moved": Switch(label="Session moved"),
            "notify_restored": Switch(label="Reservation given back"),
            "notify_waived": Switch(label="Missed class waived"),
            "notify_late_charge": Switch(label="Charged for cancelling late"),
            "notify_pass_expiring": Switch(label="Pass ends soon"),
            "notify_sms_check_in": Switch(label="Text message, 2 hours before"),
            "notify_sms_last_call": Switch(label="Text message, last call"),
        },
    ),
)
FIELDS = {name: one for section in SECTIONS for name, one in section.fields.items()}


class OneOf(StringField):  # type: ignore[misc] # WTForms ships no types
    """One of ``offered``: the words that people read, by value."""

    offered: Mapping[str, str] = MappingProxyType({})

    def pre_validate(self, form: Form) -> None:
        """:raises ValidationError: for anything else."""
        if (self.data or "") not in self.offered:
            raise ValidationError("Choose one of these.")


class PolicyForm(Form):  # type: ignore[misc] # WTForms ships no types
    """What the forms of a studio and of a class share: a field of WTForms for each of `FIELDS` that they have."""

    of_class = False

    def values(self, in_force: Mapping[str, Field]) -> dict[str, Any]:
        """Return the whole policy for `put_policy`: what stays as the default or the studio has it is left out."""
        typed = {name: typed_value(name, self[name].data) for name in FIELDS if name in self}
        if self.of_class:
            return {name: value for name, value in typed.items() if value is not None}
        return {
            name: value
            for name, value in typed.items()
            if in_force[name].source != "default" or value != in_force[name].value
        }


def policy_form(given: Any, *, saved: Mapping[str, Field], studio: Mapping[str, Field] | None) -> PolicyForm:
    """Return the form with what was sent, or as it is saved; ``studio`` is what a class inherits, None for the studio's own."""
    form = _form_class(studio is not None)(given, data=as_typed(saved, of_class=studio is not None))
    for name, one in FIELDS.items():
        if name in form and isinstance(form[name], OneOf):
            offered = one.of if isinstance(one, Choice) else {"y": "Yes", "n": "No"}
            inherits = {} if studio is None else {"": f"As the studio: {one.said(studio[name].value)}"}
            form[name].offered = {**inherits, **offered}
    return form


def as_typed(fields: Mapping[str, Field], *, of_class: bool) -> dict[str, str]:
    """Return what the form holds where these are saved: a ticked box is ``y``, what a class inherits is empty."""
    shown = {}
    for name, one in FIELDS.items():
        if of_class and name in STUDIO_ONLY:
            continue
        value = fields[name].value if not of_class or fields[name].source == "class" else None
        if isinstance(one, Switch):
            shown[name] = {True: "y", False: "n" if of_class else "", None: ""}[value]
        else:
            shown[name] = "" if value is None else str(value)
    return shown


def typed_value(name: str, data: Any) -> Any:
    """Return the value that a valid field carries; None for an empty one."""
    if isinstance(data, bool):
        return data
    if data in (None, ""):
        return None
    one = FIELDS[name]
    if isinstance(one, Switch):
        return data == "y"
    return int(data) if isinstance(one, Number) else data


class _WholeNumber:
    def __init__(self, one: Number, *, may_be_empty: str | None) -> None:
        between = f"from {one.least:,} to {one.most:,}"
        self._one, self._may_be_empty = one, may_be_empty is not None
        self._sentence = f"Write a whole number {between}" + (
            f", or leave it empty: {may_be_empty}." if may_be_empty else "."
        )

    def __call__(self, form: Form, field: StringField) -> None:
        text = field.data or ""
        if text == "" and self._may_be_empty:
            return
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(self._one.most))
        if not plain or not self._one.least <= int(text) <= self._one.most:
            raise ValidationError(self._sentence)


def _stripped(text: str | None) -> str:
    return (text or "").strip()


@cache
def _form_class(of_class: bool) -> type[PolicyForm]:
    made: dict[str, Any] = {"of_class": of_class}
    for name, one in FIELDS.items():
        if of_class and name in STUDIO_ONLY:
            continue
        if isinstance(one, Number):
            empty = "as the studio" if of_class else one.empty
            checks = [_WholeNumber(one, may_be_empty=empty)]
            made[name] = StringField(one.label, checks, description=one.help, filters=[_stripped])
        elif isinstance(one, Choice) or of_class:
            made[name] = OneOf(one.label, description=one.help)
        else:
            made[name] = BooleanField(one.label, description=one.help)
    return type("ClassPolicyForm" if of_class else "StudioPolicyForm", (PolicyForm,), made)
