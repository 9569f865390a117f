"""A clock that somebody else moves: it shows what is written in the file that ``PORTAL_CLOCK_FILE`` names.

``STUDIO_CLOCK=config.clock:now`` gives it to the portal, and every process of it sees the same instant; the tour moves it.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

FILE = "PORTAL_CLOCK_FILE"


def now() -> datetime:
    """Return the instant in the file."""
    return datetime.fromisoformat(Path(os.environ[FILE]).read_text())


def move(file: Path, instant: datetime) -> None:
    """Set the clock; readers see the old instant or the new one."""
    fresh = file.with_suffix(".new")
    fresh.write_text(instant.isoformat())
    fresh.replace(file)
