"""The roster in real browsers: by keyboard, by two desks at once, by camera, and without a script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import segno
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import wsgi
from studio_reservations.models import ClassSession, ReservationHistory, SessionReservation, Studio
from studio_reservations.services.codes import CodeSigner
from tests import factories
from tests.browser.conftest import DESKTOP, EVENING, PHONE, Portal, does_not_scroll_sideways, violations

TO_COME = ("Elif Kaur", "Jonas Petersen", "Lucas Meyer", "Priya Singh", "Sofia Garcia")
HERE = ("Aisha Bauer", "Dana Fofana", "Hanna Vogel", "Ivy Tran", "Kofi Adams", "Maya Featherstone-Rahman", "Nora Diaz")
CAMERA = """
squares => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 480;
  const paper = canvas.getContext("2d");
  const size = 400 / squares.length;
  const draw = () => {
    paper.fillStyle = "#fff";
    paper.fillRect(0, 0, 480, 480);
    paper.fillStyle = "#000";
    squares.forEach((row, y) => row.forEach((dark, x) => {
      if (dark) paper.fillRect(40 + x * size, 40 + y * size, size + 0.5, size + 0.5);
    }));
    requestAnimationFrame(draw);
  };
  draw();
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);
  delete window.BarcodeDetector;
}
"""
"""A camera that looks at a code, in a browser without a detector of its own."""


@pytest.fixture
def class_session(portal: Portal) -> UUID:
    """A session in nine minutes: five to come, seven here, one who gave the seat back, a few seats free."""
    with portal.app.app_context():
        db_session: Session = wsgi.db.session()
        studio = db_session.scalars(select(Studio).where(Studio.slug == "toronto")).one()
        studio_class = factories.make_class(db_session, studio, title="Beginner Wheel Throwing", now=EVENING)
        session = factories.make_session(
            db_session,
            studio_class,
            starts_at=EVENING + timedelta(minutes=9),
            capacity=16,
            instructor="Elena V.",
            location="Wheel room",
            now=EVENING,
        )
        before = factories.make_session(db_session, studio_class, starts_at=EVENING - timedelta(days=8), capacity=30)
        for index, name in enumerate((*TO_COME, *HERE, "Wen Li")):
            fields: dict[str, Any] = {"pass_type": "unlimited_series"}
            if index % 2 == 0:
                fields = {"pass_type": "punch_pass", "punches": index + 1, "sessions_included": 12}
            customer = factories.make_customer(db_session, studio, name=name)
            registration = factories.make_pass(db_session, customer, studio, **fields)
            if index % 5:
                factories.make_reservation(db_session, registration, before, status="ATTENDED", now=EVENING)
            story: dict[str, Any] = {"status": "PENDING"}
            if name in HERE:
                at = EVENING - timedelta(minutes=20 - index)
                story = {"status": "CHECKED_IN", "checked_in_at": at, "check_in_method": "STAFF", "checked_in_by": "1"}
            elif name not in TO_COME:
                story = {"status": "CANCELLED", "cancelled_at": EVENING - timedelta(hours=30)}
            reserved = EVENING - timedelta(days=3)
            factories.make_reservation(db_session, registration, session, now=reserved, **story)
        db_session.commit()
        return session.id


def states(portal: Portal, session_id: UUID) -> Sequence[str]:
    """Return the states of those who are or were to come, sorted."""
    wanted = select(SessionReservation.status).where(SessionReservation.session_id == session_id)
    return sorted(portal.stored(lambda db_session: db_session.scalars(wanted).all()))


def check_ins(portal: Portal, session_id: UUID) -> int:
    """Return how many check-ins the history of the session's reservations has."""
    wanted = (
        select(func.count())
        .select_from(ReservationHistory)
        .join(SessionReservation, SessionReservation.id == ReservationHistory.reservation_id)
        .where(SessionReservation.session_id == session_id, ReservationHistory.action == "reservation.checked_in")
    )
    return int(portal.stored(lambda db_session: db_session.scalar(wanted)))


def go_to(page: Page, session_id: UUID, what: str = "") -> None:
    answer = page.goto(f"/admin/studio/sessions/{session_id}/{what}")
    assert answer is not None
    assert answer.status == 200


def tile(page: Page, name: str):
    return page.locator(f'.st-tile[data-name="{name}"]')


def test_five_people_are_checked_in_by_the_keyboard_alone(open_browser, portal, class_session):
    page = open_browser("desk")
    go_to(page, class_session)
    page.keyboard.press("/")
    page.keyboard.type("elif")
    expect(tile(page, "Aisha Bauer")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(tile(page, "Elif Kaur")).to_be_focused()
    page.keyboard.press("Enter")
    expect(tile(page, "Elif Kaur")).to_contain_text("Checked in")
    expect(tile(page, "Elif Kaur")).to_be_focused()
    expect(page.locator("#roster-says")).to_have_text("Elif Kaur is checked in.")

    page.keyboard.press("Enter")  # a second one does nothing: undo has a key of its own
    page.keyboard.press("/")
    page.keyboard.type("aisha")
    page.keyboard.press("Escape")
    expect(tile(page, "Aisha Bauer")).to_be_focused()
    expect(tile(page, "Sofia Garcia")).to_be_visible()
    names = page.locator(".st-tile[data-name]").evaluate_all("all => all.map(one => one.dataset.name)")
    for index, name in enumerate(names):
        if name in TO_COME[1:]:
            if name == "Priya Singh":
                page.keyboard.press("Space")
                expect(page.locator("#roster-picked")).to_have_text("1 selected")
                page.keyboard.press("Space")
            page.keyboard.press("Enter")
            expect(tile(page, name)).to_contain_text("Checked in")
        if index < len(names) - 1:
            page.keyboard.press("ArrowRight")

    assert states(portal, class_session) == ["CANCELLED"] + ["CHECKED_IN"] * 12
    assert check_ins(portal, class_session) == 5
    page.keyboard.press("u")
    expect(tile(page, names[-1])).to_contain_text("Not here yet")
    assert names == sorted(names)
    assert page.locator(".st-tile[data-name]").evaluate_all("all => all.map(one => one.dataset.name)") == names


def test_no_show_has_a_key_and_only_from_the_start(open_browser, portal, class_session):
    page = open_browser("desk")
    go_to(page, class_session)
    tile(page, "Elif Kaur").focus()
    page.keyboard.press("n")
    portal.at(EVENING + timedelta(minutes=10))
    go_to(page, class_session)
    assert "NO_SHOW" not in states(portal, class_session)

    tile(page, "Elif Kaur").focus()
    page.keyboard.press("n")
    expect(tile(page, "Elif Kaur")).to_contain_text("No-show")
    page.keyboard.press("Enter")
    expect(tile(page, "Elif Kaur")).to_contain_text("Checked in")


def test_what_one_desk_does_the_other_sees_within_five_seconds(open_browser, class_session):
    here, there = open_browser("desk"), open_browser("manager")
    for page in (here, there):
        go_to(page, class_session)
    there.get_by_label("Select Priya Singh").check()
    there.get_by_label("Select Lucas Meyer").focus()

    tile(here, "Elif Kaur").get_by_role("button").click()

    expect(tile(there, "Elif Kaur")).to_contain_text("Checked in", timeout=5_000)
    expect(there.locator("#roster-says")).to_have_text("Elif Kaur: checked in.")
    expect(there.locator("#roster-count")).to_contain_text("8 here")
    expect(there.get_by_label("Select Lucas Meyer")).to_be_focused()
    expect(there.get_by_label("Select Priya Singh")).to_be_checked()
    expect(there.locator("#roster-picked")).to_have_text("1 selected")


def test_a_double_tap_is_one_check_in(open_browser, portal, class_session):
    page = open_browser("desk")
    go_to(page, class_session)
    box = tile(page, "Lucas Meyer").get_by_role("button").bounding_box()
    assert box is not None
    corner = (box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)

    page.mouse.click(*corner)
    expect(tile(page, "Lucas Meyer")).to_contain_text("Checked in")
    page.mouse.click(*corner)  # where "Undo" has come to lie
    expect(page.locator("#roster-says")).to_have_text("Lucas Meyer is checked in.")

    assert "CHECKED_IN" * (len(HERE) + 1) in "".join(states(portal, class_session))


def test_two_desks_check_in_the_same_room_at_once_and_nobody_twice(open_browser, portal, class_session):
    here, there = open_browser("desk"), open_browser("manager")
    for page in (here, there):
        go_to(page, class_session)
        page.get_by_label("Select Elif Kaur").check()
        page.get_by_role("button", name="Select all 5").click()
    here.get_by_role("button", name="Check in 5").click(no_wait_after=True)
    there.get_by_role("button", name="Check in 5").click(no_wait_after=True)

    for page in (here, there):
        expect(page.locator("#roster-says")).to_have_text("5 people checked in.")
        expect(page.locator("#roster-count")).to_contain_text("12 here")
        expect(page.locator(".st-why-not")).to_have_count(0)
    assert check_ins(portal, class_session) == 5


def test_a_refusal_is_said_at_the_tile_with_the_way_on(open_browser, portal, class_session):
    portal.at(EVENING - timedelta(days=1))
    page = open_browser("desk")
    go_to(page, class_session)

    tile(page, "Elif Kaur").get_by_role("button").click()
    expect(tile(page, "Elif Kaur").locator(".st-why-not")).to_contain_text("Check in anyway")
    tile(page, "Elif Kaur").get_by_role("link", name="Check in anyway").click()
    page.get_by_label("Why").fill("The wheel is free today.")
    page.get_by_role("button", name="Check in anyway").click()

    expect(tile(page, "Elif Kaur")).to_contain_text("Checked in")


def test_an_evening_needs_no_script(open_browser, portal, class_session):
    page = open_browser("desk", java_script_enabled=False)
    go_to(page, class_session)

    tile(page, "Elif Kaur").get_by_role("button").click()
    expect(tile(page, "Elif Kaur")).to_contain_text("Checked in")
    tile(page, "Elif Kaur").get_by_role("button").click()
    expect(tile(page, "Elif Kaur")).to_contain_text("Not here yet")
    for name in TO_COME[:2]:
        page.get_by_label(f"Select {name}").check()
    page.locator("#roster-bulk").get_by_role("button", name="Check in").click()
    expect(page.get_by_text("2 people checked in.")).to_be_visible()
    page.get_by_role("link", name="To come 3").click()
    expect(tile(page, "Aisha Bauer")).to_be_hidden()
    expect(tile(page, "Priya Singh")).to_be_visible()

    assert states(portal, class_session).count("CHECKED_IN") == len(HERE) + 2


def test_the_camera_reads_a_code_and_a_scanner_types_one(open_browser, portal, class_session):
    wanted = select(SessionReservation.id).where(
        SessionReservation.session_id == class_session, SessionReservation.status == "PENDING"
    )
    seen, typed = portal.stored(lambda db_session: db_session.scalars(wanted.order_by(SessionReservation.id)).all())[:2]
    codes = CodeSigner(portal.app.secret_key or "")
    squares = [[bool(one) for one in row] for row in segno.make(codes.code_for(seen), micro=False).matrix]
    page = open_browser("desk")
    page.goto("/admin/studio/sessions/scan")
    page.evaluate(CAMERA, squares)

    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#scan-says")).to_contain_text("is checked in: Beginner Wheel Throwing")
    page.get_by_label("Code").fill(codes.code_for(typed))
    page.keyboard.press("Enter")
    expect(page.locator("#scan-log li")).to_have_count(2)
    page.get_by_label("Code").fill("nonsense")
    page.keyboard.press("Enter")
    expect(page.locator("#scan-says")).to_contain_text("not valid here")

    assert states(portal, class_session).count("CHECKED_IN") == len(HERE) + 2


def test_a_walk_in_takes_a_few_taps(open_browser, portal, class_session):
    page = open_browser("manager")
    go_to(page, class_session)
    page.keyboard.press("w")
    page.get_by_label("Name, phone or e-mail").fill("Zelda Newcomer")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Add a new customer").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Zelda Newcomer")
    page.get_by_role("button", name="Add and choose a pass").click()
    page.get_by_role("button", name="Reserve and check in").click()

    expect(tile(page, "Zelda Newcomer")).to_contain_text("Checked in")
    taken = portal.stored(lambda db_session: db_session.get_one(ClassSession, class_session).seats_taken)
    assert taken == 13


def test_every_page_of_the_roster_is_readable_to_everybody_and_fits(open_browser, portal, class_session, shots):
    page = open_browser("manager")
    first = select(SessionReservation.id).where(
        SessionReservation.session_id == class_session, SessionReservation.status == "PENDING"
    )
    reservation = portal.stored(lambda db_session: db_session.scalars(first).first())
    one = f"reservations/{reservation}"
    pages = {
        "roster": f"{class_session}/",
        "print": f"{class_session}/print",
        "walk-in": f"{class_session}/walk-in?q=maya",
        "walk-in-new": f"{class_session}/walk-in/new",
        "person": f"{one}/",
        "cancel": f"{one}/cancel",
        "anyway": f"{one}/anyway",
        "waive": f"{one}/waive",
        "scan": "scan",
    }
    for size, viewport in (("1280", DESKTOP), ("390", PHONE)):
        page.set_viewport_size(viewport)
        for name, path in pages.items():
            answer = page.goto(f"/admin/studio/sessions/{path}")
            assert answer is not None
            assert answer.status == 200
            if name == "roster":
                for who in TO_COME[:3]:
                    page.get_by_label(f"Select {who}").check()
            assert violations(page) == [], name
            assert does_not_scroll_sideways(page), name
            if shots is not None:
                page.screenshot(path=shots / f"roster-{name}-{size}.png")
    page.set_viewport_size({"width": 320, "height": 640})
    go_to(page, class_session)
    assert does_not_scroll_sideways(page)
