"""Only at the quiet hours: the example of `plugins/off_peak`, by the services."""

from __future__ import annotations

import pytest
from studio_off_peak import OffPeak

from studio_reservations.errors import InvalidRequest
from tests.plugins.life import Life

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-12-07 09:00", True),
        ("2026-12-07 08:59", False),
        ("2026-12-11 16:00", True),
        ("2026-12-11 16:01", False),
        ("2026-12-12 10:00", False),  # Saturday
        ("2027-03-15 09:00", True),  # the Monday after the clocks changed
        ("2027-03-15 08:30", False),
    ],
)
def test_what_begins_at_its_hours_by_the_studios_clock_is_allowed(db_session, at, allowed):
    life = Life(db_session, OffPeak)

    assert (life.refusal(at) is None) is allowed


def test_other_hours_are_refused_with_the_days_and_hours_in_both_languages(db_session):
    life = Life(db_session, OffPeak, days=["Wednesday", "Monday"], opens="09:30", closes="12:00")

    assert life.said("2026-12-07 18:30") == (
        "off_peak_only: Off peak only. This pass is for sessions that begin between 09:30 and 12:00 on Monday, Wednesday. "
        "Choose one of those, or use another pass."
    )
    assert life.said("2026-12-08 10:00", language="fr") == (
        "off_peak_only: Heures creuses seulement. Ce forfait vaut pour les séances qui commencent entre 09:30 et 12:00 "
        "(lundi, mercredi). Choisissez-en une, ou un autre forfait."
    )


def test_the_card_shows_days_and_hours_in_both_languages(db_session):
    life = Life(db_session, OffPeak, days=["Saturday"], opens="07:00", closes="08:30")

    assert life.figures() == {"Days": ("Saturday",), "From": "07:00", "Until": "08:30"}
    assert life.figures(language="fr") == {"Jours": ("samedi",), "De": "07:00", "À": "08:30"}


def test_it_is_not_counted(db_session):
    life = Life(db_session, OffPeak)
    reservations = [life.reserve(f"2026-12-0{day} 10:00") for day in (7, 8, 9)]

    came, missed = life.check_in(reservations[0]), life.miss(reservations[1])
    cancelled = life.cancel(reservations[2])

    assert (came.punches_used, missed.punches_used, cancelled.punches_charged) == (0, 0, 0)
    assert life.ledger() == []


def test_hours_that_end_before_they_begin_are_refused_to_staff(db_session):
    life = Life(db_session, OffPeak)

    with pytest.raises(InvalidRequest) as refused:
        life.issue(life.ada, options={"opens": "16:00", "closes": "09:00"})

    assert set(refused.value.values["errors"]) == {"pass_options.closes"}
