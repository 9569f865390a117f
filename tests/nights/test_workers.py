"""The timetable, the queue and the workers, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq_scheduler import Scheduler
from sqlalchemy import select

from studio_reservations import jobs
from studio_reservations.database import transaction
from studio_reservations.models import IdempotencyRecord, JobRun, SessionReservation
from studio_reservations.pass_types import Status
from studio_reservations.workers import HealingScheduler
from tests import factories, host
from tests.host import Clock
from tests.nights.night import NIGHT

pytestmark = [  # what rq-scheduler calls
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Version 0.22.0. of crontab:FutureWarning"),
]

SOON = (jobs.Timed(name="nights", cron="* * * * * * *", function="studio_reservations.jobs.tick"),)


@pytest.fixture
def clock() -> Clock:
    return Clock(NIGHT)


@pytest.fixture
def app(database_url: str, clock: Clock, redis_url: str) -> Iterator[Flask]:
    app = host.create_app(database_url, clock=clock, config={"STUDIO_REDIS_URL": redis_url})
    with app.app_context():
        yield app
    host.dispose_engines(app)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def waiting(redis: Redis) -> Queue:
    return Queue("studio", connection=redis)


@pytest.fixture
def scheduler(waiting: Queue) -> HealingScheduler:
    return HealingScheduler(jobs.TIMETABLE, waiting=waiting, interval=10)


ENTRIES = {"studio-nights", "studio-send_reminders", "studio-deliver_outbox"}


def _scheduled(scheduler: Scheduler) -> set[str]:
    return {job.id for job in scheduler.get_jobs()}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "lose",
    [
        lambda redis: redis.zrem(Scheduler.scheduled_jobs_key, "studio-nights"),
        lambda redis: redis.delete(Scheduler.scheduled_jobs_key),
        lambda redis: redis.delete("rq:job:studio-nights"),
        lambda redis: redis.flushall(),
    ],
    ids=["an entry", "the key", "a job's hash", "everything"],
)
def test_what_redis_loses_is_back_at_the_next_look(app: Flask, redis: Redis, scheduler: HealingScheduler, lose):
    scheduler.enqueue_jobs()
    assert _scheduled(scheduler) == ENTRIES

    lose(redis)
    scheduler.enqueue_jobs()

    assert _scheduled(scheduler) == ENTRIES


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_that_redis_loses_while_it_is_looked_at_is_back_at_the_next_look(
    app: Flask, redis: Redis, scheduler: HealingScheduler
):
    scheduler.enqueue_jobs()
    [looked_at] = [job for job in scheduler.get_jobs() if job.id == "studio-nights"]
    redis.flushall()

    scheduler.enqueue_job(looked_at)
    scheduler.enqueue_jobs()

    assert _scheduled(scheduler) == ENTRIES


def test_an_entry_that_the_timetable_changed_or_dropped(redis: Redis, waiting: Queue, scheduler: HealingScheduler):
    scheduler.enqueue_jobs()
    scheduler.cron("0 0 * * *", "portal.jobs.backup", id="backup")
    changed = jobs.Timed(name="nights", cron="*/7 * * * *", function="studio_reservations.jobs.tick")

    HealingScheduler([changed], waiting=waiting, interval=10).enqueue_jobs()

    assert {job.id: job.meta["cron_string"] for job in scheduler.get_jobs()} == {
        "studio-nights": "*/7 * * * *",
        "backup": "0 0 * * *",
    }


def test_nothing_piles_up_while_nobody_works(redis: Redis, waiting: Queue):
    scheduler = HealingScheduler(SOON, waiting=waiting, interval=1)
    scheduler.enqueue_jobs()
    for _ in range(3):
        redis.zadd(Scheduler.scheduled_jobs_key, {"studio-nights": 1})  # its time has come
        scheduler.enqueue_jobs()

    assert waiting.job_ids == ["studio-nights"]
    assert _scheduled(scheduler) == {"studio-nights"}


def test_a_tick_puts_each_studio_that_is_due_into_the_queue_once_and_a_worker_runs_its_night(
    app: Flask, waiting: Queue, clock: Clock
):
    with transaction() as session:
        due = factories.make_studio(session)
        factories.make_studio(session, timezone="Pacific/Apia", now=NIGHT)  # its first night is not yet
        held = factories.make_pass(session, factories.make_customer(session, due), due)
        over = factories.make_session(session, factories.make_class(session, due), starts_at=NIGHT - timedelta(hours=9))
        missed = factories.make_reservation(session, held, over).id
        studio_id = due.id

    assert jobs.tick() == 1
    assert jobs.tick() == 0
    assert waiting.job_ids == [f"studio-night-{studio_id}"]

    job = Job.fetch(waiting.job_ids[0], connection=waiting.connection)
    assert job.perform() == {"detect_no_shows": {"no_shows": 1}}
    job.delete()  # as a worker does

    with transaction() as session:
        reservation = session.get_one(SessionReservation, missed)
        assert reservation.status == Status.NO_SHOW
        assert [run.state for run in session.scalars(select(JobRun))] == ["SUCCEEDED"]
    assert jobs.tick() == 0
    clock.advance(hours=1)
    assert jobs.tick() == 1


def test_a_night_forgets_answers_that_nobody_asks_for_again(app: Flask, clock: Clock):
    with transaction() as session:
        studio_id = factories.make_studio(session).id
        for hours in (24, 23):
            session.add(
                IdempotencyRecord(
                    **dict.fromkeys(("principal", "method", "path", "body_hash"), "…"),
                    key=f"{hours} hours old",
                    status=201,
                    headers=[],
                    body=b"",
                    created_at=clock() - timedelta(hours=hours),
                )
            )

    jobs.run_night(str(studio_id))

    with transaction() as session:
        assert session.scalars(select(IdempotencyRecord.key)).all() == ["23 hours old"]


def test_a_night_whose_worker_died_is_put_into_the_queue_again(app: Flask, waiting: Queue):
    with transaction() as session:
        studio_id = factories.make_studio(session).id
    jobs.tick()
    job = Job.fetch(f"studio-night-{studio_id}", connection=waiting.connection)
    waiting.remove(job)
    job.set_status(JobStatus.STARTED)
    with waiting.connection.pipeline() as pipeline:
        execution = Execution.create(job, worker_name="dead", ttl=90, pipeline=pipeline)
        pipeline.execute()
    assert jobs.tick() == 0

    waiting.connection.delete(execution.key)  # as it runs out
    for told in ("enqueued_at", "started_at", "last_heartbeat"):
        waiting.connection.hset(job.key, told, "2026-01-01T00:00:00.000000Z")

    assert jobs.tick() == 1
    assert waiting.job_ids == [job.id]


def test_a_night_that_failed_is_put_into_the_queue_again(app: Flask, waiting: Queue):
    with transaction() as session:
        factories.make_studio(session)
    jobs.tick()
    [job_id] = waiting.job_ids
    job = Job.fetch(job_id, connection=waiting.connection)
    waiting.remove(job)
    job.set_status(JobStatus.FAILED)

    assert jobs.tick() == 1
