"""The staff's screen of classes: what is taught, its parts, single sessions and series, moving and cancelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from studio_reservations.models import ClassSession, ClassStep, SessionReservation, StudioClass
from tests import factories
from tests.admin.conftest import Kiln, press, told
from tests.api.test_queries import counting

LIST = "/admin/studio/classes/"
TERMS = {"title": "Kintsugi", "default_capacity": 6, "default_duration_minutes": 90, "active": "y"}
SERIES = {
    "first": "2026-12-08",
    "at": "18:30",
    "minutes": 120,
    "capacity": 6,
    "repeat": "weekly",
    "weekdays": ["1", "3"],
    "every": 1,
    "until": "2026-12-17",
    "skip": "2026-12-10",
    "location": "Wheel room",
}


def sessions_of(stored, class_id) -> list[ClassSession]:
    stored.expire_all()
    return list(
        stored.scalars(
            select(ClassSession)
            .where(ClassSession.class_id == class_id, ClassSession.location == "Wheel room")
            .where(ClassSession.starts_at > datetime(2026, 12, 2, tzinfo=UTC))
            .order_by(ClassSession.starts_at)
        )
    )


def test_a_class_is_added_and_changed_and_the_history_says_so(as_role, kiln: Kiln, stored):
    manager = as_role("manager")

    said = told(manager, press(manager, f"{LIST}new", **TERMS, some_pass_types="y", allowed_pass_types="punch_pass"))

    assert "Kintsugi is added. Now give it sessions." in said
    assert "Punch pass only" in said
    made = stored.scalars(select(StudioClass).where(StudioClass.title == "Kintsugi")).one()
    said = told(manager, press(manager, f"{LIST}{made.id}/edit", **{**TERMS, "title": "Kintsugi for two"}))
    assert "Kintsugi for two" in said
    assert "every kind of pass" in said
    acts = factories.history_of(stored, made.id)
    assert [one["action"] for one in acts] == ["class.created", "class.changed"]
    assert acts[1]["details"]["changes"]["title"] == ["Kintsugi", "Kintsugi for two"]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"title": " "}, "Write what the class is called."),
        ({"default_capacity": "-1"}, "Write a number of seats from 0 to 100,000."),
        ({"default_duration_minutes": "soon"}, "Not a valid integer value."),
        ({"title": "x" * 201}, "Write at most 200 characters."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(as_role, values, complaint):
    shown = press(as_role("manager"), f"{LIST}new", **{**TERMS, **values})

    assert complaint in shown.text


def test_parts_are_added_changed_and_the_last_removed(as_role, kiln: Kiln, stored):
    manager = as_role("manager")
    address = f"{LIST}{kiln.own.studio_class}/parts"
    for title in ("Throwing", "Glazing"):
        press(manager, address, title=title, requires_sequence="y", allow_makeup="y")
    first, second = stored.scalars(
        select(ClassStep).where(ClassStep.class_id == kiln.own.studio_class).order_by(ClassStep.position)
    )

    told(manager, press(manager, f"{LIST}parts/{first.id}", title="Throwing and handles"))
    refused = told(manager, press(manager, f"{LIST}parts/{first.id}/remove"))
    assert "Only the last part can be removed." in refused
    gone = told(manager, press(manager, f"{LIST}parts/{second.id}/remove"))

    assert "1. Throwing and handles" in gone
    assert "in any order" in gone
    assert "2. Glazing" not in gone


def test_a_series_is_looked_at_before_it_is_made(as_role, kiln: Kiln, stored):
    manager = as_role("manager")
    address = f"{LIST}{kiln.own.studio_class}/sessions"

    looked = press(manager, address, **SERIES, go="preview").text

    assert "Tue 8 Dec 2026, 18:30–20:30" in looked
    assert "Thu 10 Dec" not in looked
    assert "Add 3 sessions" in looked
    assert sessions_of(stored, kiln.own.studio_class) == []

    said = told(manager, press(manager, address, **SERIES, go="create"))

    assert "3 sessions are added" in said
    assert [one.starts_at for one in sessions_of(stored, kiln.own.studio_class)] == [
        datetime(2026, 12, day, 23, 30, tzinfo=UTC) for day in (8, 15, 17)
    ]
    again = press(manager, address, **SERIES, go="preview").text
    assert again.count("is there already") == 3
    assert "Add 3 sessions" not in again


def test_one_session_is_a_series_of_one(as_role, kiln: Kiln, stored):
    manager = as_role("manager")

    said = told(
        manager,
        press(manager, f"{LIST}{kiln.own.studio_class}/sessions", **{**SERIES, "repeat": "once"}, go="create"),
    )

    assert "1 session is added" in said
    assert len(sessions_of(stored, kiln.own.studio_class)) == 1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"weekdays": None}, "Choose at least one weekday."),
        ({"until": "2026-12-01"}, "Choose a last day that is not before the first."),
        ({"repeat": "rule", "rule": ""}, "Write a rule such as FREQ=WEEKLY;BYDAY=TU;COUNT=10."),
        ({"repeat": "rule", "rule": "FREQ=HOURLY;COUNT=5"}, "FREQ must be DAILY, WEEKLY or MONTHLY."),
        ({"skip": "Christmas"}, "“Christmas” is none."),
        ({"until": "2029-12-31", "repeat": "weekly", "weekdays": list("0123456")}, "more than 366"),
        ({"at": "25:99"}, "Not a valid time value."),
    ],
)
def test_a_series_that_cannot_be_meant_is_refused_and_nothing_typed_is_lost(
    as_role, kiln: Kiln, stored, values, complaint
):
    shown = press(as_role("manager"), f"{LIST}{kiln.own.studio_class}/sessions", **{**SERIES, **values}, go="create")

    assert complaint in shown.text
    assert 'value="2026-12-08"' in shown.text
    assert sessions_of(stored, kiln.own.studio_class) == []


def test_a_session_is_moved_and_its_people_are_told(as_role, kiln: Kiln, stored):
    manager = as_role("manager")
    address = f"{LIST}sessions/{kiln.own.session}"

    asked = manager.get(address).text
    assert "2 people are told: Chi Chen, Priya Singh." in asked

    said = told(
        manager,
        press(
            manager,
            address,
            day="2026-12-03",
            at="15:00",
            minutes=120,
            capacity=8,
            location="Loft",
            reason="Kiln broke",
        ),
    )

    assert "The session is moved: 2 people are told, 1 check-in taken back" in said
    moved = stored.get_one(ClassSession, kiln.own.session)
    assert moved.starts_at == datetime(2026, 12, 3, 20, 0, tzinfo=UTC)
    assert moved.location == "Loft"
    assert stored.get_one(SessionReservation, kiln.own.checked_in).status == "PENDING"


def test_seats_are_added_without_moving_anybody(as_role, kiln: Kiln, stored):
    manager = as_role("manager")

    told(
        manager,
        press(manager, f"{LIST}sessions/{kiln.own.session}", day="2026-12-01", at="14:00", minutes=120, capacity=12),
    )

    session = stored.get_one(ClassSession, kiln.own.session)
    assert (session.capacity, session.seats_taken) == (12, 2)
    assert stored.get_one(SessionReservation, kiln.own.checked_in).status == "CHECKED_IN"


def test_seats_that_are_taken_cannot_be_taken_away(as_role, kiln: Kiln, stored):
    refused = press(
        as_role("manager"),
        f"{LIST}sessions/{kiln.own.session}",
        day="2026-12-01",
        at="14:00",
        minutes=120,
        capacity=1,
    )

    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert stored.get_one(ClassSession, kiln.own.session).capacity == 8


def test_cancelling_says_first_who_is_told_and_what_goes_back(as_role, kiln: Kiln, stored):
    manager = as_role("manager")
    address = f"{LIST}sessions/{kiln.own.session}/cancel"

    asked = manager.get(address).text
    assert "2 people lose their seats" in asked
    assert "Chi Chen, Priya Singh" in asked
    assert "1 punch goes" in asked

    said = told(manager, press(manager, address, reason="The kiln is broken"))

    assert "is cancelled: 2 reservations given back" in said
    assert stored.get_one(ClassSession, kiln.own.session).status == "CANCELLED"
    assert stored.get_one(SessionReservation, kiln.own.pending).status == "CANCELLED"


def test_a_class_of_another_title_is_found_and_a_retired_one_kept_apart(as_role, kiln: Kiln, stored):
    stored.get_one(StudioClass, kiln.own.studio_class).active = False
    stored.commit()
    manager = as_role("manager")

    assert "Glazing at Kiln Street" not in manager.get(f"{LIST}?q=glaz").text
    assert "Glazing at Kiln Street" in manager.get(f"{LIST}?q=glaz&show=retired").text
    assert "No class is called “zz%”" in manager.get(f"{LIST}", query_string={"q": "zz%"}).text


def test_many_classes_cost_as_many_queries_as_two(as_role, kiln: Kiln, stored, portal):
    from studio_reservations.models import Studio

    manager = as_role("manager")

    def queries(path: str) -> int:
        with counting(portal) as statements:
            assert manager.get(path).status_code == 200
        return len(statements)

    own = f"{LIST}{kiln.own.studio_class}/"
    queries(LIST)
    before = queries(LIST), queries(own)
    studio = stored.get_one(Studio, kiln.own.studio)
    studio_class = stored.get_one(StudioClass, kiln.own.studio_class)
    for number in range(60):
        factories.make_class(stored, studio, title=f"Class {number:02}")
        factories.make_session(stored, studio_class, starts_at=factories.NOW + timedelta(days=number + 1))
    stored.commit()

    assert (queries(LIST), queries(own)) == before
    assert "More" in manager.get(LIST).text
    assert "Later" in manager.get(own).text
