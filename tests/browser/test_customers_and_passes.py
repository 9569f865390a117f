"""A phone call and a pass: found, reserved for, issued after a look, and punches taken that were held."""

from __future__ import annotations

from playwright.sync_api import expect
from sqlalchemy import func, select

from studio_reservations.models import ClassRegistration, Customer, SessionReservation
from tests.browser.conftest import PHONE, Portal, does_not_scroll_sideways, violations


def held_by(portal: Portal, name: str) -> list[tuple[str, int | None]]:
    """Return the type and the balance of a customer's passes, the oldest first."""
    wanted = (
        select(ClassRegistration.pass_type, ClassRegistration.sessions_remaining)
        .join(Customer, Customer.id == ClassRegistration.customer_id)
        .where(Customer.name == name)
        .order_by(ClassRegistration.issued_at)
    )
    return [tuple(row) for row in portal.stored(lambda session: session.execute(wanted).all())]


def test_the_desk_finds_a_caller_and_reserves_for_them(portal: Portal, open_browser, shots):
    page = open_browser("desk", viewport=PHONE)
    page.goto("/admin/studio/customers/")
    page.get_by_label("Name, e-mail or phone").fill("dan mor")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Dan Moreau").click()
    expect(page.get_by_role("heading", name="Dan Moreau")).to_be_visible()
    assert does_not_scroll_sideways(page)
    assert violations(page) == []
    page.get_by_role("link", name="Edit details…").click()
    expect(page.get_by_role("heading", name="Details of Dan Moreau")).to_be_visible()
    assert does_not_scroll_sideways(page)
    assert violations(page) == []
    page.get_by_role("link", name="Not now").click()
    page.get_by_role("link", name="Reserve", exact=True).click()
    page.get_by_role("navigation", name="Days").get_by_role("link").nth(1).click()
    assert violations(page) == []
    page.get_by_role("button", name="Reserve").first.click()

    expect(page.get_by_text("Reserved for Dan Moreau")).to_be_visible()
    number = select(func.count()).select_from(SessionReservation).join(Customer).where(Customer.name == "Dan Moreau")
    assert portal.stored(lambda session: session.scalar(number)) == 1
    if shots is not None:
        page.screenshot(path=shots / "customer-390.png", full_page=True)


def test_a_name_without_an_end_fits_and_enter_says_of_nobody_that_they_are_another(portal: Portal, open_browser, shots):
    page = open_browser("desk", viewport=PHONE)
    page.goto("/admin/studio/customers/new")
    page.get_by_label("Name").fill("V" * 200)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Edit details…")).to_be_visible()
    assert does_not_scroll_sideways(page)
    page.get_by_role("link", name="Edit details…").click()
    expect(page.get_by_role("heading", name="Details of VVV")).to_be_visible()
    assert does_not_scroll_sideways(page)
    page.get_by_label("E-mail").fill("lena@example.org")
    for _ in range(2):
        page.get_by_label("E-mail").press("Enter")
        expect(page.get_by_role("heading", name="may know this person already")).to_be_visible()
    assert does_not_scroll_sideways(page)
    assert violations(page) == []
    if shots is not None:
        page.screenshot(path=shots / "customer-alike-390.png", full_page=True)
    page.get_by_role("button", name="Save, they are two people").click()
    expect(page.get_by_text("are saved.")).to_be_visible()
    assert does_not_scroll_sideways(page)
    page.goto("/admin/studio/customers/new")
    page.get_by_label("Name").fill("V" * 200)
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_role("button", name="as another person")).to_be_visible()
    assert does_not_scroll_sideways(page)


def test_a_manager_issues_a_pass_after_a_look_and_takes_punches_that_were_held(portal: Portal, open_browser, shots):
    page = open_browser("manager")
    page.goto("/admin/studio/passes/issue")
    page.get_by_label("Name, e-mail or phone").fill("newt")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Choose Newt Abbott").click()
    page.get_by_role("link", name="Choose Punch pass").click()
    page.get_by_label("Sessions", exact=True).fill("8")
    page.get_by_role("button", name="Look at it first").last.click()
    expect(page.get_by_role("heading", name="This is what Newt Abbott gets")).to_be_visible()
    assert violations(page) == []
    assert held_by(portal, "Newt Abbott") == []
    if shots is not None:
        page.screenshot(path=shots / "pass-preview.png", full_page=True)
    page.get_by_role("button", name="Issue this pass").click()
    expect(page.get_by_text("Punch pass for Newt Abbott: All classes, 8 punches left.")).to_be_visible()
    assert held_by(portal, "Newt Abbott") == [("punch_pass", 8)]

    page.goto("/admin/studio/passes/?q=kim+tran")
    page.get_by_role("link", name="Kim Tran").click()
    page.get_by_role("link", name="Adjust punches…").click()
    page.get_by_label("How many to add or take").fill("-1")
    page.get_by_label("Reason").fill("Counted wrongly when it was issued")
    page.get_by_role("button", name="Adjust").click()
    expect(page.get_by_role("heading", name="1 reservation has no punch left then")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Take them all the same").click()

    expect(page.get_by_text("“Counted wrongly when it was issued”").first).to_be_visible()
    assert held_by(portal, "Kim Tran") == [("punch_pass", 1)]
    assert violations(page) == []
    if shots is not None:
        page.screenshot(path=shots / "pass.png", full_page=True)
