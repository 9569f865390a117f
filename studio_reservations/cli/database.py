"""``flask studio db …``: the studio tables' own migration history, beside the portal's."""

from __future__ import annotations

from flask.cli import AppGroup

VERSION_TABLE = "studio_reservations_version"

database = AppGroup("db", help="Create and upgrade the studio tables.")
