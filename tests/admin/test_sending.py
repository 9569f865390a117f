"""Forms that are sent twice, late, or from a page that is no longer good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from studio_reservations.models import ClassStep, Customer, IdempotencyRecord, PunchLedgerEntry
from tests import host
from tests.admin.conftest import build, make_portal, press, told
from tests.factories import NOW
from tests.host import Clock


def test_two_taps_give_the_punches_once(as_role, kiln, stored):
    manager, path = as_role("manager"), f"/admin/studio/passes/{kiln.own.registration}/adjust"

    first = press(manager, path, once="a form", delta="2", reason="A gift")
    second = press(manager, path, once="a form", delta="2", reason="A gift")

    assert first.headers["Location"] == second.headers["Location"]
    assert "This was done already, and is not done again." in told(manager, second)
    assert _gifts(stored, kiln) == [2]


def test_whoever_goes_back_and_changes_a_field_sends_another_form(as_role, kiln, stored):
    manager, path = as_role("manager"), f"/admin/studio/passes/{kiln.own.registration}/adjust"

    press(manager, path, once="a form", delta="2", reason="A gift")
    press(manager, path, once="a form", delta="1", reason="A gift")

    assert _gifts(stored, kiln) == [1, 2]


def test_a_form_that_was_refused_may_be_sent_again(as_role, kiln, stored):
    manager, path = as_role("manager"), f"/admin/studio/passes/{kiln.own.registration}/adjust"

    assert press(manager, path, once="a form", delta="2", reason="").status_code == 200
    assert stored.scalar(select(func.count()).select_from(IdempotencyRecord)) == 0
    assert press(manager, path, once="a form", delta="2", reason="A gift").status_code == 303


def test_two_taps_add_a_walk_in_customer_once(as_role, kiln, stored):
    desk, path = as_role("front_desk"), f"/admin/studio/sessions/{kiln.own.session}/walk-in/new"

    answers = [press(desk, path, once="a form", name="Wanda Walker") for _ in range(2)]

    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(stored.scalars(select(Customer).where(Customer.name == "Wanda Walker")).all()) == 1


def test_two_taps_add_a_part_once(as_role, kiln, stored):
    manager, path = as_role("manager"), f"/admin/studio/classes/{kiln.own.studio_class}/parts"

    for _ in range(2):
        assert press(manager, path, once="a form", title="Throwing").status_code == 303

    assert len(stored.scalars(select(ClassStep).where(ClassStep.title == "Throwing")).all()) == 1


def test_every_form_has_a_number_of_its_own(as_role, kiln):
    manager, path = as_role("manager"), f"/admin/studio/passes/{kiln.own.registration}/adjust"

    assert 'name="once"' in manager.get(path).text
    assert manager.get(path).text != manager.get(path).text


def test_a_page_that_was_open_too_long_keeps_what_was_typed(as_role, kiln, stored):
    manager, path = as_role("manager"), f"/admin/studio/passes/{kiln.own.registration}/adjust"

    answer = manager.post(path, data={"csrf_token": "of an hour ago", "delta": "2", "reason": "For the flood"})

    assert answer.status_code == 403
    assert "This page was open for too long, and nothing was done." in answer.text
    assert "For the flood" in answer.text
    assert _gifts(stored, kiln) == []


def test_the_way_back_never_leaves_the_portal(as_role, kiln):
    desk = as_role("front_desk")
    for left in ("http://localhost//evil.example/", "http://evil.example/", "https://localhost@evil.example/"):
        answer = desk.post("/admin/studio/sessions/scan/code", headers={"Referer": left})
        assert "//evil.example" not in answer.text


def _gifts(stored, kiln) -> list[int]:
    entries = select(PunchLedgerEntry.delta).where(
        PunchLedgerEntry.registration_id == kiln.own.registration, PunchLedgerEntry.entry_type == "ADJUSTMENT"
    )
    return sorted(stored.scalars(entries))


def test_six_taps_at_the_same_instant_give_the_punches_once(database_url):
    app = make_portal(database_url, Clock(NOW))
    with app.app_context():
        kiln = build(host.db.session())
        host.db.session.commit()
    clients = [app.test_client() for _ in range(6)]
    tokens = []
    for client in clients:
        client.post("/login", data={"email": "manager@example.org"})
        tokens.append(client.get("/api/csrf").get_json()["csrf_token"])
    path, form = f"/admin/studio/passes/{kiln.own.registration}/adjust", {"once": "1", "delta": "2", "reason": "A gift"}

    def tap(client, token):
        return client.post(path, data={**form, "csrf_token": token}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(tap, clients, tokens)) == {303}

    with app.app_context():
        assert _gifts(host.db.session, kiln) == [2]
    host.dispose_engines(app)
