"""How many calls one caller may make."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from studio_reservations.errors import RateLimited
from studio_reservations.settings import Settings, SettingsError

log = logging.getLogger(__name__)


OWN_MEMORY = "memory://"


class CallLimit:
    """Counts calls by caller over a moving window; a broken counter lets everybody pass, for reservations go on."""

    def __init__(self, settings: Settings) -> None:
        self._wait: Callable[[str], float] | None = None
        if not settings.rate_limit:
            return
        try:
            item = parse(settings.rate_limit)
            self._wait = _in_memory(item) if settings.rate_limit_storage == OWN_MEMORY else _shared(item, settings)
        except (ValueError, ConfigurationError) as error:
            raise SettingsError(f"STUDIO_RATE_LIMIT or STUDIO_RATE_LIMIT_STORAGE cannot be used: {error}.") from error

    def count(self, caller: str) -> None:
        """Count one call. :raises RateLimited: with ``retry_after`` in whole seconds."""
        if self._wait is None:
            return
        try:
            wait = self._wait(caller)
        except Exception:
            log.exception("calls to the API cannot be counted")
            return
        if wait > 0:
            raise RateLimited(retry_after=max(1, math.ceil(wait)))


def _shared(item: RateLimitItem, settings: Settings) -> Callable[[str], float]:
    window = MovingWindowRateLimiter(storage_from_string(settings.rate_limit_storage))

    def wait(caller: str) -> float:
        if window.hit(item, "studio_api", caller):
            return 0.0
        return max(1.0, window.get_window_stats(item, "studio_api", caller).reset_time - time.time())

    return wait


def _in_memory(item: RateLimitItem) -> Callable[[str], float]:
    """Count in this process: the memory of `limits` starts a thread a call, which goes through all callers."""
    amount, span = item.amount, item.get_expiry()
    calls: dict[str, deque[float]] = {}
    lock = Lock()
    swept_at = time.monotonic()

    def wait(caller: str) -> float:
        nonlocal swept_at
        now = time.monotonic()
        with lock:
            if now - swept_at > span:
                swept_at = now
                for idle in [one for one, times in calls.items() if times[-1] <= now - span]:
                    del calls[idle]
            mine = calls.setdefault(caller, deque())
            while mine and mine[0] <= now - span:
                mine.popleft()
            if len(mine) >= amount:
                return mine[0] + span - now
            mine.append(now)
            return 0.0

    return wait
