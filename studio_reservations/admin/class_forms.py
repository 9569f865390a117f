"""The forms of classes, parts, sessions and series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from wtforms import (
    BooleanField,
    DateField,
    Form,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    widgets,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from studio_reservations.admin.forms import REASON, choices
from studio_reservations.errors import InvalidRequest
from studio_reservations.models import ClassSession, StudioClass
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.policies.local_time import instant_of
from studio_reservations.policies.recurring import weekly_rule
from studio_reservations.services.classes import ClassTerms, StepTerms
from studio_reservations.services.session_terms import LONGEST_TEXT, MOST_SEATS, SessionChanges

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT = Length(max=LONGEST_TEXT, message=f"Write at most {LONGEST_TEXT} characters.")
SEATS = NumberRange(0, MOST_SEATS, f"Write a number of seats from 0 to {MOST_SEATS:,}.")
MINUTES = NumberRange(1, 44_640, "Write minutes from 1 to 44,640.")


class Boxes(SelectMultipleField):  # type: ignore[misc] # WTForms ships no types
    """Several choices, each a box."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class ClassForm(Form):  # type: ignore[misc]
    """What is said of a class."""

    title = StringField("Name", [InputRequired("Write what the class is called."), SHORT])
    description = TextAreaField("What it is about", [Optional(), Length(max=10_000)])
    instructor = StringField("Taught by", [Optional(), SHORT])
    default_capacity = IntegerField("Seats", [InputRequired("Write how many seats."), SEATS])
    default_duration_minutes = IntegerField("Minutes", [InputRequired("Write how long it takes."), MINUTES])
    some_pass_types = BooleanField("Only some kinds of pass")
    allowed_pass_types = Boxes("Kinds of pass that may be used")
    active = BooleanField("Can be reserved", default=True)

    def offer(self, pass_types: PassTypes, studio_class: StudioClass | None = None) -> None:
        """Offer the installed kinds of pass, and those that the class names though they are gone."""
        labels = {one.key: one.label for one in pass_types}
        named = list(studio_class.allowed_pass_types or ()) if studio_class is not None else []
        gone = {key: f"{key} (not installed)" for key in named if key not in labels}
        self.allowed_pass_types.choices = choices(labels | gone)
        if studio_class is not None:
            self.some_pass_types.data = studio_class.allowed_pass_types is not None

    def kinds(self) -> list[str] | None:
        """Return the kinds of pass that may be used, None for every one."""
        return sorted(self.allowed_pass_types.data or ()) if self.some_pass_types.data else None

    def terms(self) -> ClassTerms:
        """Return what the service is told."""
        return ClassTerms(
            title=self.title.data.strip(),
            description=(self.description.data or "").strip() or None,
            instructor=(self.instructor.data or "").strip() or None,
            default_capacity=self.default_capacity.data,
            default_duration_minutes=self.default_duration_minutes.data,
            allowed_pass_types=self.kinds(),
            active=bool(self.active.data),
        )


class StepForm(Form):  # type: ignore[misc]
    """What is said of a part."""

    title = StringField("Name of the part", [InputRequired("Write what the part is called."), SHORT])
    requires_sequence = BooleanField("Only after the parts before it", default=True)
    allow_makeup = BooleanField("Can be made up for when missed", default=True)

    def terms(self) -> StepTerms:
        """Return what the service is told."""
        return StepTerms(
            title=(self.title.data or "").strip(),
            requires_sequence=bool(self.requires_sequence.data),
            allow_makeup=bool(self.allow_makeup.data),
        )


class _WithTeacher(Form):  # type: ignore[misc]
    location = StringField("Where", [Optional(), SHORT])
    instructor = StringField("Taught by, as customers read it", [Optional(), SHORT])
    instructor_id = SelectField("Whose roster it is", description="That person sees it and can check in.")
    capacity = IntegerField("Seats", [InputRequired("Write how many seats."), SEATS])
    minutes = IntegerField("Minutes", [InputRequired("Write how long it takes."), MINUTES])

    def _offer_teachers(self, teachers: Mapping[UUID, str], chosen: UUID | None = None) -> None:
        names = {str(one): name for one, name in teachers.items()}
        self.instructor_id.choices = choices({"": "Nobody in particular"} | names)
        if self.instructor_id.data is None or self.instructor_id.data == "None":
            self.instructor_id.data = str(chosen) if chosen else ""

    @staticmethod
    def chosen(one: Any) -> UUID | None:
        """Return the id that is chosen in a list, or None."""
        return UUID(one.data) if one.data else None


class SessionForm(_WithTeacher):
    """One session."""

    day = DateField("Day", [InputRequired("Choose the day.")])
    at = TimeField("Time", [InputRequired("Choose the time.")])
    reason = StringField("Reason, kept in the history and told to those who are moved", [Optional(), REASON])

    def offer(self, teachers: Mapping[UUID, str], chosen: UUID | None) -> None:
        """Offer those who work in the studio."""
        self._offer_teachers(teachers, chosen)

    def changes(self, class_session: ClassSession, *, timezone: str) -> SessionChanges:
        """Return what the service is told; the instants of a repeated hour stay as they were where nobody touched them."""
        changes = SessionChanges(
            capacity=self.capacity.data,
            location=(self.location.data or "").strip() or None,
            instructor=(self.instructor.data or "").strip() or None,
            instructor_id=self.chosen(self.instructor_id),
        )
        starts_at = instant_of(datetime.combine(self.day.data, self.at.data), timezone=timezone)
        length = timedelta(minutes=self.minutes.data)
        if starts_at.replace(second=0, microsecond=0) != class_session.starts_at.replace(second=0, microsecond=0):
            changes["starts_at"], changes["ends_at"] = starts_at, starts_at + length
        elif (class_session.ends_at - class_session.starts_at) // timedelta(minutes=1) != self.minutes.data:
            changes["ends_at"] = class_session.starts_at + length
        return changes


class SeriesForm(_WithTeacher):
    """One session, or a recurring series of them."""

    first = DateField("First day", [InputRequired("Choose the first day.")])
    at = TimeField("Time", [InputRequired("Choose the time.")])
    repeat = SelectField(
        "Repeats",
        choices=choices({"once": "Once", "weekly": "On some weekdays", "rule": "By a rule (RRULE)"}),
        default="once",
    )
    weekdays = Boxes("Weekdays", choices=choices({str(number): name for number, name in enumerate(WEEKDAYS)}))
    every = IntegerField("Every so many weeks", [Optional(), NumberRange(1, 52, "Write weeks from 1 to 52.")])
    until = DateField("Last day", [Optional()])
    rule = StringField("Rule", [Optional(), Length(max=500)])
    skip = TextAreaField("Days to leave out", [Optional(), Length(max=5_000)])
    step_id = SelectField("Part")

    def offer(self, steps: Iterable[Any], teachers: Mapping[UUID, str]) -> None:
        """Offer the class's parts and those who work in the studio."""
        parts = {str(one.id): f"{one.position}. {one.title}" for one in steps}
        self.step_id.choices = choices({"": "The whole class"} | parts)
        self.step_id.data = self.step_id.data or ""
        self._offer_teachers(teachers)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check what the chosen kind of repetition needs."""
        good = bool(super().validate(extra_validators))
        if self.repeat.data == "weekly":
            if not self.weekdays.data:
                self.weekdays.errors = [*self.weekdays.errors, "Choose at least one weekday."]
                good = False
            if self.until.data is None or (self.first.data and self.until.data < self.first.data):
                self.until.errors = [*self.until.errors, "Choose a last day that is not before the first."]
                good = False
        if self.repeat.data == "rule" and not (self.rule.data or "").strip():
            self.rule.errors = [*self.rule.errors, "Write a rule such as FREQ=WEEKLY;BYDAY=TU;COUNT=10."]
            good = False
        return good

    def rule_text(self) -> str:
        """Return the RRULE that the fields mean."""
        if self.repeat.data == "weekly":
            days = [int(one) for one in self.weekdays.data]
            return weekly_rule(weekdays=days, every=self.every.data or 1, until=self.until.data)
        return (self.rule.data or "").strip() if self.repeat.data == "rule" else "FREQ=DAILY;COUNT=1"

    def skipped(self) -> frozenset[date]:
        """Return the days to leave out. :raises InvalidRequest: for one that is none."""
        found = set()
        for word in (self.skip.data or "").replace(",", " ").split():
            try:
                found.add(date.fromisoformat(word))
            except ValueError:
                raise InvalidRequest(errors={"skip": f"Write days as 2026-12-25; “{word}” is none."}) from None
        return frozenset(found)


class CancelForm(Form):  # type: ignore[misc]
    """Why a session is cancelled."""

    reason = StringField("Reason, told to everybody in it", [Optional(), REASON])
