"""Policies at the desk: shown in sentences, changed with what would have happened beside them, saved with nothing lost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from studio_reservations.models import NoShowPolicy, ReservationHistory, Studio, StudioClass
from studio_reservations.models.connection import connection
from studio_reservations.pass_types import Status
from tests import factories
from tests.admin.conftest import press, told
from tests.factories import NOW

INDEX = "/admin/studio/policies/"
OF_STUDIO = f"{INDEX}studio"
SCRIPT = {"X-Requested-With": "studio"}


@pytest.fixture
def regular(stored, kiln):
    """Somebody who missed two classes of the last month, came to eleven, and cancelled one an hour before."""
    studio, studio_class = stored.get_one(Studio, kiln.own.studio), stored.get_one(StudioClass, kiln.own.studio_class)
    customer = factories.make_customer(stored, studio, name="Nora <i>D.</i>")
    registration = factories.make_pass(stored, customer, studio, punches=50, now=NOW - timedelta(days=60))
    _live(stored, registration, studio_class, came=11, missed=2)
    stored.commit()
    return customer


def _live(db_session: Any, registration: Any, studio_class: Any, *, came: int, missed: int) -> None:
    for day in range(1, came + missed + 1):
        session = factories.make_session(db_session, studio_class, starts_at=NOW - timedelta(days=40 - day))
        there: dict[str, Any] = {"status": Status.ATTENDED, "checked_in_at": session.starts_at, "punches_used": 1}
        gone: dict[str, Any] = {
            "status": Status.NO_SHOW,
            "missed_at": session.ends_at,
            "counts_as_no_show": True,
            "no_show_at": session.ends_at,
        }
        factories.make_reservation(
            db_session,
            registration,
            session,
            now=session.starts_at - timedelta(days=20),
            **(there if day <= came else gone),
        )


def fields_of(page: str) -> dict[str, str]:
    """Return what a browser would send of the form as it is shown."""
    form = page[page.index('<form class="st-stack" id="policy"') : page.index("</form>", page.index('id="policy"'))]
    sent: dict[str, str] = {}
    for one in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)
        if name and ('type="checkbox"' not in one or " checked" in one):
            sent[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    return sent


def row_of(page: str, label: str) -> tuple[str, ...]:
    """Return a line of the table: today's, yours, the change."""
    line = page[page.index(f'<th scope="row">{label}</th>') :].split("</tr>")[0]
    return tuple(re.sub(r"<[^>]*>", "", one) for one in re.findall(r"<td.*?</td>", line))


def changes(stored: Any) -> list[dict[str, Any]]:
    stored.expire_all()
    rows = stored.scalars(
        select(ReservationHistory).where(ReservationHistory.action == "policy.changed").order_by(ReservationHistory.id)
    )
    return [one.details["changed"] for one in rows]


def test_the_policy_is_told_in_sentences(as_role, kiln):
    page = as_role("manager").get(INDEX).text

    assert "Whoever misses 3 classes within 90 days cannot reserve for 14 days." in page
    assert "Every class follows the studio." in page
    assert f"/admin/studio/policies/classes/{kiln.own.studio_class}" in page


@pytest.mark.usefixtures("regular")
def test_what_would_have_happened_stands_beside_what_is_typed(as_role):
    manager = as_role("manager")
    sent = fields_of(manager.get(OF_STUDIO).text) | {"max_no_shows": "2", "deduct_punch_on_no_show": "y"}

    page = manager.get(OF_STUDIO, query_string=sent).text

    assert row_of(page, "Customers suspended") == ("0", "1", "+1")
    assert row_of(page, "Punches charged") == ("0", "2", "+2")
    assert row_of(page, "No-shows")[2] == "same"
    assert "They missed twice but came to 10 or more sessions in the same 90 days." in page
    assert "Nora &lt;i&gt;D.&lt;/i&gt;" in page
    assert "2 missed, 11 attended" in page
    assert re.search(r"data-tag>was 3<", page)
    assert re.search(r"data-tag>was no<", page)


@pytest.mark.usefixtures("regular")
def test_nothing_is_saved_by_looking(as_role, stored):
    manager = as_role("manager")
    sent = fields_of(manager.get(OF_STUDIO).text) | {"max_no_shows": "2"}

    replay = manager.get(OF_STUDIO, query_string=sent, headers=SCRIPT).text

    assert "<html" not in replay
    assert 'data-summary="+1 suspended"' in replay
    assert changes(stored) == []
    assert stored.scalars(select(NoShowPolicy)).all() == []


def test_what_is_saved_is_what_changed_with_old_and_new(as_role, stored, kiln):
    manager = as_role("manager")
    sent = fields_of(manager.get(OF_STUDIO).text)
    del sent["notify_moved"]

    page = told(manager, press(manager, OF_STUDIO, **sent | {"max_no_shows": "", "cancellation_cutoff_hours": "48"}))

    assert "The policy of Kiln Street is saved." in page
    assert "Nobody is suspended for missing classes." in page
    assert "Not sent: session moved." in page
    assert changes(stored) == [
        {"max_no_shows": [3, None], "cancellation_cutoff_hours": [24, 48], "notify_moved": [True, False]}
    ]
    policy = stored.scalars(select(NoShowPolicy).where(NoShowPolicy.studio_id == kiln.own.studio)).one()
    assert (policy.never_suspends, policy.cancellation_cutoff_hours, policy.notify_moved) == (True, 48, False)
    assert policy.grace_period_hours is None


def test_saving_the_form_as_it_is_changes_nothing(as_role, stored, kiln):
    factories.make_policy(
        stored, stored.get_one(Studio, kiln.own.studio), window_is_forever=True, suspension_days=3, notify_waived=False
    )
    stored.commit()
    manager = as_role("manager")

    press(manager, OF_STUDIO, **fields_of(manager.get(OF_STUDIO).text))

    assert changes(stored) == []


NO_POLICY = [
    ("max_no_shows", "0", "Write a whole number from 1 to 1,000, or leave it empty: never."),
    ("max_no_shows", "two", "Write a whole number from 1 to 1,000, or leave it empty: never."),
    ("grace_period_hours", "", "Write a whole number from 0 to 744."),
    ("grace_period_hours", "-1", "Write a whole number from 0 to 744."),
    ("suspension_days", "9" * 400, "Write a whole number from 1 to 3,650."),
    ("undo_minutes", "१५", "Write a whole number from 0 to 1,440."),
    ("self_check_in", "sometimes", "Choose one of these."),
]


def test_what_is_no_policy_is_said_at_the_field_and_kept(as_role, stored):
    manager = as_role("manager")
    as_it_is = fields_of(manager.get(OF_STUDIO).text)
    for name, value, sentence in NO_POLICY:
        sent = as_it_is | {"check_in_closes_minutes_after": "7", name: value}
        for page in (press(manager, OF_STUDIO, **sent).text, manager.get(OF_STUDIO, query_string=sent).text):
            assert f'id="{name}-error">{sentence}' in page
            assert "Mend it, and the replay follows." in page
            assert fields_of(page)["check_in_closes_minutes_after"] == "7"
        replay = manager.get(OF_STUDIO, query_string=sent, headers=SCRIPT).text
        assert f'<li data-error-of="{name}">{sentence}</li>' in replay
    assert manager.get(OF_STUDIO, query_string={"sent": "", "undo_minutes": "x"}).status_code == 200
    assert press(manager, OF_STUDIO, undo_minutes="x").status_code == 200
    assert changes(stored) == []


def test_whoever_was_overtaken_looks_again_before_saving(as_role, stored, clock):
    manager = as_role("manager")
    sent = fields_of(manager.get(OF_STUDIO).text)
    clock.now += timedelta(minutes=1)
    press(manager, OF_STUDIO, **sent | {"undo_minutes": "5"})  # in another tab
    clock.now += timedelta(minutes=1)

    again = press(manager, OF_STUDIO, **sent | {"suspension_days": "7"})

    assert "Somebody saved this policy while you were here." in again.text
    assert "was 5" in again.text
    assert len(changes(stored)) == 1
    press(manager, OF_STUDIO, **fields_of(again.text))
    assert changes(stored)[1] == {"suspension_days": [14, 7], "undo_minutes": [5, 15]}


def test_a_class_has_what_it_changes_and_inherits_the_rest(as_role, stored, kiln):
    manager, path = as_role("manager"), f"{INDEX}classes/{kiln.own.studio_class}"
    page = manager.get(path).text
    sent = fields_of(page)
    assert {value for name, value in sent.items() if name not in ("sent", "studio", "seen")} == {""}
    assert "Empty: as the studio, 24 hours." in page
    assert "As the studio: yes" in page
    assert "max_no_shows" not in sent

    index = told(manager, press(manager, path, **sent | {"undo_minutes": "60", "deduct_punch_on_no_show": "y"}))

    assert re.search(r"Undo a reservation within: <b[^>]*>60 minutes</b> <span[^>]*>\(studio: 15 minutes\)", index)
    assert changes(stored) == [{"undo_minutes": [15, 60], "deduct_punch_on_no_show": [False, True]}]
    assert "was as the studio" in manager.get(path, query_string=sent | {"grace_period_hours": "0"}).text


def test_a_class_follows_the_studio_again_after_a_page_that_says_what_changes(as_role, stored, kiln):
    studio, studio_class = stored.get_one(Studio, kiln.own.studio), stored.get_one(StudioClass, kiln.own.studio_class)
    factories.make_policy(stored, studio, studio_class, grace_period_hours=2, notify_moved=False)
    stored.commit()
    manager, path = as_role("manager"), f"{INDEX}classes/{kiln.own.studio_class}/remove"

    asked = manager.get(path).text
    index = told(manager, press(manager, path))

    assert "Time to explain: 2 hours becomes <b" in asked
    assert "Every class follows the studio." in index
    assert changes(stored) == [{"grace_period_hours": [2, 24], "notify_moved": [False, True]}]


def test_one_class_of_hundreds_is_found_to_give_it_its_own(as_role, stored, kiln):
    studio = stored.get_one(Studio, kiln.own.studio)
    classes = [factories.make_class(stored, studio, title=f"Yoga {number:03}") for number in range(120)]
    factories.make_policy(stored, studio, classes[0], grace_period_hours=2)
    stored.commit()
    manager = as_role("manager")

    def offered(page: str) -> list[str]:
        following = page[page.index('id="following"') :]
        return re.findall(r'<h3 class="st-name">(.*?)</h3>', following)

    first = manager.get(INDEX).text
    later = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert later is not None
    second = manager.get(later[1].replace("&amp;", "&")).text
    found = manager.get(INDEX, query_string={"q": "ga 07"}).text

    assert (len(offered(first)), "Yoga 000" in offered(first)) == (49, False)
    assert len(offered(second)) == 50
    assert not set(offered(first)) & set(offered(second))
    assert offered(found) == [f"Yoga {number:03}" for number in range(70, 80)]
    assert "Yoga 000" in found[: found.index('id="following"')]
    assert "Yoga 000" not in offered(manager.get(INDEX, query_string={"q": "Yoga 000"}).text)
    assert "is called “pilates”" in manager.get(INDEX, query_string={"q": "pilates"}).text


def test_the_numbers_beside_a_class_are_its_own(as_role, stored, kiln, regular):
    studio = stored.get_one(Studio, kiln.own.studio)
    other = factories.make_class(stored, studio, title="Mug Building")
    stored.commit()
    manager = as_role("manager")

    assert row_of(manager.get(f"{INDEX}classes/{other.id}").text, "No-shows") == ("0", "0", "same")
    assert int(row_of(manager.get(f"{INDEX}classes/{kiln.own.studio_class}").text, "No-shows")[0]) >= 2


def test_two_hundred_reservations_cost_the_queries_of_one(as_role, stored, kiln, regular):
    manager = as_role("manager")
    engine = connection(stored).engine
    manager.get(OF_STUDIO)  # the first request of a session asks once more who it is
    few = _queries(engine, lambda: manager.get(OF_STUDIO))
    studio, studio_class = stored.get_one(Studio, kiln.own.studio), stored.get_one(StudioClass, kiln.own.studio_class)
    for _ in range(20):
        registration = factories.make_pass(stored, factories.make_customer(stored, studio), studio, punches=50)
        _live(stored, registration, studio_class, came=6, missed=4)
    stored.commit()

    assert _queries(engine, lambda: manager.get(OF_STUDIO)) == few


def _queries(engine: Any, work: Any) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    work()
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)
