"""When a failed delivery is tried again: exponential backoff with full jitter.

Source: rules.md §9.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 6 * 3600.0
LONGEST_OUTAGE_SECONDS = 300.0

Random = Callable[[], float]
"""Returns a number from 0 to 1, as ``random.random`` does."""


def wait_after(attempts: int, *, random: Random, outage: bool = False) -> timedelta:
    """Return how long to wait after that many attempts (from 1): anything up to 30 s, doubled each time up to 6 h.

    In an ``outage`` of the whole way nobody refused anything, so the wait is five minutes at the longest.
    """
    longest = LONGEST_OUTAGE_SECONDS if outage else LONGEST_SECONDS
    return timedelta(seconds=random() * min(longest, FIRST_SECONDS * 2 ** min(max(attempts - 1, 0), 30)))
