"""Who is calling, and a reservation with each kind of pass."""

from __future__ import annotations

from config.tour.client import Client
from config.tour.stage import Stage
from config.world.names import MAIN, PASSWORD, address


def who_is_calling(stage: Stage) -> None:
    """Logins, tokens, and what neither of them has."""
    tell = stage.tell
    nobody = Client(stage.port)
    tell.step("Somebody asks the API who they are", nobody.get("/me"), 401, "not_authenticated")
    maya = Client(stage.port)
    tell.step("Maya types a wrong password", maya.log_in(address("maya"), "guess"), 422)
    tell.step("Maya logs in through the portal's own form", maya.log_in(address("maya"), PASSWORD), 303)
    tell.step("The API knows her", maya.get("/me"), 200, customer__name="Maya Rahman", studios__0__slug=MAIN)
    forged = maya.send("POST", "/api/reservations", b"{}", {"Content-Type": "application/json", "X-CSRFToken": "x"})
    tell.step("A page of another site writes with her cookie", forged, 403, "csrf_failed")
    stage.kept["token"] = stage.token("--studio", MAIN, "--role", "front_desk", "--name", "door reader")
    tell.step(
        "flask studio token create: a door reader calls with its token",
        stage.integration().get("/me"),
        200,
        kind="token",
    )
    reader = Client(
        stage.port, token=stage.token("--studio", MAIN, "--role", "front_desk", "--name", "wall", "--scope", "read")
    )
    tell.step(
        "The screen on the wall may read", reader.get("/staff/customers", q="maya"), 200, items__0__name="Maya Rahman"
    )
    tell.step("… and no more", reader.post("/staff/customers", name="Eve"), 403, "forbidden")


def each_pass_type(stage: Stage) -> None:
    """A reservation with each pass type, and which pass is taken where several would do."""
    tell, maya = stage.tell, stage.person("maya")
    listed = maya.get("/reservations/available", studio=MAIN, only_reservable="true", limit=200)
    tell.step("Maya looks at what she can reserve", listed, 200)
    items = listed.body["items"]
    tell.note(
        f"{len(items)} sessions on the first page, such as: " + "; ".join(_line(one) for one in items[20:23]) + "."
    )
    first, second, third = (stage.session("Beginner Wheel Throwing", stage.at(3, hour)) for hour in (11, 14, 17))
    stage.kept |= {"first": first, "second": second}
    taken = tell.step(
        "Unlimited series: Maya names no pass, and it is taken before the punch pass",
        maya.post("/reservations", session_id=first),
        201,
        "PENDING",
        pass_choice__pass_type="unlimited_series",
        pass_choice__reason="uncounted_first",
        punches_held=0,
    )
    stage.kept["mayas first"] = taken["id"]
    taken = tell.step(
        "Punch pass: the series holds its 3 of 3 now, so a punch is held",
        maya.post("/reservations", session_id=second),
        201,
        "PENDING",
        pass_choice__pass_type="punch_pass",
        pass_choice__reason="only_one",
        punches_held=1,
        punches_used=0,
    )
    stage.kept["mayas second"] = taken["id"]
    stage.issue(stage.own_id("maya"), "punch_pass", {"sessions": 3}, valid_until="2026-12-31")
    tell.step(
        "The manager issues her a second punch pass, that ends sooner",
        maya.post("/reservations", session_id=third),
        201,
        "PENDING",
        pass_choice__pass_type="punch_pass",
        pass_choice__reason="soonest_expiry",
    )
    yoga = next(
        one
        for one in stage.person("dan").get("/reservations/available", studio=MAIN, from_="2026-12-02").body["items"]
        if one["reservable"]
    )
    tell.step(
        f"Drop-in: Dan takes {_line(yoga)}, of the imported schedule",
        stage.person("dan").post("/reservations", session_id=yoga["id"]),
        201,
        "PENDING",
        pass_choice__pass_type="drop_in",
        punches_held=1,
        session__location=yoga["location"],
    )
    part = stage.parts("cara", 2)[0]
    taken = tell.step(
        "Full course: Cara was at part 1 and takes part 2",
        stage.person("cara").post("/reservations", session_id=part),
        201,
        "PENDING",
        session__step="Trimming and handles",
        pass_choice__pass_type="full_course",
    )
    stage.kept["caras part 2"] = taken["id"]
    lena = stage.person("lena")
    wards = {one["name"].split()[0]: one["id"] for one in lena.get("/me").body["acts_for"]}
    stage.kept |= {"nora": wards["Nora"], "otto": wards["Otto"]}
    only_seat = stage.session("Portrait Sketching", stage.at(7, 19), capacity=1)
    stage.kept["full"] = only_seat
    tell.step(
        "Lena takes the only seat for her son Otto",
        lena.post("/reservations", session_id=only_seat, customer_id=wards["Otto"]),
        201,
        "PENDING",
        customer_id=wards["Otto"],
    )


def again_and_again(stage: Stage) -> None:
    """A retry with its key, and what cannot be read."""
    tell, lena = stage.tell, stage.person("lena")
    body = {"session_id": stage.session("Beginner Wheel Throwing", stage.at(10, 11)), "customer_id": stage.kept["nora"]}
    first = lena.write("POST", "/reservations", body, **{"Idempotency-Key": "tap-1"})
    tell.step("Lena reserves for Nora; the line drops before the answer", first, 201, "PENDING")
    again = lena.write("POST", "/reservations", body, **{"Idempotency-Key": "tap-1"})
    tell.check(
        "Her phone sends it again with the same Idempotency-Key",
        f"{again.status} {again.word}",
        right=again.raw == first.raw and again.status == 201,
        said="the same answer byte for byte, and one reservation",
    )
    other = {**body, "session_id": stage.kept["first"]}
    tell.step(
        "The same key for something else",
        lena.write("POST", "/reservations", other, **{"Idempotency-Key": "tap-1"}),
        422,
        "idempotency_key_reused",
    )
    json_type = {"Content-Type": "application/json"}
    tell.step(
        "Broken JSON", lena.send("POST", "/api/reservations", b'{"session_id": ', json_type), 400, "malformed_json"
    )
    tell.step(
        "A form instead of JSON",
        lena.send("POST", "/api/reservations", b"session_id=1", {"Content-Type": "text/plain"}),
        415,
        "unsupported_media_type",
    )
    wrong = lena.post("/reservations", session_id="seven", colour="blue")
    tell.step("An id of the wrong form, and an unknown field", wrong, 422, "invalid_request")
    tell.note("; ".join(f"{field}: {why}" for field, why in wrong["errors"].items()))
    tell.step(
        "A range of ten years",
        lena.get("/reservations/available", studio=MAIN, from_="2026-01-01", to="2036-01-01"),
        422,
        "invalid_request",
    )
    tell.step("A 70 KB reason", lena.post("/reservations", session_id="x" * 70_000), 413, "payload_too_large")
    naive = stage.person("manager").post(
        "/staff/sessions", class_id=stage.class_id("Portrait Sketching"), starts_at="2026-12-09T19:00:00"
    )
    tell.step("A time without its zone", naive, 422, "invalid_request")


def _line(session: dict[str, str]) -> str:
    return f"{session['class']}, {session['starts_at'][:16].replace('T', ' ')}"
