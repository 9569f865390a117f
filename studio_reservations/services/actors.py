"""Who acts, and what they may.

Source: rules.md §10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import CheckInMethod, PerformerKind, Role

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the real time, aware, UTC."""
    return datetime.now(UTC)


def read(clock: Clock) -> datetime:
    """Return the instant that a clock shows. :raises ValueError: for a naive one. Source: rules.md, Time."""
    now = clock()
    if now.tzinfo is None:
        raise ValueError(f"expected a clock of aware datetimes, found the naive {now!r}")
    return now


KIOSK_ID = "kiosk:"
"""How the id of a kiosk begins as an actor, and as whoever checked somebody in."""


class ActorKind(StrEnum):
    """By what door somebody came in."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    KIOSK = "kiosk"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever asks: a portal user, a token, a kiosk or the system.

    ``customer_ids`` are those they may act for; ``roles`` and ``staff_ids`` (of `StudioStaff`) are by studio id;
    ``locale`` is the language that they chose as a customer.
    """

    kind: ActorKind
    id: str
    customer_ids: frozenset[UUID] = frozenset()
    roles: Mapping[UUID, Role] = field(default_factory=lambda: MappingProxyType({}))
    staff_ids: Mapping[UUID, UUID] = field(default_factory=lambda: MappingProxyType({}))
    own_customer_id: UUID | None = None
    locale: str | None = None

    def acts_for(self, customer_id: UUID) -> bool:
        """Return whether this customer is the actor, or their ward."""
        return customer_id in self.customer_ids

    def role_at(self, studio_id: UUID) -> Role | None:
        """Return the actor's role in that studio."""
        return self.roles.get(studio_id)

    def has_role(self, studio_id: UUID, least: Role) -> bool:
        """Return whether the actor's role there is ``least`` or more; the system may everything."""
        role = self.role_at(studio_id)
        return self.kind is ActorKind.SYSTEM or (role is not None and role.level >= least.level)

    def require(self, studio_id: UUID, least: Role) -> None:
        """Let pass whoever has the role ``least`` there.

        :raises NotFound: for whoever is no staff of that studio: its things do not exist for them.
        :raises Forbidden: for staff whose role is too low.
        """
        if not self.has_role(studio_id, least):
            if self.role_at(studio_id) is None:
                raise NotFound()
            raise Forbidden(role=least.value)

    def require_customer_or_staff(self, *, customer_id: UUID, studio_id: UUID, least: Role = Role.FRONT_DESK) -> bool:
        """Let pass the customer, whoever acts for them, and staff; return whether it is staff that act.

        What is one's own is always done as a customer, so that staff get no better terms for themselves.
        """
        if self.acts_for(customer_id):
            return False
        self.require(studio_id, least)
        return True

    def performer(self, *, as_staff: bool) -> PerformerKind:
        """Return how history names this actor."""
        if self.kind is ActorKind.SYSTEM:
            return PerformerKind.SYSTEM
        if not as_staff:
            return PerformerKind.CUSTOMER
        return PerformerKind.INTEGRATION if self.kind is ActorKind.TOKEN else PerformerKind.STAFF

    def check_in_method(self, *, as_staff: bool) -> CheckInMethod:
        """Return how a check-in by this actor counts: SELF for one's own page and the kiosk, AUTO for a studio's token."""
        if self.kind is ActorKind.KIOSK or not as_staff:
            return CheckInMethod.SELF
        return CheckInMethod.AUTO if self.kind is ActorKind.TOKEN else CheckInMethod.STAFF


SYSTEM = Actor(kind=ActorKind.SYSTEM, id="system")
