"""Giving a reservation up, or moving it."""

from __future__ import annotations

from config.tour.stage import Stage


def early_and_late(stage: Stage) -> None:
    """Free, undone and late."""
    tell, lena, maya, ola = stage.tell, stage.person("lena"), stage.person("maya"), stage.person("ola")
    nora = {"customer_id": stage.kept["nora"]}
    far = lena.post("/reservations", nora, session_id=stage.session("Beginner Wheel Throwing", stage.at(5, 11)))
    near_session = stage.session("Beginner Wheel Throwing", stage.at(1, 9))
    soon_id = ola.get(f"/registrations/{stage.pass_of('ola', 'punch_pass')}/reservations", when="current")[
        "items.0.session.id"
    ]
    stage.move_clock(0, 11, 30)
    early = lena.send("DELETE", f"/api/reservations/{far['id']}")
    tell.step("Lena cancels Nora's class of Sunday: early", early, 200, "CANCELLED", late=False, punches_charged=0)
    back = maya.post(f"/reservations/{stage.kept['mayas second']}/cancel", reason="Away after all")
    tell.step(
        "Maya was checked in for Friday, and cancels early: her punch comes back",
        back,
        200,
        "CANCELLED",
        late=False,
        punches_refunded=1,
    )
    near = lena.post("/reservations", nora, session_id=near_session)
    tell.step("Lena reserves tomorrow at 9, inside the cutoff", near, 201, "PENDING")
    stage.move_clock(0, 11, 40)
    undone = lena.post(f"/reservations/{near['id']}/cancel")
    tell.step("… and undoes it ten minutes later: free", undone, 200, "CANCELLED", late=False, punches_charged=0)
    olas = stage.reservations("ola", stage.pass_of("ola", "punch_pass"), "current")[0]["id"]
    asked = ola.post(f"/reservations/{olas}/cancel", if_free=True)
    tell.step(
        "Ola reserved two days ago and asks twenty minutes before the class, if it is free",
        asked,
        409,
        "cancellation_not_free",
    )
    late = ola.post(f"/reservations/{olas}/cancel")
    tell.step("… and cancels: late", late, 200, "CANCELLED", late=True, punches_charged=1)
    held = lena.post("/reservations", nora, session_id=soon_id)
    stage.move_clock(0, 12, 5)
    tell.step(
        "Lena cancels a class that has begun", lena.post(f"/reservations/{held['id']}/cancel"), 409, "session_started"
    )
    desk = stage.person("desk")
    bo = tell.step(
        "The desk cancels Dua's check-in of this afternoon: the studio charges nothing",
        desk.post(f"/reservations/{stage.kept['Dua']}/cancel"),
        200,
        "CANCELLED",
        late=False,
        punches_refunded=1,
    )
    again = desk.post(f"/reservations/{stage.kept['Dua']}/cancel")
    tell.step("Twice is once", again, 200, "CANCELLED", late=bo["late"])


def moving(stage: Stage) -> None:
    """A reschedule, and what falls with a prerequisite."""
    tell, ben = stage.tell, stage.person("ben")
    old = stage.reservations("ben", stage.pass_of("ben", "punch_pass"), "future")[0]
    moved = ben.post(
        f"/reservations/{old['id']}/reschedule", session_id=stage.session("Beginner Wheel Throwing", stage.at(8, 10))
    )
    tell.step("Ben moves a reservation, though he holds 3 of 3", moved, 201, "PENDING", replaces=old["id"])
    full = ben.post(f"/reservations/{moved['id']}/reschedule", session_id=stage.kept["full"])
    tell.step("… and on to a session that is full", full, 409, "session_full")
    tell.step("What he has stands", ben.get(f"/reservations/{moved['id']}"), 200, "PENDING")
    desk = stage.person("desk")
    gia, _ = stage.guest(
        "Gia Bloom", "full_course", {"sequence_rule": "reserved"}, class_id=stage.class_id("Mug Building")
    )
    parts = [stage.parts("paul", part)[0] for part in (1, 2, 3)]
    reserved = [desk.post("/reservations", session_id=part, customer_id=gia) for part in parts]
    tell.step("Gia's course only asks that earlier parts are reserved: all three at once", reserved[2], 201, "PENDING")
    given_up = desk.post(f"/reservations/{reserved[0]['id']}/cancel", as_customer=True)
    tell.step("She gives up part 1 by telephone", given_up, 200, "CANCELLED", late=False)
    tell.step("… and part 3 falls with it", desk.get(f"/reservations/{reserved[2]['id']}"), 200, "AUTO_CANCELLED")
