"""Who may call what, for every endpoint of the route table. Source: rules.md §10."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from studio_reservations.api.routes import ENDPOINTS, Endpoint
from studio_reservations.models import Customer, Studio
from tests.api.conftest import World
from tests.factories import make_suspension

CALLERS = (
    *("nobody", "over"),
    *("ada", "customer", "eve"),
    *("instructor", "front_desk", "manager", "owner", "other_manager"),
    *("read", "write"),
)
"""``over`` is an expired token, ``customer`` one of Ada's, ``read`` a manager's that only reads, ``write`` the front desk's."""

# In the order of CALLERS: 1 is 401, f is 403, n is 404, and y whatever comes after being let in.
LOGGED_IN = "11 yyy yyyyy yy"
A_PERSON = "11 yyy yyyyy nn"
KNOWN_STUDIO = "11 yyy yyyyn yy"
ADAS = "11 yyn fyyyn yy"
ADAS_OR_TEACHERS = "11 yyn yyyyn yy"
ADAS_TO_CHANGE = "11 yyn fyyyn fy"
ADAS_OR_TEACHERS_TO_CHANGE = "11 yyn yyyyn fy"
DESK = "11 nnn fyyyn yy"
ANY_DESK = "11 nnn fyyyy yy"
ANY_DESK_TO_CHANGE = "11 nnn fyyyy fy"
TEACHER = "11 nnn yyyyn yy"
DESK_TO_CHANGE = "11 nnn fyyyn fy"
TEACHER_TO_CHANGE = "11 nnn yyyyn fy"
MANAGER_TO_CHANGE = "11 nnn ffyyn ff"

RULES = {
    "get_csrf_token": LOGGED_IN,
    "get_me": LOGGED_IN,
    "change_me": "11 yyy yyyyy fn",
    "make_calendar_feed": "11 yyy yyyyy fn",
    "list_studios": LOGGED_IN,
    "list_classes": KNOWN_STUDIO,
    "get_session": KNOWN_STUDIO,
    "get_check_in_status": ADAS_OR_TEACHERS,
    "create_reservation": ADAS_TO_CHANGE,
    "list_available": ADAS,
    "get_reservation": ADAS,
    "delete_reservation": ADAS_TO_CHANGE,
    "cancel_reservation": ADAS_TO_CHANGE,
    "reschedule_reservation": ADAS_TO_CHANGE,
    "check_in": ADAS_OR_TEACHERS_TO_CHANGE,
    "get_code": ADAS,
    "list_registrations": ADAS,
    "list_reservations_of_pass": ADAS,
    "get_calendar": ADAS,
    "get_pass_status": ADAS,
    "staff_check_in": ADAS_OR_TEACHERS_TO_CHANGE,
    "undo_check_in": DESK_TO_CHANGE,
    "mark_attended": DESK_TO_CHANGE,
    "undo_attended": DESK_TO_CHANGE,
    "mark_no_show": DESK_TO_CHANGE,
    "explain_no_show": "11 yyn nnnnn fn",
    "waive_no_show": MANAGER_TO_CHANGE,
    "unwaive_no_show": MANAGER_TO_CHANGE,
    "decline_explanation": MANAGER_TO_CHANGE,
    "restore_reservation": MANAGER_TO_CHANGE,
    "list_no_shows": DESK,
    "bulk_check_in": TEACHER_TO_CHANGE,
    "scan_code": TEACHER_TO_CHANGE,
    "get_roster": TEACHER,
    "create_session": MANAGER_TO_CHANGE,
    "change_session": MANAGER_TO_CHANGE,
    "cancel_session": MANAGER_TO_CHANGE,
    "list_customers": DESK,
    "add_customer": DESK_TO_CHANGE,
    "list_suspensions": DESK,
    "create_suspension": MANAGER_TO_CHANGE,
    "end_suspension": MANAGER_TO_CHANGE,
    "get_policy": DESK,
    "change_policy": MANAGER_TO_CHANGE,
    "list_pass_types": DESK,
    "issue_pass": MANAGER_TO_CHANGE,
    "change_pass": MANAGER_TO_CHANGE,
    "adjust_pass": MANAGER_TO_CHANGE,
    "freeze_pass": MANAGER_TO_CHANGE,
    "unfreeze_pass": MANAGER_TO_CHANGE,
    "transfer_pass": MANAGER_TO_CHANGE,
    "cancel_pass": MANAGER_TO_CHANGE,
    "get_ledger": "11 yyn fyyyn yy",
}
PUBLIC = {"get_calendar_feed"}


def inputs(world: World, code: str) -> dict[str, dict[str, Any]]:
    """Return what is sent to those that need more than a path, all of it about Ada and her studio."""
    return {
        "change_me": {"locale": "fr-CA"},
        "list_classes": {"studio": "clay"},
        "get_check_in_status": {"customer_id": world.ada},
        "create_reservation": {
            "session_id": world.later_session,
            "customer_id": world.ada,
            "registration_id": world.ada_pass,
        },
        "list_available": {"registration_id": world.ada_pass},
        "reschedule_reservation": {"session_id": world.later_session},
        "list_registrations": {"customer_id": world.ada, "studio": "clay"},
        "get_calendar": {"month": "2026-12"},
        "bulk_check_in": {"customer_ids": [str(world.ada)]},
        "scan_code": {"code": code},
        "create_session": {"class_id": world.studio_class, "starts_at": "2026-12-20T10:00:00Z"},
        "change_session": {"capacity": 12},
        "list_customers": {"studio": "clay"},
        "add_customer": {"studio": "clay", "name": "Walk-in"},
        "create_suspension": {
            "studio": "clay",
            "customer_id": world.ada,
            "ends_on": "2026-12-31",
            "reason": "Broke a wheel.",
        },
        "explain_no_show": {"text": "The tram did not come."},
        "list_no_shows": {"studio": "clay"},
        "list_suspensions": {"studio": "clay"},
        "end_suspension": {"reason": "Talked it over."},
        "get_policy": {"studio": "clay"},
        "change_policy": {"studio": "clay", "undo_minutes": 10},
        "list_pass_types": {"studio": "clay"},
        "issue_pass": {"studio": "clay", "customer_id": world.ada, "pass_type": "drop_in"},
        "change_pass": {"valid_until": "2027-01-31"},
        "adjust_pass": {"delta": 1, "reason": "A gift."},
        "transfer_pass": {"class_id": world.studio_class},
    }


def suspended(stored, world: World) -> UUID:
    """Suspend Ada, and return the suspension's id."""
    with stored() as db_session:
        ada, studio = db_session.get_one(Customer, world.ada), db_session.get_one(Studio, world.studio)
        return make_suspension(db_session, ada, studio).id


def test_every_endpoint_has_a_rule():
    assert {one.name for one in ENDPOINTS if not one.public} == set(RULES)
    assert {one.name for one in ENDPOINTS if one.public} == PUBLIC


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if not one.public], ids=lambda one: one.name)
def test_only_those_who_may(endpoint: Endpoint, api, world, clock, stored):
    code = api("ada").get(f"/reservations/{world.reservation}/code").json["code"]
    clock.advance(days=7, hours=-1)
    path = endpoint.open_path.format(
        reservation_id=world.reservation,
        session_id=world.session,
        registration_id=world.ada_pass,
        suspension_id=suspended(stored, world) if "{suspension_id}" in endpoint.open_path else None,
    )
    given = inputs(world, code).get(endpoint.name, {})
    told = ""
    # Those who are refused come first, so that a call let in has changed nothing for them yet.
    expected = dict(zip(CALLERS, RULES[endpoint.name].replace(" ", ""), strict=True))
    found = {}
    for caller in sorted(CALLERS, key=lambda one: expected[one] == "y"):
        part = "body" if endpoint.takes_body else "query"
        response = api(caller).call(endpoint.method, path, **{part: given})
        found[caller] = {401: "1", 403: "f", 404: "n"}.get(response.status_code, "y")
        told += f"{caller}: {response.status_code} {(response.json or {}).get('code')}\n"
    assert found == expected, told


def test_a_token_that_may_only_read_is_told_so(api, world):
    refused = api("read").post(f"/reservations/{world.reservation}/cancel")

    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")


def test_nobody_is_redirected_to_a_login(api):
    refused = api("nobody").get("/me")

    assert (refused.status_code, refused.json["code"]) == (401, "not_authenticated")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert "Location" not in refused.headers


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer nonsense", "bearer \u00e9", "Basic YTpi"])
def test_a_wrong_authorization_is_nobody(app, header):
    response = app.test_client().get("/api/me", headers={"Authorization": header})

    assert response.status_code == 401


def test_a_wrong_token_does_not_fall_back_to_the_login(api, world):
    assert api("ada").get("/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_newcomer_becomes_a_customer_on_the_first_call(api):
    newcomer = api("newcomer")

    first, second = newcomer.get("/me").json, newcomer.get("/me").json

    assert first["customer"]["name"] == "Newcomer"
    assert first == second
    assert first["studios"] == []


def test_me_names_wards_studios_and_roles(api, world):
    ada, manager = api("ada").get("/me").json, api("manager").get("/me").json

    assert [one["name"] for one in ada["acts_for"]] == ["Kit"]
    assert ada["studios"] == [{"slug": "clay", "name": "Clay & Co.", "timezone": "America/Toronto", "role": None}]
    assert [one["role"] for one in manager["studios"]] == ["manager"]
    assert api("write").get("/me").json["customer"] is None
