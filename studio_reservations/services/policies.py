"""The policy in force for a class.

Source: rules.md §6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.models import NoShowPolicy
from studio_reservations.policies.policy import Policy

_TABLE = NoShowPolicy.__table__


class StudioPolicies:
    """A studio's policies, read once: the studio's own and those of its classes."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        by_class = {row["class_id"]: row for row in rows}
        self._studio = by_class.pop(None, None)
        self._classes = by_class

    def of_class(self, class_id: UUID | None) -> Policy:
        """Return the policy in force for that class, or the studio's own for None."""
        return Policy.in_force(self._studio, self._classes.get(class_id))


def policies_of(db_session: Session, studio_id: UUID) -> StudioPolicies:
    """Read all policies of a studio in one query."""
    rows = db_session.execute(select(_TABLE).where(NoShowPolicy.studio_id == studio_id))
    return StudioPolicies(row._asdict() for row in rows)


def policy_of(db_session: Session, *, studio_id: UUID, class_id: UUID) -> Policy:
    """Return the policy in force for one class."""
    return policies_of(db_session, studio_id).of_class(class_id)
