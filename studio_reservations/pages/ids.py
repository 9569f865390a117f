"""Ids as they stand in addresses and forms."""

from __future__ import annotations

from uuid import UUID


def read_id(text: str | None) -> UUID | None:
    """Return an id, or None for what is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
