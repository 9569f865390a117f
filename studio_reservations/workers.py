"""RQ's worker with the portal around it, and rq-scheduler with what it lacks; both wait while Redis is away.

RQ's worker ends where there is no Redis at its start, or none any more while a job is at work: here it begins again.

rq-scheduler loses an entry for good where it is killed at the wrong instant or Redis forgets a key, piles up jobs while nobody
works, and ends when Redis goes away. Here every look at the clock first puts back what is missing, by fixed ids; a job that
still waits is not put into the queue again; and the loop goes on when Redis is back.
"""

from __future__ import annotations

import logging
import signal
import time
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any

from flask import Flask
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq_scheduler import Scheduler
from rq_scheduler.utils import get_next_scheduled_time, to_unix

from studio_reservations.jobs import Timed, is_under_way, queue
from studio_reservations.state import EXTENSION

log = logging.getLogger(__name__)

OURS = "studio-"
"""How the ids of our entries begin: the portal may have entries of its own."""

RETRY_SECONDS = 5.0


class PortalWorker(Worker):
    """A worker whose jobs run in the portal's app context, each in a process of its own."""

    max_connection_wait_time = RETRY_SECONDS
    is_stopping = False

    def __init__(self, *args: Any, app: Flask, **options: Any) -> None:
        super().__init__(*args, **options)
        self._app = app

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in a fresh context, with database connections of its own."""
        with self._app.app_context():
            for engine in self._app.extensions[EXTENSION].db.engines.values():
                engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """Remember that somebody wants us to stop."""
        self.is_stopping = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]


class HealingScheduler(Scheduler):  # type: ignore[misc]
    """A scheduler whose entries are those of a timetable, whatever happens to Redis."""

    def __init__(self, entries: Sequence[Timed], *, waiting: Queue, interval: int) -> None:
        super().__init__(queue=waiting, connection=waiting.connection, interval=interval)
        self._stopping = False
        self._waiting = waiting
        self._entries = {OURS + entry.name: entry for entry in entries}

    def enqueue_jobs(self) -> Any:
        """Put missing entries back, drop those that the timetable no longer has, and put what is due into the queue."""
        for job_id in self.connection.zrange(self.scheduled_jobs_key, 0, -1):
            if job_id.decode().startswith(OURS) and job_id.decode() not in self._entries:
                self.cancel(job_id.decode())
        for job_id, entry in self._entries.items():
            if not self._stands(job_id, entry):
                log.info("registering %s, %s", entry.name, entry.cron)
                self.cron(entry.cron, entry.function, id=job_id, queue_name=self.queue_name, timeout=entry.timeout)
        return super().enqueue_jobs()

    def enqueue_job(self, job: Job) -> None:
        """Put a job into the queue, unless it still waits there or is being done; either way it comes round again."""
        if job.id in self._entries and is_under_way(self._waiting, job):
            entry = self._entries[job.id]
            log.info("%s still waits, or is being done: not put into the queue again", entry.name)
            self.connection.zadd(self.scheduled_jobs_key, {job.id: to_unix(get_next_scheduled_time(entry.cron))})
            return
        super().enqueue_job(job)

    def run(self, burst: bool = False) -> None:
        """Look at the clock again and again, until SIGINT or SIGTERM.

        :raises RedisError: where Redis has gone away.
        """
        try:
            super().run(burst)
        except RedisError:
            if not self._stopping:
                raise

    def _install_signal_handlers(self) -> None:
        """Stop at once, also while Redis is away and cannot be told."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stopping = True
            raise SystemExit(0)

        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, stop)

    def _stands(self, job_id: str, entry: Timed) -> bool:
        """Return whether an entry is where it should be, and says what the timetable says."""
        if job_id not in self or not Job.exists(job_id, connection=self.connection):
            return False
        job = Job.fetch(job_id, connection=self.connection)
        return (job.meta.get("cron_string"), job.func_name, job.origin) == (
            entry.cron,
            entry.function,
            self.queue_name,
        )


def keep_working(app: Flask, *, burst: bool = False) -> None:
    """Work until told to stop, in a ``burst`` until the queue is empty; where Redis goes away, begin again when it is back.

    :raises RedisError: where it is away in a burst.
    """
    while True:
        worker: PortalWorker | None = None
        _stop_at_once()
        try:
            waiting = queue()
            worker = PortalWorker([waiting], connection=waiting.connection, app=app)
            worker.work(burst=burst, logging_level="INFO")
            reason = "it has gone away"
        except RedisError as error:
            if burst:
                raise
            reason = str(error)
        if burst or (worker is not None and worker.is_stopping):
            return
        log.warning("Redis does not answer (%s): trying again in %s s", reason, RETRY_SECONDS)
        _stop_at_once()
        time.sleep(RETRY_SECONDS)


def keep_scheduling(entries: Sequence[Timed], *, interval: int) -> None:
    """Schedule until told to stop; where Redis goes away, begin again when it is back."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="rq_scheduler")  # of local time, which is UTC here
    while True:
        try:
            HealingScheduler(entries, waiting=queue(), interval=interval).run()
            return
        except RedisError as error:
            log.warning("Redis does not answer (%s): trying again in %s s", error, RETRY_SECONDS)
            time.sleep(RETRY_SECONDS)
        except (NoSuchJobError, InvalidJobOperation) as error:
            log.warning("Redis lost a job while we looked at it (%s): beginning again", error)
            time.sleep(interval)


def _stop_at_once() -> None:
    """Let SIGINT and SIGTERM end this process without a word, until the worker has ways of its own."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
