"""Which rules staff may set aside, and who.

Source: rules.md §3, Overrides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from studio_reservations.errors import OverrideNotAllowed, ReasonRequired
from studio_reservations.models import Role
from studio_reservations.services.actors import Actor

RESERVING: Mapping[str, Role] = MappingProxyType(
    {
        "session_started": Role.FRONT_DESK,
        "customer_suspended": Role.MANAGER,
        "advance_limit_reached": Role.MANAGER,
    }
)
RESTORING: Mapping[str, Role] = MappingProxyType(
    {"customer_suspended": Role.MANAGER, "advance_limit_reached": Role.MANAGER}
)
CHECKING_IN: Mapping[str, Role] = MappingProxyType(
    {"not_class_day": Role.FRONT_DESK, "punches_exhausted": Role.FRONT_DESK}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The codes that staff set aside, and why."""

    rules: frozenset[str]
    reason: str


def allowed_rules(
    override: Override | None, *, actor: Actor, studio_id: UUID, permitted: Mapping[str, Role]
) -> frozenset[str]:
    """Return the codes that ``actor`` may set aside here; none without an override.

    :raises OverrideNotAllowed: for a code that nobody, or nobody of this role, may set aside.
    :raises ReasonRequired: without a reason.
    """
    if override is None:
        return frozenset()
    refused = sorted(
        code for code in override.rules if code not in permitted or not actor.has_role(studio_id, permitted[code])
    )
    if refused:
        raise OverrideNotAllowed(rules=refused)
    if not override.reason.strip():
        raise ReasonRequired()
    return override.rules
