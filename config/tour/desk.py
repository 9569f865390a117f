"""What staff may do, and what they may not."""

from __future__ import annotations

from config.tour.stage import Stage
from config.world.names import CLOSED


def overriding(stage: Stage) -> None:
    """Rules set aside, by whom, and why."""
    tell, desk, manager = stage.tell, stage.person("desk"), stage.person("manager")
    session = stage.session("Beginner Wheel Throwing", stage.at(9, 11))
    eve = {"session_id": session, "customer_id": stage.own_id("eve")}
    override = {"rules": ["customer_suspended"], "reason": "Her train was late, all three times"}
    tell.step("The desk reserves for Eve, who is suspended", desk.post("/reservations", eve), 409, "customer_suspended")
    tell.step(
        "… and overrides: that is not the desk's to do",
        desk.post("/reservations", eve, override=override),
        422,
        "override_not_allowed",
    )
    made = manager.post("/reservations", eve, override=override)
    tell.step("The manager overrides, and says why", made, 201, "PENDING")
    acts = manager.get(f"/reservations/{made['id']}")
    tell.step(
        "It is in the history", acts, 200, "PENDING", history__0__reason=override["reason"], history__0__by="STAFF"
    )
    seats = {"rules": ["session_full"], "reason": "One more"}
    nora = {"session_id": stage.kept["full"], "customer_id": stage.kept["nora"]}
    tell.step(
        "Nobody overrides a full session",
        manager.post("/reservations", nora, override=seats),
        422,
        "override_not_allowed",
    )
    fuller = manager.write("PATCH", f"/staff/sessions/{stage.kept['full']}", {"capacity": 2})
    tell.step("The manager raises the capacity instead", fuller, 200, session__seats_left=1)
    tell.step("… and Nora has a seat", manager.post("/reservations", nora), 201, "PENDING")
    below = manager.write("PATCH", f"/staff/sessions/{stage.kept['full']}", {"capacity": 1})
    tell.step("It cannot go below the seats taken", below, 409, "capacity_below_taken")
    planned = {"class_id": stage.class_id("Portrait Sketching"), "starts_at": stage.at(8, 20).isoformat()}
    tell.step(
        "The instructor plans a class", stage.person("instructor").post("/staff/sessions", planned), 403, "forbidden"
    )
    tell.step(
        "Maya does: staff calls do not exist for her",
        stage.person("maya").post("/staff/sessions", planned),
        404,
        "not_found",
    )
    tell.step(
        "Another studio's customers do not exist for the manager",
        manager.get("/staff/customers", studio=CLOSED),
        404,
        "not_found",
    )


def sessions_and_passes(stage: Stage) -> None:
    """A move, a cancelled session, a frozen pass."""
    tell, manager, desk = stage.tell, stage.person("manager"), stage.person("desk")
    session = stage.session("Beginner Wheel Throwing", stage.at(11, 10))
    holders = [stage.guest(f"{name} Hill", "punch_pass", {"sessions": 3}) for name in ("Hal", "Ivy", "Jo")]
    for customer, _ in holders:
        desk.post("/reservations", session_id=session, customer_id=customer)
    roster = desk.get(f"/staff/sessions/{session}/roster")
    names = [one["customer_name"] for one in roster.body.get("reservations", ())]
    tell.check(
        "The roster, by name",
        f"{roster.status}",
        right=names == ["Hal Hill", "Ivy Hill", "Jo Hill"],
        said=", ".join(names),
    )
    unchanged = desk.send(
        "GET", f"/api/staff/sessions/{session}/roster", headers={"If-None-Match": roster.headers["etag"]}
    )
    tell.step("The screen asks again; nothing has changed", unchanged, 304)
    moved = manager.write(
        "PATCH", f"/staff/sessions/{session}", {"starts_at": stage.at(11, 12).isoformat(), "reason": "Kiln"}
    )
    tell.step("The manager moves the session by two hours", moved, 200, moved=True, holders_told=3)
    freeze = f"/staff/registrations/{holders[0][1]}/freeze"
    preview = manager.post(freeze, preview=True)
    tell.step("What would freezing Hal's pass cancel?", preview, 200, preview=True, cancelled__0__session__id=session)
    frozen = manager.post(freeze, reason="Travelling")
    tell.step(
        "It is frozen; his seat is free", frozen, 200, registration__status="FROZEN", cancelled__0__status="CANCELLED"
    )
    cancelled = manager.post(f"/staff/sessions/{session}/cancel", reason="The kiln broke")
    tell.step("The studio cancels the session", cancelled, 200, cancelled=2, session__status="CANCELLED")
