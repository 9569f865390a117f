"""Those who work in a studio and what they may do.

Source: rules.md §1 (StudioStaff), §10 (owner).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, LastOwner, NotFound
from studio_reservations.models import Role, Studio, StudioStaff, SubjectType
from studio_reservations.services.actors import Actor, ActorKind, Clock, read, utc_now
from studio_reservations.services.books import atomic
from studio_reservations.services.events import record

LONGEST_NAME = 200


class StaffService:
    """Who works where. It lives for one request; it flushes and never commits."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now) -> None:
        self.db_session = db_session
        self.now = read(clock)

    def appoint(
        self, *, studio_id: UUID, user_id: str, role: Role, actor: Actor, name: str | None = None
    ) -> StudioStaff:
        """Give a portal user a role in the studio, or change it; done twice, it is done once.

        :raises InvalidRequest: for an empty id, which is nobody's, or a name that is too long.
        :raises LastOwner: where it would take the studio's only owner away.
        """
        actor.require(studio_id, Role.OWNER)
        if not user_id.strip():
            raise InvalidRequest(errors={"user_id": "Write the portal's id of the user."})
        if name is not None and len(name) > LONGEST_NAME:
            raise InvalidRequest(errors={"name": f"Write at most {LONGEST_NAME} characters."})
        with atomic(self.db_session):
            self._lock(studio_id)
            member = self.db_session.scalar(
                select(StudioStaff).where(StudioStaff.studio_id == studio_id, StudioStaff.user_id == user_id)
            )
            if member is None:
                member = StudioStaff(
                    studio_id=studio_id, user_id=user_id, role=role, name=name, created_at=self.now, active=True
                )
                self.db_session.add(member)
                self.db_session.flush()
                self._record(member, "staff.added", actor, to_status=role.value)
                return member
            member.name = name or member.name
            self._set(member, role, actor)
        return member

    def change_role(self, *, staff_id: UUID, role: Role, actor: Actor) -> StudioStaff:
        """Let a member of staff do more or less, or work here again. :raises LastOwner:"""
        with atomic(self.db_session):
            member = self._member(staff_id, actor)
            self._set(member, role, actor)
        return member

    def deactivate(self, *, staff_id: UUID, actor: Actor) -> StudioStaff:
        """Let somebody in no more; what they did stays in the history under their name. :raises LastOwner:"""
        with atomic(self.db_session):
            member = self._member(staff_id, actor)
            if member.active:
                self._keep_an_owner(member, actor)
                member.active = False
                self.db_session.flush()
                self._record(member, "staff.deactivated", actor, from_status=member.role)
        return member

    def _set(self, member: StudioStaff, role: Role, actor: Actor) -> None:
        before = member.role if member.active else None
        if before == role:
            self.db_session.flush()
            return
        if role is not Role.OWNER:
            self._keep_an_owner(member, actor)
        member.role, member.active = role.value, True
        self.db_session.flush()
        action = "staff.role_changed" if before is not None else "staff.added"
        self._record(member, action, actor, from_status=before, to_status=role.value)

    def _keep_an_owner(self, member: StudioStaff, actor: Actor) -> None:
        # An operator may: they can make somebody else an owner afterwards, which in the studio nobody could.
        if member.role != Role.OWNER or not member.active or actor.kind is ActorKind.SYSTEM:
            return
        others = self.db_session.scalar(
            select(func.count())
            .select_from(StudioStaff)
            .where(
                StudioStaff.studio_id == member.studio_id,
                StudioStaff.role == Role.OWNER.value,
                StudioStaff.active.is_(True),
                StudioStaff.id != member.id,
            )
        )
        if not others:
            raise LastOwner()

    def _member(self, staff_id: UUID, actor: Actor) -> StudioStaff:
        studio_id = self.db_session.scalar(select(StudioStaff.studio_id).where(StudioStaff.id == staff_id))
        if studio_id is None:
            raise NotFound()
        actor.require(studio_id, Role.OWNER)
        self._lock(studio_id)
        return self.db_session.scalars(
            select(StudioStaff).where(StudioStaff.id == staff_id).execution_options(populate_existing=True)
        ).one()

    def _lock(self, studio_id: UUID) -> None:
        """Let changes of one studio's staff go one after the other: two owners cannot both be the last to leave."""
        if (
            self.db_session.scalar(select(Studio.id).where(Studio.id == studio_id).with_for_update(key_share=True))
            is None
        ):
            raise NotFound()

    def _record(
        self,
        member: StudioStaff,
        action: str,
        actor: Actor,
        *,
        from_status: str | None = None,
        to_status: str | None = None,
    ) -> None:
        record(
            self.db_session,
            action=action,
            subject_type=SubjectType.STUDIO,
            subject_id=member.studio_id,
            studio_id=member.studio_id,
            actor=actor,
            as_staff=True,
            now=self.now,
            from_status=from_status,
            to_status=to_status,
            details={"staff_id": str(member.id), "user_id": member.user_id, "name": member.name},
        )
