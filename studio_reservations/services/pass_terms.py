"""The terms of a pass: how long, how many, who else; its balance and its ledger.

Source: rules.md §1, §4, §10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, InvalidTransition, NotFound, PunchesHeld, ReasonRequired
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    LedgerReason,
    PunchLedgerEntry,
    RegistrationStatus,
    Role,
    SessionReservation,
    Studio,
    SubjectType,
)
from studio_reservations.pass_type_registry import PassTypes, installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import zone
from studio_reservations.services.actors import Actor, Clock, read, utc_now
from studio_reservations.services.books import (
    atomic,
    change_punches,
    lock_registration,
)
from studio_reservations.services.events import record
from studio_reservations.services.issuing import check_terms
from studio_reservations.services.pass_members import check_number, members_of, set_members

MOST_PUNCHES = 1_000_000


class RegistrationChanges(TypedDict, total=False):
    """What can be changed of a pass; a key that is missing leaves it as it is, None takes it away."""

    valid_from: date | None
    valid_until: date | None
    max_advance_reservations: int | None
    absence_grace_period_hours: int | None
    members: list[UUID]


class PassTerms:
    """What managers set of a pass, and what every change of a pass shares."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now, pass_types: PassTypes | None = None) -> None:
        self.db_session = db_session
        self.now = read(clock)
        self.pass_types = pass_types or installed_pass_types()

    def update(
        self, *, registration_id: UUID, changes: RegistrationChanges, actor: Actor, reason: str | None = None
    ) -> ClassRegistration:
        """Change the terms of a pass and who else may use it; reservations made already stay.

        :raises InvalidRequest: naming each wrong field.
        :raises NotFound: also for a member whom the studio does not know.
        :raises PassTypeUnavailable: for a new member, where nobody can say how many the pass takes.
        """
        with atomic(self.db_session):
            registration = self._locked(registration_id, actor)
            terms: dict[str, Any] = {name: value for name, value in changes.items() if name != "members"}
            check_terms(
                **{
                    name: terms.get(name, getattr(registration, name))
                    for name in (
                        "valid_from",
                        "valid_until",
                        "max_advance_reservations",
                        "absence_grace_period_hours",
                    )
                }
            )
            changed: dict[str, Any] = {}
            for name, value in terms.items():
                if (before := getattr(registration, name)) != value:
                    changed[name] = [json_value(before), json_value(value)]
                    setattr(registration, name, value)
            if "members" in changes:
                changed |= self._set_members(registration, changes["members"])
            if changed:
                self._record(registration, "updated", actor=actor, reason=reason, details={"changes": changed})
        return registration

    def adjust(
        self, *, registration_id: UUID, delta: int, reason: str, actor: Actor, confirm: bool = False
    ) -> ClassRegistration:
        """Add ``delta`` punches (below zero: take them away) and say why.

        :raises InvalidRequest: for an uncounted pass, nothing to do, or a balance below zero.
        :raises PunchesHeld: where less would be left than reservations hold, unless ``confirm``.
        :raises ReasonRequired, InvalidTransition:
        """
        with atomic(self.db_session):
            registration = self._locked(registration_id, actor)
            if not reason.strip():
                raise ReasonRequired()
            if registration.status == RegistrationStatus.CANCELLED:
                raise InvalidTransition(state=registration.status, action="adjust")
            if registration.sessions_remaining is None:
                raise InvalidRequest(errors={"delta": "This pass does not count."})
            balance = registration.sessions_remaining + delta
            if delta == 0 or not 0 <= balance <= MOST_PUNCHES:
                raise InvalidRequest(
                    errors={"delta": f"Write a number that is not 0 and leaves 0 to {MOST_PUNCHES} punches."}
                )
            if delta < 0 and not confirm:
                self._check_held(registration, balance)
            change_punches(
                self.db_session,
                registration=registration,
                delta=delta,
                entry_type=LedgerReason.ADJUSTMENT,
                actor=actor,
                now=self.now,
                reason=reason,
            )
            self._record(
                registration,
                "adjusted",
                actor=actor,
                reason=reason,
                details={"delta": delta, "sessions_remaining": balance},
            )
        return registration

    def ledger(
        self, *, registration_id: UUID, actor: Actor, limit: int = 50, after: UUID | None = None
    ) -> list[PunchLedgerEntry]:
        """Return the pass's ledger, oldest first, from behind the entry ``after``; for the front desk and its customer.

        :raises NotFound: for a pass that is none of the actor's business.
        """
        registration = self.db_session.get(ClassRegistration, registration_id)
        if registration is None:
            raise NotFound()
        actor.require_customer_or_staff(customer_id=registration.customer_id, studio_id=registration.studio_id)
        query = select(PunchLedgerEntry).where(PunchLedgerEntry.registration_id == registration_id)
        if after is not None:
            query = query.where(PunchLedgerEntry.id > after)
        return list(self.db_session.scalars(query.order_by(PunchLedgerEntry.id).limit(limit)))

    def _locked(self, registration_id: UUID, actor: Actor) -> ClassRegistration:
        registration = lock_registration(self.db_session, registration_id)
        actor.require(registration.studio_id, Role.MANAGER)
        return registration

    def _timezone(self, registration: ClassRegistration) -> str:
        return self.db_session.get_one(Studio, registration.studio_id).timezone

    def _pending(self, registration: ClassRegistration) -> list[SessionReservation]:
        """Return what is reserved, by time."""
        return list(
            self.db_session.scalars(
                select(SessionReservation)
                .join(ClassSession, ClassSession.id == SessionReservation.session_id)
                .where(
                    SessionReservation.registration_id == registration.id,
                    SessionReservation.status == Status.PENDING.value,
                )
                .order_by(ClassSession.starts_at, SessionReservation.id)
                .execution_options(populate_existing=True)
            )
        )

    def _check_held(self, registration: ClassRegistration, balance: int) -> None:
        """:raises PunchesHeld: with the reservations, the latest ones, that ``balance`` punches do not reach for."""
        pending = self._pending(registration)
        held = sum(one.punches_held for one in pending)
        if balance >= held:
            return
        starts = self._starts(pending)
        endangered, needed = [], 0
        for one in pending:
            needed += one.punches_held
            if needed > balance and one.punches_held:
                endangered.append({"reservation_id": str(one.id), "starts_at": starts[one.session_id]})
        raise PunchesHeld(balance=balance, held=held, reservations=endangered)

    def _starts(self, reservations: Iterable[SessionReservation]) -> dict[UUID, str]:
        rows = self.db_session.execute(
            select(ClassSession.id, ClassSession.starts_at, Studio.timezone)
            .join(Studio, Studio.id == ClassSession.studio_id)
            .where(ClassSession.id.in_({one.session_id for one in reservations}))
        )
        return {key: starts_at.astimezone(zone(timezone)).isoformat() for key, starts_at, timezone in rows}

    def _set_members(self, registration: ClassRegistration, members: list[UUID]) -> dict[str, Any]:
        wanted = set(members) - {registration.customer_id}
        known = members_of(self.db_session, registration.id)
        if wanted - known:  # to take somebody off a pass its plugin need not be there
            check_number(registration, wanted, self.pass_types.get(registration.pass_type))
        if known == wanted:
            return {}
        set_members(self.db_session, registration, wanted, now=self.now)
        return {"members": [sorted(map(str, known)), sorted(map(str, wanted))]}

    def _record(
        self,
        registration: ClassRegistration,
        change: str,
        *,
        actor: Actor,
        reason: str | None,
        details: Mapping[str, Any],
        from_status: RegistrationStatus | None = None,
    ) -> None:
        record(
            self.db_session,
            action="registration.changed",
            subject_type=SubjectType.REGISTRATION,
            subject_id=registration.id,
            studio_id=registration.studio_id,
            customer_id=registration.customer_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            from_status=from_status.value if from_status is not None else registration.status,
            to_status=registration.status,
            reason=reason,
            details={"change": change, **details},
        )


def json_value(value: Any) -> Any:
    """Return the JSON value of a date or an id."""
    return value if value is None or isinstance(value, (int, str)) else str(value)
