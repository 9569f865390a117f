"""From the seat to the door in a browser: cancel, reserve, the QR read by two decoders, check in; readable to everybody."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import zxingcpp
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from studio_reservations.models import ClassRegistration, Customer, SessionReservation
from studio_reservations.services.codes import CodeSigner
from tests.browser.conftest import DESKTOP, EVENING, PHONE, does_not_scroll_sideways, violations

STATIC = Path(__file__).parents[2] / "studio_reservations" / "static"
JSQR = (STATIC / "vendor" / "jsqr-1.4.0.min.js").read_text()
DECODE = """async (picture) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const grey = Array.from({ length: pixels.length / 4 }, (_, place) => String.fromCharCode(pixels[place * 4])).join("");
  return [image.width, image.height, btoa(grey), jsQR(pixels, image.width, image.height)?.data];
}"""


def read_by_two(browser: Browser, picture: bytes) -> tuple[str, str]:
    """Return what jsQR and ZXing read in a screenshot."""
    page = browser.new_page()  # blank: without the policy of the page that was photographed
    page.add_script_tag(content=JSQR)
    width, height, grey, by_jsqr = page.evaluate(DECODE, base64.b64encode(picture).decode())
    page.close()
    (by_zxing,) = zxingcpp.read_barcodes(memoryview(base64.b64decode(grey)).cast("B", shape=[height, width]))
    return by_jsqr, by_zxing.text


def reservations_of(portal, email: str) -> list[UUID]:
    """Return the ids of somebody's reservations, the latest first."""
    return portal.stored(
        lambda db_session: list(
            db_session.scalars(
                select(SessionReservation.id)
                .join(Customer, Customer.id == SessionReservation.customer_id)
                .where(Customer.email == email)
                .order_by(SessionReservation.reserved_at.desc(), SessionReservation.id.desc())
            )
        )
    )


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_cancel_reserve_show_the_code_and_check_in(script, viewport, open_browser, browser, portal):
    page = open_browser("ben", viewport=viewport, java_script_enabled=script)
    page.goto("/studio/")  # Ben holds as many as his pass can: one has to go
    page.locator("a[href*='/reservations/']").last.click()
    page.get_by_role("link", name="Cancel reservation").click()
    expect(page.get_by_role("heading", name="This costs nothing")).to_be_visible()
    page.get_by_role("button", name="Cancel reservation").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing was charged.")

    page.goto("/studio/sessions?open=1")
    page.locator(".st-row", has_text="Beginner Wheel Throwing").first.get_by_role("button", name="Reserve").click()
    expect(page.get_by_role("status")).to_contain_text("Reserved: ")
    mine = reservations_of(portal, "ben@example.org")[0]
    page.goto(f"/studio/reservations/{mine}")
    expect(page.get_by_role("heading", name="Check-in is open")).to_be_visible()
    code = CodeSigner(portal.app.secret_key).code_for(mine)
    assert read_by_two(browser, page.locator(".st-qr").first.screenshot()) == (code, code)

    page.get_by_role("button", name="Check in now").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("You are checked in, Ben"))
    expect(page.get_by_text("1 punch was spent, 9 are left.")).to_be_visible()


def test_the_code_is_read_in_the_dark_too(open_browser, browser, portal):
    page = open_browser("maya", viewport=PHONE, color_scheme="dark")
    page.goto("/studio/")
    page.get_by_role("link", name="Today").first.click()

    code = CodeSigner(portal.app.secret_key).code_for(UUID(page.url.rpartition("/")[2]))
    assert read_by_two(browser, page.locator(".st-qr").first.screenshot()) == (code, code)


def test_the_countdown_goes_on_by_the_minute_and_the_door_opens_by_itself(open_browser, portal):
    portal.at(EVENING - timedelta(minutes=90))
    page = open_browser("maya", viewport=PHONE)
    page.goto("/studio/")
    page.get_by_role("link", name="Today").first.click()
    page.clock.install()
    page.reload()
    expect(page.get_by_text("1 h 30 min", exact=True)).to_be_visible()

    page.clock.fast_forward("02:00")
    expect(page.get_by_text(re.compile("^1 h 2[78] min$"))).to_be_visible()
    portal.at(EVENING + timedelta(minutes=1))
    page.clock.fast_forward("01:29:00")

    expect(page.get_by_role("button", name="Check in now")).to_be_visible()


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE)], ids=["light at the desk", "dark on a phone"]
)
def test_no_page_of_a_reservation_violates_wcag_or_scrolls_sideways(scheme, viewport, open_browser, portal, shots):
    mayas = reservations_of(portal, "maya@example.org")
    courses = portal.stored(
        lambda db_session: {
            customer.email.partition("@")[0]: registration.id
            for customer, registration in db_session.execute(
                select(Customer, ClassRegistration)
                .join(ClassRegistration, ClassRegistration.customer_id == Customer.id)
                .where(ClassRegistration.pass_type == "full_course")
            )
        }
    )
    paths = {
        "maya": [
            *(f"/studio/reservations/{one}" for one in mayas),
            f"/studio/reservations/{mayas[0]}/cancel",
            f"/studio/reservations/{mayas[0]}/move",
            "/studio/settings",
            "/studio/settings/delete",
        ],
        "cara": [f"/studio/course/{courses['cara']}"],
        "paul": [f"/studio/course/{courses['paul']}"],
        "lena": ["/studio/settings"],
    }
    for who, addresses in paths.items():
        page = open_browser(who, color_scheme=scheme, viewport=viewport)
        for path in addresses:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            assert violations(page) == [], path
            assert does_not_scroll_sideways(page), path
            page.set_viewport_size({"width": 320, "height": 700})
            assert does_not_scroll_sideways(page), (path, 320)
            page.set_viewport_size(viewport)
            if shots is not None:
                name = re.sub(r"[0-9a-f-]{36}", "one", path.strip("/")).replace("/", "-")
                page.screenshot(path=shots / f"{name}-{who}-{scheme}.png", full_page=True)


def test_a_refused_page_and_the_confirmation_are_readable_too(open_browser, portal):
    page = open_browser("maya", viewport=PHONE)
    page.goto("/studio/")
    page.get_by_role("link", name="Today").first.click()
    page.get_by_role("button", name="Check in now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("You are checked in, Maya"))
    assert violations(page) == []

    page.goto("/studio/settings")
    page.get_by_label("Telephone", exact=True).fill("call me")
    page.get_by_role("button", name=re.compile("Save.*Telephone")).click()
    expect(page.get_by_role("alert")).to_contain_text("Write a phone number")
    assert violations(page) == []

    page.get_by_role("button", name="Make the address").click()
    expect(page.get_by_label("Address", exact=True)).to_have_value(re.compile(r"^http.*/api/calendar/.+\.ics$"))
    assert violations(page) == []
