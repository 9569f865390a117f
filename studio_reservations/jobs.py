"""What the workers run: the nights, the reminders, the outbox. Each is a sweep over the database and may run at any time, twice
or not at all.

A job needs an app context, which ``flask studio worker`` gives it. Source: rules.md §8.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID

from flask import current_app
from redis import Redis, RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus

from studio_reservations.database import reading, run_in_transaction
from studio_reservations.notifications import delivery, reminders
from studio_reservations.notifications.courier import Courier
from studio_reservations.services.nights.running import run_due
from studio_reservations.services.nights.runs import nights_of
from studio_reservations.services.remembered import forget_answers
from studio_reservations.settings import SettingsError
from studio_reservations.state import current_state, secret_keys

log = logging.getLogger(__name__)

FAILED_SECONDS = 7 * 24 * 3600
NIGHT_SECONDS = 6 * 3600
IMPATIENT: Mapping[str, Any] = {"socket_connect_timeout": 1, "socket_timeout": 1}
"""Somebody is waiting for the page."""

DEAD = timedelta(seconds=90)
"""How long after a worker's last word a job that it had begun counts as given up; workers speak every half minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """An entry of the timetable: a name, when (cron, UTC), and the dotted name of a function without arguments.

    ``timeout`` is in seconds.
    """

    name: str
    cron: str
    function: str
    timeout: int = 600


TIMETABLE = (
    Timed(name="nights", cron="*/5 * * * *", function="studio_reservations.jobs.tick"),
    Timed(name="send_reminders", cron="*/5 * * * *", function="studio_reservations.jobs.send_reminders"),
    Timed(name="deliver_outbox", cron="* * * * *", function="studio_reservations.jobs.deliver_outbox"),
)


def timetable() -> tuple[Timed, ...]:
    """Return the portal's timetable. :raises SettingsError: where STUDIO_TIMETABLE names none."""
    named = current_state().settings.timetable
    module, _, name = named.partition(":")
    try:
        entries: Iterable[Timed] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"STUDIO_TIMETABLE names {named!r}, which cannot be found: {error}.") from error
    return tuple(entries)


def redis_connection() -> Redis:
    """Return a connection to the Redis that STUDIO_REDIS_URL names."""
    return Redis.from_url(current_state().settings.redis_url)


def queue(connection: Redis | None = None) -> Queue:
    """Return the queue that the workers read."""
    return Queue(current_state().settings.queue, connection=connection or redis_connection())


def tick() -> int:
    """Look which studios have something due and put a night for each into the queue; return how many."""
    now = current_state().clock()
    with reading() as session:
        due = [one.studio_id for one in nights_of(session, now=now) if one.due(now) is not None]
    if not due:
        return 0
    waiting = queue()
    return sum(
        enqueue_once(waiting, run_night, str(one), job_id=f"studio-night-{one}", timeout=NIGHT_SECONDS) for one in due
    )


def run_night(studio_id: str) -> dict[str, dict[str, int]]:
    """Do whatever is due in a studio, one job after the other, and forget old answers; return what each job did."""
    state = current_state()
    done = run_due(opened=run_in_transaction, studio_id=UUID(studio_id), clock=state.clock, pass_types=state.pass_types)
    while run_in_transaction(partial(forget_answers, now=state.clock())):
        pass
    return {mine.job: dict(counts) for mine, counts in done}


def ask_for_night(studio_id: UUID) -> bool | None:
    """Put a studio's night into the queue now; return whether it was put there, None where the queue cannot be reached."""
    try:
        with Redis.from_url(current_state().settings.redis_url, **IMPATIENT) as connection:
            return enqueue_once(
                queue(connection),
                run_night,
                str(studio_id),
                job_id=f"studio-night-{studio_id}",
                timeout=NIGHT_SECONDS,
            )
    except RedisError:
        log.warning("The queue cannot be reached.", exc_info=True)
        return None


def is_queue_there() -> bool:
    """Tell whether the queue can be reached, soon."""
    try:
        with Redis.from_url(current_state().settings.redis_url, **IMPATIENT) as connection:
            return bool(connection.ping())
    except (RedisError, ValueError):
        return False


def send_reminders() -> dict[str, int]:
    """Write the reminders that are due into the outbox; return how many of each kind."""
    return reminders.send_reminders(run_in_transaction, as_of=current_state().clock())


def deliver_outbox(on_batch: Callable[[delivery.Delivered], None] | None = None) -> dict[str, int]:
    """Send what waits in the outbox; return what became of it, in numbers."""
    sent = delivery.deliver_outbox(
        run_in_transaction, as_of=current_state().clock(), courier=courier(), on_batch=on_batch
    )
    return sent.counts()


def courier() -> Courier:
    """Return the portal's courier, with the ways of sending that its settings open."""
    state = current_state()
    return Courier.of(
        state.settings,
        secret=secret_keys(current_app),
        templates=current_app.jinja_loader,
        pass_types=state.pass_types,
        address_of=_address_of,
    )


def _address_of(user_id: str) -> str | None:
    user = current_state().identity.user_by_id(user_id)
    return user.email if user is not None else None


def enqueue_once(waiting: Queue, function: Callable[..., Any], *args: Any, job_id: str, timeout: int) -> bool:
    """Put a job into the queue unless one of that id waits or is being done; return whether it was put there."""
    for _ in range(3):  # between our looks somebody else may put it there, and a worker be done with it
        try:
            waiting.enqueue_call(
                function,
                args=args,
                job_id=job_id,
                timeout=timeout,
                result_ttl=0,
                failure_ttl=FAILED_SECONDS,
                unique=True,
            )
            return True
        except DuplicateJobError:
            pass
        try:
            standing = Job.fetch(job_id, connection=waiting.connection)
        except NoSuchJobError:  # gone meanwhile; or what is left of it is no job
            waiting.connection.delete(Job.key_for(job_id))
            continue
        if is_under_way(waiting, standing):
            return False
        # What its dead worker was at has run out before the list that names it, and RQ cannot delete one without the other.
        waiting.connection.delete(standing.execution_registry.key)
        standing.delete()
    return False


def is_under_way(waiting: Queue, job: Job) -> bool:
    """Return whether a job waits in the queue, or is being done by a worker that has been heard of lately."""
    if waiting.get_job_position(job) is not None:
        return True
    # QUEUED and nowhere in the queue: a worker has just taken it.
    try:
        if job.get_status() not in (JobStatus.QUEUED, JobStatus.STARTED):
            return False
    except InvalidJobOperation:  # Redis has lost it meanwhile
        return False
    heard = [one.astimezone(UTC) for one in (job.enqueued_at, job.started_at, job.last_heartbeat) if one is not None]
    return bool(heard) and datetime.now(UTC) - max(heard) < DEAD
