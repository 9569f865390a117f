"""The timetable for RQ's own scheduler, instead of ``flask studio scheduler``: ``rq cron config/rq_cron.py``.

Run one of it only: it has no lock. The workers are the same, ``flask studio worker``.
"""

from __future__ import annotations

import os
from typing import Any

from rq import cron
from rq.utils import import_attribute

NAMED = os.environ.get("STUDIO_TIMETABLE", "config.timetable:TIMETABLE")
entries: Any = import_attribute(NAMED.replace(":", "."))

for entry in entries:
    cron.register(
        import_attribute(entry.function),
        os.environ.get("STUDIO_QUEUE", "studio"),
        cron=entry.cron,
        job_timeout=entry.timeout,
        result_ttl=0,
    )
