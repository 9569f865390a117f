"""Studios, and whom they let in."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import InvalidRequest, NotFound
from studio_reservations.models import Role, Rollout, Studio, SubjectType
from studio_reservations.services.actors import Actor
from studio_reservations.services.events import record

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def create_studio(
    session: Session, *, slug: str, name: str, timezone: str, now: datetime, rollout: Rollout = Rollout.OFF
) -> Studio:
    """Return a new studio; ``timezone`` is an IANA name.

    :raises InvalidRequest: naming each wrong field.
    """
    errors = {}
    if not SLUG.fullmatch(slug):
        errors["slug"] = "Use small letters, digits and single hyphens, such as 'yoga-west'."
    elif session.scalar(select(Studio.id).where(Studio.slug == slug)) is not None:
        errors["slug"] = "There is a studio of that slug already."
    if not name.strip():
        errors["name"] = "Write a name."
    if timezone not in available_timezones():
        errors["timezone"] = "Use an IANA name such as 'America/Toronto'."
    if errors:
        raise InvalidRequest(errors=errors)
    studio = Studio(slug=slug, name=name.strip(), timezone=timezone, rollout=rollout, created_at=now)
    session.add(studio)
    session.flush()
    return studio


def studio_by_slug(session: Session, slug: str) -> Studio:
    """Return the studio of that slug. :raises NotFound:"""
    studio = session.scalar(select(Studio).where(Studio.slug == slug))
    if studio is None:
        raise NotFound()
    return studio


def set_rollout(session: Session, *, studio_id: UUID, rollout: Rollout, actor: Actor, now: datetime) -> Studio:
    """Say whom the studio lets in from now on; what is reserved stays. Source: rules.md §3 rule 1, §10."""
    actor.require(studio_id, Role.OWNER)
    studio = session.scalar(
        select(Studio)
        .where(Studio.id == studio_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if studio is None:
        raise NotFound()
    before = studio.rollout
    if before != rollout:
        studio.rollout = rollout
        record(
            session,
            action="studio.rollout_changed",
            subject_type=SubjectType.STUDIO,
            subject_id=studio.id,
            studio_id=studio.id,
            actor=actor,
            as_staff=True,
            now=now,
            from_status=before,
            to_status=rollout.value,
        )
    return studio
