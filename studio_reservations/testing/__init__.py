"""The test kit for pass types: subclass `PassTypeContract`, and pytest checks the whole contract.

Public; needs ``pip install "studio-reservations[testing]"``. See docs/developers/testing-pass-types.md.
"""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401 - asked for here, so that its absence is told in a sentence
    import pytest  # noqa: F401
except ImportError as error:
    raise ImportError(
        f'studio_reservations.testing needs {error.name}: pip install "studio-reservations[testing]"'
    ) from error

from studio_reservations.testing.contract import PassTypeContract
from studio_reservations.testing.judging import ContractBroken, JudgedPassType
from studio_reservations.testing.values import (
    NOW,
    TIMEZONE,
    known_id,
    make_candidate,
    make_held_pass,
    make_held_reservation,
    make_step,
)

__all__ = [
    "NOW",
    "TIMEZONE",
    "ContractBroken",
    "JudgedPassType",
    "PassTypeContract",
    "known_id",
    "make_candidate",
    "make_held_pass",
    "make_held_reservation",
    "make_step",
]
