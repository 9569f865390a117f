"""What a pass counts, in its own words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio_reservations.language import language_for
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.policies.pass_words import amount
from studio_reservations.testing import make_held_pass


@pytest.mark.parametrize(
    ("pass_type", "language", "said"),
    [
        ("punch_pass", "en", ["0 punches", "1 punch", "2 punches"]),
        ("punch_pass", "fr", ["0 entrée", "1 entrée", "2 entrées"]),
        ("credit_pack", "en", ["0 credits", "1 credit", "2 credits"]),
        ("credit_pack", "fr-CA", ["0 crédit", "1 crédit", "2 crédits"]),
        ("weekly_membership", "en", ["0 sessions", "1 session", "2 sessions"]),
        ("weekly_membership", "fr", ["0 séance", "1 séance", "2 séances"]),
        ("gone_pack", "en", ["0 punches", "1 punch", "2 punches"]),
    ],
)
def test_an_amount_is_said_in_what_the_pass_counts(pass_type: str, language: str, said: list[str]):
    held = replace(make_held_pass(sessions_remaining=3), pass_type=pass_type, options={"a_week": 2, "carried": 0})
    pass_types = installed_pass_types(
        ("studio_credit_pack:CreditPack", "studio_weekly_membership:WeeklyMembership"),
    )

    assert [
        amount(number, held=held, pass_types=pass_types, language=language_for(language)) for number in range(3)
    ] == said
