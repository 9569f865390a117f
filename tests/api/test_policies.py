"""Policies over HTTP: in force with whence they come, set as a whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from studio_reservations.models import ClassRegistration, NoShowPolicy, ReservationHistory, Studio
from studio_reservations.policies.policy import Policy
from studio_reservations.services.policies import NOTIFY_FIELDS, POLICY_FIELDS, STUDIO_ONLY
from tests.factories import NOW, make_class


def told(answer, *names: str) -> dict[str, tuple]:
    return {name: (answer.json[name]["value"], answer.json[name]["source"]) for name in names}


def acts(stored) -> list[dict]:
    with stored() as db_session:
        rows = db_session.scalars(
            select(ReservationHistory)
            .where(ReservationHistory.action == "policy.changed")
            .order_by(ReservationHistory.id)
        )
        return [one.details for one in rows]


def test_without_any_all_fields_are_the_defaults(api):
    policy = api("front_desk").get("/staff/policies")

    fields = {name: one for name, one in policy.json.items() if name not in ("studio", "class_id")}
    assert {name: one["value"] for name, one in fields.items()} == {
        **{name: getattr(Policy(), name) for name in POLICY_FIELDS},
        **dict.fromkeys(NOTIFY_FIELDS, True),
    }
    assert {one["source"] for one in fields.values()} == {"default"}


def test_a_class_overrides_field_by_field(api, world):
    manager = api("manager")
    manager.put("/staff/policies", grace_period_hours=48, undo_minutes=0, max_no_shows=5)

    manager.put("/staff/policies", class_id=world.studio_class, undo_minutes=30, self_check_in="door_code")

    names = ("grace_period_hours", "undo_minutes", "max_no_shows", "self_check_in", "suspension_days")
    assert told(manager.get("/staff/policies", class_id=world.studio_class), *names) == {
        "grace_period_hours": (48, "studio"),
        "undo_minutes": (30, "class"),
        "max_no_shows": (5, "studio"),
        "self_check_in": ("door_code", "class"),
        "suspension_days": (14, "default"),
    }
    assert told(manager.get("/staff/policies"), "undo_minutes", "self_check_in") == {
        "undo_minutes": (0, "studio"),
        "self_check_in": ("anywhere", "default"),
    }


def test_what_is_left_out_inherits_again(api):
    manager = api("manager")
    manager.put("/staff/policies", grace_period_hours=48, notify_moved=False)

    after = manager.put("/staff/policies", undo_minutes=5)

    assert told(after, "grace_period_hours", "notify_moved", "undo_minutes") == {
        "grace_period_hours": (24, "default"),
        "notify_moved": (True, "default"),
        "undo_minutes": (5, "studio"),
    }


def test_a_null_of_a_class_inherits(api, world):
    manager = api("manager")
    manager.put("/staff/policies", grace_period_hours=48)
    manager.put("/staff/policies", class_id=world.studio_class, grace_period_hours=12, undo_minutes=30)
    inherited = {name: None for name in (*POLICY_FIELDS, *NOTIFY_FIELDS) if name not in STUDIO_ONLY}

    after = manager.put("/staff/policies", class_id=world.studio_class, **{**inherited, "undo_minutes": 5})

    assert after.status_code == 200, after.json
    assert told(after, "grace_period_hours", "undo_minutes", "self_check_in", "notify_moved") == {
        "grace_period_hours": (48, "studio"),
        "undo_minutes": (5, "class"),
        "self_check_in": ("anywhere", "default"),
        "notify_moved": (True, "default"),
    }
    assert after.json == manager.get("/staff/policies", class_id=world.studio_class).json


def test_null_is_never_and_for_ever(api):
    manager = api("manager")

    never = manager.put("/staff/policies", max_no_shows=None, no_show_window_days=None)
    again = manager.put("/staff/policies")

    names = ("max_no_shows", "no_show_window_days")
    assert told(never, *names) == {"max_no_shows": (None, "studio"), "no_show_window_days": (None, "studio")}
    assert told(again, *names) == {"max_no_shows": (3, "default"), "no_show_window_days": (90, "default")}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"grace_period_hours": -1}, "grace_period_hours"),
        ({"grace_period_hours": 745}, "grace_period_hours"),
        ({"grace_period_hours": None}, "grace_period_hours"),
        ({"self_check_in": None}, "self_check_in"),
        ({"notify_moved": None}, "notify_moved"),
        ({"grace_period_hours": "24"}, "grace_period_hours"),
        ({"grace_period_hours": 1.5}, "grace_period_hours"),
        ({"cancellation_cutoff_hours": 10**20}, "cancellation_cutoff_hours"),
        ({"max_no_shows": 0}, "max_no_shows"),
        ({"max_no_shows": 1001}, "max_no_shows"),
        ({"no_show_window_days": 0}, "no_show_window_days"),
        ({"suspension_days": 0}, "suspension_days"),
        ({"suspension_days": None}, "suspension_days"),
        ({"undo_minutes": 1441}, "undo_minutes"),
        ({"check_in_opens_minutes_before": -5}, "check_in_opens_minutes_before"),
        ({"check_in_closes_minutes_after": True}, "check_in_closes_minutes_after"),
        ({"auto_cancel_futures": "yes"}, "auto_cancel_futures"),
        ({"notify_waived": 1}, "notify_waived"),
        ({"self_check_in": "sometimes"}, "self_check_in"),
        ({"never_suspends": True}, "never_suspends"),
        ({"colour": "red"}, "colour"),
        ({"class_id": "42"}, "class_id"),
        ({"reason": "x" * 1001}, "reason"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_field_is_named_and_nothing_is_stored(api, stored, body, field):
    refused = api("manager").put("/staff/policies", **{"undo_minutes": 7, **body})

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
    assert set(refused.json["errors"]) == {field}
    with stored() as db_session:
        assert db_session.scalars(select(NoShowPolicy)).all() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_no_shows", 4), ("max_no_shows", None), ("no_show_window_days", None), ("suspension_days", 4)],
)
def test_suspensions_are_the_studios(api, world, name, value):
    refused = api("manager").put("/staff/policies", class_id=world.studio_class, **{name: value})

    assert (refused.status_code, set(refused.json["errors"])) == (422, {name})


def test_a_change_is_written_down_once(api, world, stored):
    manager = api("manager")
    body = {"class_id": world.studio_class, "grace_period_hours": 48, "reason": "A long way home."}

    manager.put("/staff/policies", **body)
    manager.put("/staff/policies", **body)
    manager.put("/staff/policies", class_id=world.studio_class, grace_period_hours=72)

    assert acts(stored) == [
        {"class_id": str(world.studio_class), "changed": {"grace_period_hours": [24, 48]}},
        {"class_id": str(world.studio_class), "changed": {"grace_period_hours": [48, 72]}},
    ]


def test_a_foreign_class_is_not_found(api, world, stored):
    with stored() as db_session:
        kiln = db_session.scalars(select(Studio).where(Studio.slug == "kiln")).one()
        foreign = make_class(db_session, kiln).id
    manager = api("manager")

    for class_id in (foreign, world.studio):
        assert manager.get("/staff/policies", class_id=class_id).status_code == 404
        assert manager.put("/staff/policies", class_id=class_id, undo_minutes=1).status_code == 404
    assert manager.get("/staff/policies", studio="kiln").status_code == 404


def test_what_is_reserved_already_keeps_its_terms(api, world):
    ada = api("ada")
    before = ada.get(f"/reservations/{world.reservation}").json["free_cancellation_until"]

    api("manager").put("/staff/policies", cancellation_cutoff_hours=72)

    assert ada.get(f"/reservations/{world.reservation}").json["free_cancellation_until"] == before
    made = ada.post("/reservations", session_id=world.later_session).json
    assert made["free_cancellation_until"] == "2026-12-07T10:00:00-05:00"


def test_grace_in_force_is_the_passs_own_before_the_classs_before_the_studios(api, world, stored, clock):
    manager, desk = api("manager"), api("front_desk")
    manager.put("/staff/policies", grace_period_hours=48)
    manager.put("/staff/policies", class_id=world.studio_class, grace_period_hours=12)
    clock.now = NOW + timedelta(days=7, hours=2)
    path = f"/staff/reservations/{world.reservation}"

    by_class = desk.post(f"{path}/no-show").json["grace_ends_at"]
    desk.post(f"{path}/check-in")
    with stored() as db_session:
        db_session.get_one(ClassRegistration, world.ada_pass).absence_grace_period_hours = 0
    by_pass = desk.post(f"{path}/no-show").json

    assert by_class == "2026-12-09T00:00:00-05:00"
    assert by_pass["grace_ends_at"] == "2026-12-08T12:00:00-05:00"
    assert by_pass["auto_cancel_at"] == "2026-12-09T02:00:00-05:00"
