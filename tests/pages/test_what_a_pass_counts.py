"""What things cost, in the words of the pass: a pack of credits is never said to count punches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from studio_reservations.models import ClassRegistration, Customer, SessionReservation, Studio
from tests.factories import NOW, make_pass

START = NOW + timedelta(days=7)
LATE = START - timedelta(hours=16)


@pytest.fixture
def credit(people, stored):
    """Ada's pass counts credits, two for a session."""

    def changed(*, locale="en", **reservation):
        with stored() as db_session:
            db_session.get_one(Customer, people.ada).locale = locale
            held = db_session.get_one(ClassRegistration, people.ada_pass)
            held.pass_type, held.pass_options = "credit_pack", {"credits": 5, "price": 2, "prices": {}}
            row = db_session.get_one(SessionReservation, people.reservation)
            for name, value in {"punches_held": 2, "late_cancel_punches": 2, **reservation}.items():
                setattr(row, name, value)

    return changed


@pytest.mark.parametrize(
    ("path", "english", "french"),
    [
        ("", "3 credits left", "3 crédits restants"),
        ("", "Credit pack 5 credits, every class", "Carnet de crédits 5 crédits, tous les cours"),
        ("", "Reserve for Ada , 5 credits, every class", "Réserver pour Ada , 5 crédits, tous les cours"),
        ("sessions", "Credit pack, every class · 2 credits", "Carnet de crédits, tous les cours · 2 crédits"),
        ("sessions/{free}", "2 credits, spent when you check in.", "2 crédits, quand vous confirmez votre arrivée."),
        (
            "reservations/{reservation}",
            "2 credits are spent when you check in; 5 are left now",
            "Confirmer votre arrivée coûte 2 crédits ; il en reste 5",
        ),
        (
            "reservations/{reservation}",
            "Cancelling now costs 2 credits, and does not count as missed.",
            "Annuler maintenant coûte 2 crédits, mais",
        ),
        (
            "reservations/{reservation}/cancel",
            "This costs 2 credits Now 5 credits After 3 credits",
            "Cela coûte 2 crédits Maintenant 5 crédits Après 3 crédits",
        ),
        (
            "reservations/{reservation}/cancel",
            "Tell the studio. It can give back 2 credits. Cancel for Ada and spend 2 credits",
            "Annuler pour Ada et dépenser 2 crédits",
        ),
        ("reservations/{reservation}/move", "Moving now costs 2 credits", "Déplacer maintenant coûte 2 crédits"),
        ("reservations/{reservation}/move", "Move and spend 2 credits", "Déplacer et dépenser 2 crédits"),
    ],
)
def test_every_cost_is_said_in_what_the_pass_counts(browser, people, clock, credit, path, english, french):
    clock.now = LATE
    for locale, told, never in (("en", english, "punch"), ("fr", french, "entrée")):
        credit(locale=locale)

        page = browser("ada").get("/" + path.format(free=people.free, reservation=people.reservation))

        said = f"{page.text} {' '.join(one.label for one in page.forms)}"
        assert all(part in said for part in told.split(". ")), said
        assert never not in said


@pytest.mark.parametrize(
    ("values", "path", "told"),
    [
        ({"status": "ATTENDED"}, "", "You were there It cost 2 credits."),
        (
            {"status": "CHECKED_IN", "check_in_method": "SELF", "checked_in_at": NOW},
            "/checked-in",
            "2 credits were spent, 5 are left.",
        ),
        (
            {"status": "NO_SHOW", "missed_at": NOW, "grace_ends_at": START, "auto_cancel_at": START},
            "",
            "Tue 8 Dec, 10:00. It cost 2 credits.",
        ),
    ],
)
def test_what_it_has_cost_is_said_in_the_same_words(browser, people, credit, values, path, told):
    credit(punches_used=2, **values)

    page = browser("ada").get(f"/reservations/{people.reservation}{path}")

    assert told in page.text
    assert "punch" not in page.text


def test_an_undo_that_came_too_late_says_the_cost_in_the_same_words(browser, people, clock, credit):
    clock.now = LATE
    credit(undo_until=LATE + timedelta(minutes=5), first_reserved_at=LATE - timedelta(minutes=10))
    ada = browser("ada")
    form = ada.get(f"/reservations/{people.reservation}").form("Undo")
    clock.advance(minutes=6)

    page = ada.send(form)

    assert page.status == 409
    assert "Nothing was done. Below is what it costs now." in page.text
    assert "Cancelling now costs 2 credits" in page.text
    assert "punch" not in page.text


def test_what_is_not_spent_is_no_punch_where_none_is_counted(browser, people, stored, credit):
    credit()
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        make_pass(db_session, ada, studio, pass_type="unlimited_series", sessions_remaining=None)

    text = browser("ada").get(f"/sessions/{people.free}").text

    assert "Unlimited series, every class Used before counted passes, so that nothing is spent." in text


def test_on_the_page_of_a_ward_it_is_not_you_who_checks_in(browser, people):
    text = browser("ada").get(f"/sessions/{people.free}?for={people.otto}").text

    assert "1 punch, spent at check-in." in text
