"""The option that most passes share: how far ahead one may reserve."""

from __future__ import annotations

from pydantic import Field

from studio_reservations.pass_types import Options


class AdvanceOptions(Options):
    """How many coming reservations the pass can hold at once."""

    max_advance: int | None = Field(
        default=3,
        ge=1,
        le=500,
        title="Reservations in advance",
        description="How many coming reservations the pass can hold at once. Empty: as many as one likes.",
    )
