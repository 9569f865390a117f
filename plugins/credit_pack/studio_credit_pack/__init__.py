"""Credits, of which a session of one class costs more than one of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from studio_reservations.errors import ReservationRefused
from studio_reservations.pass_types import Candidate, Event, Figure, HeldPass, Issue, Options, PassType, Remaining

TOO_FEW = (
    "This session costs {price:# credit|# credits}, and {available:none|one|#} of this pass {available:is|is|are} free. "
    "Choose another session, cancel one that you hold, or buy more credits."
)
Price = Annotated[int, Field(ge=0, le=100)]


class CreditsExhausted(ReservationRefused):
    """``price`` of the session, and the credits that are ``available``."""

    code = "credits_exhausted"
    sentence = TOO_FEW


FRENCH = {
    "Credit pack": "Carnet de crédits",
    "Credits": "Crédits",
    "How many credits are sold.": "Le nombre de crédits vendus.",
    "A session costs": "Prix d’une séance",
    "In credits, for a class without a price of its own.": "En crédits, pour un cours sans prix à lui.",
    "Prices by class": "Prix par cours",
    "What a session of a class costs, in credits.": "Ce que coûte une séance d’un cours, en crédits.",
    "credit": "crédit",
    "Held for reservations": "Retenus pour des réservations",
    "Credits exhausted": "Crédits épuisés",
    TOO_FEW: (
        "Cette séance coûte {price:# crédit|# crédits}, et ce carnet en a {available:aucun|un|#} de libre. "
        "Choisissez une autre séance, annulez-en une, ou prenez d’autres crédits."
    ),
}


class CreditPackOptions(Options):
    """How many credits, and what they buy."""

    credits: int = Field(ge=1, le=1000, title="Credits", description="How many credits are sold.")
    price: Price = Field(
        default=1, title="A session costs", description="In credits, for a class without a price of its own."
    )
    prices: dict[UUID, Price] = Field(
        default={}, title="Prices by class", description="What a session of a class costs, in credits."
    )


class CreditPack(PassType):
    """Credits for sessions at the prices that stood when the pack was sold."""

    contract = 1
    key = "credit_pack"
    label = "Credit pack"
    Options = CreditPackOptions
    translations: ClassVar = {"fr": FRENCH}

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin with the credits sold: a credit is a punch."""
        return Issue(sessions_included=options["credits"])

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Ask for as many free credits as the session costs.

        :raises CreditsExhausted:
        """
        price, available = self.punches_for(Event.CHECK_IN, held, session), _available(held)
        if available < price:
            raise CreditsExhausted(price=price, available=available)

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Cost the price of the class, whatever the event."""
        return int(held.options["prices"].get(str(session.class_id), held.options["price"]))

    def remaining(self, held: HeldPass) -> Remaining:
        """Return the credits that no reservation holds."""
        return Remaining(available=_available(held), included=held.sessions_included, unit="credit")

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        """Return what the reservations hold, so that the sum is understood."""
        return (Figure(key="held", label="Held for reservations", value=held.punches_held),)


def _available(held: HeldPass) -> int:
    return max(0, (held.sessions_remaining or 0) - held.punches_held)
