"""Only at the hours when the studio is quiet: some days of the week, between two times by its clock."""

from __future__ import annotations

from datetime import time
from typing import ClassVar, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator

from studio_reservations.errors import ReservationRefused
from studio_reservations.pass_types import Candidate, Figure, HeldPass, Options, PassType

Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
DAYS: tuple[Day, ...] = get_args(Day)
OTHER_HOURS = (
    "This pass is for sessions that begin between {opens} and {closes} on {days}. "
    "Choose one of those, or use another pass."
)


class OffPeakOnly(ReservationRefused):
    """``days``, and ``opens`` and ``closes`` as the studio's clock shows them."""

    code = "off_peak_only"
    sentence = OTHER_HOURS


FRENCH: dict[str, str] = {
    "Off-peak pass": "Forfait heures creuses",
    "Days": "Jours",
    "On which days sessions may begin.": "Les jours où les séances peuvent commencer.",
    "From": "De",
    "The earliest beginning, by the studio's clock.": "Le début au plus tôt, à l’heure du studio.",
    "Until": "À",
    "The latest beginning, by the studio's clock.": "Le début au plus tard, à l’heure du studio.",
    "Off peak only": "Heures creuses seulement",
    OTHER_HOURS: (
        "Ce forfait vaut pour les séances qui commencent entre {opens} et {closes} ({days}). "
        "Choisissez-en une, ou un autre forfait."
    ),
    **dict(zip(DAYS, ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"), strict=True)),
}


class OffPeakOptions(Options):
    """When the pass can be used."""

    days: tuple[Day, ...] = Field(
        default=DAYS[:5], min_length=1, max_length=7, title="Days", description="On which days sessions may begin."
    )
    opens: time = Field(default=time(9), title="From", description="The earliest beginning, by the studio's clock.")
    closes: time = Field(default=time(16), title="Until", description="The latest beginning, by the studio's clock.")

    @field_validator("closes")
    @classmethod
    def check_order(cls, closes: time, given: ValidationInfo) -> time:
        """:raises ValueError: where nothing lies between the two."""
        if closes < given.data.get("opens", closes):
            raise ValueError("The latest beginning cannot lie before the earliest.")
        return closes


class OffPeak(PassType):
    """Any session of the quiet hours, while the pass is valid."""

    contract = 1
    key = "off_peak"
    label = "Off-peak pass"
    rank = 8  # where it is good at all, it costs nothing and is good for little else
    Options = OffPeakOptions
    translations: ClassVar = {"fr": FRENCH}

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Allow what begins on one of the days between the two times, both inclusive.

        :raises OffPeakOnly:
        """
        start, opens, closes = session.local_start, *_hours(held)
        if DAYS[start.weekday()] not in held.options["days"] or not opens <= start.time() <= closes:
            raise OffPeakOnly(days=_days(held), opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}")

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        """Return the days and the hours, for the card."""
        opens, closes = _hours(held)
        return (
            Figure(key="days", label="Days", value=tuple(_days(held))),
            Figure(key="opens", label="From", value=f"{opens:%H:%M}"),
            Figure(key="closes", label="Until", value=f"{closes:%H:%M}"),
        )


def _days(held: HeldPass) -> list[str]:
    return [day for day in DAYS if day in held.options["days"]]


def _hours(held: HeldPass) -> tuple[time, time]:
    return time.fromisoformat(held.options["opens"]), time.fromisoformat(held.options["closes"])
