"""Who may do what on each staff screen: role × method × own or foreign studio, from the marks. Source: rules.md §10."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from studio_reservations.admin import SCREENS
from studio_reservations.models import Role
from tests.admin.conftest import ROLES, Kiln, Place, press

EXAMPLES = {
    "session_id": "session",
    "reservation_id": "pending",
    "registration_id": "registration",
    "customer_id": "customer",
    "suspension_id": "suspension",
    "class_id": "studio_class",
    "studio_id": "studio",
    "staff_id": "staff",
    "entry_id": "entry",
    "kiosk_id": "kiosk",
    "token_id": "token",
    "endpoint_id": "endpoint",
    "delivery_id": "delivery",
    "run_id": "run",
    "act_id": "act",
    "step_id": "step",
}
"""An id of each kind that an address may hold, by the name of the argument: which of `Place` it is."""
PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")
HIGHEST = "owner"

MARKS = [(address, name, mark) for screen, _, address in SCREENS for name, mark in sorted(screen.marks().items())]


def path_of(address: str, rule: str, place: Place | None) -> str:
    """Return the address of a method with ids of that studio in it."""
    prefix = "/admin/studio" if address == "today" else f"/admin/studio/{address}"
    return prefix + PLACEHOLDER.sub(lambda found: str(getattr(place, EXAMPLES[found[1]])), rule)


def call(client: FlaskClient, kind: str, path: str) -> int:
    """Return the status of a page, or of an empty form sent to an act."""
    return (press(client, path) if kind == "act" else client.get(path)).status_code


def test_every_method_of_a_screen_is_marked():
    """A method exposed without a mark would be open to everybody who knows its address."""
    for screen, _, _ in SCREENS:
        exposed = {name for _, name, _ in screen._urls}
        assert exposed == set(screen.marks()), screen.__name__


@pytest.mark.parametrize(("address", "name", "mark"), MARKS, ids=[f"{one[0]}.{one[1]}" for one in MARKS])
def test_only_those_who_may(address: str, name: str, mark: Any, as_role, kiln: Kiln):
    path = path_of(address, mark.rule, kiln.own)
    named = bool(PLACEHOLDER.search(mark.rule))
    found, expected = {}, {}
    for role in ROLES:  # the least first, so that a call let in has changed nothing for those before
        status = call(as_role(role), mark.kind, path)
        found[role] = {403: "forbidden", 404: "not found"}.get(
            status, "let in" if status < 500 else f"broken: {status}"
        )
        expected[role] = _expected(role, mark.least, named)
    # What is let in may still find nothing to do once somebody before has done it.
    assert found == expected


@pytest.mark.parametrize(
    ("address", "name", "mark"),
    [one for one in MARKS if PLACEHOLDER.search(one[2].rule)],
    ids=[f"{one[0]}.{one[1]}" for one in MARKS if PLACEHOLDER.search(one[2].rule)],
)
def test_what_is_another_studios_does_not_exist(address: str, name: str, mark: Any, as_role, kiln: Kiln):
    assert call(as_role(HIGHEST), mark.kind, path_of(address, mark.rule, kiln.foreign)) == 404


@pytest.mark.parametrize(("address", "name", "mark"), MARKS, ids=[f"{one[0]}.{one[1]}" for one in MARKS])
def test_whatever_is_sent_needs_the_token_of_the_page(address: str, name: str, mark: Any, as_role, kiln: Kiln):
    if mark.kind == "page":
        assert as_role(HIGHEST).post(path_of(address, mark.rule, kiln.own)).status_code == 405
    else:
        assert as_role(HIGHEST).post(path_of(address, mark.rule, kiln.own)).status_code == 403


@pytest.mark.parametrize("address", [address for _, _, address in SCREENS])
def test_without_a_login_the_portal_answers(address: str, portal):
    """In this portal, which names no login page, with 401; nothing of the page is told."""
    answer = portal.test_client().get(path_of(address, "/", None))

    assert answer.status_code == 401
    assert "Kiln Street" not in answer.text


def test_a_script_whose_login_has_ended_is_told_so(portal):
    answer = portal.test_client().get("/admin/studio/", headers={"X-Requested-With": "studio"})

    assert (answer.status_code, answer.get_json()["code"]) == (401, "not_authenticated")


def _expected(role: str, least: Role, named: bool) -> str:
    if role == "nobody":
        return "not found"
    if role == "stranger":
        return ("not found" if named else "let in") if Role.MANAGER.level >= least.level else "forbidden"
    return "let in" if Role(role).level >= least.level else "forbidden"
