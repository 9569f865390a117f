"""How many statements a call costs, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from studio_reservations.models import ClassRegistration, Customer, Studio, StudioClass
from tests.factories import NOW, make_class, make_customer, make_pass, make_reservation, make_session
from tests.host import db


@contextmanager
def counting(app) -> Iterator[list[str]]:
    """Collect the statements that are run."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def more_sessions(stored, world, number: int, *, reserved: bool = False) -> None:
    with stored() as db_session:
        studio_class = db_session.get_one(StudioClass, world.studio_class)
        registration = db_session.get_one(ClassRegistration, world.ada_pass)
        for index in range(number):
            session = make_session(db_session, studio_class, starts_at=NOW + timedelta(days=12, minutes=index))
            if reserved:
                make_reservation(db_session, registration, session)


PATHS = {
    "available": "/reservations/available?class_id={world.studio_class}&limit=200",
    "of a pass": "/registrations/{world.ada_pass}/reservations?limit=200",
    "a month": "/registrations/{world.ada_pass}/calendar?month=2026-12",
    "status": "/registrations/{world.ada_pass}/status",
}


@pytest.mark.parametrize("name", PATHS)
def test_two_hundred_sessions_cost_what_one_costs(app, api, world, stored, name):
    caller, path = api("customer"), PATHS[name].format(world=world)
    caller.call("GET", path)
    with counting(app) as few:
        caller.call("GET", path)
    more_sessions(stored, world, 198, reserved=name != "available")
    with counting(app) as many:
        answer = caller.call("GET", path)

    assert len(many) == len(few), many
    if "items" in answer.json:
        assert len(answer.json["items"]) >= 199


def test_a_roster_of_many_costs_what_one_costs(app, api, world, stored):
    desk, path = api("write"), f"/staff/sessions/{world.later_session}/roster"
    with counting(app) as few:
        desk.get(path)
    with stored() as db_session:
        studio = db_session.get_one(Studio, world.studio)
        session = make_session(db_session, db_session.get_one(StudioClass, world.studio_class), capacity=200)
        for _ in range(100):
            make_reservation(db_session, make_pass(db_session, make_customer(db_session, studio), studio), session)
        path = f"/staff/sessions/{session.id}/roster"
    with counting(app) as many:
        roster = desk.get(path)

    assert len(roster.json["reservations"]) == 100
    assert len(many) == len(few)


def test_lists_of_passes_and_classes_cost_the_same_for_many(app, api, world, stored):
    caller = api("customer")
    paths = ("/registrations?limit=200", "/classes?studio=clay&limit=200", "/studios")
    few = {}
    for path in paths:
        with counting(app) as statements:
            caller.call("GET", path)
        few[path] = len(statements)
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, world.studio), db_session.get_one(Customer, world.ada)
        for _ in range(50):
            make_pass(db_session, ada, studio, studio_class=make_class(db_session, studio, steps=2))

    for path in paths:
        with counting(app) as statements:
            answer = caller.call("GET", path)
        assert len(statements) == few[path], path
        assert path == "/studios" or len(answer.json["items"]) == 51


@pytest.mark.parametrize("named", [True, False])
def test_a_reservation_costs_the_same_beside_two_hundred_sessions(app, api, world, stored, named):
    more_sessions(stored, world, 200)
    caller = api("customer")
    body = {"session_id": world.later_session} | ({"registration_id": world.ada_pass} if named else {})

    with counting(app) as statements:
        assert caller.post("/reservations", **body).status_code == 201

    # The token, the reservation's own, and how it is shown.
    assert len(statements) <= (8 if named else 16), statements


def test_who_calls_is_known_in_two_queries_at_the_most(app, api, world):
    for name, most in (("customer", 1), ("ada", 3)):  # the portal loads its own user too
        caller = api(name)
        with counting(app) as statements:
            caller.get("/csrf")
        assert len(statements) <= most, statements
