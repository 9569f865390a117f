"""The pass types of a portal beside the passes that use them: which are missing, and what is wrong with the others.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import ReservationRefused
from studio_reservations.models import ClassRegistration, RegistrationStatus, Studio
from studio_reservations.pass_type_registry import InstalledPassType, PassTypes
from studio_reservations.pass_types import HeldPass
from studio_reservations.services.seen import load_held_passes

SAMPLE = 20
"""Passes of each type that are shown to it, the latest issued."""

_LIVE = ClassRegistration.status != RegistrationStatus.CANCELLED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A pass type and how many ``passes`` that are not cancelled use it; ``found`` is None where it is missing or not loaded."""

    key: str
    found: InstalledPassType | None
    passes: int
    fault: str | None


def count_pass_types(db_session: Session, *, pass_types: PassTypes, now: datetime) -> list[Counted]:
    """Ask every pass type about some of its passes; return the installed ones by rank, then those that are not there."""
    using = select(ClassRegistration.pass_type, func.count()).where(_LIVE).group_by(ClassRegistration.pass_type)
    counts: dict[str, int] = {key: number for key, number in db_session.execute(using)}  # noqa: C416 - rows are no pairs to mypy
    installed = sorted(pass_types, key=lambda one: (one.rank, one.key))
    for one in installed:
        if one.key in counts:
            _ask(one, _sample(db_session, one.key, now=now))
    absent = sorted({*counts, *pass_types.faults} - {one.key for one in installed})
    return [
        *(
            Counted(
                key=key,
                found=pass_types.find(key),
                passes=counts.get(key, 0),
                fault=pass_types.fault_of(key, timezone="UTC"),
            )
            for key in (*(one.key for one in installed), *absent)
        ),
    ]


def _sample(db_session: Session, key: str, *, now: datetime) -> list[HeldPass]:
    latest = (
        select(ClassRegistration, Studio.timezone)
        .join(Studio, Studio.id == ClassRegistration.studio_id)
        .where(_LIVE, ClassRegistration.pass_type == key)
        .order_by(ClassRegistration.issued_at.desc(), ClassRegistration.id.desc())
        .limit(SAMPLE)
    )
    by_zone: dict[str, list[ClassRegistration]] = {}
    for registration, timezone in db_session.execute(latest):
        by_zone.setdefault(timezone, []).append(registration)
    return [
        held
        for timezone, registrations in by_zone.items()
        for held in load_held_passes(db_session, registrations, now=now, timezone=timezone).values()
    ]


def _ask(pass_type: InstalledPassType, passes: Sequence[HeldPass]) -> None:
    """Let what is wrong come to light: the wall keeps it as the pass type's fault."""
    for held in passes:
        with suppress(ReservationRefused):
            pass_type.remaining(held)
            pass_type.figures(held)
            pass_type.status_fields(held)
