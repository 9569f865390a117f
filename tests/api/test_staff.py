"""What staff do over HTTP."""

from __future__ import annotations

from datetime import timedelta

from studio_reservations.models import ClassSession, Role
from studio_reservations.services.studios import studio_by_slug
from tests.factories import NOW, make_staff


def test_check_in_attendance_and_back(api, world, clock):
    clock.now = NOW + timedelta(days=7)
    desk = api("front_desk")
    path = f"/staff/reservations/{world.reservation}"

    states = [
        desk.post(f"{path}/{act}", **body).json["status"]
        for act, body in (
            ("check-in", {}),
            ("attended", {}),
            ("undo-attended", {"reason": "Mistaken"}),
            ("undo-check-in", {}),
            ("no-show", {"release_seat": True}),
            ("check-in", {}),
        )
    ]

    assert states == ["CHECKED_IN", "ATTENDED", "CHECKED_IN", "PENDING", "NO_SHOW", "CHECKED_IN"]
    assert desk.post(f"{path}/undo-attended").json["status"] == "CHECKED_IN"


def test_beyond_the_class_day_needs_an_override(api, world):
    path = f"/staff/reservations/{world.reservation}/check-in"
    desk = api("front_desk")

    refused = desk.post(path)
    done = desk.post(path, override={"rules": ["not_class_day"], "reason": "The clock is wrong."})

    assert (refused.json["code"], refused.json["opens_at"]) == ("not_class_day", "2026-12-08T00:00:00-05:00")
    assert done.json["status"] == "CHECKED_IN"


def test_a_no_show_before_the_start_is_refused(api, world):
    refused = api("front_desk").post(f"/staff/reservations/{world.reservation}/no-show")

    assert refused.json["code"] == "session_not_started"


def test_a_roster_is_by_name_and_unchanged_it_is_not_sent_again(api, world):
    desk = api("front_desk")
    path = f"/staff/sessions/{world.session}/roster"
    desk.post("/reservations", session_id=world.session, customer_id=world.eve)

    roster = desk.get(path)
    unchanged = desk.get(path, headers={"If-None-Match": roster.headers["ETag"]})
    desk.post(f"/reservations/{world.reservation}/cancel")
    changed = desk.get(path, headers={"If-None-Match": roster.headers["ETag"]})

    assert [one["customer_name"] for one in roster.json["reservations"]] == ["Ada", "Eve"]
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert [one["customer_name"] for one in changed.json["reservations"]] == ["Eve"]


def test_a_session_is_made_moved_and_cancelled(api, world):
    manager = api("manager")

    made = manager.post("/staff/sessions", class_id=world.studio_class, starts_at="2026-12-20T10:00:00-05:00")
    path = f"/staff/sessions/{made.json['id']}"
    moved = manager.patch(path, starts_at="2026-12-20T12:00:00-05:00", location="Room 2")
    cancelled = manager.post(f"{path}/cancel", reason="The kiln broke.")

    assert (made.status_code, made.json["ends_at"]) == (201, "2026-12-20T11:00:00-05:00")
    assert (moved.json["moved"], moved.json["session"]["location"]) == (True, "Room 2")
    assert moved.json["session"]["ends_at"] == "2026-12-20T13:00:00-05:00"
    assert (cancelled.json["session"]["status"], cancelled.json["cancelled"]) == ("CANCELLED", 0)


def test_cancelling_a_session_counts_what_it_cancelled(api, world):
    cancelled = api("manager").post(f"/staff/sessions/{world.session}/cancel")

    assert (cancelled.json["cancelled"], cancelled.json["waived"], cancelled.json["punches_refunded"]) == (1, 0, 0)


def test_capacity_cannot_fall_below_the_seats_taken(api, world):
    manager = api("manager")

    refused = manager.patch(f"/staff/sessions/{world.session}", capacity=0)
    null = manager.patch(f"/staff/sessions/{world.session}", capacity=None)

    assert (refused.json["code"], refused.json["taken"]) == ("capacity_below_taken", 1)
    assert (null.status_code, set(null.json["errors"])) == (422, {"capacity"})


def test_customers_are_found_and_added_in_ones_own_studio_only(api):
    desk = api("front_desk")

    added = desk.post("/staff/customers", name="Zoe", email="zoe@example.org")
    again = desk.post("/staff/customers", name="zoe", email="ZOE@example.org")
    found = desk.get("/staff/customers", q="zoe").json["items"]

    assert (added.status_code, again.status_code) == (201, 200)
    assert again.json["id"] == added.json["id"]
    assert [one["id"] for one in found] == [added.json["id"]]
    assert desk.get("/staff/customers", studio="kiln").status_code == 404


def test_customers_come_in_pages(api):
    desk = api("front_desk")

    first = desk.get("/staff/customers", limit=2).json
    rest = desk.get("/staff/customers", limit=2, cursor=first["next"]).json

    assert [one["name"] for one in first["items"] + rest["items"]] == ["Ada", "Eve", "Kit"]
    assert rest["next"] is None


def test_a_suspension_stops_new_reservations(api, world):
    wanted = {"customer_id": world.eve, "ends_on": "2026-12-14", "reason": "Three times absent."}
    manager = api("manager")

    made = manager.post("/staff/suspensions", **wanted)
    again = manager.post("/staff/suspensions", **wanted)
    refused = api("eve").post("/reservations", session_id=world.later_session)

    assert (made.status_code, made.json["ends_at"], made.json["created_by"]) == (
        201,
        "2026-12-15T00:00:00-05:00",
        "STAFF",
    )
    assert again.json["code"] == "already_suspended"
    assert (refused.json["code"], refused.json["ends_on"]) == ("customer_suspended", "2026-12-14")


def test_a_pass_and_its_life(api, world):
    manager = api("manager")

    issued = manager.post(
        "/staff/registrations",
        customer_id=world.eve,
        pass_type="punch_pass",
        pass_options={"sessions": 8},
        valid_until="2027-03-31",
        external_ref="order-1",
    )
    path = f"/staff/registrations/{issued.json['id']}"
    same = manager.post("/staff/registrations", customer_id=world.eve, pass_type="punch_pass", external_ref="order-1")
    adjusted = manager.post(f"{path}/adjust", delta=-3, reason="Sold three back.")
    changed = manager.patch(path, valid_until=None, max_advance_reservations=5)
    frozen = manager.post(f"{path}/freeze").json["registration"]
    thawed = manager.post(f"{path}/unfreeze")
    transferred = manager.post(f"{path}/transfer", class_id=str(world.studio_class)).json["registration"]
    cancelled = manager.post(f"{path}/cancel").json["registration"]
    ledger = manager.get(f"{path}/ledger").json["items"]

    assert issued.status_code == 201
    assert same.json["id"] == issued.json["id"]
    assert adjusted.json["sessions_remaining"] == issued.json["sessions_remaining"] - 3
    assert (changed.json["valid_until"], changed.json["max_advance_reservations"]) == (None, 5)
    assert (frozen["status"], frozen["frozen_on"], thawed.json["status"]) == ("FROZEN", "2026-12-01", "ACTIVE")
    assert (transferred["class"], cancelled["status"]) == ("Beginner Wheel Throwing", "CANCELLED")
    assert [one["entry_type"] for one in ledger] == ["ISSUED", "ADJUSTMENT"]


def test_freezing_is_previewed_and_then_cancels(api, world):
    manager = api("manager")
    path = f"/staff/registrations/{world.ada_pass}/freeze"

    preview = manager.post(path, preview=True).json
    done = manager.post(path).json

    assert (preview["preview"], preview["registration"]["status"]) == (True, "ACTIVE")
    assert [one["status"] for one in preview["cancelled"]] == ["PENDING"]
    assert [one["status"] for one in done["cancelled"]] == ["CANCELLED"]


def test_adjusting_below_what_is_held_names_the_endangered(api, world):
    manager = api("manager")
    path = f"/staff/registrations/{world.ada_pass}/adjust"

    refused = manager.post(path, delta=-5, reason="Refunded.")
    done = manager.post(path, delta=-5, reason="Refunded.", confirm=True)

    assert refused.json["code"] == "punches_held"
    assert [one["reservation_id"] for one in refused.json["reservations"]] == [str(world.reservation)]
    assert done.json["sessions_remaining"] == 0


def test_wrong_pass_options_are_named(api, world):
    refused = api("manager").post(
        "/staff/registrations", customer_id=world.eve, pass_type="punch_pass", pass_options={"sessions": "many"}
    )
    unknown = api("manager").post("/staff/registrations", customer_id=world.eve, pass_type="moon")

    assert set(refused.json["errors"]) == {"pass_options.sessions"}
    assert (unknown.status_code, unknown.json["code"]) == (422, "invalid_request")
    assert "punch_pass" in unknown.json["errors"]["pass_type"]


def test_staff_of_two_studios_say_which(api, world, stored):
    with stored() as db_session:
        kiln = studio_by_slug(db_session, "kiln")
        make_staff(db_session, kiln, Role.MANAGER, user_id=world.users["manager"].get_id())
    manager = api("manager")

    assert set(manager.get("/staff/customers").json["errors"]) == {"studio"}
    assert [one["name"] for one in manager.get("/staff/customers", studio="kiln").json["items"]] == ["Zoe"]


def test_a_full_room_can_be_made_larger(api, world, stored):
    with stored() as db_session:
        db_session.get_one(ClassSession, world.later_session).seats_taken = 2
    ada = api("ada")
    assert ada.post("/reservations", session_id=world.later_session).json["code"] == "session_full"

    api("manager").patch(f"/staff/sessions/{world.later_session}", capacity=3)

    assert ada.post("/reservations", session_id=world.later_session).status_code == 201
