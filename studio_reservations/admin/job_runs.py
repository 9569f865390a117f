"""Jobs: what the nights did in each studio, and when the next ones are due by the studio's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import select

from studio_reservations import jobs
from studio_reservations.admin.row_filters import Choice, Days
from studio_reservations.admin.rows import Column, StudioRows
from studio_reservations.admin.screens import Desk, Done, act
from studio_reservations.database import reading, run_in_transaction
from studio_reservations.models import JobRun, JobState, Role, Studio, SubjectType
from studio_reservations.policies.due import (
    CANCEL_FUTURES,
    DETECT_NO_SHOWS,
    ENFORCE_SUSPENSIONS,
    LIFT_SUSPENSIONS,
    NIGHTLY,
)
from studio_reservations.services.events import record
from studio_reservations.services.nights.runs import nights_of

JOBS = {
    DETECT_NO_SHOWS: "Find no-shows",
    CANCEL_FUTURES: "Cancel what follows",
    ENFORCE_SUSPENSIONS: "Suspend",
    LIFT_SUSPENSIONS: "End suspensions",
}
STATES = {
    JobState.SUCCEEDED.value: "Done",
    JobState.RUNNING.value: "Under way",
    JobState.FAILED.value: "Failed",
}
NO_QUEUE = (
    "The queue cannot be reached, so nothing can be asked for here, and nothing runs by itself until it is back. "
    "Reservations go on. Tell whoever runs the portal: Redis is down, or STUDIO_REDIS_URL names another."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    """When a studio's job is due next."""

    name: str
    at: datetime
    overdue: bool
    running: bool


def _did(row: Any) -> str | None:
    counts = {name: count for name, count in (row.counts or {}).items() if isinstance(count, int) and count}
    if counts:
        did = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
        return f"{did}; the rest together with a later night" if "swept_on" in row.counts else did
    if "swept_on" in (row.counts or {}):
        return "Done together with a later night"
    return "Nothing to do" if row.state == JobState.SUCCEEDED else None


class JobsScreen(StudioRows):
    """The runs of the nights, the latest first, and above them what is due next."""

    least = Role.MANAGER
    row = "run_id"
    rows = select(
        JobRun.id,
        JobRun.studio_id,
        JobRun.job,
        JobRun.business_date,
        JobRun.state,
        JobRun.counts,
        JobRun.attempts,
        JobRun.started_at,
        JobRun.finished_at,
        JobRun.error,
    )
    order = (JobRun.started_at.desc(), JobRun.id.desc())
    columns = (
        Column(name="business_date", label="Night", sort=JobRun.business_date),
        Column(name="job", label="Job", words=JOBS, sort=JobRun.job),
        Column(
            name="state",
            label="State",
            words=STATES,
            tags={"SUCCEEDED": "is-good", "RUNNING": "is-warn", "FAILED": "is-bad"},
            sort=JobRun.state,
        ),
        Column(name="counts", label="What it did", show=_did),
        Column(name="started_at", label="Began", sort=JobRun.started_at),
        Column(name="finished_at", label="Ended", sort=JobRun.finished_at),
    )
    more = (Column(name="attempts", label="Attempts"), Column(name="error", label="What went wrong"))
    filters = (
        Choice(name="job", label="Job", column=JobRun.job, options=JOBS),
        Choice(name="state", label="State", column=JobRun.state, options=STATES),
        Days(name="day", label="Began", column=JobRun.started_at, studio_id=JobRun.studio_id),
    )
    searched = (JobRun.error,)
    search_label = "what went wrong"
    lede = (
        "Each night runs by itself, at the studio’s own hour, one job after the other. A missed night is made up for."
    )
    empty = "No night has run yet. The first one runs at one in the morning by the studio’s clock."
    list_template = "jobs.html"

    def title_of_row(self, row: Any) -> str:
        """Return such as ``Find no-shows, 24 Nov 2026``."""
        return f"{JOBS.get(row.job, row.job)}, {self.columns[0].text(row)}"

    def list_values(self, desk: Desk) -> dict[str, Any]:
        """Return the list, and what is due next in each studio."""
        shown = super().list_values(desk)
        nights = {one.studio_id: one for one in nights_of(desk.db_session, now=desk.now)}
        shown["nights"] = [
            (
                studio,
                [
                    NextRun(
                        name=JOBS[job.name],
                        at=(at := nights[studio.id].next_due(desk.now, job)),
                        overdue=at <= desk.now,
                        running=job.name in nights[studio.id].running,
                    )
                    for job in NIGHTLY
                ],
            )
            for studio in shown["studios"]
        ]
        shown["no_queue"] = None if jobs.is_queue_there() else NO_QUEUE
        return shown

    @act("/run", least=Role.MANAGER, own_transactions=True)
    def run(self, desk: Desk) -> Done:
        """Ask the workers for the studio's night now."""
        with reading() as db_session:
            studio = _with(desk, db_session).studio()
            db_session.expunge(studio)
        here = url_for(".index")
        asked = jobs.ask_for_night(studio.id)
        if asked is None:
            return Done(message=NO_QUEUE, to=here)
        if not asked:
            return Done(message=f"The night of {studio.name} waits already, or is under way.", to=here)
        run_in_transaction(lambda db_session: _write_down(desk, db_session, studio))
        return Done(
            message=f"The workers are asked for the night of {studio.name}. Whatever is due is done; nothing is done twice.",
            to=here,
        )


def _with(desk: Desk, db_session: Any) -> Desk:
    return Desk(state=desk.state, actor=desk.actor, now=desk.now, least=desk.least, session=db_session, sent=True)


def _write_down(desk: Desk, db_session: Any, studio: Studio) -> None:
    record(
        db_session,
        action="studio.night_asked_for",
        subject_type=SubjectType.STUDIO,
        subject_id=studio.id,
        studio_id=studio.id,
        actor=desk.actor,
        as_staff=True,
        now=desk.now,
    )
