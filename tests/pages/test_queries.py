"""How many statements a page costs, whatever the number of rows."""

from __future__ import annotations

from datetime import timedelta

from studio_reservations.models import ClassRegistration, Customer, Studio, StudioClass
from tests.api.test_queries import counting
from tests.factories import NOW, make_class, make_pass, make_reservation, make_session

PATHS = (
    *("/", "/calendar", "/sessions", "/sessions?before={people.free}", "/sessions/{people.free}"),
    *("/reservations/{people.reservation}", "/reservations/{people.reservation}/cancel"),
    *("/reservations/{people.reservation}/move", "/settings", "/settings/my-data.json", "/settings/delete"),
)


def test_two_hundred_of_everything_cost_what_one_costs(portal, browser, people, stored):
    with stored() as db_session:
        studio, customer = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        make_pass(db_session, customer, studio, studio_class=make_class(db_session, studio, steps=2))
    ada, few = browser("ada"), {}
    for path in PATHS:
        ada.get(path.format(people=people))
        with counting(portal) as statements:
            ada.get(path.format(people=people))
        few[path] = len(statements)
    with stored() as db_session:
        studio, customer = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        held = db_session.get_one(ClassRegistration, people.ada_pass)
        for number in range(200):
            session = make_session(db_session, studio_class, starts_at=NOW + timedelta(days=2, minutes=number))
            if number % 2:
                make_reservation(db_session, held, session)
        for _ in range(20):
            make_pass(db_session, customer, studio, studio_class=make_class(db_session, studio, steps=2))

    for path in PATHS:
        with counting(portal) as statements:
            page = ada.get(path.format(people=people))
        assert page.status == 200
        assert len(statements) == few[path], (path, statements)
    assert max(few.values()) <= 22
