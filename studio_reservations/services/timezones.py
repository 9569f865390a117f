"""The studio's zone, which is fixed once it has sessions.

Source: rules.md, Time.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest
from studio_reservations.models import ClassSession, Role, Studio, SubjectType
from studio_reservations.services.actors import Actor
from studio_reservations.services.books import atomic
from studio_reservations.services.events import record


def change_timezone(db_session: Session, *, studio_id: UUID, timezone: str, actor: Actor, now: datetime) -> Studio:
    """Give a studio another IANA zone while it has no sessions; the same one changes nothing.

    :raises InvalidRequest: for a zone that is none, or where there are sessions.
    """
    actor.require(studio_id, Role.OWNER)
    with atomic(db_session):
        # The full lock: adding a session refers to the studio, so none appears meanwhile.
        studio = db_session.scalars(
            select(Studio).where(Studio.id == studio_id).with_for_update().execution_options(populate_existing=True)
        ).one()
        if studio.timezone == timezone:
            return studio
        if timezone not in available_timezones():
            raise InvalidRequest(errors={"timezone": "Use an IANA name such as 'America/Toronto'."})
        if db_session.scalar(select(exists().where(ClassSession.studio_id == studio_id))):
            raise InvalidRequest(errors={"timezone": "The studio has sessions, so its time zone stays."})
        before, studio.timezone = studio.timezone, timezone
        record(
            db_session,
            action="studio.timezone_changed",
            subject_type=SubjectType.STUDIO,
            subject_id=studio_id,
            studio_id=studio_id,
            actor=actor,
            as_staff=True,
            now=now,
            details={"from": before, "to": timezone},
        )
    return studio
