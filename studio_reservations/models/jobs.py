"""What ran in the nights."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio_reservations.models.base import Base, LongText, PrimaryKey, at_least_zero, one_of, reference


class JobState(StrEnum):
    """The states of a nightly run."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class JobRun(Base):
    """One nightly job of one studio for one studio-local date; a ``heartbeat_at`` older than ten minutes may be taken over."""

    __tablename__ = "studio_job_run"
    __table_args__ = (
        one_of("state", *JobState),
        *at_least_zero("attempts"),
        UniqueConstraint("studio_id", "job", "business_date"),
    )

    id: Mapped[PrimaryKey]
    studio_id: Mapped[UUID] = reference("studio", index=False)
    job: Mapped[str]
    business_date: Mapped[date]
    state: Mapped[str] = mapped_column(default=JobState.RUNNING)
    attempts: Mapped[int] = mapped_column(default=1)
    as_of: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[LongText | None]
