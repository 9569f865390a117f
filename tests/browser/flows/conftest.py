"""A customer's visits: each flow at 390 and 1280 px, with and without a script, in English and French, in each frame.

The six visits hold every pair of those values. The browser is in Samoa, the studio in Toronto, the server in UTC: every hour
and day on a page is the studio's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import Page

from studio_reservations.language import Language, language_for
from tests.browser.conftest import DESKTOP, PHONE, does_not_scroll_sideways


@dataclass(frozen=True, kw_only=True)
class Visit:
    """How somebody comes: in which frame the pages stand, on what, with a script or without, reading which language."""

    frame: str
    on_a_phone: bool
    script: bool
    language: str

    def __str__(self) -> str:
        """Return such as ``foreign-390-script-fr``."""
        width, script = 390 if self.on_a_phone else 1280, "script" if self.script else "no script"
        return f"{self.frame}-{width}-{script}-{self.language}"

    @property
    def words(self) -> Language:
        """The reader's language."""
        return language_for(self.language)

    @property
    def options(self) -> dict[str, Any]:
        """What their browser is opened with."""
        return {
            "viewport": PHONE if self.on_a_phone else DESKTOP,
            "java_script_enabled": self.script,
            "locale": f"{self.language}-CA",
            "timezone_id": "Pacific/Apia",
        }


VISITS = [
    Visit(frame="portal", on_a_phone=True, script=True, language="en"),
    Visit(frame="portal", on_a_phone=False, script=False, language="fr"),
    Visit(frame="own", on_a_phone=True, script=False, language="en"),
    Visit(frame="own", on_a_phone=False, script=True, language="fr"),
    Visit(frame="foreign", on_a_phone=True, script=True, language="fr"),
    Visit(frame="foreign", on_a_phone=False, script=False, language="en"),
]


@pytest.fixture(params=VISITS, ids=str)
def visit(request: pytest.FixtureRequest) -> Visit:
    """Return how somebody comes."""
    found: Visit = request.param
    return found


@pytest.fixture
def frame(visit: Visit) -> str:
    """Return the frame in which the portal puts the pages."""
    return visit.frame


@pytest.fixture
def enter(open_browser: Callable[..., Page], visit: Visit) -> Iterator[Callable[[str], Page]]:
    """Return what logs somebody in the way of the visit; wherever it leads, no page is wider than its window in the end."""
    pages: list[Page] = []

    def entered(who: str) -> Page:
        pages.append(open_browser(who, **visit.options))
        return pages[-1]

    yield entered
    for page in pages:
        assert does_not_scroll_sideways(page), page.url


@pytest.fixture
def say(visit: Visit) -> Callable[..., str]:
    """Return what says a text of the catalogue in the reader's language, as it is read."""
    return lambda message, **values: unescape(str(visit.words.say(message, **values)))


@pytest.fixture
def says(visit: Visit) -> Callable[..., str]:
    """Return what says a text of the catalogue for a number, as it is read."""
    return lambda one, many, count, **values: unescape(str(visit.words.says(one, many, count, **values)))


@pytest.fixture
def a_punch(says: Callable[..., str]) -> str:
    """Return one of what a punch pass counts, in the reader's language."""
    return says("%(n)s punch", "%(n)s punches", 1)
