"""Sessions: found, reserved with one press, undone with another; and why not, where not."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerStudio,
    Rollout,
    SessionReservation,
    Studio,
    StudioClass,
)
from tests.factories import (
    NOW,
    make_class,
    make_customer,
    make_pass,
    make_reservation,
    make_session,
    make_studio,
    make_suspension,
    steps_of_class,
)


def test_each_session_says_its_seats_and_the_pass_that_is_used(browser):
    page = browser("ada").get("/sessions")

    assert (
        "Tuesday 8 December 10:00 to 12:00 Beginner Wheel Throwing Elena V. · Wheel room · 8 of 10 seats left"
        in page.text
    )
    assert "Details or cancel" in page.text
    assert "Thursday 10 December 10:00 to 12:00 Beginner Wheel Throwing 2 of 2 seats left" in page.text
    assert "Uses: Punch pass, every class · 1 punch" in page.text
    assert "Secret" not in page.text


def test_one_press_reserves_and_another_undoes(browser, people, stored):
    ada = browser("ada")

    reserved = ada.send(ada.get("/sessions?from=2026-12-09").form("Reserve"))

    assert reserved.status == 200
    assert (
        "Reserved for Ada Potter: Beginner Wheel Throwing, Thu 10 Dec, 10:00. Undo is free until 10:15."
        in reserved.text
    )
    assert reserved.response.request.path == "/studio/sessions"
    assert reserved.response.request.args["from"] == "2026-12-09"

    undone = ada.send(reserved.form("Undo"))

    assert "is no longer reserved. Nothing was charged." in undone.text
    assert undone.form("Reserve")
    with stored() as db_session:
        states = {row.status for row in db_session.query(SessionReservation).filter_by(session_id=people.free)}
        assert states == {"CANCELLED"}


@pytest.mark.parametrize("minutes", [1, 16])
def test_a_second_tap_finds_the_reservation_and_its_undo_while_that_is_free(browser, people, stored, clock, minutes):
    ada, phone = browser("ada"), browser("ada")
    form = phone.get(f"/sessions/{people.free}").form("Reserve")
    ada.send(ada.get(f"/sessions/{people.free}").form("Reserve"))
    clock.advance(minutes=minutes)

    again = phone.send(form)

    assert again.status == 200
    assert "Reserved for Ada Potter" in again.text
    assert [one.label for one in again.forms if one.label.startswith("Undo")] == (
        ["Undo Beginner Wheel Throwing"] if minutes == 1 else []
    )
    with stored() as db_session:
        made = db_session.query(SessionReservation).filter_by(session_id=people.free).one()
        assert f"/studio/reservations/{made.id}" in again.links


def test_undo_is_not_offered_when_it_is_no_longer_free(browser, clock):
    ada = browser("ada")
    reserved = ada.send(ada.get("/sessions?from=2026-12-09").form("Reserve"))
    clock.advance(minutes=16)

    later = ada.get(reserved.response.request.full_path)

    assert "Reserved for Ada Potter" in later.text
    assert "Undo" not in later.text


def test_a_seat_is_reserved_for_the_ward_whose_page_it_is(browser, people, stored):
    ada = browser("ada")

    page = ada.send(ada.get(f"/sessions?for={people.otto}&from=2026-12-09").form("Reserve for Otto"))

    assert "Reserved for Otto Potter" in page.text
    with stored() as db_session:
        assert db_session.query(SessionReservation).filter_by(session_id=people.free).one().customer_id == people.otto


def test_another_pass_can_be_chosen(browser, people, stored):
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        make_pass(db_session, ada, studio, pass_type="unlimited_series")

    browsing = browser("ada")
    page = browsing.get(f"/sessions/{people.free}")

    assert "Unlimited series, every class Used before counted passes, so that no punch is spent." in page.text
    browsing.send(page.form("Reserve"), registration_id=str(people.ada_pass))
    with stored() as db_session:
        made = db_session.query(SessionReservation).filter_by(session_id=people.free).one()
        assert made.registration_id == people.ada_pass


def test_a_pass_that_cannot_be_used_says_why_beside_the_one_that_can(browser, people, stored):
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        make_pass(db_session, ada, studio, pass_type="unlimited_series", max_advance_reservations=0)

    page = browser("ada").get(f"/sessions/{people.free}")

    assert "Punch pass, every class The only one that can be used for this session." in page.text
    assert "Unlimited series, every class You can hold 0 upcoming reservations and have 0. Come to one" in page.text


def test_when_the_last_seat_goes_in_between_the_page_says_so_in_place(browser, people, stored):
    ada = browser("ada")
    form = ada.get(f"/sessions/{people.free}").form("Reserve")
    with stored() as db_session:
        studio = db_session.get_one(Studio, people.studio)
        for _ in range(2):
            other = make_pass(db_session, make_customer(db_session, studio), studio)
            make_reservation(db_session, other, db_session.get_one(ClassSession, people.free))

    after = ada.send(form)

    assert after.status == 409
    assert "All 2 seats are taken." in after.text


def test_a_full_session_names_the_next_one_with_a_seat(browser, people, stored):
    with stored() as db_session:
        studio = db_session.get_one(Studio, people.studio)
        full = make_session(
            db_session,
            db_session.get_one(StudioClass, people.studio_class),
            starts_at=NOW + timedelta(days=8),
            capacity=1,
        )
        make_reservation(db_session, make_pass(db_session, make_customer(db_session, studio), studio), full)

    page = browser("ada").get("/sessions?from=2026-12-09")

    assert (
        "The only seat is taken. Choose another session. The next one with a free seat: Thu 10 Dec, 10:00 ."
        in page.text
    )


def a_missed_part(people, stored):
    """Give Ada a course alone, its first part missed; return that reservation and the session that makes up for it."""
    with stored() as db_session:
        studio, ada = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.ada)
        mug = make_class(db_session, studio, title="Mug Building", steps=2)
        step = steps_of_class(db_session, mug)[0]
        course = make_pass(db_session, ada, studio, pass_type="full_course", studio_class=mug)
        past = make_session(db_session, mug, step=step, starts_at=NOW - timedelta(days=2))
        missed = make_reservation(db_session, course, past, status="NO_SHOW", missed_at=past.ends_at).id
        db_session.get_one(ClassRegistration, people.ada_pass).status = "CANCELLED"
        return missed, make_session(db_session, mug, step=step, starts_at=NOW + timedelta(days=2)).id


def test_a_missed_part_is_reserved_as_a_makeup(browser, people, stored):
    missed, again = a_missed_part(people, stored)
    ada = browser("ada")

    page = ada.send(ada.get("/sessions").form("Reserve as a makeup"))

    assert "Reserved for Ada Potter: Mug Building: Part 1" in page.text
    with stored() as db_session:
        assert db_session.query(SessionReservation).filter_by(session_id=again).one().makeup_for_id == missed


def test_a_pause_is_told_once_above_the_list(browser, people, stored):
    with stored() as db_session:
        make_suspension(db_session, db_session.get_one(Customer, people.eve), db_session.get_one(Studio, people.studio))

    page = browser("eve").get("/sessions")

    assert page.text.count("New reservations are paused through") == 1
    assert not [form for form in page.forms if form.label.startswith("Reserve")]


@pytest.mark.parametrize(
    ("changes", "told", "limit", "way_out"),
    [
        ({"valid_until": date(2026, 11, 30)}, "The pass is over It ended on Monday 30 November.", False, "mailto:"),
        (
            {"valid_until": date(2026, 12, 5)},
            "This pass ends on Sat 5 December, before this session.",
            False,
            "mailto:",
        ),
        ({"valid_from": date(2027, 1, 30)}, "This pass starts on Sat 30 January.", False, "from=2027-01-30"),
        ({"sessions_remaining": 1}, "Your last punch is held for another day.", True, "/studio/"),
        ({"max_advance_reservations": 1}, "You can hold 1 upcoming reservation and have 1.", True, "/studio/"),
        ({"pass_type": "lunar_pass"}, "This kind of pass cannot be used right now.", False, "mailto:"),
        ({"status": "FROZEN"}, "This pass is frozen.", False, "mailto:"),
    ],
    ids=["over", "ends before", "begins later", "punches held", "limit", "plugin missing", "frozen"],
)
def test_what_refuses_every_session_alike_is_told_once_with_the_way_out(
    browser, people, stored, changes, told, limit, way_out
):
    with stored() as db_session:
        db_session.get_one(Studio, people.studio).contact_email = "desk@clay.example"
        registration = db_session.get_one(ClassRegistration, people.eve_pass)
        for name, value in changes.items():
            setattr(registration, name, value)
        for days in (10, 11):
            studio_class = db_session.get_one(StudioClass, people.studio_class)
            make_session(db_session, studio_class, starts_at=NOW + timedelta(days=days))

    page = browser("eve").get("/sessions")

    assert page.text.count(told) == 1
    assert page.html.count('class="st-refusal"') == 0
    assert ("on Punch pass, every class" in page.text) is limit
    assert any(way_out in link for link in page.links)
    assert told in browser("eve").get("/calendar").text


@pytest.mark.parametrize(("sessions", "told"), [(2, 2), (3, 1)])
def test_what_refuses_each_pass_of_many_sessions_alike_is_told_once_above_them(browser, people, stored, sessions, told):
    with stored() as db_session:
        studio, eve = db_session.get_one(Studio, people.studio), db_session.get_one(Customer, people.eve)
        studio.contact_email = "desk@clay.example"
        db_session.get_one(ClassRegistration, people.eve_pass).sessions_remaining = 1
        make_pass(db_session, eve, studio, pass_type="unlimited_series", valid_until=date(2026, 12, 9))
        make_pass(
            db_session, eve, studio, studio_class=make_class(db_session, studio)
        )  # says nothing of these sessions
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        for days in (1, *range(10, 9 + sessions)):
            make_session(db_session, studio_class, starts_at=NOW + timedelta(days=days))

    page = browser("eve").get("/sessions")

    assert page.text.count("This pass ends on Wed 9 December, before this session.") == told
    assert page.text.count("Your last punch is held for another day.") == told + 1  # and in the choice of the other day
    assert page.text.count("See why for each pass") == (0 if told == 1 else 2)
    assert (
        page.html.count('href="#passes"') == page.text.count("No pass can be used. See why") == (3 if told == 1 else 0)
    )
    assert len([one for one in page.forms if one.label.startswith("Reserve")]) == 1  # the day that the series covers
    if told == 1:
        assert "None of the passes can be used for 3 of these sessions" in page.text
        assert "See what is held" in page.text
        assert "mailto:desk@clay.example" in page.links


def test_where_one_session_can_be_reserved_each_other_says_why_not(browser, people, stored):
    with stored() as db_session:
        db_session.get_one(ClassRegistration, people.eve_pass).valid_until = date(2026, 12, 10)
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        make_session(db_session, studio_class, starts_at=NOW + timedelta(days=10))

    page = browser("eve").get("/sessions")

    assert page.form("Reserve")
    assert page.html.count('class="st-refusal"') == 1


def test_a_refusal_on_the_page_of_a_ward_names_them_and_leads_to_what_is_held(browser, people, stored):
    with stored() as db_session:
        otto_pass = db_session.get_one(ClassRegistration, people.otto_pass)
        otto_pass.max_advance_reservations = 1
        make_reservation(db_session, otto_pass, db_session.get_one(ClassSession, people.session))

    page = browser("ada").get(f"/sessions/{people.free}?for={people.otto}")

    assert "Otto can hold 1 upcoming reservation and has 1. Come to one or cancel one, and a place opens." in page.text
    assert "See what is held" in page.text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", 3),
        ("?to=2026-12-08", 1),
        ("?from=2026-12-10", 2),
        ("?time=evening", 1),
        ("?time=morning", 2),
        ("?open=1", 3),  # and what is reserved
        ("?class={people.studio_class}", 2),
        ("?from=nonsense&to=2026-99-99&class=x&time=x&open=x&after=x", 3),
        ("?from=1066-01-01&to=9999-12-31", 3),
    ],
)
def test_the_filters(browser, people, stored, query, shown):
    with stored() as db_session:
        glazing = make_class(db_session, db_session.get_one(Studio, people.studio), title="Glazing")
        make_session(db_session, glazing, starts_at=NOW + timedelta(days=20, hours=9))

    page = browser("ada").get(f"/sessions{query.format(people=people)}")

    assert page.html.count('class="st-row"') == shown


def test_where_nothing_can_be_reserved_it_says_what_there_is_and_what_to_do(browser, people, stored):
    assert "No studio knows you yet" in browser("newcomer").get("/sessions").text
    with stored() as db_session:
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        make_session(db_session, studio_class, starts_at=NOW + timedelta(days=2), capacity=1).seats_taken = 1

    page = browser("ada").get("/sessions?open=1&to=2026-12-08")

    assert "Next 8 days · All classes · Only what I can reserve Change" in page.text
    assert "Details or cancel" in page.text  # one's own stays in sight
    assert (
        "Nothing you can reserve in these 8 days 1 session matches, but it is not open. 1 is full. Show it" in page.text
    )


def test_only_what_can_be_reserved_shows_a_makeup(browser, people, stored):
    again = a_missed_part(people, stored)[1]

    assert f"/sessions/{again}/reserve" in browser("ada").get("/sessions?open=1").html


def test_one_comes_back_to_the_row_where_one_reserved(browser, people):
    ada = browser("ada")
    form = ada.get("/sessions").form("Reserve")

    reserved = ada.client.post(form.action, data=form.fields)
    page = ada.get(reserved.location)
    undone = ada.client.post(page.form("Undo").action, data=page.form("Undo").fields)

    assert reserved.location.endswith(f"#s{people.free}")
    assert undone.location.endswith(f"#s{people.free}")
    assert f'<a id="s{people.free}"' in page.html


def test_of_two_studios_the_open_one_comes_first_and_is_named_with_its_zone(browser, people, stored):
    with stored() as db_session:
        shut = make_studio(db_session, name="A shut one", timezone="Europe/Zurich", rollout=Rollout.OFF, slug="shut")
        db_session.add(CustomerStudio(customer_id=people.ada, studio_id=shut.id, created_at=NOW))

    page = browser("ada").get("/sessions")

    assert 'aria-current="true">Clay &amp; Co.</a>' in page.html.replace("&#38;", "&amp;")
    assert "A shut one, Zurich time;" in page.text
    assert 'aria-current="true">A shut one</a>' in browser("ada").get("/sessions?studio=shut").html


def test_a_row_without_a_button_keeps_no_room_for_one(browser, people, stored):
    with stored() as db_session:
        make_suspension(db_session, db_session.get_one(Customer, people.eve), db_session.get_one(Studio, people.studio))

    page = browser("eve").get("/sessions?from=2026-12-10")

    assert page.html.count('class="st-row"') == 1
    assert "st-act" not in page.html


def test_whoever_acts_for_nobody_else_is_not_named_in_what_was_done(browser):
    eve = browser("eve")

    assert "Reserved: Beginner Wheel Throwing, Thu 10 Dec" in eve.send(eve.get("/sessions").form("Reserve")).text


@pytest.mark.parametrize(
    ("page", "place"), [("/calendar?month=2026-12", "Calendar"), ("/sessions?time=morning", "Sessions")]
)
def test_one_goes_back_to_the_list_from_which_a_page_was_opened(browser, people, page, place):
    ada = browser("ada")
    opened = ada.get(next(one for one in ada.get(page).links if f"/sessions/{people.free}?" in one))
    cancel = ada.get(f"/reservations/{people.reservation}/cancel?back=/studio/calendar%3Fmonth%3D2026-12")

    assert f'<a href="/studio{page}">{place}</a>' in opened.html
    assert f"/studio/reservations/{people.reservation}?back=/studio/calendar?month%3D2026-12" in cancel.links


@pytest.mark.parametrize(
    "back", ["//evil.example/studio/calendar", "https://evil.example/studio/calendar", "/calendar"]
)
def test_the_way_back_is_one_of_our_pages(browser, people, back):
    page = browser("ada").get(f"/reservations/{people.reservation}?back={back}")

    assert "evil" not in page.html
    assert '<a href="/studio/">My passes</a>' in page.html


def test_many_sessions_come_in_pages_forth_and_back(browser, people, stored, clock):
    with stored() as db_session:
        studio_class = db_session.get_one(StudioClass, people.studio_class)
        for number in range(80):
            make_session(db_session, studio_class, starts_at=NOW + timedelta(days=1, minutes=number))
    ada = browser("ada")

    pages = follow(ada, "/sessions?time=morning", "after=")
    back = follow(ada, pages[-1].address, "before=")

    assert [len(rows(page)) for page in pages] == [40, 40, 2]
    assert [rows(page) for page in back] == [rows(page) for page in reversed(pages)]
    assert [page.address.count("time=morning") for page in (*pages, *back)] == [1] * 6
    assert ["Back to the first sessions" in page.text for page in back] == [True, True, False]
    assert rows(follow(ada, back[1].address, "after=")[1]) == rows(pages[2])
    clock.now += timedelta(days=1, minutes=40)  # what stood on the first page has begun meanwhile
    assert len(follow(ada, pages[1].address, "before=")) == 1
    assert len(rows(ada.get(back[2].address))) == 40


def rows(page):
    return re.findall(r'<a id="s([-\w]+)"', page.html)


def follow(who, path, name):
    """Return the pages from one on, each by the link of the one before that has ``name`` in its address."""
    pages = []
    while path:
        pages.append(who.get(path))
        path = next((link for link in pages[-1].links if name in link and link.startswith("/studio/sessions?")), "")
    return pages


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/studio/", "/elsewhere", "\\\\evil", "/studio/../x", "//["]
)
def test_a_form_leads_back_to_our_pages_only(browser, people, back):
    ada = browser("ada")
    form = ada.get(f"/sessions/{people.free}").form("Reserve")

    answer = ada.client.post(form.action, data={**form.fields, "back": back})

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/studio/")


@pytest.mark.parametrize("what", ["of_eve", "reservation", "session"])
def test_nobody_reserves_with_what_is_not_theirs(browser, people, what):
    ada = browser("ada")
    form = ada.get(f"/sessions/{people.free}").form("Reserve")

    assert ada.send(form, registration_id=str(people.eve_pass)).status == 404
    assert ada.send(form, registration_id=str(getattr(people, what))).status == 404
    form.action = f"/studio/sessions/{people.foreign}/reserve"
    assert ada.send(form).status == 404


def test_nonsense_in_a_form_is_a_sentence(browser, people):
    ada = browser("ada")
    form = ada.get(f"/sessions/{people.free}").form("Reserve")

    assert ada.send(form, registration_id="x").status == 422
    assert ada.send(form, makeup_for_id="\0").status in (200, 409)
