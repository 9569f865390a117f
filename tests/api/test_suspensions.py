"""Suspensions over HTTP: listed, made by hand, lifted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from studio_reservations.models import Customer, Studio, SuspensionNoShow, SuspensionOrigin
from studio_reservations.pass_types import Status
from tests.api.test_queries import counting
from tests.factories import (
    NOW,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_studio,
    make_suspension,
)


@pytest.fixture
def built(world, stored) -> tuple[str, str]:
    """Let the night have suspended Eve for one missed class; return both ids."""
    with stored() as db_session:
        studio, eve = db_session.get_one(Studio, world.studio), db_session.get_one(Customer, world.eve)
        missed = make_reservation(
            db_session,
            make_pass(db_session, eve, studio),
            make_session(db_session, make_class(db_session, studio), starts_at=NOW - timedelta(days=2)),
            status=Status.NO_SHOW,
            counts_as_no_show=True,
            missed_at=NOW - timedelta(days=2),
            grace_ends_at=NOW - timedelta(days=1),
        )
        suspension = make_suspension(
            db_session, eve, studio, created_by_kind=SuspensionOrigin.SYSTEM, no_show_count=1, limit=1
        )
        db_session.add(SuspensionNoShow(suspension_id=suspension.id, reservation_id=missed.id, studio_id=studio.id))
        return str(suspension.id), str(missed.id)


def test_they_are_listed_with_what_built_them(api, built):
    suspension, missed = built

    (found,) = api("front_desk").get("/staff/suspensions", studio="clay", active="true").json["items"]

    assert (found["id"], found["customer_name"], found["active"]) == (suspension, "Eve", True)
    assert (found["no_shows"], found["limit"], found["no_show_ids"]) == (1, 1, [missed])
    assert (found["created_by"], found["ended_at"]) == ("SYSTEM", None)


def test_lifted_the_customer_reserves_again(api, world, built):
    suspension, _ = built
    eve, manager = api("eve"), api("manager")
    refused = eve.post("/reservations", session_id=world.later_session)

    lifted = manager.post(f"/staff/suspensions/{suspension}/lift", reason="Talked it over.")
    made = eve.post("/reservations", session_id=world.later_session)

    assert refused.json["code"] == "customer_suspended"
    assert (lifted.json["active"], lifted.json["lift_reason"]) == (False, "Talked it over.")
    assert lifted.json["lifted_at"] == lifted.json["ended_at"] == "2026-12-01T10:00:00-05:00"
    assert made.status_code == 201
    assert manager.get("/staff/suspensions", active="true").json["items"] == []
    assert [one["id"] for one in manager.get("/staff/suspensions", active="false").json["items"]] == [suspension]


def test_made_by_hand_and_lifted_it_can_be_made_again(api, world):
    wanted = {"customer_id": world.eve, "ends_on": "2026-12-14", "reason": "Shouted at the kiln."}
    manager = api("manager")
    made = manager.post("/staff/suspensions", **wanted).json

    lifted = manager.post(f"/staff/suspensions/{made['id']}/lift", reason="Said sorry.")
    again = manager.post("/staff/suspensions", **wanted)

    assert (made["active"], made["no_shows"], made["limit"], made["no_show_ids"]) == (True, None, None, [])
    assert lifted.status_code == 200
    assert again.status_code == 201


def test_lifting_twice_is_once(api, built):
    path = f"/staff/suspensions/{built[0]}/lift"
    manager = api("manager")

    first, again = manager.post(path, reason="Talked it over."), manager.post(path, reason="Once more.")

    assert (again.status_code, again.json) == (200, first.json)


def test_what_is_over_or_voided_cannot_be_lifted(api, world, built, clock):
    suspension, missed = built
    manager = api("manager")
    clock.now = NOW + timedelta(days=30)
    over = manager.post(f"/staff/suspensions/{suspension}/lift", reason="Late.")
    clock.now = NOW
    manager.post(f"/staff/reservations/{missed}/waive")
    voided = manager.post(f"/staff/suspensions/{suspension}/lift", reason="Too late.")

    assert (over.json["code"], over.json["state"]) == ("invalid_transition", "ENDED")
    assert (voided.json["code"], voided.json["state"]) == ("invalid_transition", "VOIDED")


@pytest.mark.parametrize(
    ("body", "code"),
    [({"reason": " "}, "reason_required"), ({}, "invalid_request"), ({"reason": "x" * 1001}, "invalid_request")],
)
def test_lifting_takes_a_reason(api, built, body, code):
    manager = api("manager")

    refused = manager.post(f"/staff/suspensions/{built[0]}/lift", **body)

    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert len(manager.get("/staff/suspensions", active="true").json["items"]) == 1


def test_a_foreign_one_answers_exactly_like_an_unknown_one(api, world, stored):
    with stored() as db_session:
        other = make_studio(db_session)
        foreign = make_suspension(db_session, make_customer(db_session, other), other).id
    manager = api("manager")

    answers = {manager.post(f"/staff/suspensions/{one}/lift", reason="Mine?").data for one in (foreign, world.studio)}

    assert len(answers) == 1
    assert manager.get("/staff/suspensions").json["items"] == []
    assert manager.get("/staff/suspensions", studio="kiln").status_code == 404


@pytest.mark.parametrize("query", [{"active": "perhaps"}, {"limit": 0}, {"colour": "red"}])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_query_is_refused(api, query):
    refused = api("front_desk").get("/staff/suspensions", **query)

    assert (refused.status_code, set(refused.json["errors"])) == (422, set(query))


def test_many_come_in_pages_and_cost_what_one_costs(app, api, world, built, stored):
    desk = api("write")
    with counting(app) as few:
        desk.get("/staff/suspensions", limit=200)
    with stored() as db_session:
        studio = db_session.get_one(Studio, world.studio)
        for number in range(60):
            make_suspension(
                db_session,
                make_customer(db_session, studio),
                studio,
                starts_at=NOW - timedelta(days=1, minutes=number),
                ends_on=date(2026, 12, 31),
            )
    with counting(app) as many:
        first = desk.get("/staff/suspensions", limit=50).json
    rest = desk.get("/staff/suspensions", limit=50, cursor=first["next"]).json

    assert len(many) == len(few), many
    assert first["items"][0]["id"] == built[0]
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 61
    assert rest["next"] is None
