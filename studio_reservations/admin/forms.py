"""Small forms that several staff screens share."""

from __future__ import annotations

from collections.abc import Mapping

from wtforms import Form, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

REASON = Length(max=1000, message="Write at most 1,000 characters.")


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


def choices(words: Mapping[str, str]) -> list[SelectChoice]:
    """Return what a field offers: each value with its words."""
    return [SelectChoice(value, label) for value, label in words.items()]


class ReasonForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Why, kept in the history; may be left empty."""

    reason = TextAreaField("Reason, kept in the history", [Optional(), REASON], filters=[_stripped])


class NeededReasonForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Why, kept in the history; must be said."""

    reason = StringField(
        "Reason, kept in the history", [InputRequired("Write why: the history keeps it."), REASON], filters=[_stripped]
    )
