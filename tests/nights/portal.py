"""The portal that the tests' workers and schedulers are started in: ``flask --app tests.nights.portal studio …``.

Its clock stands in a file, or is the system's where none is named; its timetable looks every second, and knows the nights only.
``PORTAL_CONFIG`` may hold more settings, as JSON.
"""

from __future__ import annotations

import json
import os
from typing import Any

from flask import Flask

from config.clock import FILE, now
from studio_reservations.extension import utc_now
from studio_reservations.jobs import Timed
from tests import host

TIMETABLE = (Timed(name="nights", cron="* * * * * * *", function="studio_reservations.jobs.tick"),)
WITH_MESSAGES = (
    *TIMETABLE,
    Timed(name="send_reminders", cron="* * * * * * *", function="studio_reservations.jobs.send_reminders"),
    Timed(name="deliver_outbox", cron="* * * * * * *", function="studio_reservations.jobs.deliver_outbox"),
)


def create_app() -> Flask:
    """Make the portal on the database and the Redis that the environment names."""
    config = {"STUDIO_REDIS_URL": os.environ["REDIS_URL"], "STUDIO_TIMETABLE": "tests.nights.portal:TIMETABLE"}
    config |= json.loads(os.environ.get("PORTAL_CONFIG", "{}"))
    clock: Any = now if FILE in os.environ else utc_now
    return host.create_app(os.environ["DATABASE_URL"], clock=clock, config=config)
