"""Punches that several people share, so that nobody takes them all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from studio_reservations.errors import PunchesExhausted, ReservationRefused
from studio_reservations.pass_types import (
    Candidate,
    Event,
    Figure,
    HeldPass,
    Issue,
    Options,
    PassType,
    Remaining,
    Status,
)

SHARE_TAKEN = (
    "Each person can hold {each:# upcoming reservation|# upcoming reservations} of this pass. "
    "Attend or cancel one first, or let somebody else of the family come."
)


class ShareTaken(ReservationRefused):
    """``each``: the upcoming reservations that one person can hold."""

    code = "share_taken"
    sentence = SHARE_TAKEN


FRENCH = {
    "Family pass": "Carte famille",
    "Sessions": "Séances",
    "How many sessions there are to share.": "Le nombre de séances à partager.",
    "People": "Personnes",
    "How many people share them, the holder included.": "Le nombre de personnes qui les partagent, titulaire compris.",
    "In advance, each": "À l’avance, par personne",
    "How many upcoming reservations one person can hold.": "Le nombre de réservations à venir par personne.",
    "People who came": "Personnes venues",
    "Share taken": "Part utilisée",
    SHARE_TAKEN: (
        "Chaque personne peut avoir {each:# réservation|# réservations} à venir sur cette carte. "
        "Venez d’abord ou annulez, ou laissez venir quelqu’un d’autre de la famille."
    ),
}


class FamilyPassOptions(Options):
    """How many sessions, for how many people."""

    sessions: int = Field(ge=1, le=500, title="Sessions", description="How many sessions there are to share.")
    people: int = Field(
        default=4, ge=2, le=12, title="People", description="How many people share them, the holder included."
    )
    each: int = Field(
        default=3,
        ge=1,
        le=50,
        title="In advance, each",
        description="How many upcoming reservations one person can hold.",
    )


class FamilyPass(PassType):
    """A number of sessions for a family: whoever comes takes a punch."""

    contract = 1
    key = "family_pass"
    label = "Family pass"
    Options = FamilyPassOptions
    translations: ClassVar = {"fr": FRENCH}

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Begin with a punch for every session; the limit in advance is everybody's together."""
        return Issue(
            sessions_included=options["sessions"], max_advance_reservations=options["people"] * options["each"]
        )

    def people(self, options: Mapping[str, Any]) -> int:
        """Let so many use one pass."""
        return int(options["people"])

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Ask for a free punch, and that whoever comes leaves something to the others.

        :raises PunchesExhausted, ShareTaken:
        """
        remaining = held.sessions_remaining or 0
        if remaining - held.punches_held < 1:
            raise PunchesExhausted(remaining=remaining, held=held.punches_held)
        theirs = [one for one in held.reservations if one.customer_id == session.customer_id and one.ends_at > held.now]
        if sum(one.status is Status.PENDING for one in theirs) >= held.options["each"]:
            raise ShareTaken(each=held.options["each"])

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Cost one punch, whoever comes."""
        return 1

    def remaining(self, held: HeldPass) -> Remaining:
        """Return the punches that nobody's reservation holds."""
        free = (held.sessions_remaining or 0) - held.punches_held
        return Remaining(available=max(0, free), included=held.sessions_included, unit="punch")

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        """Return how many different people have come, for staff."""
        came = {one.customer_id for one in held.reservations if one.status in (Status.CHECKED_IN, Status.ATTENDED)}
        return (Figure(key="people_who_came", label="People who came", value=len(came), staff_only=True),)
