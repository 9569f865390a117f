"""The pages as somebody reads them in French: reserved, refused, counted, dated."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from studio_reservations.models import ClassRegistration, ClassSession, Customer, Studio
from studio_reservations.notifications.preferences import PreferenceLinks
from tests.factories import make_suspension

ENGLISH = re.compile(
    r"\b(the|you|your|was|were|is|are|has|have|of|to|on|and|pass|passes|punch|punches|seat|seats|reserved|reserve|with|"
    r"cancel|cancelled|session|sessions|today|missed|checked|settings|language|save)\b",
    re.IGNORECASE,
)


@pytest.fixture
def ada(browser, people, stored):
    """Return the browser of Ada, who chose French."""
    with stored() as db_session:
        db_session.get(Customer, people.ada).locale = "fr"
    return browser("ada")


def test_a_session_is_reserved_and_given_back(ada):
    reserved = ada.send(ada.get("/sessions?from=2026-12-09").form("Réserver"))

    assert "Réservée pour Ada Potter : Beginner Wheel Throwing, jeu. 10 déc., 10:00." in reserved.text
    assert "Vous pouvez défaire sans frais jusqu’à 10:15." in reserved.text
    assert '<html lang="fr"' in reserved.html

    undone = ada.send(reserved.form("Défaire"))
    assert "n’est plus réservée. Rien n’est compté." in undone.text


def test_a_refusal_says_the_rule_in_a_sentence(ada, people, stored):
    page = ada.get("/sessions?from=2026-12-09")
    with stored() as db_session:
        db_session.get(ClassSession, people.free).seats_taken = 2

    refused = ada.send(page.form("Réserver"))

    assert refused.status == 409
    assert "Les 2 places sont prises. Choisissez une autre séance." in refused.text


def test_a_pause_says_its_last_day(ada, people, stored):
    with stored() as db_session:
        make_suspension(db_session, db_session.get(Customer, people.ada), db_session.get(Studio, people.studio))

    assert "Les nouvelles réservations sont suspendues jusqu’au lundi 14 décembre inclus" in ada.get("/").text


@pytest.mark.parametrize(
    ("left", "told"), [(0, "0 entrée restante"), (1, "1 entrée restante"), (2, "2 entrées restantes")]
)
def test_none_and_one_are_singular(ada, people, stored, left, told):
    with stored() as db_session:
        db_session.get(ClassRegistration, people.ada_pass).sessions_remaining = left

    assert told in ada.get("/").text


def test_the_first_of_a_month_is_an_ordinal(ada, people, stored):
    with stored() as db_session:
        session = db_session.get(ClassSession, people.session)
        session.starts_at += timedelta(days=24)
        session.ends_at += timedelta(days=24)

    assert "vendredi 1er janvier 2027, 10:00" in ada.get(f"/reservations/{people.reservation}").text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/calendar",
        "/sessions",
        "/sessions/{session}",
        "/sessions/{free}",
        "/reservations/{reservation}",
        "/reservations/{reservation}/cancel",
        "/reservations/{reservation}/move",
        "/settings",
        "/settings/delete",
        "/?for={otto}",
        "/reservations/{session}",
    ],
)
def test_no_page_keeps_an_english_word(ada, people, path):
    page = ada.get(path.format(**{name: getattr(people, name) for name in people.__dataclass_fields__}))

    assert ENGLISH.findall(page.text) == []
    assert not re.search(r"%\(|[{}]", page.text)


def test_a_browser_that_asks_for_french_gets_it_and_the_readers_own_choice_comes_first(browser, people, stored):
    asks = {"headers": {"Accept-Language": "fr-CA,en;q=0.5"}}
    client = browser("eve").client

    assert 'lang="fr-CA"' in client.get("/studio/", **asks).text
    with stored() as db_session:
        db_session.get(Customer, people.eve).locale = "en"
    assert 'lang="en"' in client.get("/studio/", **asks).text


def test_the_page_behind_the_link_in_a_message_is_in_the_customers_language(portal, people, stored):
    with stored() as db_session:
        db_session.get(Customer, people.ada).locale = "fr"
    link = f"/studio/messages/{PreferenceLinks(portal.secret_key, base=None).token_for(people.ada, 'reminder')}"

    page = portal.test_client().get(link).text
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())

    assert "Vos messages Désactivez ce dont vous n’avez pas besoin. Le rappel de la veille" in text
    assert '<html lang="fr"' in page
    assert ENGLISH.findall(text) == []


def test_a_link_of_nobody_is_told_as_the_browser_asks(portal):
    answer = portal.test_client().get("/studio/messages/x", headers={"Accept-Language": "fr"})

    assert (answer.status_code, "Ce lien ne mène à rien" in answer.text) == (404, True)
