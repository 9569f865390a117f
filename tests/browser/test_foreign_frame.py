"""Within a portal that styles every element by its name, at a root of 10 px: it is not restyled, and neither are our pages."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, does_not_scroll_sideways
from tests.browser.tables import reservations_of

COLLECT = """([which, properties]) => {
  const found = {};
  const read = (one, pseudo) => {
    const style = getComputedStyle(one, pseudo);
    const names = properties || [...style];
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)]));
  };
  [...document.querySelectorAll(which)].forEach((one, place) => {
    const path = `${place} ${one.tagName.toLowerCase()}.${one.getAttribute("class") || ""}`;
    found[path] = read(one, null);
    for (const pseudo of ["::before", "::after"])
      if (!["none", "normal"].includes(getComputedStyle(one, pseudo).content)) found[path + pseudo] = read(one, pseudo);
  });
  return found;
}"""
HOSTS = "body > :not(main), body > :not(main) *"
OURS = "main.studio, main.studio :not(svg *, option, [type=hidden])"
LOOKS = [
    "appearance",
    "background-color",
    "background-image",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-top-left-radius",
    "box-shadow",
    "color",
    "cursor",
    "display",
    "float",
    "fill",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin-bottom",
    "margin-top",
    "min-height",
    "opacity",
    "outline-color",
    "outline-style",
    "outline-width",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "position",
    "stroke",
    "text-align",
    "text-decoration-line",
    "text-indent",
    "text-shadow",
    "text-transform",
    "vertical-align",
    "white-space",
    "word-spacing",
]
"""What does not depend on how much room there is."""


@pytest.fixture
def frame() -> str:
    """Return the frame of this module."""
    return "foreign"


@pytest.fixture
def mayas(portal) -> list[Any]:
    """Return the reservations that Maya holds, the next one first."""
    held = [one for one in reservations_of(portal, "Maya Rahman") if one.status == "PENDING"]
    return sorted(held, key=lambda one: one.starts_at)


@pytest.fixture
def paths(mayas) -> list[str]:
    """Return the pages, with every component between them."""
    return [
        "/studio/",
        "/studio/calendar",
        f"/studio/sessions?to=2026-12-02&done=reserved&it={mayas[0].id}",
        f"/studio/reservations/{mayas[0].id}",
        f"/studio/reservations/{mayas[1].id}/cancel",
        f"/studio/reservations/{mayas[1].id}/move",
        "/studio/settings",
        "/studio/settings/delete",
    ]


def styles(page: Page, which: str, properties: list[str] | None = None) -> dict[str, dict[str, str]]:
    """Return the computed styles of elements."""
    found: dict[str, dict[str, str]] = page.evaluate(COLLECT, [which, properties])
    return found


def switch(page: Page, which: str, *, on: bool) -> None:
    """Switch style sheets off or on."""
    switched = page.locator(which).evaluate_all(
        "(links, on) => links.map((one) => { one.sheet.disabled = !on; return one.href })", on
    )
    assert switched


def differences(one: dict[str, dict[str, str]], other: dict[str, dict[str, str]]) -> list[str]:
    """Return where two collections differ, each kind of element once, with both values."""
    assert one.keys() == other.keys()
    found = {
        f"{path.partition(' ')[2]} {name}: {value} | {other[path][name]}"
        for path, style in one.items()
        for name, value in style.items()
        if other[path][name] != value
    }
    return sorted(found)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["390", "1280"])
def test_the_portals_own_elements_look_the_same_with_and_without_our_styles(open_browser, viewport, paths):
    page = open_browser("maya", viewport=viewport)
    for path in paths[::3]:
        page.goto(path)
        with_ours = styles(page, HOSTS)
        assert len(with_ours) > 40
        switch(page, "link[href*='/studio/static/']", on=False)
        assert differences(with_ours, styles(page, HOSTS)) == [], path
        assert page.locator("#studio").evaluate("one => getComputedStyle(one).fontStyle") == "italic"  # they were off


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["390", "1280"])
def test_our_pages_look_the_same_with_and_without_the_portals_styles(open_browser, viewport, paths, shots):
    page = open_browser("maya", viewport=viewport)
    for path in paths:
        page.goto(path)
        assert does_not_scroll_sideways(page), path
        if shots is not None:
            name = f"foreign-{paths.index(path)}-{viewport['width']}"
            page.screenshot(path=shots / f"{name}.png", full_page=True)
        within = styles(page, OURS, LOOKS)
        assert len(within) > 30
        switch(page, "#host", on=False)
        page.add_style_tag(url="/foreign/brand.css")
        assert differences(within, styles(page, OURS, LOOKS)) == [], path


def test_what_is_under_the_pointer_or_has_the_focus_keeps_our_look_too(open_browser):
    page = open_browser("maya")
    page.goto("/studio/settings")
    page.add_style_tag(url="/foreign/brand.css")
    for touched in ("nav a", ".st-btn", "input[type=tel]", "select", "summary", "input[type=checkbox]"):
        one = page.locator(f"#studio {touched}").last
        for touch in (one.hover, one.focus):
            looks = []
            for on in (True, False):
                switch(page, "#host", on=on)
                page.mouse.move(0, 0)
                touch()
                looks.append(styles(page, OURS, LOOKS))
            assert differences(*looks) == [], (touched, touch.__name__)
