"""What one sees: studios, classes, sessions, passes, the code, the feed."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from icalendar import Calendar
from sqlalchemy import insert

from studio_reservations.models import ClassRegistration, ClassSession, Customer, Studio, StudioClass
from studio_reservations.pass_types import Status
from studio_reservations.services.accounts import create_feed_token
from tests.factories import (
    NOW,
    customer_actor,
    link,
    make_class,
    make_pass,
    make_policy,
    make_reservation,
    make_session,
    make_studio,
    make_suspension,
)


def test_one_sees_the_studios_that_know_one(api):
    assert [one["slug"] for one in api("ada").get("/studios").json["items"]] == ["clay"]
    assert [one["slug"] for one in api("other_manager").get("/studios").json["items"]] == ["kiln"]


def test_studios_come_in_pages(api, world, stored):
    with stored() as db_session:
        ada = db_session.get_one(Customer, world.ada)
        for name in ("Zinc", "Arts", "Clay & Co."):
            link(db_session, ada, make_studio(db_session, name=name))
    caller = api("ada")

    first = caller.get("/studios", limit=3).json
    rest = caller.get("/studios", limit=3, cursor=first["next"]).json

    assert [one["name"] for one in first["items"] + rest["items"]] == ["Arts", "Clay & Co.", "Clay & Co.", "Zinc"]
    assert len({one["slug"] for one in first["items"]}) == 3
    assert rest["next"] is None


def test_classes_come_by_title_with_their_steps(api, world, stored):
    with stored() as db_session:
        studio = db_session.get_one(Studio, world.studio)
        make_class(db_session, studio, title="A course", steps=2)
        make_class(db_session, studio, title="Closed", active=False)
    ada = api("ada")

    first = ada.get("/classes", studio="clay", limit=1).json
    rest = ada.get("/classes", studio="clay", limit=1, cursor=first["next"]).json

    assert [one["title"] for one in first["items"] + rest["items"]] == ["A course", "Beginner Wheel Throwing"]
    assert [one["position"] for one in first["items"][0]["steps"]] == [1, 2]
    assert rest["next"] is None


def test_a_session_shows_its_seats(api, world):
    shown = api("ada").get(f"/sessions/{world.session}").json

    assert (shown["capacity"], shown["seats_left"], shown["studio"], shown["location"]) == (10, 9, "clay", "Room 1")
    assert shown["starts_at"] == "2026-12-08T10:00:00-05:00"


def test_check_in_status_before_and_inside_the_window(api, world, clock):
    path = f"/sessions/{world.session}/check-in-status"
    early = api("ada").get(path).json
    clock.now = NOW + timedelta(days=7, hours=-2)
    inside = api("ada").get(path).json
    without = api("eve").get(path).json

    assert (early["can_check_in"], early["code"]) == (False, "check_in_too_early")
    assert early["opens_at"] == "2026-12-08T08:00:00-05:00"
    assert (inside["can_check_in"], inside["code"], inside["now"]) == (True, None, "2026-12-08T08:00:00-05:00")
    assert (without["can_check_in"], without["reservation_id"]) == (False, None)


def test_staff_are_told_of_a_customer_without_a_reservation_too(api, world):
    path = f"/sessions/{world.session}/check-in-status"

    for caller in ("front_desk", "instructor"):
        without, reserved = (api(caller).get(path, customer_id=one).json for one in (world.eve, world.ada))
        assert (without["can_check_in"], without["reservation_id"]) == (False, None)
        assert reserved["reservation_id"] == str(world.reservation)
        assert api(caller).get(path, customer_id=world.stranger).status_code == 404
    taught_by_another = api("instructor").get(f"/sessions/{world.later_session}/check-in-status", customer_id=world.ada)
    assert taught_by_another.status_code == 403


def test_check_in_status_is_that_of_the_reservation_that_stands(api, world, stored, clock):
    with stored() as db_session:
        held, session = (
            db_session.get_one(model, one)
            for model, one in ((ClassRegistration, world.ada_pass), (ClassSession, world.session))
        )
        make_reservation(
            db_session, held, session, status="CANCELLED", now=NOW + timedelta(days=1)
        )  # newer, and given up
    clock.now = NOW + timedelta(days=7)

    shown = api("ada").get(f"/sessions/{world.session}/check-in-status").json

    assert (shown["can_check_in"], shown["reservation_id"]) == (True, str(world.reservation))


def test_whether_one_can_check_in_is_asked_without_the_door_code(api, world, stored, clock):
    path = f"/sessions/{world.session}/check-in-status"
    plain = api("ada").get(path).json
    with stored() as db_session:
        make_policy(db_session, db_session.get_one(Studio, world.studio), self_check_in="door_code")
    early = api("ada").get(path).json
    clock.now = NOW + timedelta(days=7)
    inside = api("ada").get(path).json
    by_staff = api("front_desk").get(path, customer_id=world.ada).json

    asked = [(one["can_check_in"], one["needs_door_code"], one["code"]) for one in (plain, early, inside, by_staff)]
    assert asked == [
        (False, False, "check_in_too_early"),
        (False, True, "check_in_too_early"),
        (True, True, None),
        (True, False, None),
    ]


def test_a_customer_checks_in_inside_the_window(api, world, clock):
    ada = api("ada")
    early = ada.post(f"/reservations/{world.reservation}/check-in")
    clock.now = NOW + timedelta(days=7)
    done = ada.post(f"/reservations/{world.reservation}/check-in")

    assert (early.status_code, early.json["code"]) == (409, "check_in_too_early")
    assert early.json["opens_at"] == "2026-12-08T08:00:00-05:00"
    assert (done.json["status"], done.json["check_in_method"], done.json["punches_used"]) == ("CHECKED_IN", "SELF", 1)


def test_a_door_code_is_asked_for_where_the_studio_wants_it(api, world, stored, clock):
    with stored() as db_session:
        make_policy(db_session, db_session.get_one(Studio, world.studio), self_check_in="door_code")
    clock.now = NOW + timedelta(days=7)

    refused = api("ada").post(f"/reservations/{world.reservation}/check-in", door_code="000")

    assert refused.json["code"] == "code_invalid"


def test_the_code_is_a_picture_and_a_text_that_the_desk_scans(api, world, clock):
    code = api("ada").get(f"/reservations/{world.reservation}/code").json
    clock.now = NOW + timedelta(days=7)

    scanned = api("front_desk").post("/staff/check-in/scan", code=code["code"])

    assert code["svg"].startswith("<svg")
    assert (code["valid_from"], code["timezone"]) == ("2026-12-08T00:00:00-05:00", "America/Toronto")
    assert (scanned.json["id"], scanned.json["check_in_method"]) == (str(world.reservation), "STAFF")
    assert api("front_desk").post("/staff/check-in/scan", code="forged").json["code"] == "code_invalid"


def test_a_code_shown_too_early_is_answered_in_the_studios_zone(api, world):
    code = api("ada").get(f"/reservations/{world.reservation}/code").json

    refused = api("front_desk").post("/staff/check-in/scan", code=code["code"]).json

    assert (refused["code"], refused["opens_at"]) == ("check_in_too_early", "2026-12-08T00:00:00-05:00")
    assert (refused["timezone"], refused["detail"]) == (
        "America/Toronto",
        "Check-in opens on Tue 8 December, 00:00. Come back then, or ask at the desk.",
    )


def test_passes_are_listed_for_oneself_a_ward_and_by_the_desk(api, world):
    def ids(response):
        return {one["id"] for one in response.json["items"]}

    assert ids(api("ada").get("/registrations")) == {str(world.ada_pass), str(world.ward_pass)}
    assert ids(api("ada").get("/registrations", customer_id=world.ward)) == {str(world.ward_pass)}
    assert ids(api("front_desk").get("/registrations", customer_id=world.eve, studio="clay")) == {str(world.eve_pass)}
    assert api("front_desk").get("/registrations", customer_id=world.eve).status_code == 404
    assert api("front_desk").get("/registrations", customer_id=world.stranger, studio="clay").status_code == 404


def test_passes_come_in_pages_that_neither_repeat_nor_leave_out(api, world, stored):
    with stored() as db_session:
        ada, studio = db_session.get_one(Customer, world.ada), db_session.get_one(Studio, world.studio)
        for _ in range(4):
            make_pass(db_session, ada, studio)
    caller, cursor = api("ada"), ""
    found: list[str] = []

    while True:
        page = caller.get(
            "/registrations", customer_id=world.ada, limit=2, **({"cursor": cursor} if cursor else {})
        ).json
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]

    assert len(found) == len(set(found)) == 5


def test_reservations_of_a_pass_by_time(api, world, stored, clock):
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, world.ada_pass)
        studio_class = db_session.get_one(StudioClass, world.studio_class)
        past = make_session(db_session, studio_class, starts_at=NOW - timedelta(days=2))
        soon = make_session(db_session, studio_class, starts_at=NOW + timedelta(hours=2))
        make_reservation(db_session, registration, past, status=Status.ATTENDED)
        make_reservation(db_session, registration, soon)
        ids = {"past": str(past.id), "current": str(soon.id)}
    ada = api("ada")

    def sessions(when):
        listed = ada.get(f"/registrations/{world.ada_pass}/reservations", when=when).json["items"]
        return [one["session"]["id"] for one in listed]

    assert sessions("past") == [ids["past"]]
    assert sessions("current") == [ids["current"]]
    assert sessions("future") == [str(world.session)]
    assert sessions("all") == [str(world.session), ids["current"], ids["past"]]


def test_a_class_with_a_longer_window_of_its_own_is_current_sooner(api, world, stored):
    with stored() as db_session:
        studio, studio_class = (
            db_session.get_one(Studio, world.studio),
            db_session.get_one(StudioClass, world.studio_class),
        )
        make_policy(db_session, studio, studio_class, check_in_opens_minutes_before=8 * 24 * 60)

    listed = api("ada").get(f"/registrations/{world.ada_pass}/reservations", when="current").json["items"]

    assert [one["id"] for one in listed] == [str(world.reservation)]
    assert listed[0]["check_in"]["opens_at"] == "2026-11-30T10:00:00-05:00"


def test_a_threatened_reservation_shows_the_night_that_takes_it(api, world, stored):
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, world.ada_pass)
        studio_class = db_session.get_one(StudioClass, world.studio_class)
        past = make_session(db_session, studio_class, starts_at=NOW - timedelta(days=1))
        night = NOW + timedelta(days=1)
        make_reservation(
            db_session, registration, past, status=Status.NO_SHOW, auto_cancel_at=night, grace_ends_at=night
        )

    shown = api("ada").get(f"/reservations/{world.reservation}").json

    assert shown["auto_cancel_at"] == "2026-12-02T10:00:00-05:00"


def test_a_month_on_a_pass(api, world, stored):
    with stored() as db_session:
        registration = db_session.get_one(ClassRegistration, world.ada_pass)
        studio_class = db_session.get_one(StudioClass, world.studio_class)
        for day, status in ((1, Status.ATTENDED), (2, Status.NO_SHOW)):
            session = make_session(db_session, studio_class, starts_at=NOW - timedelta(hours=day))
            make_reservation(db_session, registration, session, status=status)

    month = api("ada").get(f"/registrations/{world.ada_pass}/calendar", month="2026-12").json

    assert [len(month[name]) for name in ("attended", "no_shows", "pending")] == [1, 1, 1]
    assert [one["id"] for one in month["available"]] == [str(world.later_session)]
    assert api("ada").get(f"/registrations/{world.ada_pass}/calendar", month="2027-01").json["available"] == []


def schedule(stored, world, *, first: datetime, number: int) -> None:
    """Add sessions, half a minute apart."""
    with stored() as db_session:
        add = {"studio_id": world.studio, "class_id": world.studio_class, "capacity": 9, "seats_taken": 0}
        add |= {"status": "SCHEDULED", "created_at": NOW}
        starts = [first + timedelta(seconds=30 * index) for index in range(number)]
        rows = [{"starts_at": start, "ends_at": start + timedelta(hours=1), **add} for start in starts]
        db_session.execute(insert(ClassSession), rows)


def test_a_month_begins_now_however_much_was_in_it(api, world, stored):
    schedule(stored, world, first=NOW - timedelta(hours=9), number=1_001)

    month = api("customer").get(f"/registrations/{world.ada_pass}/calendar", month="2026-12").json

    assert [one["id"] for one in month["available"]] == [str(world.later_session)]
    assert month["more_available"] is False


def test_a_month_says_where_it_leaves_some_out(api, world, stored):
    schedule(stored, world, first=NOW + timedelta(hours=1), number=1_000)

    month = api("customer").get(f"/registrations/{world.ada_pass}/calendar", month="2026-12").json

    assert (len(month["available"]), month["more_available"]) == (1_000, True)


def test_the_status_of_a_pass(api, world, stored):
    with stored() as db_session:
        make_suspension(db_session, db_session.get_one(Customer, world.ada), db_session.get_one(Studio, world.studio))

    status = api("ada").get(f"/registrations/{world.ada_pass}/status").json

    sessions = {name: status["sessions"][name] for name in ("included", "remaining", "available", "attended")}
    assert sessions == {"included": 5, "remaining": 5, "available": 4, "attended": 0}
    assert status["reservations"] == {"used": 1, "limit": 3}
    assert status["suspension"]["ends_on"] == "2026-12-14"


def test_the_status_of_a_pass_whose_plugin_is_missing(api, world, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, world.ada_pass).pass_type = "gone"

    status = api("ada").get(f"/registrations/{world.ada_pass}/status").json

    assert (status["pass_label"], status["sessions"]["available"]) == ("Gone", 4)


def test_a_member_sees_the_pass_and_their_own_reservations(api, world, stored):
    with stored() as db_session:
        eve, ada = db_session.get_one(Customer, world.eve), db_session.get_one(Customer, world.ada)
        shared = make_pass(db_session, ada, db_session.get_one(Studio, world.studio), members=(eve,))
        later = db_session.get_one(ClassSession, world.later_session)
        make_reservation(db_session, shared, later)
        of_eve = make_reservation(db_session, shared, db_session.get_one(ClassSession, world.session), customer=eve)
        shared_id, of_eve_id = shared.id, of_eve.id

    seen = api("eve").get(f"/registrations/{shared_id}/reservations").json["items"]

    assert [one["id"] for one in seen] == [str(of_eve_id)]
    assert len(api("ada").get(f"/registrations/{shared_id}/reservations").json["items"]) == 2


def test_the_feed_is_a_calendar_of_what_stands(app, world, stored):
    with stored() as db_session:
        ada = db_session.get_one(Customer, world.ada)
        token = create_feed_token(db_session, customer_id=ada.id, actor=customer_actor(ada))

    feed = app.test_client().get(f"/api/calendar/{token}.ics")
    french = app.test_client().get(f"/api/calendar/{token}.ics", headers={"Accept-Language": "fr-CA"})
    assert Calendar.from_ical(french.data)["X-WR-CALNAME"] == "Cours"

    assert (feed.status_code, feed.mimetype) == (200, "text/calendar")
    (event,) = Calendar.from_ical(feed.data).walk("VEVENT")
    assert event["summary"] == "Beginner Wheel Throwing"
    assert event.decoded("dtstart") == NOW + timedelta(days=7)
    unknown = app.test_client().get("/api/calendar/guessed.ics")
    assert (unknown.status_code, unknown.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("own", "selects", "default", "asked", "named", "whose"),
    [
        (None, None, "fr_CA", None, "Cours", "ada"),
        (None, "fr", "en", "en", "Cours", "ada"),
        (None, None, "fr", "en", "Classes", "ada"),
        ("en", "fr", "fr", "fr", "Classes", "ada"),
        ("en", "fr", "fr", "fr", "Classes", "ward"),
    ],
)
def test_the_feed_is_named_as_the_customer_chose_else_as_the_portal_speaks(
    app, world, stored, monkeypatch, own, selects, default, asked, named, whose
):
    with stored() as db_session:
        ada = db_session.get_one(Customer, world.ada)
        ada.locale = own
        of = db_session.get_one(Customer, getattr(world, whose))
        token = create_feed_token(db_session, customer_id=of.id, actor=customer_actor(of))
    babel = SimpleNamespace(locale_selector=lambda: selects, default_locale=default)
    monkeypatch.setitem(app.extensions, "babel", babel)

    feed = app.test_client().get(f"/api/calendar/{token}.ics", headers={"Accept-Language": asked} if asked else {})

    assert Calendar.from_ical(feed.data)["X-WR-CALNAME"] == named


def test_one_makes_the_address_of_one_s_feed_and_a_new_one_in_its_place(app, api, world):
    def answers(url):
        return app.test_client().get(url.removeprefix("http://localhost")).status_code

    first = api("ada").post("/me/calendar-feed").json["url"]
    assert first.startswith("http://localhost/api/calendar/")
    assert answers(first) == 200

    second = api("ada").post("/me/calendar-feed", customer_id=world.ada).json["url"]
    assert (answers(first), answers(second)) == (404, 200)

    of_ward = api("ada").post("/me/calendar-feed", customer_id=world.ward).json["url"]
    assert (answers(second), answers(of_ward)) == (200, 200)
    refused = api("ada").post("/me/calendar-feed", customer_id=world.eve)
    assert (refused.status_code, refused.json["code"]) == (404, "not_found")


def test_one_changes_phone_locale_and_messages(api):
    ada = api("ada")

    changed = ada.patch("/me", phone="416 555 0123", locale="fr-CA", preferences={"sms": False}).json

    assert (changed["customer"]["phone"], changed["customer"]["locale"]) == ("+14165550123", "fr-CA")
    assert changed["customer"]["preferences"] == {"sms": False}
    assert ada.patch("/me", preferences={"confirmation": False}).json["errors"].keys() == {"preferences.confirmation"}
    assert ada.patch("/me", phone="call me").json["errors"].keys() == {"phone"}
