"""When the portal's jobs run, in UTC: neutral entries, from which both rq-scheduler and ``rq cron`` are fed.

``STUDIO_TIMETABLE=config.timetable:TIMETABLE`` names it; a portal adds its own entries here. The nights are at each studio's
own hour: a tick looks every five minutes who is due.
"""

from __future__ import annotations

from studio_reservations.jobs import TIMETABLE as STUDIO
from studio_reservations.jobs import Timed

TIMETABLE: tuple[Timed, ...] = (*STUDIO,)
