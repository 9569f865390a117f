"""``python -m benchmarks.first_load``: what the customers' three main pages weigh, and how soon they show, on a slow phone.

Chromium at 390 px, nothing cached, 1.6 Mbit/s down, 150 ms there and back, a processor four times slower. ``gzip`` is what the
bodies weigh compressed, as a proxy sends them; the portal itself does not compress, so the times are those of the whole bytes.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Response, sync_playwright
from werkzeug.serving import make_server

import wsgi
from config import clock
from config.processes import environment
from config.seeding import seed
from config.settings import settings
from config.world.names import PASSWORD
from tests.browser.conftest import CHROMIUM, EVENING, PHONE

PAGES = ("/studio/", "/studio/calendar", "/studio/sessions")
DOWN = 1.6e6 / 8
MOST_COMPRESSED = 150_000
MEASURE = """new Promise(done => {
  let shift = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) shift += one.value })
    .observe({type: "layout-shift", buffered: true});
  const painted = () => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (paint) setTimeout(() => done([paint.startTime, shift]), 200); else setTimeout(painted, 50);
  };
  painted();
})"""


def main() -> int:
    """Measure; return 1 where a page is heavier than 150 KB compressed, or moves while it loads."""
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        directory = Path(made)
        seed(directory, environ=environment(directory), now=EVENING)
        clock.move(directory / "clock", EVENING)
        os.environ[clock.FILE] = str(directory / "clock")
        app = wsgi.create_app(settings(environment(directory, STUDIO_CLOCK="config.clock:now")))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
        options = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        print(f"{'page':20}{'requests':>10}{'bytes':>10}{'gzip':>10}{'first paint':>13}{'shift':>8}")
        fits = [_measured(browser, f"http://127.0.0.1:{server.server_port}", page) for page in PAGES]
        browser.close()
        server.shutdown()
    return 0 if all(fits) else 1


def _measured(browser: Browser, url: str, path: str) -> bool:
    context = browser.new_context(base_url=url, viewport=PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("E-mail address").fill("maya@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    slow: dict[str, Any] = {"offline": False, "latency": 150, "downloadThroughput": DOWN, "uploadThroughput": DOWN}
    tools.send("Network.emulateNetworkConditions", slow)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright marks what it is given
    page.goto(path, wait_until="networkidle")
    paint, shift = page.evaluate(MEASURE)
    bodies = [one.body() for one in answers if one.ok]
    whole, packed = sum(map(len, bodies)), sum(len(gzip.compress(one)) for one in bodies)
    print(f"{path:20}{len(bodies):10}{whole:10,}{packed:10,}{paint:10,.0f} ms{shift:8.3f}")
    context.close()
    return packed <= MOST_COMPRESSED and shift < 0.02


if __name__ == "__main__":
    sys.exit(main())
