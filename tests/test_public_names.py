"""What the package promises by name can be imported by that name."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import pytest

import studio_reservations


@pytest.mark.parametrize("name", studio_reservations.__all__)
def test_a_public_name_is_there(name):
    assert callable(getattr(studio_reservations, name))


def test_an_unknown_name_is_said():
    with pytest.raises(AttributeError, match="no attribute 'Booking'"):
        studio_reservations.Booking  # noqa: B018


@pytest.mark.parametrize("service", ["ReservationService", "CheckInService", "PunchPassService"])
def test_a_service_takes_no_clock_of_naive_times(service):
    with pytest.raises(ValueError, match="naive"):
        getattr(studio_reservations, service)(None, clock=lambda: datetime(2026, 12, 1, 10, 0))  # noqa: DTZ001


def test_the_contract_of_pass_types_loads_no_framework():
    code = (
        "import sys; import studio_pass_types;"
        "print([name for name in ('flask', 'sqlalchemy', 'rq', 'redis') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
