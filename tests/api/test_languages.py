"""What the API says in the reader's language; codes, fields and values stay what they are."""

from __future__ import annotations

import pytest

from studio_reservations.models import ClassSession, Customer

IN_ENGLISH = "All 2 seats are taken. Choose another session."
IN_FRENCH = "Les 2 places sont prises. Choisissez une autre séance."

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def full(world, stored):
    """Let the later session be full."""
    with stored() as db_session:
        db_session.get(ClassSession, world.later_session).seats_taken = 2
    return world.later_session


@pytest.mark.parametrize(
    ("asked", "own", "language", "detail"),
    [
        (None, None, "en", IN_ENGLISH),
        ("fr", None, "fr", IN_FRENCH),
        ("fr-CA,fr;q=0.8,en;q=0.5", None, "fr", IN_FRENCH),
        ("en-GB, fr;q=0.9", "fr", "en", IN_ENGLISH),
        ("de, *;q=0.1", "fr-CA", "fr", IN_FRENCH),
        (None, "fr", "fr", IN_FRENCH),
        ("fr;q=0", "en", "en", IN_ENGLISH),
        ("de", None, "en", IN_ENGLISH),
        (";;,=é", None, "en", IN_ENGLISH),
    ],
)
def test_a_refusal_speaks_as_asked_else_as_the_customer_chose(api, world, stored, full, asked, own, language, detail):
    with stored() as db_session:
        db_session.get(Customer, world.ada).locale = own

    refused = api("ada").post("/reservations", session_id=full, headers=accept(asked))

    assert (refused.status_code, refused.json["code"], refused.json["capacity"]) == (409, "session_full", 2)
    assert refused.json["detail"] == detail
    assert refused.json["title"] == {"en": "Session full", "fr": "Séance complète"}[language]
    assert refused.headers["Content-Language"] == language
    assert "Accept-Language" in refused.headers["Vary"]


def test_a_token_of_a_customer_has_their_language(api, world, stored, full):
    with stored() as db_session:
        db_session.get(Customer, world.ada).locale = "fr"

    assert api("customer").post("/reservations", session_id=full).json["detail"] == IN_FRENCH


def test_refusals_within_a_list_are_told_alike(api, world, full):
    answer = api("ada").get("/reservations/available", studio=world.slug, headers=accept("fr"))

    [told] = [one for one in answer.json["items"] if one["id"] == str(full)]
    assert (told["code"], told["detail"]) == ("session_full", IN_FRENCH)
    assert answer.headers["Content-Language"] == "fr"


def test_dates_within_a_sentence_are_french(api, world, stored):
    with stored() as db_session:
        session = db_session.get(ClassSession, world.session)
        session.starts_at, session.ends_at = (
            session.starts_at.replace(day=1, month=1, year=2027),
            session.ends_at.replace(day=1, month=1, year=2027),
        )

    refused = api("ada").post(f"/reservations/{world.reservation}/check-in", headers=accept("fr"))

    assert refused.json["code"] == "check_in_too_early"
    assert "à partir du ven. 1er janvier, 08:00." in refused.json["detail"]


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        (
            "/reservations/available?from=x",
            422,
            "1 valeur est inutilisable\u00a0: from. Corrigez ce qui est nommé et renvoyez.",
        ),
        ("/nowhere", 404, "Il n’y a rien à cette adresse, ou vous n’y avez pas accès."),
    ],
)
def test_faults_of_the_request_are_told_alike(api, world, path, status, detail):
    refused = api("ada").client.get(f"/api{path}", headers=accept("fr"))

    assert (refused.status_code, refused.json["detail"]) == (status, detail)


def test_nobody_logged_in_is_told_in_the_language_asked_for(app):
    refused = app.test_client().get("/api/me", headers=accept("fr"))

    assert (refused.status_code, refused.json["code"]) == (401, "not_authenticated")
    assert refused.json["detail"] == "La connexion est nécessaire. Connectez-vous, ou envoyez un jeton valable."


def test_a_field_of_ones_own_account_is_told_in_french(api, world):
    refused = api("ada").patch("/me", locale="Klingon!", headers=accept("fr"))

    assert refused.json["errors"] == {"locale": "Écrivez une langue, comme «\u00a0en\u00a0» ou «\u00a0fr-CA\u00a0»."}


def accept(asked):
    """Return the header, or none."""
    return {} if asked is None else {"Accept-Language": asked}


def test_the_name_of_a_pass_is_the_plugins_own_word(api, world):
    def named(language: str | None) -> str:
        path = f"/registrations/{world.ada_pass}/status"
        return str(api("ada").get(path, headers=accept(language)).json["pass_label"])

    assert named(None) == "Punch pass"
    assert named("fr") == "Carte de séances"
