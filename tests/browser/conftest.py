"""The demo's portal and a real browser: an evening at the front desk, 17:00 in Toronto, with everybody of the demo's world.

Each test has a fresh copy of the world. Where no Chromium is found, these tests are skipped with a line that says so.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

import wsgi
from config import clock
from config.processes import environment
from config.seeding import seed
from config.settings import settings
from config.world.names import PASSWORD

FRAMES = {"portal": "base.html", "own": None, "foreign": "foreign/base.html"}
"""The templates in which the pages can stand: the reference portal's, ours, and one that knows nothing of our looks."""
EVENING = datetime(2026, 12, 1, 22, 0, tzinfo=UTC)
AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
TIMEOUT = 30_000
"""Milliseconds that anything may take before a test fails."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Forgive a file left open: one that the server was sending when the browser left the page."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@dataclass(frozen=True)
class Portal:
    """The running portal: where it answers, its clock's file, and its database."""

    url: str
    clock_file: Path
    app: Flask
    errors: list[str] = field(default_factory=list)

    def at(self, instant: datetime) -> None:
        """Move its clock."""
        clock.move(self.clock_file, instant)

    def stored(self, read: Callable[[Session], Any]) -> Any:
        """Return what ``read`` finds in the tables now."""
        with self.app.app_context():
            found = read(wsgi.db.session())
            wsgi.db.session.rollback()
            return found


@pytest.fixture(scope="session", autouse=True)
def server_zone() -> Iterator[None]:
    """Let the server be in UTC, where neither the studio nor any browser is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the database of the demo's world, made once."""
    directory = tmp_path_factory.mktemp("world")
    seed(directory, environ=environment(directory), now=EVENING)
    return directory


@pytest.fixture
def frame() -> str:
    """Return in which of the frames the pages stand; a module with another one says so."""
    return "portal"


@pytest.fixture
def portal(frame: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """Serve the reference portal on a copy of the world, its clock standing still."""
    for name in ("portal.sqlite", "portal.sqlite-wal"):
        if (world / name).exists():
            shutil.copyfile(world / name, tmp_path / name)
    clock_file = tmp_path / "clock"
    clock.move(clock_file, EVENING)
    monkeypatch.setenv(clock.FILE, str(clock_file))
    configuration = settings(environment(tmp_path, STUDIO_CLOCK="config.clock:now"))
    app = wsgi.create_app({**configuration, "STUDIO_BASE_TEMPLATE": FRAMES[frame]})
    app.register_blueprint(
        Blueprint("foreign", __name__, template_folder="templates", static_folder="templates/foreign")
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Portal(url=f"http://127.0.0.1:{server.server_port}", clock_file=clock_file, app=app)
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        for engine in wsgi.db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the machine's Chromium, without a window."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("No Chromium: install it (Debian: apt-get install chromium) or name its program in CHROMIUM.")
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        options = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        chromium = playwright.chromium.launch(executable_path=path, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def open_browser(browser: Browser, portal: Portal) -> Iterator[Callable[..., Page]]:
    """Return what opens a browser of its own, logged in as one of the demo's people, such as ``open_browser("desk")``.

    ``options`` go to Playwright's ``new_context``, such as ``java_script_enabled=False``; motion is reduced unless they say
    otherwise. Whatever a page's scripts complain of, a broken Content-Security-Policy included, fails the test.
    """
    complaints: list[str] = []
    with ExitStack() as stack:

        def opened(who: str | None = None, *, viewport: Any = DESKTOP, **options: Any) -> Page:
            context: BrowserContext = stack.enter_context(
                browser.new_context(base_url=portal.url, viewport=viewport, **{"reduced_motion": "reduce", **options})
            )
            context.set_default_timeout(TIMEOUT)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    complaints.append(message.text)
                    if message.type == "error" and "Failed to load resource" not in message.text
                    else None
                ),
            )
            if who is not None:
                log_in(page, who)
            return page

        yield opened
        assert complaints == []


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Path | None:
    """Return the folder in which screenshots are kept, where ``SHOTS`` names one."""
    folder = os.environ.get("SHOTS")
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def log_in(page: Page, who: str) -> None:
    """Log one of the demo's people in by the portal's own form."""
    page.goto("/login")
    page.get_by_label("E-mail address").fill(f"{who}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")


def violations(page: Page) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA on the page as it stands, each with the places where it is."""
    page.wait_for_load_state()
    page.evaluate(AXE)
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG)
    return [
        f"{one['id']}: {one['help']}: {'; '.join(str(node['target']) + ' ' + node['html'][:160] for node in one['nodes'][:5])}"
        for one in found["violations"]
    ]


@contextmanager
def before_script(page: Page, address: str, script: str) -> Iterator[None]:
    """Open ``address`` on a line on which ``script`` has not come yet; it comes when the block ends."""
    on_their_way: list[Route] = []

    def hold(route: Route) -> None:
        on_their_way.append(route)

    page.route(f"**/{script}*", hold)
    page.goto(address, wait_until="commit")
    yield
    for route in on_their_way:
        route.continue_()


def does_not_scroll_sideways(page: Page) -> bool:
    """Return whether the page is no wider than its window, when its styles have come."""
    page.wait_for_load_state()
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
