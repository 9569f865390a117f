"""A whole evening at the front desk as one story: what the manager does on the screens is what the tables hold."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    Customer,
    CustomerSuspension,
    NoShowPolicy,
    SessionReservation,
    StudioClass,
)
from tests.browser.conftest import EVENING, Portal

WHEEL = "Beginner Wheel Throwing"
TONIGHT = EVENING + timedelta(hours=2)


def test_an_evening_from_the_first_customer_to_the_last_decision(open_browser, portal):
    page = open_browser("manager")
    before = portal.stored(punches_of_vera)

    page.goto("/admin/studio/")
    page.get_by_role("link", name=re.compile(f"oster ?, {WHEEL} 19:00")).click()
    walk_in(page, "Vera Lang")
    assert room(portal) == {"Maya Rahman": "PENDING", "Ola Nowak": "PENDING", "Vera Lang": "CHECKED_IN"}
    assert portal.stored(punches_of_vera) == before - 1

    for name in ("Maya Rahman", "Ola Nowak"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("button", name="Check in 2").click()
    expect(page.locator("#roster-says")).to_have_text("2 people checked in.")
    assert set(room(portal).values()) == {"CHECKED_IN"}
    page.locator('.st-tile[data-name="Ola Nowak"]').focus()
    page.keyboard.press("u")
    expect(page.locator('.st-tile[data-name="Ola Nowak"]')).to_contain_text("Not here yet")
    assert room(portal) == {"Maya Rahman": "CHECKED_IN", "Ola Nowak": "PENDING", "Vera Lang": "CHECKED_IN"}

    page.goto("/admin/studio/")
    page.get_by_role("link", name="Uma Brandt explained a missed class").click()
    page.get_by_label("Reason").fill("A child with a fever comes first")
    page.get_by_role("button", name="Waive it").click()
    expect(page.locator("#studio-messages")).to_contain_text("Uma Brandt")
    assert portal.stored(answer_to_uma) == ("WAIVED", EVENING)

    page.goto("/admin/studio/suspensions/")
    page.get_by_role("link", name="Lift… suspension of Tom Keller").click()
    page.get_by_label("Reason").fill("We spoke, and he will cancel in time")
    page.get_by_role("button", name="Lift suspension").click()
    expect(page.locator("#studio-messages")).to_contain_text("Tom Keller can reserve again.")
    assert portal.stored(suspension_of_tom) == (EVENING, "We spoke, and he will cancel in time")

    page.goto("/admin/studio/policies/")
    page.get_by_role("link", name="Change the policy").click()
    page.get_by_label("Suspend after").fill("2")
    expect(page.get_by_text("was 3")).to_be_visible()
    expect(page.locator("#replay")).to_contain_text("2 more people suspended.")
    expect(page.get_by_role("list", name="Newly suspended").get_by_role("link")).to_have_text(
        ["Oda Haugen", "Zora Babic"]
    )
    page.get_by_role("button", name="Save policy").click()
    expect(page.get_by_role("status").filter(has_text="is saved")).to_be_visible()
    assert portal.stored(lambda db_session: db_session.scalars(select(NoShowPolicy.max_no_shows)).all()) == [2]

    page.goto("/admin/studio/classes/?q=wheel")
    page.get_by_role("link", name=WHEEL).click()
    page.get_by_role("link", name="Add sessions").click()
    page.get_by_label("First day").fill("2026-12-19")
    page.get_by_label("Time", exact=True).fill("10:00")
    page.get_by_role("button", name="Look at the sessions").click()
    expect(page.get_by_role("heading", name="1 session")).to_be_visible()
    saturday = datetime.fromisoformat("2026-12-19T10:00-05:00")
    assert state_of_wheel(portal, saturday) is None
    page.get_by_role("button", name="Add 1 session").click()
    expect(page.locator("#studio-messages")).to_contain_text(f"added to {WHEEL}")
    assert state_of_wheel(portal, saturday) == "SCHEDULED"

    page.get_by_role("link", name="Cancel… Tue 1 Dec").click()
    expect(page.get_by_label("What happens")).to_contain_text(
        "3 people lose their seats and are told: Maya Rahman, Ola Nowak, Vera Lang."
    )
    expect(page.get_by_label("What happens")).to_contain_text("1 punch goes back.")
    page.get_by_label("Reason, told to everybody in it").fill("A pipe has burst")
    page.get_by_role("button", name="Cancel the session").click()
    expect(page.locator("#studio-messages")).to_contain_text(f"{WHEEL} is cancelled: 3 reservations given back")
    assert set(room(portal).values()) == {"CANCELLED"}
    assert portal.stored(punches_of_vera) == before
    assert state_of_wheel(portal, TONIGHT) == "CANCELLED"


def walk_in(page: Page, name: str) -> None:
    """Let somebody whom the studio knows take a free seat with the first of their passes."""
    page.get_by_role("link", name="Walk-in").first.click()
    page.get_by_label("Name, phone or e-mail").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=f"Choose {name}").click()
    page.get_by_role("button", name="Reserve and check in").click()
    expect(page.locator(f'.st-tile[data-name="{name}"]')).to_contain_text("Checked in")


def room(portal: Portal) -> dict[str, Any]:
    """Return what tonight's wheel class holds, by name."""

    def read(db_session: Session) -> Any:
        return db_session.execute(
            select(Customer.name, SessionReservation.status)
            .join(SessionReservation, SessionReservation.customer_id == Customer.id)
            .join(ClassSession, ClassSession.id == SessionReservation.session_id)
            .join(StudioClass, StudioClass.id == ClassSession.class_id)
            .where(StudioClass.title == WHEEL, ClassSession.starts_at == TONIGHT)
        ).all()

    return dict(portal.stored(read))


def state_of_wheel(portal: Portal, instant: datetime) -> Any:
    """Return the state of the wheel class at an instant, None where there is none."""
    wanted = (
        select(ClassSession.status)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .where(StudioClass.title == WHEEL, ClassSession.starts_at == instant)
    )
    return portal.stored(lambda db_session: db_session.scalar(wanted))


def punches_of_vera(db_session: Session) -> Any:
    return db_session.scalars(
        select(ClassRegistration.sessions_remaining).join(Customer).where(Customer.name == "Vera Lang")
    ).one()


def answer_to_uma(db_session: Session) -> Any:
    return db_session.execute(
        select(SessionReservation.explanation_answer, SessionReservation.waived_at)
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .where(Customer.name == "Uma Brandt", SessionReservation.explained_at.is_not(None))
    ).one()


def suspension_of_tom(db_session: Session) -> Any:
    return db_session.execute(
        select(CustomerSuspension.lifted_at, CustomerSuspension.lift_reason)
        .join(Customer, Customer.id == CustomerSuspension.customer_id)
        .where(Customer.name == "Tom Keller")
    ).one()
