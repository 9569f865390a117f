"""Some days of everything for somebody new: once per customer, from the first visit on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from pydantic import Field

from studio_reservations.errors import ReservationRefused
from studio_reservations.pass_types import Candidate, Figure, HeldPass, Options, PassType, Purchase, Remaining

ONCE = "This offer is given once, and was on {issued_on}. Ask the studio for another pass."
OUTSIDE = (
    "This offer is for {days:# day|# days} in a row. With what is reserved already, it reaches from {first} through {last}. "
    "Choose a session of those days, or cancel the others first."
)


class IntroOfferTaken(ReservationRefused):
    """``issued_on``: the local day on which the customer got theirs."""

    code = "intro_offer_taken"
    sentence = ONCE


class OutsideIntroOffer(ReservationRefused):
    """``days`` in a row; ``first`` and ``last``: the local days between which a session can still be."""

    code = "outside_intro_offer"
    sentence = OUTSIDE


FRENCH = {
    "Intro offer": "Offre découverte",
    "Days": "Jours",
    "How many days in a row, the first visit's included.": "Jours de suite, celui de la première visite compris.",
    "First visit": "Première visite",
    "Last day": "Dernier jour",
    "Intro offer taken": "Offre découverte déjà prise",
    ONCE: "Cette offre est donnée une seule fois, et l’a été le {issued_on}. Demandez un autre forfait au studio.",
    "Outside intro offer": "Hors de l’offre découverte",
    OUTSIDE: (
        "Cette offre vaut {days:# jour|# jours} de suite. Avec ce qui est déjà réservé, elle va du {first} au {last}. "
        "Choisissez une séance de ces jours-là, ou annulez d’abord les autres."
    ),
}


class IntroOfferOptions(Options):
    """How long."""

    days: int = Field(
        default=14, ge=1, le=90, title="Days", description="How many days in a row, the first visit's included."
    )


class IntroOffer(PassType):
    """Any session within some days of the first one."""

    contract = 1
    key = "intro_offer"
    label = "Intro offer"
    rank = 5  # it is over first
    Options = IntroOfferOptions
    translations: ClassVar = {"fr": FRENCH}

    def allow_issue(self, purchase: Purchase) -> None:
        """Give it once; one that was cancelled before it was used does not count.

        :raises IntroOfferTaken:
        """
        for one in purchase.earlier:
            if one.pass_type == self.key and (one.status != "CANCELLED" or one.sessions_attended):
                raise IntroOfferTaken(issued_on=purchase.local(one.issued_at).date())

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Allow what lies, with all other visits, within so many days.

        :raises OutsideIntroOffer:
        """
        visits = _visits(held)
        if visits:
            span = timedelta(days=held.options["days"] - 1)
            first, last = visits[-1] - span, visits[0] + span
            if not first <= session.local_start.date() <= last:
                raise OutsideIntroOffer(days=held.options["days"], first=first, last=last)

    def remaining(self, held: HeldPass) -> Remaining:
        """Return the days that are left, today included; all of them before the first visit."""
        days, visits, today = held.options["days"], _visits(held), held.local(held.now).date()
        gone = (today - visits[0]).days if visits else 0
        return Remaining(available=min(max(0, days - gone), days), included=days, unit="day")

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        """Return the days between which it is good, once they are known."""
        visits = _visits(held)
        if not visits:
            return ()
        last = visits[0] + timedelta(days=held.options["days"] - 1)
        return (
            Figure(key="first_visit", label="First visit", value=visits[0]),
            Figure(key="last_day", label="Last day", value=last),
        )


def _visits(held: HeldPass) -> list[date]:
    """Return the local days of what stands or was attended; a missed class is no visit."""
    return sorted(held.local(one.starts_at).date() for one in held.reservations if one.live)
