"""The pages' styles and script: from the portal's own address, kept by browsers until they change."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, request, url_for

BLUEPRINT = "studio_pages"
ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "static"
A_YEAR = 31_536_000


class PagesBlueprint(Blueprint):
    """A blueprint whose static files, asked for by their version, never change."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return for how many seconds a browser keeps the file."""
        if filename is not None and request.args.get("v") == version_of(filename):
            return A_YEAR
        return super().get_send_file_max_age(filename)


def asset(name: str) -> str:
    """Return the address of a static file in the version that is installed."""
    return url_for(f"{BLUEPRINT}.static", filename=name, v=version_of(name))


@lru_cache(maxsize=64)
def version_of(name: str) -> str | None:
    """Return a short hash of a static file, or None where there is none of that name."""
    found = (FOLDER / name).resolve()
    if not found.is_relative_to(FOLDER.resolve()) or not found.is_file():
        return None
    return hashlib.sha256(found.read_bytes()).hexdigest()[:12]
