"""How many calls one caller may make."""

from __future__ import annotations

import logging
import math
import time

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from studio_reservations.errors import RateLimited
from studio_reservations.settings import Settings, SettingsError

log = logging.getLogger(__name__)


class CallLimit:
    """Counts calls by caller over a moving window; a broken counter lets everybody pass, for reservations go on."""

    def __init__(self, settings: Settings) -> None:
        self._item: RateLimitItem | None = None
        if not settings.rate_limit:
            return
        try:
            self._item = parse(settings.rate_limit)
            self._window = MovingWindowRateLimiter(storage_from_string(settings.rate_limit_storage))
        except (ValueError, ConfigurationError) as error:
            raise SettingsError(f"STUDIO_RATE_LIMIT or STUDIO_RATE_LIMIT_STORAGE cannot be used: {error}.") from error

    def count(self, caller: str) -> None:
        """Count one call. :raises RateLimited: with ``retry_after`` in whole seconds."""
        if self._item is None:
            return
        try:
            passed = self._window.hit(self._item, "studio_api", caller)
            resets_at = 0.0 if passed else self._window.get_window_stats(self._item, "studio_api", caller).reset_time
        except Exception:
            log.exception("calls to the API cannot be counted")
            return
        if not passed:
            raise RateLimited(retry_after=max(1, math.ceil(resets_at - time.time())))
