"""Checking in, by every door, and who was there after all."""

from __future__ import annotations

from config.tour.stage import Stage


def checking_in(stage: Stage) -> None:
    """Before and on the class day."""
    tell, maya, desk = stage.tell, stage.person("maya"), stage.person("desk")
    soon = next(
        one
        for one in stage.reservations("maya", stage.pass_of("maya", "unlimited_series"), "current")
        if one["status"] == "PENDING"
    )
    early = maya.post(f"/reservations/{stage.kept['mayas first']}/check-in")
    tell.step("Maya checks in to Friday's class on Tuesday", early, 409, "check_in_too_early")
    tell.note(f"The answer names the window: {early['opens_at']} to {early['closes_at']}.")
    asked = maya.get(f"/sessions/{soon['session']['id']}/check-in-status")
    tell.step("May she check in to today's noon class?", asked, 200, can_check_in=True)
    tapped = tell.step(
        "She checks in",
        maya.post(f"/reservations/{soon['id']}/check-in"),
        200,
        "CHECKED_IN",
        check_in_method="SELF",
        punches_used=0,
    )
    again = maya.post(f"/reservations/{soon['id']}/check-in")
    tell.check(
        "She taps twice",
        f"{again.status} {again.word}",
        right=again.raw == tapped.raw,
        said="the same answer, one act in the history",
    )

    afternoon = stage.session("Beginner Wheel Throwing", stage.at(0, 15), capacity=12)
    people = {}
    for name in ("Ada", "Bo", "Chi", "Dua", "Eli", "Fay"):
        customer, registration = stage.guest(f"{name} Walker", "punch_pass", {"sessions": 1 if name == "Fay" else 5})
        reserved = desk.post("/reservations", session_id=afternoon, customer_id=customer)
        people[name] = {"customer": customer, "pass": registration, "reservation": reserved["id"]}
        stage.kept[name] = reserved["id"]
    stage.walk_ins, stage.kept["afternoon"] = people, afternoon
    tell.step(
        "The desk reserved six seats for walk-ins, the last one",
        reserved,
        201,
        "PENDING",
        pass_choice__reason="only_one",
    )
    ada = people["Ada"]["reservation"]
    tell.step(
        "The desk checks Ada in, hours before",
        desk.post(f"/staff/reservations/{ada}/check-in"),
        200,
        "CHECKED_IN",
        check_in_method="STAFF",
        punches_used=1,
    )
    tell.step(
        "… that was somebody else",
        desk.post(f"/staff/reservations/{ada}/undo-check-in", reason="Wrong Ada"),
        200,
        "PENDING",
        punches_used=0,
    )
    chi = stage.integration().post(f"/staff/reservations/{people['Chi']['reservation']}/check-in")
    tell.step("The door reader checks Chi in with its token", chi, 200, "CHECKED_IN", check_in_method="AUTO")
    code = desk.get(f"/reservations/{people['Bo']['reservation']}/code")
    tell.step("Bo shows his QR code", code, 200)
    scan, ines = "/staff/check-in/scan", stage.person("instructor")
    tell.step("Ines the instructor scans it: it is not her class", ines.post(scan, code=code["code"]), 403, "forbidden")
    tell.step(
        "The desk scans it",
        desk.post(scan, code=code["code"]),
        200,
        "CHECKED_IN",
        check_in_method="STAFF",
        punches_used=1,
    )
    bea, _ = stage.guest("Bea Walker", "drop_in")
    noon = desk.post("/reservations", session_id=soon["session"]["id"], customer_id=bea)
    tell.step(
        "Ines checks Bea in to the noon class, which she teaches",
        ines.post(f"/staff/reservations/{noon['id']}/check-in"),
        200,
        "CHECKED_IN",
    )
    tell.step("A code that was tampered with", desk.post(scan, code=code["code"][:-3] + "abc"), 409, "code_invalid")
    fridays = maya.get(f"/reservations/{stage.kept['mayas first']}/code")["code"]
    tell.step("Maya's code for Friday, on Tuesday", desk.post(scan, code=fridays), 409, "check_in_too_early")
    tell.step("A code is worth nothing to a customer", maya.post(scan, code=fridays), 404, "not_found")
    everybody = [people[name]["customer"] for name in ("Ada", "Dua", "Eli")] + [stage.own_id("kim")]
    bulk = desk.post(f"/staff/sessions/{afternoon}/check-in", customer_ids=everybody)
    tell.step("The desk checks in four at once; Kim is not on the list", bulk, 200, refused__0__code="not_found")
    tell.note(f"{len(bulk['checked_in'])} checked in, {len(bulk['refused'])} refused: {bulk['refused.0.detail']}")
    friday = f"/staff/reservations/{stage.kept['mayas second']}/check-in"
    tell.step("The desk checks Maya in for Friday", desk.post(friday), 409, "not_class_day")
    override = {"rules": ["not_class_day"], "reason": ""}
    tell.step("… with an override that gives no reason", desk.post(friday, override=override), 422, "reason_required")
    override["reason"] = "Sets up the kiln the day before"
    tell.step("… with a reason", desk.post(friday, override=override), 200, "CHECKED_IN", punches_used=1)
    tell.step(
        "Nobody is absent before the class",
        desk.post(f"/staff/reservations/{people['Eli']['reservation']}/no-show"),
        409,
        "session_not_started",
    )


def during_the_class(stage: Stage) -> None:
    """Attended, absent, there after all, and a pass with nothing left."""
    tell, desk, manager, people = stage.tell, stage.person("desk"), stage.person("manager"), stage.walk_ins
    stage.move_clock(0, 15, 5)
    ada, eli, fay = (people[name]["reservation"] for name in ("Ada", "Eli", "Fay"))
    tell.step("Ada was there", desk.post(f"/staff/reservations/{ada}/attended"), 200, "ATTENDED")
    tell.step("… or was she?", desk.post(f"/staff/reservations/{ada}/undo-attended"), 200, "CHECKED_IN")
    absent = desk.post(f"/staff/reservations/{eli}/no-show", reason="Left at once")
    tell.step("Eli is absent after all: his punch comes back", absent, 200, "NO_SHOW", punches_used=0)
    tell.note(
        f"Grace ends {absent['grace_ends_at']}; without a waive his coming reservations go on {absent['auto_cancel_at']}."
    )
    tell.step(
        "… and he was there after all: charged once",
        desk.post(f"/staff/reservations/{eli}/check-in"),
        200,
        "CHECKED_IN",
        punches_used=1,
    )
    adjust = f"/staff/registrations/{people['Fay']['pass']}/adjust"
    taken = manager.post(adjust, delta=-1, reason="Sold by mistake")
    tell.step("The manager takes away a punch that Fay's reservation needs", taken, 409, "punches_held")
    tell.step(
        "… and confirms it",
        manager.post(adjust, delta=-1, reason="Sold by mistake", confirm=True),
        200,
        "ACTIVE",
        sessions_remaining=0,
    )
    checking = f"/staff/reservations/{fay}/check-in"
    tell.step("Fay is here with nothing on her pass", desk.post(checking), 409, "punches_exhausted")
    override = {"rules": ["punches_exhausted"], "reason": "Pays at the desk"}
    tell.step(
        "The desk lets her in, uncharged and on the record",
        desk.post(checking, override=override),
        200,
        "CHECKED_IN",
        punches_used=0,
    )
    ledger = desk.get(f"/staff/registrations/{people['Ada']['pass']}/ledger")
    entries = [(one["entry_type"], one["delta"], one["balance"]) for one in ledger.body.get("items", ())]
    tell.check(
        "Ada's ledger",
        f"{len(entries)} entries",
        right=entries == [("ISSUED", 5, 5), ("CHECK_IN", -1, 4), ("REFUND", 1, 5), ("CHECK_IN", -1, 4)],
        said=", ".join(f"{kind} {delta:+} = {balance}" for kind, delta, balance in entries),
    )
    late = stage.person("lena").post(
        "/reservations", session_id=stage.kept["afternoon"], customer_id=stage.kept["nora"]
    )
    tell.step("Lena comes with Nora, five minutes late", late, 409, "session_started")
    override = {"rules": ["session_started"], "reason": "At the door"}
    late = desk.post(
        "/reservations", session_id=stage.kept["afternoon"], customer_id=stage.kept["nora"], override=override
    )
    tell.step("The desk gives Nora a seat", late, 201, "PENDING")
    stage.move_clock(0, 19, 1)
    own = stage.person("lena").post(f"/reservations/{late['id']}/check-in")
    tell.step("Lena checks Nora in, a minute after the window", own, 409, "check_in_too_late")
    tell.step("The desk may until midnight", desk.post(f"/staff/reservations/{late['id']}/check-in"), 200, "CHECKED_IN")


def a_makeup(stage: Stage) -> None:
    """A missed part, made up."""
    tell, paul = stage.tell, stage.person("paul")
    part_1, part_2 = stage.parts("paul", 1)[0], stage.parts("paul", 2)[0]
    made = paul.post("/reservations", session_id=part_1, makeup_for_id=stage.kept["pauls missed"])
    tell.step(
        "Paul takes part 1 as a makeup for the one he missed",
        made,
        201,
        "PENDING",
        makeup_for_id=stage.kept["pauls missed"],
    )
    tell.step("Part 2 waits until he was there", paul.post("/reservations", session_id=part_2), 409, "sequence_not_met")
    stage.move_clock(2, 18, 5)
    tell.step("On Thursday he checks in", paul.post(f"/reservations/{made['id']}/check-in"), 200, "CHECKED_IN")
    tell.step("Part 2 opens", paul.post("/reservations", session_id=part_2), 201, "PENDING")
    status = paul.get(f"/registrations/{made['registration_id']}/status")
    states = [f"{part['position']} {part['state']}" for part in status["details.parts"]]
    tell.check(
        "His course",
        f"{status.status}",
        right=[one.split()[1] for one in states] == ["checked_in", "reserved", "locked"],
        said=", ".join(states),
    )
