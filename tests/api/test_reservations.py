"""Reserving, cancelling and moving over HTTP."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    OutboxMessage,
    SessionReservation,
    Studio,
    StudioClass,
)
from tests.factories import NOW, make_class, make_pass, make_reservation, make_session, make_suspension, steps_of_class


def test_a_reservation_is_made_and_found_at_its_location(api, world):
    ada = api("ada")

    made = ada.post("/reservations", session_id=world.later_session, registration_id=world.ada_pass)

    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/reservations/{made.json['id']}"
    found = ada.get(f"/reservations/{made.json['id']}")
    assert {name: found.json[name] for name in made.json if name != "pass_choice"} == {
        name: value for name, value in made.json.items() if name != "pass_choice"
    }
    assert [one["action"] for one in found.json["history"]] == ["reservation.created"]


def test_a_reservation_looks_as_documented(api, world):
    made = api("ada").post("/reservations", session_id=world.later_session)

    assert made.json == {
        "id": made.json["id"],
        "registration_id": str(world.ada_pass),
        "customer_id": str(world.ada),
        "session": {
            "id": str(world.later_session),
            "class": "Beginner Wheel Throwing",
            "step": None,
            "starts_at": "2026-12-10T10:00:00-05:00",
            "ends_at": "2026-12-10T12:00:00-05:00",
            "timezone": "America/Toronto",
            "location": None,
        },
        "status": "PENDING",
        "makeup_for_id": None,
        "reserved_at": "2026-12-01T10:00:00-05:00",
        "checked_in_at": None,
        "check_in_method": None,
        "punches_held": 1,
        "punches_used": 0,
        "cancellable_until": "2026-12-10T10:00:00-05:00",
        "free_cancellation_until": "2026-12-09T10:00:00-05:00",
        "grace_ends_at": None,
        "auto_cancel_at": None,
        "check_in": {"opens_at": "2026-12-10T08:00:00-05:00", "closes_at": "2026-12-10T14:00:00-05:00"},
        "pass_choice": {"registration_id": str(world.ada_pass), "pass_type": "punch_pass", "reason": "only_one"},
    }


def test_a_full_session_is_refused_with_its_capacity_and_nothing_is_written(api, world, stored):
    with stored() as db_session:
        db_session.get(ClassSession, world.later_session).seats_taken = 2
        before = db_session.scalar(select(func.count()).select_from(SessionReservation))

    refused = api("ada").post("/reservations", session_id=world.later_session)

    assert (refused.status_code, refused.json["code"], refused.json["capacity"]) == (409, "session_full", 2)
    with stored() as db_session:
        assert db_session.scalar(select(func.count()).select_from(SessionReservation)) == before
        assert db_session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_instants_in_a_refusal_are_told_in_the_studios_time(api, world, clock):
    clock.advance(days=9, minutes=1)

    refused = api("ada").post("/reservations", session_id=world.later_session)

    assert refused.json["code"] == "session_started"
    assert refused.json["starts_at"] == "2026-12-10T10:00:00-05:00"
    assert "10:00" in refused.json["detail"]


def test_a_guardian_reserves_for_a_ward_and_the_desk_for_anybody_it_knows(api, world):
    for caller, customer, expected in (("ada", world.ward, 201), ("front_desk", world.eve, 201)):
        made = api(caller).post("/reservations", session_id=world.later_session, customer_id=customer)
        assert (made.status_code, made.json["customer_id"]) == (expected, str(customer))


def test_no_usable_pass_lists_each_pass_with_its_reason(api, world, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, world.ada_pass).sessions_remaining = 0
        make_pass(
            db_session,
            db_session.get_one(Customer, world.ada),
            db_session.get_one(Studio, world.studio),
            valid_until=NOW.date(),
        )

    refused = api("ada").post("/reservations", session_id=world.later_session)

    assert refused.json["code"] == "no_usable_pass"
    assert sorted(one["code"] for one in refused.json["passes"]) == ["pass_expired", "punches_exhausted"]
    assert all(one["detail"] for one in refused.json["passes"])


def test_the_day_that_a_pass_is_refused_for_is_the_studios_whether_or_not_the_pass_is_named(api, world, stored):
    evening = NOW.replace(hour=1) + timedelta(days=4)  # the day before in Toronto
    with stored() as db_session:
        ada, studio = db_session.get_one(Customer, world.ada), db_session.get_one(Studio, world.studio)
        course = make_class(db_session, studio, steps=1)
        step = steps_of_class(db_session, course)[0]
        held = make_pass(db_session, ada, studio, pass_type="full_course", studio_class=course)
        first = make_session(db_session, course, step=step, starts_at=evening)
        make_reservation(db_session, held, first, exclusive_step_id=step.id)
        db_session.get_one(ClassRegistration, world.ada_pass).sessions_remaining = 1
        asked = {"session_id": make_session(db_session, course, step=step, starts_at=evening + timedelta(days=7)).id}
        named = {**asked, "registration_id": held.id}

    by_name = api("ada").post("/reservations", **named).json
    listed = api("ada").post("/reservations", **asked).json

    assert listed["code"] == "no_usable_pass"
    assert by_name["starts_at"] == evening.astimezone(ZoneInfo("America/Toronto")).isoformat()
    assert {one["code"]: one["detail"] for one in listed["passes"]}["step_already_reserved"] == by_name["detail"]
    assert "Fri 4 December" in by_name["detail"]


def test_a_manager_sets_a_suspension_aside_and_says_why(api, world, stored):
    with stored() as db_session:
        make_suspension(db_session, db_session.get_one(Customer, world.eve), db_session.get_one(Studio, world.studio))
    wanted = {"session_id": world.later_session, "customer_id": world.eve}
    override = {"rules": ["customer_suspended"], "reason": "She was ill."}

    assert api("manager").post("/reservations", **wanted).json["code"] == "customer_suspended"
    assert api("front_desk").post("/reservations", **wanted, override=override).json["code"] == "override_not_allowed"
    unexplained = api("manager").post("/reservations", **wanted, override={**override, "reason": " "})
    assert unexplained.json["code"] == "reason_required"
    assert api("manager").post("/reservations", **wanted, override=override).status_code == 201


def test_cancelling_early_is_free_by_either_verb(api, world):
    ada = api("ada")

    cancelled = ada.delete(f"/reservations/{world.reservation}", reason="Away", if_free="true")
    again = ada.post(f"/reservations/{world.reservation}/cancel")

    assert (cancelled.status_code, cancelled.json["status"]) == (200, "CANCELLED")
    assert (cancelled.json["late"], cancelled.json["punches_refunded"], cancelled.json["punches_charged"]) == (
        False,
        0,
        0,
    )
    assert again.json["status"] == "CANCELLED"


def test_a_late_cancellation_is_refused_if_it_shall_be_free(api, world, clock):
    clock.now = NOW + timedelta(days=6, hours=12)
    ada = api("ada")

    refused = ada.post(f"/reservations/{world.reservation}/cancel", if_free=True)
    done = ada.post(f"/reservations/{world.reservation}/cancel")

    assert refused.json["code"] == "cancellation_not_free"
    assert refused.json["free_until"] == "2026-12-07T10:00:00-05:00"
    assert done.json["late"] is True


def test_a_body_with_a_delete_is_not_silently_ignored(api, world):
    refused = api("ada").call("DELETE", f"/reservations/{world.reservation}", body={"if_free": True})

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")


def test_a_reservation_moves_to_another_session(api, world):
    moved = api("ada").post(f"/reservations/{world.reservation}/reschedule", session_id=world.later_session)

    assert (moved.status_code, moved.json["replaces"]) == (201, str(world.reservation))
    assert moved.json["session"]["id"] == str(world.later_session)


def test_what_is_available_says_why_not(api, world, stored):
    with stored() as db_session:
        db_session.get(ClassSession, world.later_session).seats_taken = 2
    ada = api("ada")

    listed = ada.get("/reservations/available", studio="clay")

    told = [(one["id"], one["reservable"], one["code"], one["seats_left"]) for one in listed.json["items"]]
    assert told == [
        (str(world.session), False, "already_reserved", 9),
        (str(world.later_session), False, "session_full", 0),
    ]
    assert all(one["detail"] for one in listed.json["items"])
    assert ada.get("/reservations/available", studio="clay", only_reservable=True).json["items"] == []


def test_available_by_class_and_by_pass_for_staff_and_in_pages(api, world):
    desk = api("front_desk")

    by_class = desk.get("/reservations/available", class_id=world.studio_class, customer_id=world.eve, limit=1)
    rest = desk.get(
        "/reservations/available",
        class_id=world.studio_class,
        customer_id=world.eve,
        limit=1,
        cursor=by_class.json["next"],
    )
    by_pass = desk.get("/reservations/available", registration_id=world.ward_pass)

    assert [one["id"] for one in by_class.json["items"] + rest.json["items"]] == [
        str(world.session),
        str(world.later_session),
    ]
    assert rest.json["next"] is None
    assert [one["registration_id"] for one in by_pass.json["items"]] == [str(world.ward_pass)] * 2


def test_available_covers_local_days(api, world):
    ada = api("ada")

    on_the_day = ada.get("/reservations/available", studio="clay", from_="2026-12-08", to="2026-12-08")

    assert [one["id"] for one in on_the_day.json["items"]] == [str(world.session)]
    too_long = ada.get("/reservations/available", studio="clay", from_="2026-12-01", to="2036-12-01")
    assert (too_long.status_code, set(too_long.json["errors"])) == (422, {"to"})
    backwards = ada.get("/reservations/available", studio="clay", from_="2026-12-02", to="2026-12-01")
    assert (backwards.status_code, set(backwards.json["errors"])) == (422, {"to"})
    assert ada.get("/reservations/available").json["errors"].keys() == {"query"}
    assert ada.get("/reservations/available", studio="kiln").status_code == 404


def test_an_added_session_is_available(api, world, stored):
    with stored() as db_session:
        make_session(
            db_session, db_session.get_one(StudioClass, world.studio_class), starts_at=NOW + timedelta(hours=1)
        )

    listed = api("eve").get("/reservations/available", studio="clay", only_reservable=True)

    assert len(listed.json["items"]) == 3


def test_a_customer_reads_their_own_reasons_and_staff_read_all(api, world):
    ada, manager = api("ada"), api("manager")
    path = f"/reservations/{world.reservation}"
    manager.post(f"/staff/registrations/{world.ada_pass}/adjust", delta=1, reason="Complained twice.")
    ada.post(f"{path}/cancel", reason="Flu")
    made = ada.post("/reservations", session_id=world.later_session).json
    manager.post(f"/reservations/{made['id']}/cancel", reason="Owes us money.")

    def reasons(caller, reservation_id):
        return [one["reason"] for one in caller.get(f"/reservations/{reservation_id}").json["history"]]

    def of_ledger(caller):
        entries = caller.get(f"/staff/registrations/{world.ada_pass}/ledger").json["items"]
        return [one["reason"] for one in entries if one["entry_type"] == "ADJUSTMENT"]

    assert reasons(ada, world.reservation) == reasons(manager, world.reservation) == ["Flu"]
    assert reasons(ada, made["id"]) == [None, None]
    assert reasons(manager, made["id"]) == [None, "Owes us money."]
    assert (of_ledger(ada), of_ledger(manager)) == ([None], ["Complained twice."])
