"""Every list, on both databases: each order, each filter, each row's page and each export that it offers works."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from studio_reservations.admin import SCREENS
from studio_reservations.admin.row_filters import Choice, Days, Filter, Number
from studio_reservations.admin.rows import StudioRows
from tests import host
from tests.admin.conftest import Kiln, build, make_portal
from tests.admin.test_access import path_of
from tests.factories import NOW

LISTS = [(address, screen) for screen, _, address in SCREENS if issubclass(screen, StudioRows)]


@pytest.fixture
def portal_and_kiln(database_url, clock) -> Iterator[tuple[Flask, Kiln]]:
    clock.now = NOW
    app = make_portal(database_url, clock)
    with app.app_context():
        kiln = build(host.db.session())
        host.db.session.commit()
    yield app, kiln
    host.dispose_engines(app)


def asked_of(one: Filter) -> list[str]:
    match one:
        case Choice():
            return [f"{one.name}={next(iter(one.options))}"]
        case Days():
            return [f"{name}=2026-12-01" for name in one.names]
        case Number():
            return [f"{one.name}={uuid4()}"]
        case _:
            return [f"{name}=a%25_'" for name in one.names]


def queries_of(screen: type[StudioRows]) -> list[str]:
    orders = [column.name for column in screen.columns if column.sort is not None]
    return [
        *(f"sort={'-' if number % 2 else ''}{name}" for number, name in enumerate(orders)),
        *(query for one in screen.filters for query in asked_of(one)),
        "search=a%25_'&studio=kiln",
    ]


def read(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.text


@pytest.mark.parametrize(("address", "screen"), LISTS, ids=[address for address, _ in LISTS])
def test_whatever_a_list_offers_works(portal_and_kiln, address, screen):
    portal, kiln = portal_and_kiln
    browser = portal.test_client()
    browser.post("/login", data={"email": "owner@example.org"})
    path = path_of(address, "/", None)

    for query in queries_of(screen):
        page = read(browser, f"{path}?{query}")
        assert "it is left out" not in page, query
        assert "usual order" not in page, query

    rule = screen.marks()["details"].rule
    assert "<dl" in read(browser, path_of(address, rule, kiln.own))
    assert "1 row" in read(browser, path) or "rows" in read(browser, path)
    for kind in ("csv", "xlsx"):
        assert browser.get(f"{path}export.{kind}").status_code == 200
