"""Keys to the API: bearer tokens, remembered answers, paired kiosks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, PrimaryKey, one_of, reference
from studio_reservations.models.studios import Role


class TokenScope(StrEnum):
    """``read`` limits a token to GET."""

    READ = "read"
    WRITE = "write"


class ApiToken(Base):
    """A bearer token, of one studio with a role or of one customer. Only its SHA-256 (hex) is kept."""

    __tablename__ = "studio_api_token"
    __table_args__ = (
        one_of("scope", *TokenScope),
        one_of("role", *Role),
        CheckConstraint(
            "(customer_id IS NULL AND studio_id IS NOT NULL AND role IS NOT NULL)"
            " OR (customer_id IS NOT NULL AND studio_id IS NULL AND role IS NULL)",
            name="studio_or_customer",
        ),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    studio_id: Mapped[UUID | None] = reference("studio", nullable=True)
    role: Mapped[str | None]
    customer_id: Mapped[UUID | None] = reference("customer", nullable=True)
    scope: Mapped[str] = mapped_column(default=TokenScope.WRITE)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime]


class IdempotencyRecord(Base):
    """The answer to a write, kept for 24 hours: the same key and body get it again byte for byte. Source: api.md."""

    __tablename__ = "studio_idempotency_record"
    __table_args__ = (
        UniqueConstraint("principal", "method", "path", "key"),
        Index("ix_studio_idempotency_record_created_at", "created_at"),
    )

    id: Mapped[PrimaryKey]
    principal: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    key: Mapped[str]
    body_hash: Mapped[str]
    status: Mapped[int]
    headers: Mapped[list[str]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class KioskDevice(Base):
    """A tablet at the door, paired once by a code; it can check in at its studio and nothing else."""

    __tablename__ = "studio_kiosk_device"

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio")
    name: Mapped[str]
    pairing_code_hash: Mapped[str | None] = mapped_column(unique=True)
    pairing_expires_at: Mapped[datetime | None]
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    paired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime]
