"""The life of a pass after it was issued: changed, adjusted, frozen, transferred, cancelled.

Source: rules.md §1, §4, §5, §10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from studio_reservations.errors import InvalidTransition
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    RegistrationStatus,
    SessionReservation,
)
from studio_reservations.policies.local_time import local_date
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import (
    atomic,
    change_seats,
    seat_changes,
)
from studio_reservations.services.cancelling import cancel_free, dependents_of, flag_dependents
from studio_reservations.services.issuing import LAST_DAY, check_class
from studio_reservations.services.pass_terms import PassTerms, json_value
from studio_reservations.services.seen import load_held_passes


@dataclass(frozen=True, slots=True, kw_only=True)
class PassChange:
    """A pass, and the reservations that the change cancelled, or in a preview would cancel."""

    registration: ClassRegistration
    cancelled: tuple[SessionReservation, ...] = ()
    preview: bool = False


class RegistrationService(PassTerms):
    """What managers do to a pass. It lives for one request; it flushes and never commits."""

    def freeze(
        self, *, registration_id: UUID, actor: Actor, reason: str | None = None, preview: bool = False
    ) -> PassChange:
        """Freeze a pass from today and cancel its coming reservations free; frozen already, return it unchanged.

        :raises InvalidTransition: for a cancelled pass.
        """
        with atomic(self.db_session):
            registration = self._locked(registration_id, actor)
            if registration.status == RegistrationStatus.FROZEN:
                return PassChange(registration=registration, preview=preview)
            self._require(registration, RegistrationStatus.ACTIVE, action="freeze")
            endangered = self._coming(registration)
            if preview:
                return PassChange(registration=registration, cancelled=tuple(endangered), preview=True)
            registration.status = RegistrationStatus.FROZEN.value
            registration.frozen_on = self._today(registration)
            return self._give_up(
                registration,
                endangered,
                "frozen",
                actor=actor,
                reason=reason,
                from_status=RegistrationStatus.ACTIVE,
                details={"frozen_on": json_value(registration.frozen_on)},
            )

    def unfreeze(self, *, registration_id: UUID, actor: Actor, reason: str | None = None) -> ClassRegistration:
        """Make a frozen pass active again, valid as many local days longer as it was frozen; active, return it unchanged.

        :raises InvalidTransition: for a cancelled pass.
        """
        with atomic(self.db_session):
            registration = self._locked(registration_id, actor)
            if registration.status == RegistrationStatus.ACTIVE:
                return registration
            self._require(registration, RegistrationStatus.FROZEN, action="unfreeze")
            today = self._today(registration)
            days = max(0, (today - (registration.frozen_on or today)).days)
            if registration.valid_until is not None:
                registration.valid_until = min(registration.valid_until + timedelta(days=days), LAST_DAY)
            registration.status = RegistrationStatus.ACTIVE.value
            registration.frozen_on = None
            self._record(
                registration,
                "unfrozen",
                actor=actor,
                reason=reason,
                from_status=RegistrationStatus.FROZEN,
                details={"days": days, "valid_until": json_value(registration.valid_until)},
            )
        return registration

    def transfer(
        self,
        *,
        registration_id: UUID,
        class_id: UUID | None,
        actor: Actor,
        reason: str | None = None,
        preview: bool = False,
    ) -> PassChange:
        """Make the pass one for another class (None: for all) and cancel free what it does not cover any more.

        :raises NotFound: for a class that is not this studio's.
        :raises InvalidRequest: for one that takes no such pass.
        :raises InvalidTransition: for a cancelled pass.
        """
        with atomic(self.db_session):
            registration = self._locked(registration_id, actor)
            check_class(
                self.db_session,
                class_id=class_id,
                studio_id=registration.studio_id,
                pass_type=registration.pass_type,
            )
            if registration.class_id == class_id:
                return PassChange(registration=registration, preview=preview)
            if registration.status == RegistrationStatus.CANCELLED:
                raise InvalidTransition(state=registration.status, action="transfer")
            endangered = [] if class_id is None else self._coming(registration, outside=class_id)
            if preview:
                return PassChange(registration=registration, cancelled=tuple(endangered), preview=True)
            before, registration.class_id = registration.class_id, class_id
            return self._give_up(
                registration,
                endangered,
                "transferred",
                actor=actor,
                reason=reason,
                details={"class_id": json_value(class_id), "from_class_id": json_value(before)},
            )

    def cancel(
        self, *, registration_id: UUID, actor: Actor, reason: str | None = None, preview: bool = False
    ) -> PassChange:
        """Cancel a pass for good, and its coming reservations free; cancelled already, return it unchanged."""
        with atomic(self.db_session):
            registration = self._locked(registration_id, actor)
            if registration.status == RegistrationStatus.CANCELLED:
                return PassChange(registration=registration, preview=preview)
            endangered = self._coming(registration)
            if preview:
                return PassChange(registration=registration, cancelled=tuple(endangered), preview=True)
            before = RegistrationStatus(registration.status)
            registration.status = RegistrationStatus.CANCELLED.value
            registration.frozen_on = None
            return self._give_up(registration, endangered, "cancelled", actor=actor, reason=reason, from_status=before)

    def _require(self, registration: ClassRegistration, status: RegistrationStatus, *, action: str) -> None:
        if registration.status != status:
            raise InvalidTransition(state=registration.status, action=action)

    def _today(self, registration: ClassRegistration) -> date:
        return local_date(self.now, timezone=self._timezone(registration))

    def _give_up(
        self,
        registration: ClassRegistration,
        reservations: list[SessionReservation],
        change: str,
        *,
        actor: Actor,
        reason: str | None,
        from_status: RegistrationStatus | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> PassChange:
        """Cancel the reservations free, record the change of the pass, and free the seats last."""
        lost = {one.id for one in reservations}
        held = load_held_passes(self.db_session, [registration], now=self.now, timezone=self._timezone(registration))[
            registration.id
        ]
        for reservation in sorted(reservations, key=lambda one: one.id):
            cancel_free(
                self.db_session,
                registration=registration,
                reservation=reservation,
                actor=actor,
                as_staff=True,
                now=self.now,
                reason=reason,
                details={"reason_code": f"pass_{change}"},
            )
        dependents = {one for key in lost for one in dependents_of(held, lost_id=key, pass_types=self.pass_types)}
        flag_dependents(self.db_session, dependents - lost)
        self._record(
            registration,
            change,
            actor=actor,
            reason=reason,
            from_status=from_status,
            details={**(details or {}), "reservations_cancelled": len(reservations)},
        )
        change_seats(self.db_session, seat_changes(*((one.session_id, -1) for one in reservations)))
        return PassChange(registration=registration, cancelled=tuple(reservations))

    def _coming(self, registration: ClassRegistration, *, outside: UUID | None = None) -> list[SessionReservation]:
        """Return what is reserved and not over, by time: what the customer has missed stays missed."""
        pending = self._pending(registration)
        coming = self.db_session.execute(
            select(ClassSession.id, ClassSession.class_id).where(
                ClassSession.id.in_({one.session_id for one in pending}), ClassSession.ends_at > self.now
            )
        )
        classes = {row.id: row.class_id for row in coming}
        return [one for one in pending if one.session_id in classes and classes[one.session_id] != outside]
