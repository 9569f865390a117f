"""The tablet at the door: pairing, what it shows to whom, checking in, and being sent away."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient

from studio_reservations.models import Customer, KioskDevice, SessionReservation, Studio
from studio_reservations.services.codes import CodeSigner
from tests import factories
from tests.admin.conftest import Kiln, press
from tests.factories import NOW

DOOR = "/studio/kiosk/"
HERE = {"Origin": "http://localhost"}
CODE = re.compile(r'st-big st-num">([2-9A-Z]{4} [2-9A-Z]{4})<')
ASKS = {"Accept-Language": "fr-CA,en;q=0.5"}
FORM = r'<form method="post" action="([^"]*)"'
SWITCH = re.compile(r'<a [^>]*href="([^"]*)" lang="(\w+)"[^>]*>(\w+)</a>')


@pytest.fixture
def code(as_role) -> str:
    """The pairing code of a new tablet of Kiln Street."""
    shown = press(as_role("manager"), "/admin/studio/kiosks/new", name="Back door").text
    found = CODE.search(shown)
    assert found, shown
    return found[1]


@pytest.fixture
def tablet(portal, code: str, clock) -> FlaskClient:
    """A paired tablet, an hour before the class at 14:00."""
    client = portal.test_client()
    assert client.post(f"{DOOR}pair", data={"code": code}, headers=HERE).status_code == 303
    clock.now = NOW + timedelta(hours=3)
    return client


@pytest.fixture(params=["browser", "portal", "switch"])
def french_door(request, tablet, portal, monkeypatch) -> str:
    """The door's address where the tablet is French, by its browser or the portal, or where somebody chose French on it."""
    if request.param == "browser":
        tablet.environ_base["HTTP_ACCEPT_LANGUAGE"] = ASKS["Accept-Language"]
    elif request.param == "portal":
        monkeypatch.setitem(portal.extensions, "babel", SimpleNamespace(locale_selector=lambda: "fr"))
    else:
        [(address, tag, name)] = SWITCH.findall(tablet.get(DOOR).text)
        assert (tag, name) == ("fr", "Français")
        return address
    return DOOR


def status_of(stored, row_id) -> str:
    stored.expire_all()
    return str(stored.get_one(SessionReservation, row_id).status)


def test_an_unpaired_tablet_asks_for_its_code_and_tells_nothing(portal):
    page = portal.test_client().get(DOOR)

    assert "Pair this tablet" in page.text
    assert "Kiln Street" not in page.text
    assert portal.test_client().get(f"{DOOR}names?q=Pri").status_code == 404


def test_a_code_pairs_one_tablet_once(portal, code, stored, kiln: Kiln):
    first, second = portal.test_client(), portal.test_client()

    paired = first.post(f"{DOOR}pair", data={"code": code.lower().replace(" ", "-")}, headers=HERE)

    assert paired.status_code == 303
    cookie = paired.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Path={DOOR}" in cookie
    assert "Hold your code to the camera" in first.get(DOOR).text
    again = second.post(f"{DOOR}pair", data={"code": code}, headers=HERE)
    assert again.status_code == 409
    assert "That code is not known" in again.text


def test_a_code_is_worthless_after_fifteen_minutes(portal, code, clock):
    clock.advance(minutes=16)

    assert "15 minutes are over" in portal.test_client().post(f"{DOOR}pair", data={"code": code}, headers=HERE).text


def test_a_tablet_on_which_somebody_is_logged_in_is_not_paired(as_role, code):
    refused = as_role("front_desk").post(f"{DOOR}pair", data={"code": code}, headers=HERE)

    assert refused.status_code == 409
    assert "Log out of the portal first" in refused.text


def test_a_name_is_found_from_two_letters_on_and_shown_by_its_initial(tablet):
    assert "Priya" not in tablet.get(f"{DOOR}names?q=P").text
    found = tablet.get(f"{DOOR}names?q=pri").text
    assert "<b>Priya S.</b>" in found
    assert "Singh" not in found
    assert "Glazing at Kiln Street, 14:00" in found


@pytest.mark.parametrize("query", ["%%", "__", "Chi", "Nobody", "x" * 5000])
def test_nobody_else_is_found(tablet, query):
    """Not by wildcards, not who is checked in already, not who does not exist."""
    assert "st-kperson" not in tablet.get(f"{DOOR}names", query_string={"q": query}).text


@pytest.mark.parametrize("query", ["Priya S", "Priya Si", "Priya Sx"])
def test_letter_by_letter_nobody_learns_a_surname(tablet, query):
    assert "Priya S." in tablet.get(f"{DOOR}names?q={query}").text


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Éloïse Singh", "elo"),
        ("Éloïse Singh", "ÉLOÏSE S"),
        ("Zoe Singh", "zoë"),
        ("Øyvind Singh", "oy"),
        ("D’Arcy Singh", "darc"),
        ("Anne-Zoé Singh", "anne z"),
        ("Anne-Zoé Singh", "ANNE ZOE S"),
        ("Anne‑Zoé Singh", "anne-zo"),
    ],
)
def test_a_name_is_found_without_its_accents_and_hyphens(tablet, kiln: Kiln, stored, name, query):
    stored.get_one(Customer, kiln.own.customer).name = name
    stored.flush()

    assert name.replace("ingh", ".") in unescape(tablet.get(f"{DOOR}names", query_string={"q": query}).text)


@pytest.mark.parametrize(
    ("name", "query", "is_found"),
    [
        ("Éloïse Anne Gagnon", "eloise g", True),
        ("Éloïse Anne Gagnon", "Eloise Gx", True),
        ("Éloïse Anne Gagnon", "eloise a", False),
        ("Éloïse Anne Gagnon", "Eloise Anne Gagnon", True),
        ("Éloïse Anne Gagnon", "Eloise Berthe Gagnon", True),
        ("Éloïse Anne Gagnon", "eloisea", False),
        ("Éloïse Smith-Gagnon", "Eloise Smith-Gagnon", True),
        ("Éloïse Smith-Gagnon", "Eloise G", False),
        ("Éloïse", "eloise", True),
        ("Éloïse", "eloise a", False),
        (" ", "eloise", False),
    ],
)
def test_of_a_name_is_compared_what_is_shown(tablet, kiln: Kiln, stored, name, query, is_found):
    stored.get_one(Customer, kiln.own.customer).name = name
    stored.flush()

    assert ("<b>Éloïse" in unescape(tablet.get(f"{DOOR}names", query_string={"q": query}).text)) == is_found


def test_before_the_window_nobody_is_found(tablet, clock):
    clock.now = NOW

    assert "st-kperson" not in tablet.get(f"{DOOR}names?q=pri").text


def test_a_tap_checks_in_and_says_what_it_cost(tablet, kiln: Kiln, stored):
    done = tablet.post(f"{DOOR}check-in", data={"reservation_id": str(kiln.own.pending)}, headers=HERE)

    assert "Welcome, Priya. You are checked in." in done.text
    assert "1 punch used, 4 left" in done.text
    assert 'http-equiv="refresh"' in done.text
    reservation = stored.get_one(SessionReservation, kiln.own.pending)
    assert (reservation.status, reservation.check_in_method) == ("CHECKED_IN", "SELF")
    assert reservation.checked_in_by.startswith("kiosk:")


def test_a_scanned_code_checks_in(tablet, kiln: Kiln, stored):
    done = tablet.post(
        f"{DOOR}check-in", data={"code": CodeSigner("not a secret").code_for(kiln.own.pending)}, headers=HERE
    )

    assert "You are checked in." in done.text
    assert status_of(stored, kiln.own.pending) == "CHECKED_IN"


def test_without_a_script_the_field_finds_names(tablet):
    found = tablet.post(f"{DOOR}check-in", data={"code": "Pri"}, headers=HERE)

    assert found.status_code == 303
    assert "<b>Priya S.</b>" in tablet.get(found.headers["Location"]).text


def test_it_says_why_not_and_goes_back(tablet, kiln: Kiln, clock, stored):
    clock.now = NOW

    refused = tablet.post(f"{DOOR}check-in", data={"reservation_id": str(kiln.own.pending)}, headers=HERE)

    assert refused.status_code == 409
    assert "Not checked in" in refused.text
    assert "12:00" in refused.text
    assert status_of(stored, kiln.own.pending) == "PENDING"


@pytest.mark.parametrize("value", ["foreign", "nonsense", ""])
def test_another_studios_reservation_does_not_exist_for_it(tablet, kiln: Kiln, stored, value):
    sent = str(kiln.foreign.pending) if value == "foreign" else value

    assert tablet.post(f"{DOOR}check-in", data={"reservation_id": sent}, headers=HERE).status_code == 404
    assert status_of(stored, kiln.foreign.pending) == "PENDING"


def test_another_studios_code_is_worth_nothing(tablet, kiln: Kiln, stored):
    sent = CodeSigner("not a secret").code_for(kiln.foreign.pending)

    assert tablet.post(f"{DOOR}check-in", data={"code": sent}, headers=HERE).status_code == 404
    assert status_of(stored, kiln.foreign.pending) == "PENDING"


def test_another_site_cannot_make_it_check_in(tablet, kiln: Kiln, stored):
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Referer": "https://elsewhere.example/kiosk"}):
        answer = tablet.post(f"{DOOR}check-in", data={"reservation_id": str(kiln.own.pending)}, headers=headers)
        assert answer.status_code == 403
    assert status_of(stored, kiln.own.pending) == "PENDING"


def test_it_can_do_nothing_else(tablet):
    assert tablet.get("/admin/studio/").status_code == 401
    assert tablet.get("/api/me").status_code == 401


def test_the_digits_of_the_door_are_shown_where_the_policy_asks_for_them(tablet, kiln: Kiln, stored, clock):
    assert "Door code" not in tablet.get(f"{DOOR}door").text

    factories.make_policy(stored, stored.get_one(Studio, kiln.own.studio), self_check_in="door_code")
    stored.commit()

    digits = CodeSigner("not a secret").door_code(studio_id=kiln.own.studio, now=clock.now)
    assert f"{digits[:3]} {digits[3:]}" in tablet.get(f"{DOOR}door").text


def test_one_that_is_sent_away_asks_for_a_code_again(tablet, as_role, kiln: Kiln, stored):
    [device] = [one for one in stored.query(KioskDevice).all() if one.name == "Back door"]
    manager = as_role("manager")
    assert "Back door" in manager.get("/admin/studio/kiosks/").text

    press(manager, f"/admin/studio/kiosks/{device.id}/revoke")

    assert "Pair this tablet" in tablet.get(DOOR).text
    assert (
        tablet.post(f"{DOOR}check-in", data={"reservation_id": str(kiln.own.pending)}, headers=HERE).status_code == 303
    )
    assert status_of(stored, kiln.own.pending) == "PENDING"
    acts = {one["action"] for one in factories.history_of(stored, kiln.own.studio)}
    assert {"kiosk.added", "kiosk.paired", "kiosk.revoked"} <= acts


def test_a_visit_in_french_from_the_door_to_the_confirmation(tablet, french_door, kiln: Kiln):
    door = tablet.get(french_door).text
    assert re.search(r'<html lang="fr(-CA)?" dir="ltr">', door)
    assert "Montrez votre code à la caméra" in door
    assert "Aujourd’hui\u00a0: Glazing at Kiln Street 14:00" in door
    assert [name for _, _, name in SWITCH.findall(door)] == ["English"]
    assert "Aujourd’hui" in tablet.get(part(door, r'data-door="([^"]*)"')).text

    nobody = tablet.get(names_from(door, "xy")).text
    assert "Personne de ce nom ne peut confirmer son arrivée maintenant." in nobody
    found = tablet.get(names_from(door, "pri")).text
    done = tablet.post(part(found, FORM), data={"reservation_id": str(kiln.own.pending)}, headers=HERE).text

    assert '<html lang="fr' in done
    assert "Bienvenue, Priya. Votre arrivée est confirmée." in done
    assert "1 entrée de moins, il en reste 4" in done
    assert f'data-back="{DOOR}"' in done
    assert "lang=" not in re.sub("<html[^>]*>", "", done)


def test_a_refusal_in_french_leads_back_to_the_tablets_own_language(tablet, french_door, kiln: Kiln, clock):
    clock.now = NOW

    refused = tablet.post(
        part(tablet.get(french_door).text, FORM), data={"reservation_id": str(kiln.own.pending)}, headers=HERE
    )

    assert refused.status_code == 409
    assert "L’arrivée n’est pas confirmée" in refused.text
    assert "L’arrivée peut être confirmée à partir du" in refused.text
    assert f'data-back="{DOOR}"' in refused.text
    assert "lang=" not in re.sub("<html[^>]*>", "", refused.text)


def test_without_a_script_a_name_is_found_in_the_language_that_was_chosen(tablet):
    door = tablet.get(f"{DOOR}?lang=fr").text
    assert f'content="30; url={DOOR}"' in door

    found = tablet.post(part(door, FORM), data={"code": "Pri"}, headers=HERE)
    page = tablet.get(found.headers["Location"]).text

    assert "Ou trouvez votre prénom" in page
    assert "<b>Priya S.</b>" in page
    assert SWITCH.findall(page) == [(f"{DOOR}?lang=en&amp;q=Pri", "en", "English")]


def test_the_next_visitor_finds_the_tablets_own_language(tablet):
    assert "Montrez votre code" in tablet.get(f"{DOOR}?lang=fr").text

    assert "Hold your code to the camera" in tablet.get(DOOR).text
    assert "Hold your code to the camera" in tablet.get(f"{DOOR}?lang=xx").text


def test_a_french_tablet_is_paired_in_french(portal, as_role, code):
    fresh = portal.test_client()

    assert "Associer cette tablette" in fresh.get(DOOR, headers=ASKS).text
    unknown = fresh.post(f"{DOOR}pair", data={"code": "x"}, headers=HERE | ASKS)
    assert "Ce code est inconnu, ou ses 15 minutes sont passées." in unknown.text
    logged_in = as_role("front_desk").post(f"{DOOR}pair", data={"code": code}, headers=HERE | ASKS)
    assert "Un compte est connecté ici." in logged_in.text


def part(page: str, pattern: str) -> str:
    """Return an address that stands in the page."""
    found = re.search(pattern, page)
    assert found, page
    return unescape(found[1])


def names_from(door: str, query: str) -> str:
    """Return the address from which the script takes the names."""
    address = part(door, r'data-names="([^"]*)"')
    return f"{address}{'&' if '?' in address else '?'}q={query}"
