"""Sessions cost different numbers of credits: the example of `plugins/credit_pack`, by the services."""

from __future__ import annotations

import pytest
from studio_credit_pack import CreditPack

from studio_reservations.models import SessionReservation, StudioClass
from studio_reservations.pass_types import Remaining
from tests.factories import make_class, make_policy
from tests.plugins.life import Life, local

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class PackLife(Life):
    """A pack of 10 credits: an evening costs one, a raku day four, open studio nothing."""

    raku: StudioClass
    open_studio: StudioClass


@pytest.fixture
def pack(db_session):
    life = PackLife(db_session, CreditPack, credits=10)
    life.raku = make_class(db_session, life.studio, title="Raku firing day")
    life.open_studio = make_class(db_session, life.studio, title="Open studio")
    prices = {str(life.raku.id): 4, str(life.open_studio.id): 0}
    life.registration = life.issue(life.ada, options={"credits": 10, "prices": prices})
    life.registration.max_advance_reservations = None
    return life


def test_a_session_holds_and_costs_the_price_of_its_class(pack):
    raku = pack.reserve(pack.session("2026-12-12 10:00", studio_class=pack.raku))
    evening = pack.reserve("2026-12-09 18:30")

    assert pack.status().remaining == Remaining(available=5, included=10, unit="credit")
    assert pack.figures() == {"Held for reservations": 5}
    assert pack.figures(language="fr") == {"Retenus pour des réservations": 5}
    pack.check_in(evening)
    pack.check_in(raku)
    assert pack.ledger()[1:] == [("CHECK_IN", -1, 9), ("CHECK_IN", -4, 5)]


def test_too_few_credits_are_told_with_the_price_in_both_languages(pack):
    for day in (12, 13):
        pack.reserve(pack.session(f"2026-12-{day} 10:00", studio_class=pack.raku))
    third = pack.session("2026-12-14 10:00", studio_class=pack.raku)

    assert pack.said(third) == (
        "credits_exhausted: Credits exhausted. This session costs 4 credits, and 2 of this pass are free. "
        "Choose another session, cancel one that you hold, or buy more credits."
    )
    assert pack.said(third, language="fr") == (
        "credits_exhausted: Crédits épuisés. Cette séance coûte 4 crédits, et ce carnet en a 2 de libre. "
        "Choisissez une autre séance, annulez-en une, ou prenez d’autres crédits."
    )
    assert pack.said("2026-12-14 18:30") == "reserved"
    assert "1 credits" not in pack.said(third)
    assert "and one of this pass is free" in pack.said(third)


def test_what_costs_nothing_is_reserved_with_an_empty_pack(pack):
    pack.registration.sessions_remaining = 0

    assert pack.said("2026-12-09 18:30").startswith("credits_exhausted")
    assert pack.said(pack.session("2026-12-09 10:00", studio_class=pack.open_studio)) == "reserved"


def test_cancelled_early_the_credits_are_free_and_late_they_cost_the_price(pack):
    make_policy(pack.db_session, pack.studio, deduct_punch_on_late_cancel=True)
    early, late = (pack.reserve(pack.session(f"2026-12-{day} 10:00", studio_class=pack.raku)) for day in (12, 19))

    free = pack.cancel(early)
    charged = pack.cancel(late, now=local("2026-12-19 09:00"))

    assert (free.punches_charged, charged.punches_charged) == (0, 4)
    assert pack.ledger()[1:] == [("LATE_CANCEL", -4, 6)]


def test_a_missed_class_costs_its_price_where_the_studio_charges_it_and_a_waive_gives_it_back(pack):
    make_policy(pack.db_session, pack.studio, deduct_punch_on_no_show=True)
    missed = pack.reserve(pack.session("2026-12-12 10:00", studio_class=pack.raku))

    pack.miss(missed)
    pack.waive(missed)

    assert pack.ledger()[1:] == [("NO_SHOW", -4, 6), ("REFUND", 4, 10)]


def test_a_pack_keeps_the_prices_at_which_it_was_sold(pack):
    first = pack.reserve(pack.session("2026-12-12 10:00", studio_class=pack.raku))
    dearer = pack.issue(pack.ada, options={"credits": 10, "prices": {str(pack.raku.id): 6}})
    second = pack.reserve(pack.session("2026-12-13 10:00", studio_class=pack.raku), registration_id=dearer.id)

    rows = [pack.db_session.get_one(SessionReservation, one).punches_held for one in (first, second)]
    assert rows == [4, 6]
