"""Who runs which night: in order, once, taken over when cut off, caught up when missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from studio_reservations.models import JobRun
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.pass_types import Status
from studio_reservations.policies.due import NIGHTLY
from studio_reservations.services.nights import running, runs
from studio_reservations.services.nights.sweeps import Counts
from tests import factories
from tests.host import Clock
from tests.nights.night import NIGHT, Cut, Night, cut_after

ORDER = [job.name for job in NIGHTLY]


@pytest.fixture
def clock() -> Clock:
    return Clock(NIGHT)


def _run_due(night: Night, clock: Callable[[], datetime]) -> list[tuple[str, date]]:
    night.db_session.commit()
    done = running.run_due(
        opened=night.opened, studio_id=night.studio.id, clock=clock, pass_types=installed_pass_types()
    )
    return [(mine.job, mine.dates[-1]) for mine, _ in done]


def _run_next(night: Night, clock: Callable[[], datetime], **options):
    night.db_session.commit()
    return running.run_next(
        opened=night.opened, studio_id=night.studio.id, clock=clock, pass_types=installed_pass_types(), **options
    )


def _runs(night: Night) -> list[JobRun]:
    return night._all(select(JobRun).order_by(JobRun.business_date, JobRun.job))


def _marked(night: Night) -> set[tuple[str, date, str]]:
    return {(run.job, run.business_date, run.state) for run in _runs(night)}


def test_each_job_runs_at_its_hour_after_its_predecessor(night: Night, clock: Clock):
    night.reserve(night.held(), night.over())
    today = date(2026, 12, 2)

    assert _run_due(night, clock) == [("detect_no_shows", today)]
    clock.advance(minutes=59)
    assert _run_due(night, clock) == []
    clock.advance(minutes=1)
    assert _run_due(night, clock) == [("cancel_futures", today)]
    clock.advance(hours=2)
    assert _run_due(night, clock) == [("enforce_suspensions", today), ("lift_suspensions", today)]
    assert _run_due(night, clock) == []

    [detected, *_] = [run for run in _runs(night) if run.job == "detect_no_shows"]
    assert (detected.state, detected.attempts, detected.counts) == ("SUCCEEDED", 1, {"no_shows": 1})
    assert (detected.as_of, detected.finished_at) == (NIGHT, NIGHT)


def test_a_job_waits_for_a_predecessor_that_failed_and_the_night_is_tried_again(night: Night, clock: Clock):
    night.reserve(night.held(), night.over())
    clock.advance(hours=3)

    with pytest.raises(Cut):
        _run_next(night, clock, watcher=cut_after(0))
    [failed] = _runs(night)
    assert (failed.job, failed.state, failed.error) == ("detect_no_shows", "FAILED", "Cut: ")

    assert [job for job, _ in _run_due(night, clock)] == ORDER
    assert {(run.job, run.attempts) for run in _runs(night)} == {(job, 1 + (job == ORDER[0])) for job in ORDER}


def test_nobody_runs_what_somebody_runs(night: Night, clock: Clock):
    night.db_session.commit()
    mine = night.opened(lambda session: runs.claim(session, studio_id=night.studio.id, now=clock()))
    assert mine is not None

    clock.advance(minutes=10, seconds=-1)
    assert _run_next(night, clock) is None

    clock.advance(seconds=1)
    taken_over = _run_next(night, clock)
    assert taken_over is not None
    assert (taken_over[0].run_id, taken_over[0].attempt) == (mine.run_id, 2)
    with pytest.raises(runs.RunLost):
        night.opened(lambda session: runs.beat(session, mine, counts=Counts(), now=clock()))


def test_a_run_that_was_taken_over_writes_nothing_more(night: Night, clock: Clock):
    late = night.reserve(night.held(), night.over())

    def overtaken(progress: running.Progress) -> None:
        if progress.done == 0:
            night.opened(lambda session: session.execute(update(JobRun).values(attempts=2)))

    assert _run_next(night, clock, watcher=overtaken) is None
    assert night.row(late).status == "PENDING"


def test_five_missed_nights_are_one_sweep_at_the_real_instant_and_each_is_marked(night: Night, clock: Clock):
    clock.advance(hours=3)
    _run_due(night, clock)
    missed = night.reserve(night.held(), night.session(NIGHT + timedelta(hours=10)))
    clock.advance(days=5, hours=6)

    _run_due(night, clock)

    row = night.row(missed)
    assert (row.no_show_at, row.grace_ends_at) == (clock.now, clock.now + timedelta(hours=24))
    days = [date(2026, 12, day) for day in (2, 3, 4, 5, 6, 7)]
    assert _marked(night) == {(job, day, "SUCCEEDED") for job in ORDER for day in days}
    swept = [run for run in _runs(night) if run.job == "detect_no_shows" and date(2026, 12, 2) < run.business_date]
    assert [run.counts for run in swept] == [{"swept_on": "2026-12-07"}] * 4 + [{"no_shows": 1}]
    assert {run.as_of for run in swept} == {clock.now}


def test_what_a_night_that_was_cut_off_had_counted_stays_counted(night: Night, clock: Clock):
    registration = night.held(max_advance_reservations=None)
    for hours in (5, 6, 7):
        night.reserve(registration, night.over(hours=hours))
    with pytest.raises(Cut):
        _run_next(night, clock, watcher=cut_after(2), batch=1)
    clock.advance(days=1)

    _run_due(night, clock)

    detected = [(run.business_date.day, run.counts) for run in _runs(night) if run.job == "detect_no_shows"]
    assert detected == [(2, {"no_shows": 2, "swept_on": "2026-12-03"}), (3, {"no_shows": 1})]


def test_a_late_chain_goes_on_only_as_far_as_its_predecessor_came(night: Night, clock: Clock):
    clock.advance(hours=3)
    _run_due(night, clock)
    clock.now = datetime(2026, 12, 7, 6, 30, tzinfo=UTC)  # 01:30 in Toronto

    assert _run_due(night, clock) == [
        ("detect_no_shows", date(2026, 12, 7)),
        ("cancel_futures", date(2026, 12, 6)),
        ("enforce_suspensions", date(2026, 12, 6)),
        ("lift_suspensions", date(2026, 12, 6)),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("timezone", "first"),
    [
        ("America/New_York", date(2026, 10, 30)),
        ("America/New_York", date(2027, 3, 12)),
        ("Europe/London", date(2026, 10, 23)),
        ("Europe/London", date(2027, 3, 26)),
        ("Australia/Lord_Howe", date(2026, 10, 2)),
        ("Australia/Lord_Howe", date(2027, 4, 2)),
        ("Pacific/Apia", date(2026, 12, 1)),
        ("Pacific/Honolulu", date(2026, 12, 1)),
    ],
)
def test_each_job_runs_once_for_each_local_date_in_order_whatever_the_clocks_do(engine, timezone: str, first: date):
    clock = Clock(datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(hours=4))
    with Night(engine, timezone=timezone) as night:
        night.studio.created_at = clock.now
        ran = []
        for _ in range(3 * 24 * 2):  # a look every half hour, three days long
            ran += _run_due(night, clock)
            clock.advance(minutes=30)

    days = sorted({day for _, day in ran})
    assert days == [days[0] + timedelta(days=one) for one in range(len(days))]
    assert first + timedelta(days=2) in days
    complete = [(job, day) for day in days for job in ORDER]
    assert ran == complete[: len(ran)]
    assert len(ran) > len(complete) - len(ORDER)


def _populated(night: Night) -> None:
    """Add work for each of the four jobs, in several batches."""
    factories.make_policy(night.db_session, night.studio, deduct_punch_on_no_show=True, max_no_shows=1)
    for hours in range(5, 17):
        session = night.over(hours=hours)
        for _ in range(3):
            registration = night.held(punches=2, max_advance_reservations=None)
            night.reserve(registration, session)
            night.reserve(registration, session, Status.CHECKED_IN, guest_name="A friend")
            night.no_show(registration)
            night.reserve(registration, night.coming())
    for _ in range(5):
        factories.make_suspension(
            night.db_session, night.customer(), night.studio, now=NIGHT - timedelta(days=9), ends_on=date(2026, 11, 30)
        )
    night.db_session.commit()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("batches", [1, 2, 3, 5, 8])
def test_killed_between_batches_and_run_again_the_tables_are_those_of_one_clean_run(engine, tmp_path, batches: int):
    clock = Clock(NIGHT + timedelta(hours=3))
    with Night(engine) as night:
        _populated(night)
        clean = night.copied(tmp_path / "clean.sqlite")
        assert [job for job, _ in _run_due(clean, clock)] == ORDER

        cuts = 0
        while cuts < 100:
            try:
                if _run_next(night, clock, watcher=cut_after(batches), batch=7) is None:
                    break
            except Cut:
                cuts += 1

    assert cuts > 0
    assert night.tables() == clean.tables()
    counts = [[(run.job, run.counts) for run in _runs(one)] for one in (night, clean)]
    assert counts[0] == counts[1]
    assert {run.state for run in _runs(night)} == {"SUCCEEDED"}
    clean.engine.dispose()
