"""Each refusal of docs/rules.md §3, in the order of its rules."""

from __future__ import annotations

from config.tour.stage import Stage
from config.world.names import CLOSED, OTHER


def each_refusal(stage: Stage) -> None:
    """All eleven rules, with each of their codes."""
    tell, person = stage.tell, stage.person

    def refused(what: str, name: str, session: str, code: str, /, **body: object) -> None:
        tell.step(what, person(name).post("/reservations", session_id=session, **body), 409, code)

    closed = person("max").get("/reservations/available", studio=CLOSED).body["items"][0]
    refused("Rule 1: Max's studio has its rollout OFF", "max", closed["id"], "reservations_disabled")
    evening = stage.session("Beginner Wheel Throwing", stage.at(5, 19))
    refused("Rule 2: Hugo's pass is frozen", "hugo", evening, "registration_inactive")
    refused(
        "Rule 2: Iris's pass is of a plugin that is not installed any more", "iris", evening, "pass_type_unavailable"
    )
    raku = person("ben").get("/reservations/available", class_id=stage.class_id("Raku Firing Day")).body["items"][0]
    refused("Rule 3: The raku firing takes no punch pass, and Ben has no other", "ben", raku["id"], "class_not_covered")
    cancelled = stage.session("Portrait Sketching", stage.at(6, 12))
    person("manager").post(f"/staff/sessions/{cancelled}/cancel", reason="The model is ill")
    refused("Rule 4: The studio cancelled the session", "ben", cancelled, "session_cancelled")
    begun = stage.session("Beginner Wheel Throwing", stage.at(0, 10, 30))
    stage.move_clock(0, 10, 50)
    refused("Rule 5: The session has begun", "ben", begun, "session_started")
    refused("Rule 6: Gina's pass begins in two months", "gina", evening, "pass_not_yet_valid")
    refused("Rule 6: Finn's pass ended yesterday", "finn", evening, "pass_expired")
    refused("Rule 7: Eve is suspended", "eve", evening, "customer_suspended")
    refused("Rule 8: Maya is in that session already", "maya", stage.kept["first"], "already_reserved")
    refused("Rule 9: Ben holds 3 of 3 reservations", "ben", evening, "advance_limit_reached")
    refused("Rule 10: Kim's two punches are held for other days", "kim", evening, "punches_exhausted")
    refused("Rule 10: Cara has not been to part 2 yet", "cara", stage.parts("cara", 3)[1], "sequence_not_met")
    refused("Rule 10: Cara holds part 2 already", "cara", stage.parts("cara", 2)[1], "step_already_reserved")
    refused(
        "Rule 10: Paul missed part 1, and asks for it as if he had not",
        "paul",
        stage.parts("paul", 1)[0],
        "makeup_required",
    )
    missed = _missed(stage)
    refused(
        "Rule 10: Paul names it as a makeup for part 2",
        "paul",
        stage.parts("paul", 2)[0],
        "makeup_not_allowed",
        makeup_for_id=missed,
    )
    refused(
        "Rule 10: A punch pass knows no makeups",
        "kim",
        evening,
        "makeup_not_allowed",
        makeup_for_id=missed,
        registration_id=stage.pass_of("kim", "punch_pass"),
    )
    refused(
        "Rule 11: The only seat is Otto's", "lena", stage.kept["full"], "session_full", customer_id=stage.kept["nora"]
    )
    refused("Newt holds no pass at all", "newt", evening, "no_usable_pass")
    stage.issue(stage.own_id("kim"), "unlimited_series", valid_until="2026-12-02")
    several = person("kim").post("/reservations", session_id=evening)
    tell.step("Kim holds two passes that fail for two reasons", several, 409, "no_usable_pass")
    tell.note("; ".join(f"{one['pass_type']}: {one['code']}" for one in several["passes"]))
    listed = (
        person("ben")
        .get("/reservations/available", class_id=stage.class_id("Beginner Wheel Throwing"), limit=200)
        .body["items"]
    )
    reasons = sorted({one["code"] for one in listed if not one["reservable"]})
    tell.check(
        "Ben's list judges by the same rules, and says why in place",
        f"{len(listed)} sessions",
        right=reasons == ["advance_limit_reached", "already_reserved", "session_started"],
        said=", ".join(reasons),
    )
    elsewhere = person("max").get("/reservations/available", studio=OTHER).body["items"][0]
    tell.step(
        "A session of a studio that does not know Maya does not exist for her",
        person("maya").post("/reservations", session_id=elsewhere["id"]),
        404,
        "not_found",
    )


def _missed(stage: Stage) -> str:
    course = stage.pass_of("paul", "full_course")
    missed = next(one for one in stage.reservations("paul", course, "past") if one["status"] == "NO_SHOW")
    stage.kept["pauls missed"] = missed["id"]
    return str(missed["id"])
