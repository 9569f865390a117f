"""Where motion is reduced, nothing moves: not on a customer's page, not on a staff screen, not at the kiosk."""

from __future__ import annotations

import pytest

MOVES = """() => [...document.querySelectorAll("*")].flatMap((one) => {
  const style = getComputedStyle(one);
  const times = `${style.transitionDuration}, ${style.animationDuration}`.split(", ");
  return times.some((time) => parseFloat(time) > 0) ? [`${one.tagName}.${one.className}: ${times}`] : [];
})"""


@pytest.mark.parametrize(
    "path", ["/studio/", "/studio/settings", "/admin/studio/", "/admin/studio/customers/", "/studio/kiosk/"]
)
def test_nothing_moves_where_motion_is_reduced(open_browser, path):
    page = open_browser("owner")
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200

    assert page.evaluate(MOVES) == []

    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVES) != []
