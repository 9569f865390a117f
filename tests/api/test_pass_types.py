"""Kinds of pass over HTTP: what staff may choose, who shares a pass, what a pass type shows, and what is wrong with one."""

from __future__ import annotations

import pytest
from flask import Flask

from studio_reservations.pass_type_registry import installed_pass_types
from tests import host

DOTTED = (
    "studio_family_pass:FamilyPass",
    "studio_intro_offer:IntroOffer",
    "tests.plugins.one_a_day:Broken",
    "no_such_package:Pass",
)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(database_url, clock):
    """Return a portal whose settings name further pass types, one that is broken and one that is not there."""
    app: Flask = host.create_app(database_url, clock=clock, config={"STUDIO_PASS_TYPES": DOTTED})
    yield app
    host.dispose_engines(app)
    installed_pass_types.cache_clear()


@pytest.fixture
def issue(api):
    """Let a manager issue a pass, and return the answer."""
    return lambda customer_id, pass_type, **more: api("manager").post(
        "/staff/registrations", customer_id=customer_id, pass_type=pass_type, **more
    )


def test_staff_read_which_kinds_there_are_with_their_forms_and_what_is_wrong(api, world):
    answer = api("front_desk").get("/staff/pass-types").json

    kinds = {one["key"]: one for one in answer["items"]}
    assert list(kinds) == [
        *("intro_offer", "unlimited_series", "full_course"),
        *("drop_in", "family_pass", "one_a_day", "punch_pass"),
    ]
    assert kinds["punch_pass"]["package"] == "studio-reservations"
    assert (kinds["family_pass"]["package"], kinds["family_pass"]["version"]) == (None, None)
    sessions = kinds["family_pass"]["options"][0]
    assert sessions == {
        "name": "sessions",
        "label": "Sessions",
        "help": "How many sessions there are to share.",
        "kind": "number",
        "required": True,
        "nullable": False,
        "default": None,
        "min": 1,
        "max": 500,
        "choices": [],
    }
    assert [one["name"] for one in answer["not_loaded"]] == ["no_such_package:Pass"]
    assert "ModuleNotFoundError" in answer["not_loaded"][0]["fault"]


def test_a_pass_is_issued_with_its_members_who_can_use_it(api, world, issue):
    options = {"sessions": 4, "people": 2}
    issued = issue(world.eve, "family_pass", pass_options=options, members=[str(world.ada), str(world.eve)])
    crowded = issue(world.eve, "family_pass", pass_options=options, members=[str(world.ada), str(world.ward)])

    reserved = api("ada").post(
        "/reservations",
        session_id=world.later_session,
        registration_id=issued.json["id"],
        customer_id=world.ada,
    )

    assert (issued.status_code, reserved.status_code) == (201, 201)
    assert reserved.json["registration_id"] == issued.json["id"]
    assert crowded.json["errors"] == {"members": "This pass takes at most 1 beside its holder."}


def test_what_a_pass_type_refuses_to_issue_is_told_with_its_code_and_sentence(world, issue):
    first, second = (issue(world.eve, "intro_offer") for _ in range(2))

    assert first.status_code == 201
    assert (second.status_code, second.json["code"], second.json["issued_on"]) == (
        409,
        "intro_offer_taken",
        "2026-12-01",
    )
    assert second.json["detail"] == (
        "This offer is given once, and was on Tue 1 December. Ask the studio for another pass."
    )


def test_figures_are_for_the_customer_and_those_of_staff_for_staff(api, world, issue):
    issued = issue(world.ada, "family_pass", pass_options={"sessions": 4}).json
    path = f"/registrations/{issued['id']}/status"

    assert api("ada").get(path).json["figures"] == []
    assert api("front_desk").get(path).json["figures"] == [
        {"key": "people_who_came", "label": "People who came", "value": 0, "staff_only": True}
    ]


def test_dates_among_the_figures_are_dates(api, world, issue):
    issued = issue(world.ada, "intro_offer").json
    api("ada").post("/reservations", session_id=world.later_session, registration_id=issued["id"])

    figures = api("ada").get(f"/registrations/{issued['id']}/status").json["figures"]

    assert [one["key"] for one in figures] == ["first_visit", "last_day"]
    assert figures[0]["value"] == "2026-12-10"


def test_a_broken_pass_type_leaves_the_balance_and_tells_staff_why(api, world, issue):
    issued = issue(world.ada, "one_a_day").json
    path = f"/registrations/{issued['id']}/status"

    shown, to_staff = api("ada").get(path).json, api("front_desk").get(path).json
    again = api("manager").patch(f"/staff/registrations/{issued['id']}", valid_until="2027-01-31").json

    assert (shown["usable"], shown["fault"], shown["sessions"]["available"]) == (False, None, 3)
    assert (shown["code"], shown["sessions"]["unit"]) == ("pass_type_unavailable", "punch")
    assert shown["detail"].startswith("This kind of pass cannot be used right now.")
    assert to_staff["fault"] == again["fault"] == "remaining: LookupError: the price list is empty"
    assert api("ada").get("/registrations").status_code == 200


def test_a_code_that_a_pass_type_brings_has_a_page_that_says_whose_it_is(app):
    page = app.test_client().get("/api/errors/outside_intro_offer")

    assert page.status_code == 200
    assert "Outside intro offer" in page.text
    assert "days in a row; first and last: the local days between which a session can still be." in page.text
    assert "of the package <code>studio_intro_offer</code>" in page.text
    assert app.test_client().get("/api/errors/no_such_code").status_code == 404
