"""The studio and the portal users who work there."""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, PrimaryKey, one_of, reference


class Rollout(StrEnum):
    """Whom the studio lets in. Source: rules.md §3 rule 1."""

    OFF = "OFF"
    INTERNAL = "INTERNAL"
    ON = "ON"


class Role(StrEnum):
    """What a member of staff may do; each role may all that the lesser ones may. Source: rules.md §10."""

    INSTRUCTOR = "instructor"
    FRONT_DESK = "front_desk"
    MANAGER = "manager"
    OWNER = "owner"

    @property
    def level(self) -> int:
        """Its place in instructor < front_desk < manager < owner, from 0."""
        return list(Role).index(self)


class Studio(Base):
    """A studio; its ``timezone`` (IANA) is fixed once it has sessions."""

    __tablename__ = "studio_studio"
    __table_args__ = (one_of("rollout", *Rollout),)

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str]
    rollout: Mapped[str] = mapped_column(default=Rollout.OFF)
    contact_email: Mapped[str | None]
    contact_phone: Mapped[str | None]
    sender_name: Mapped[str | None]
    sender_email: Mapped[str | None]
    sms_enabled: Mapped[bool] = mapped_column(default=False)
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    created_at: Mapped[datetime]


class StudioStaff(Base):
    """A portal user's role in one studio. ``user_id`` is the portal's id as text, without a foreign key."""

    __tablename__ = "studio_staff"
    __table_args__ = (one_of("role", *Role), UniqueConstraint("studio_id", "user_id"))

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    user_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str | None]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
