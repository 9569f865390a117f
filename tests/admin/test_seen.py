"""Of two people at one form, the second sees what the first has saved, and loses nothing that they typed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import pytest
from sqlalchemy import select

from studio_reservations.models import ClassRegistration, ClassStep, CustomerStudio, StudioClass
from tests import host
from tests.admin.conftest import Kiln, build, make_portal, press
from tests.factories import NOW
from tests.host import Clock


@dataclass(frozen=True)
class Case:
    """A form: where it is, what two people save in it, and what the second is told of the first."""

    path: str
    page: str
    first: dict[str, str]
    second: dict[str, str]
    told: str
    kept: str
    reads: object
    saved: tuple[object, object]


CLASS = {"title": "Glazing", "default_capacity": "10", "default_duration_minutes": "60", "active": "y"}
CASES = {
    "notes": lambda own: Case(
        path=f"customers/{own.customer}/notes",
        page=f"customers/{own.customer}/",
        first={"notes": "Allergic to clay\r\ndust"},
        second={"notes": "Left-handed"},
        told="Allergic to clay\ndust</b>",
        kept="Left-handed</textarea>",
        reads=select(CustomerStudio.notes).where(CustomerStudio.customer_id == own.customer),
        saved=("Allergic to clay\r\ndust", "Left-handed"),
    ),
    "terms": lambda own: Case(
        path=f"passes/{own.registration}/terms",
        page=f"passes/{own.registration}/terms",
        first={"sent": "1", "valid_until": "2027-03-31", "max_advance_reservations": "3"},
        second={"sent": "1", "valid_until": "", "max_advance_reservations": "5", "reason": "Asked at the desk"},
        told='Last day: <b class="st-b st-plain">Wed 31 Mar 2027</b>',
        kept='value="Asked at the desk"',
        reads=select(ClassRegistration.max_advance_reservations).where(ClassRegistration.id == own.registration),
        saved=(3, 5),
    ),
    "class": lambda own: Case(
        path=f"classes/{own.studio_class}/edit",
        page=f"classes/{own.studio_class}/edit",
        first=CLASS | {"default_capacity": "4", "some_pass_types": "y", "allowed_pass_types": "punch_pass"},
        second=CLASS | {"title": "Glazing for all"},
        told='Kinds of pass that may be used: <b class="st-b st-plain">Punch pass</b>',
        kept='value="Glazing for all"',
        reads=select(StudioClass.title).where(StudioClass.id == own.studio_class),
        saved=("Glazing", "Glazing for all"),
    ),
    "part": lambda own: Case(
        path=f"classes/parts/{own.step}",
        page=f"classes/parts/{own.step}",
        first={"title": "Throwing"},
        second={"title": "Trimming", "allow_makeup": "y"},
        told='Can be made up for when missed: <b class="st-b st-plain">no</b>',
        kept='value="Trimming"',
        reads=select(ClassStep.title).where(ClassStep.id == own.step),
        saved=("Throwing", "Trimming"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_who_saves_second_looks_again_first(name, as_role, stored, kiln: Kiln):
    case, manager = CASES[name](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"
    page = manager.get(f"/admin/studio/{case.page}").text
    assert "while you were here" not in page
    opened = seen_in(page)
    assert press(manager, path, seen=opened, **case.first).status_code == 303

    second = press(manager, path, seen=opened, **case.second)

    assert second.status_code == 200
    assert "while you were here" in second.text
    assert case.told in second.text
    assert case.kept in second.text
    assert stored.scalar(case.reads) == case.saved[0]
    assert press(manager, path, seen=seen_in(second.text), **case.second).status_code == 303
    assert stored.scalar(case.reads) == case.saved[1]


@pytest.mark.parametrize("name", CASES)
def test_two_who_mean_the_same_are_not_in_each_other_s_way(name, as_role, kiln: Kiln):
    case, manager = CASES[name](kiln.own), as_role("manager")
    opened = seen_in(manager.get(f"/admin/studio/{case.page}").text)

    for _ in range(2):
        assert press(manager, f"/admin/studio/{case.path}", seen=opened, **case.first).status_code == 303


def test_a_form_that_was_open_too_long_still_knows_what_it_was_filled_with(as_role, stored, kiln: Kiln):
    case, manager = CASES["notes"](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"
    opened = seen_in(manager.get(path).text)
    press(manager, path, seen=opened, **case.first)

    late = manager.post(path, data={"csrf_token": "of an hour ago", "seen": opened, **case.second})

    assert late.status_code == 403
    assert case.told in late.text
    assert case.kept in late.text
    assert stored.scalar(case.reads) == case.saved[0]


def test_of_six_who_save_at_the_same_instant_one_saves_and_five_look_again(database_url):
    app = make_portal(database_url, Clock(NOW))
    with app.app_context():
        own = build(host.db.session()).own
        host.db.session.commit()
    path, clients = f"/admin/studio/classes/{own.studio_class}/edit", [app.test_client() for _ in range(6)]
    together, tokens = Barrier(6), []
    for client in clients:
        client.post("/login", data={"email": "manager@example.org"})
        tokens.append(client.get("/api/csrf").get_json()["csrf_token"])
    opened = seen_in(clients[0].get(path).text)

    def save(number: int) -> int:
        together.wait(timeout=30)
        form = {"csrf_token": tokens[number], "seen": opened, **CLASS, "title": f"Glazing {number}"}
        return clients[number].post(path, data=form).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(save, range(6))) == [200, 200, 200, 200, 200, 303]
    host.dispose_engines(app)


def seen_in(page: str) -> str:
    (number,) = re.findall(r'name="seen" value="(\w+)"', page)
    return number
