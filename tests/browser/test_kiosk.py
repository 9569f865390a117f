"""The tablet at the door in a browser: paired, tapped, confirmed, back; nothing of it breaks a strict policy."""

from __future__ import annotations

from playwright.sync_api import expect
from sqlalchemy import select

from studio_reservations.models import Customer, SessionReservation
from tests.browser.conftest import PHONE, before_script, does_not_scroll_sideways, violations

TABLET = {"width": 1280, "height": 800}


def paired(open_browser, **options):
    """Pair a fresh browser by the code that a manager is shown."""
    manager = open_browser("manager")
    manager.goto("/admin/studio/kiosks/new")
    manager.get_by_label("Where it stands").fill("Front door")
    manager.get_by_role("button", name="Show the pairing code").click()
    code = manager.locator(".st-big").inner_text()
    tablet = open_browser(viewport=TABLET, **options)
    tablet.goto("/studio/kiosk/")
    tablet.get_by_label("Pairing code").fill(code)
    tablet.get_by_role("button", name="Pair").click()
    tablet.get_by_role("heading", name="Hold your code to the camera").wait_for()
    return tablet


def status_of(portal, name: str) -> set[str]:
    return portal.stored(
        lambda db_session: set(
            db_session.scalars(
                select(SessionReservation.check_in_method)
                .join(Customer, Customer.id == SessionReservation.customer_id)
                .where(Customer.name == name, SessionReservation.status == "CHECKED_IN")
            )
        )
    )


def test_the_page_that_asks_for_the_code_is_readable_to_everybody(open_browser):
    tablet = open_browser(viewport=TABLET)
    tablet.goto("/studio/kiosk/")

    assert violations(tablet) == []


def test_a_customer_taps_their_name_and_is_checked_in(open_browser, portal, shots):
    tablet = paired(open_browser)
    assert violations(tablet) == []

    for letter in "OLA":
        tablet.get_by_role("button", name=letter, exact=True).click()
    person = tablet.get_by_role("button", name="Ola N.")
    person.wait_for()
    assert violations(tablet) == []
    if shots:
        tablet.screenshot(path=shots / "kiosk-1280.png")
    person.click()

    tablet.get_by_role("heading", name="Welcome, Ola. You are checked in.").wait_for()
    assert violations(tablet) == []
    if shots:
        tablet.screenshot(path=shots / "kiosk-done-1280.png")
    assert "SELF" in status_of(portal, "Ola Nowak")
    tablet.get_by_role("heading", name="Hold your code to the camera").wait_for(timeout=10_000)


def test_a_name_written_before_the_script_has_come_is_found(open_browser):
    tablet = paired(open_browser)
    with before_script(tablet, "/studio/kiosk/", "kiosk.js"):
        tablet.get_by_label("First name, or a scanned code").fill("Ola")

    expect(tablet.get_by_role("button", name="Ola N.")).to_be_visible()


def test_it_works_without_a_script(open_browser, portal):
    tablet = paired(open_browser, java_script_enabled=False)

    tablet.get_by_label("First name, or a scanned code").fill("Ola")
    tablet.keyboard.press("Enter")
    tablet.get_by_role("button", name="Ola N.").click()

    expect(tablet.get_by_role("heading", name="Welcome, Ola")).to_be_visible()
    assert "SELF" in status_of(portal, "Ola Nowak")


def test_it_fits_a_phone_and_is_french_for_one_visit(open_browser, portal, shots):
    tablet = paired(open_browser)
    tablet.set_viewport_size(PHONE)
    assert does_not_scroll_sideways(tablet)

    french = tablet.get_by_role("link", name="Français")
    box = french.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    field = tablet.locator("#kq")
    field.fill("a scanned code " * 3)
    assert "q=" not in str(french.get_attribute("href"))
    field.fill("O")
    tablet.get_by_role("button", name="L", exact=True).click()
    french.focus()
    tablet.keyboard.press("Enter")
    tablet.get_by_role("heading", name="Montrez votre code à la caméra").wait_for()
    assert violations(tablet) == []
    expect(field).to_have_value("Ol")  # what was typed is not typed twice
    tablet.get_by_role("button", name="A", exact=True).click()
    tablet.get_by_role("button", name="Ola N.").click()

    tablet.get_by_role("heading", name="Bienvenue, Ola. Votre arrivée est confirmée.").wait_for()
    assert does_not_scroll_sideways(tablet)
    assert violations(tablet) == []
    if shots:
        tablet.screenshot(path=shots / "kiosk-done-french-390.png")
    assert "SELF" in status_of(portal, "Ola Nowak")
    tablet.get_by_role("link", name="Terminé").click()
    tablet.get_by_role("heading", name="Hold your code to the camera").wait_for()

    # Whoever chooses French and goes away leaves an English tablet.
    tablet.clock.install()
    tablet.get_by_role("link", name="Français").click()
    tablet.get_by_role("heading", name="Montrez votre code à la caméra").wait_for()
    tablet.clock.fast_forward(29_000)
    expect(tablet.get_by_role("heading", name="Montrez votre code à la caméra")).to_be_visible()
    tablet.clock.fast_forward(20_000)
    tablet.get_by_role("heading", name="Hold your code to the camera").wait_for()
