"""Two workers at one night: the tables of one."""

from __future__ import annotations

from collections import Counter
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, select

from studio_reservations.models import JobRun, ReservationHistory
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.policies.due import NIGHTLY
from studio_reservations.services.nights import running
from tests import factories
from tests.nights.night import NIGHT, Night


@pytest.mark.concurrency
@pytest.mark.parametrize("job", [job.name for job in NIGHTLY])
def test_two_sweeps_at_once_do_each_thing_once(engine: Engine, job: str):
    with Night(engine) as night:
        factories.make_policy(night.db_session, night.studio, deduct_punch_on_no_show=True, max_no_shows=1)
        for number in range(20):
            registration = night.held(max_advance_reservations=None)
            night.reserve(registration, night.over(hours=5 + number % 7))
            night.reserve(registration, night.over(hours=5 + number % 5), Status.CHECKED_IN)
            night.no_show(registration)
            night.reserve(registration, night.coming(days=1 + number % 3))
        night.db_session.commit()

        _at_once(lambda: night.sweep(job, batch=4))

        acts = night._all(select(ReservationHistory))
        assert set(Counter((act.subject_id, act.action) for act in acts).values()) <= {1}
        assert len(acts) == {"detect_no_shows": 40, "cancel_futures": 20, "enforce_suspensions": 20}.get(job, 0)
        assert not any(night.sweep(job).values())


@pytest.mark.concurrency
def test_two_workers_that_find_the_same_night_run_it_once(engine: Engine):
    with Night(engine) as night:
        night.reserve(night.held(), night.over())
        night.db_session.commit()
        claimed: list[object] = []

        def work() -> None:
            claimed.append(
                running.run_next(
                    opened=night.opened,
                    studio_id=night.studio.id,
                    clock=lambda: NIGHT,
                    pass_types=installed_pass_types(),
                )
            )

        _at_once(work)

        assert sorted(one is None for one in claimed) == [False, True]
        [run] = night._all(select(JobRun))
        assert (run.state, run.attempts, run.counts) == ("SUCCEEDED", 1, {"no_shows": 1})


def _at_once(work) -> None:
    barrier = Barrier(2)
    failures: list[BaseException] = []

    def run() -> None:
        barrier.wait()
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
