"""Small forms that several staff screens share."""

from __future__ import annotations

from wtforms import Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

REASON = Length(max=1000, message="Write at most 1,000 characters.")


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


class ReasonForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Why, kept in the history; may be left empty."""

    reason = TextAreaField("Reason, kept in the history", [Optional(), REASON], filters=[_stripped])


class NeededReasonForm(Form):  # type: ignore[misc] # WTForms ships no types
    """Why, kept in the history; must be said."""

    reason = StringField(
        "Reason, kept in the history", [InputRequired("Write why: the history keeps it."), REASON], filters=[_stripped]
    )
