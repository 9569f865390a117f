"""SMS through whatever provider Apprise knows."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from studio_reservations.notifications.failures import Hopeless, Refused

TIMEOUT_SECONDS = 10


class Texter:
    """Sends SMS; ``url`` is Apprise's address of the provider with ``{to}`` in the place of the number.

    :raises RuntimeError: where Apprise is not installed.
    """

    def __init__(self, url: str) -> None:
        if find_spec("apprise") is None:
            raise RuntimeError("STUDIO_SMS_URL needs Apprise: pip install 'studio-reservations[sms]'.")
        self._url = url

    def send(self, *, to: str, text: str) -> None:
        """Hand one SMS over to the provider.

        :raises Refused, Hopeless:
        """
        apprise: Any = import_module("apprise")
        url = self._url.replace("{to}", quote(to, safe=""))
        url += f"{'&' if '?' in url else '?'}cto={TIMEOUT_SECONDS}&rto={TIMEOUT_SECONDS}"
        service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True))
        if not service.add(url):
            raise Hopeless("STUDIO_SMS_URL is no address that Apprise knows, or the number is none.")
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:
            sent = service.notify(body=text, body_format=apprise.NotifyFormat.TEXT)
            said = " ".join(log.getvalue().split())
        if not sent:
            raise Refused(said or "The provider did not take it.")
