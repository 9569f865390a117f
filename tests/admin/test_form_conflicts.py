"""Of two people at one form, what each changed is kept; where both changed the same, the second looks at it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from studio_reservations.models import ClassRegistration, ClassSession, ClassStep, Customer, CustomerStudio, StudioClass
from tests import host
from tests.admin.conftest import Kiln, build, filled_in, make_portal, press
from tests.factories import NOW
from tests.host import Clock

Changes = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A form: where it is, what two people change of it, and what the second is told of the first.

    ``second`` is a change of something that ``first`` changes too, ``beside`` of something else; ``reads`` selects what both
    have changed, what the first has and what is changed beside. None takes a tick away.
    """

    path: str
    page: str
    first: Changes
    second: Changes
    told: str
    kept: str
    reads: Any
    saved: tuple[Any, ...]
    saved_second: tuple[Any, ...]
    beside: Changes
    saved_beside: tuple[Any, ...]


CASES = {
    "details": lambda own: Case(
        path=f"customers/{own.customer}/details",
        page=f"customers/{own.customer}/details",
        first={"phone": "416 555 0100", "email": "roy@kiln.example"},
        second={"phone": "416 555 0199"},
        told='<li>Phone: <b class="st-b st-plain">+14165550100</b></li></ul>',
        kept='value="416 555 0199"',
        reads=select(Customer.phone, Customer.email, Customer.name).where(Customer.id == own.customer),
        saved=("+14165550100", "roy@kiln.example", "Priya Singh"),
        saved_second=("+14165550199", "roy@kiln.example", "Priya Singh"),
        beside={"name": "Priya  Roy"},
        saved_beside=("+14165550100", "roy@kiln.example", "Priya Roy"),
    ),
    "notes": lambda own: Case(
        path=f"customers/{own.customer}/notes",
        page=f"customers/{own.customer}/",
        first={"notes": "Allergic to clay\r\ndust"},
        second={"notes": "Left-handed"},
        told="Allergic to clay\ndust</b>",
        kept="Left-handed</textarea>",
        reads=select(CustomerStudio.notes).where(CustomerStudio.customer_id == own.customer),
        saved=("Allergic to clay\r\ndust",),
        saved_second=("Left-handed",),
        beside={},
        saved_beside=("Allergic to clay\r\ndust",),
    ),
    "terms": lambda own: Case(
        path=f"passes/{own.registration}/terms",
        page=f"passes/{own.registration}/terms",
        first={"max_advance_reservations": "4", "valid_until": "2027-03-31"},
        second={"max_advance_reservations": "5", "reason": "Asked at the desk"},
        told='<ul class="st-plainlist st-small"><li>Reservations in advance: <b class="st-b st-plain">4</b></li></ul>',
        kept='value="Asked at the desk"',
        reads=select(
            ClassRegistration.max_advance_reservations,
            ClassRegistration.valid_until,
            ClassRegistration.absence_grace_period_hours,
        ).where(ClassRegistration.id == own.registration),
        saved=(4, date(2027, 3, 31), None),
        saved_second=(5, date(2027, 3, 31), None),
        beside={"absence_grace_period_hours": "12"},
        saved_beside=(4, date(2027, 3, 31), 12),
    ),
    "class": lambda own: Case(
        path=f"classes/{own.studio_class}/edit",
        page=f"classes/{own.studio_class}/edit",
        first={"title": "Glazing", "some_pass_types": "y", "allowed_pass_types": "punch_pass", "default_capacity": "4"},
        second={"title": "Glazing for all"},
        told='<ul class="st-plainlist st-small"><li>Name: <b class="st-b st-plain">Glazing</b></li></ul>',
        kept='value="Glazing for all"',
        reads=select(
            StudioClass.title, StudioClass.allowed_pass_types, StudioClass.default_capacity, StudioClass.instructor
        ).where(StudioClass.id == own.studio_class),
        saved=("Glazing", ["punch_pass"], 4, None),
        saved_second=("Glazing for all", ["punch_pass"], 4, None),
        beside={"instructor": "Ines"},
        saved_beside=("Glazing", ["punch_pass"], 4, "Ines"),
    ),
    "part": lambda own: Case(
        path=f"classes/parts/{own.step}",
        page=f"classes/parts/{own.step}",
        first={"title": "Throwing", "allow_makeup": None},
        second={"title": "Trimming"},
        told='<ul class="st-plainlist st-small"><li>Name of the part: <b class="st-b st-plain">Throwing</b></li></ul>',
        kept='value="Trimming"',
        reads=select(ClassStep.title, ClassStep.allow_makeup, ClassStep.requires_sequence).where(
            ClassStep.id == own.step
        ),
        saved=("Throwing", False, True),
        saved_second=("Trimming", False, True),
        beside={"requires_sequence": None},
        saved_beside=("Throwing", False, False),
    ),
    "session": lambda own: Case(
        path=f"classes/sessions/{own.session}",
        page=f"classes/sessions/{own.session}",
        first={"location": "Kiln room", "at": "16:00", "instructor_id": ""},
        second={"location": "Garden"},
        told='<ul class="st-plainlist st-small"><li>Where: <b class="st-b st-plain">Kiln room</b></li></ul>',
        kept='value="Garden"',
        reads=select(
            ClassSession.location, ClassSession.starts_at, ClassSession.instructor_id, ClassSession.capacity
        ).where(ClassSession.id == own.session),
        saved=("Kiln room", datetime(2026, 12, 1, 21, 0, tzinfo=UTC), None, 8),
        saved_second=("Garden", datetime(2026, 12, 1, 21, 0, tzinfo=UTC), None, 8),
        beside={"capacity": "9"},
        saved_beside=("Kiln room", datetime(2026, 12, 1, 21, 0, tzinfo=UTC), None, 9),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_who_changes_the_same_second_looks_again_first_and_undoes_nothing_else(name, as_role, stored, kiln: Kiln):
    case, manager = CASES[name](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"
    page = manager.get(f"/admin/studio/{case.page}").text
    assert "while you were here" not in page
    opened = filled_in(page)
    assert press(manager, path, **opened | case.first).status_code == 303

    second = press(manager, path, **opened | case.second)

    assert second.status_code == 200
    assert "while you were here" in second.text
    assert case.told in second.text
    assert case.kept in second.text
    assert stored.execute(case.reads).one() == case.saved
    assert press(manager, path, **filled_in(second.text)).status_code == 303
    assert stored.execute(case.reads).one() == case.saved_second


@pytest.mark.parametrize("name", CASES)
def test_two_who_change_different_things_are_both_kept_without_a_word(name, as_role, stored, kiln: Kiln):
    case, manager = CASES[name](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"
    opened = filled_in(manager.get(f"/admin/studio/{case.page}").text)

    for changes in (case.first, case.beside):
        assert press(manager, path, **opened | changes).status_code == 303

    assert stored.execute(case.reads).one() == case.saved_beside


@pytest.mark.parametrize("name", CASES)
def test_two_who_mean_the_same_are_not_in_each_other_s_way(name, as_role, kiln: Kiln):
    case, manager = CASES[name](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"

    for changes in (case.beside, case.first):
        opened = filled_in(manager.get(f"/admin/studio/{case.page}").text)
        for _ in range(2):
            assert press(manager, path, **opened | changes).status_code == 303


@pytest.mark.parametrize(
    ("name", "before", "first", "second", "told"),
    [
        ("session", {}, {"at": "16:00"}, {"day": "2026-12-02"}, "Time"),
        (
            "class",
            {"some_pass_types": "y", "allowed_pass_types": "punch_pass"},
            {"some_pass_types": None},
            {"allowed_pass_types": "drop_in"},
            "Only some kinds of pass",
        ),
    ],
)
def test_fields_that_mean_something_together_are_not_taken_half_from_each(
    name, before, first, second, told, as_role, kiln: Kiln
):
    case, manager = CASES[name](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"
    press(manager, path, **filled_in(manager.get(path).text) | before)
    opened = filled_in(manager.get(path).text)
    press(manager, path, **opened | first)

    page = press(manager, path, **opened | second).text

    assert f"<li>{told}: " in page


def test_a_form_that_was_open_too_long_still_knows_what_it_was_filled_with(as_role, stored, kiln: Kiln):
    case, manager = CASES["notes"](kiln.own), as_role("manager")
    path = f"/admin/studio/{case.path}"
    opened = filled_in(manager.get(path).text)
    press(manager, path, **opened | case.first)

    late = manager.post(path, data={"csrf_token": "of an hour ago", **opened | case.second})

    assert late.status_code == 403
    assert case.told in late.text
    assert case.kept in late.text
    assert stored.execute(case.reads).one() == case.saved


def test_of_six_who_save_at_the_same_instant_one_saves_and_five_look_again(database_url):
    app = make_portal(database_url, Clock(NOW))
    with app.app_context():
        own = build(host.db.session()).own
        host.db.session.commit()
    clients = [app.test_client() for _ in range(6)]
    together, tokens = Barrier(6), []
    for client in clients:
        client.post("/login", data={"email": "manager@example.org"})
        tokens.append(client.get("/api/csrf").get_json()["csrf_token"])

    def save(number: int, path: str, form: Changes) -> int:
        together.wait(timeout=30)
        return clients[number].post(path, data={"csrf_token": tokens[number], **form}).status_code

    for path, field in ((f"classes/{own.studio_class}/edit", "title"), (f"classes/sessions/{own.session}", "location")):
        opened = filled_in(clients[0].get(f"/admin/studio/{path}").text)
        with ThreadPoolExecutor(6) as pool:
            forms = [opened | {field: f"Glazing {number}"} for number in range(6)]
            codes = pool.map(save, range(6), [f"/admin/studio/{path}"] * 6, forms)
            assert sorted(codes) == [200, 200, 200, 200, 200, 303], path
    host.dispose_engines(app)
