"""What an operator sees of the nights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import func, select

from studio_reservations.cli import run_job
from studio_reservations.database import reading, transaction
from studio_reservations.models import ClassRegistration, OutboxMessage, SessionReservation, Studio
from studio_reservations.services.nights.running import sweep
from studio_reservations.services.nights.runs import claim, latest_runs
from tests import factories, host
from tests.host import Clock
from tests.nights.night import NIGHT

FIVE = NIGHT + timedelta(hours=4)


@pytest.fixture
def clock() -> Clock:
    return Clock(FIVE)


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    app = host.create_app(database_url, clock=clock)
    with app.app_context():
        with transaction() as session:
            studio = factories.make_studio(session, slug="clay")
            held = factories.make_pass(session, factories.make_customer(session, studio), studio)
            over = factories.make_session(
                session, factories.make_class(session, studio), starts_at=NIGHT - timedelta(hours=9)
            )
            factories.make_reservation(session, held, over)
            factories.make_studio(session, slug="yoga", timezone="Pacific/Apia")
        yield app
    host.dispose_engines(app)


def _run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["studio", *arguments])


def _status() -> str:
    with reading() as session:
        return session.scalars(select(SessionReservation.status)).one()


def test_a_job_says_what_it_did_studio_by_studio(app: Flask):
    result = _run(app, "run-job", "detect_no_shows")

    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["clay", "2026-12-02", "05:00", "America/Toronto", "1", "no", "shows"] in lines
    assert ["yoga", "2026-12-02", "23:00", "Pacific/Apia", "nothing"] in lines
    assert _status() == "NO_SHOW"


def test_a_dry_run_says_the_same_and_changes_nothing(app: Flask):
    result = _run(app, "run-job", "detect_no_shows", "--studio", "clay", "--dry-run")

    assert "1 no shows" in result.output
    assert "yoga" not in result.output
    assert _status() == "PENDING"
    assert "never" in _run(app, "jobs").output


def test_the_future_can_be_rehearsed_only(app: Flask):
    refused = _run(app, "run-job", "detect_no_shows", "--as-of", "2026-12-03T06:00")
    rehearsed = _run(app, "run-job", "detect_no_shows", "--as-of", "2026-12-03T06:00", "--dry-run")

    assert refused.exit_code == 2
    assert "--as-of is in the future" in refused.output
    assert "1 no shows" in rehearsed.output
    assert _status() == "PENDING"


def test_a_sweep_as_of_the_past_does_what_was_due_then(app: Flask):
    before = (NIGHT - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M")

    assert "nothing" in _run(app, "run-job", "detect_no_shows", "--studio", "clay", "--as-of", before).output
    assert _status() == "PENDING"


def test_a_job_whose_predecessor_has_not_succeeded_is_refused(app: Flask):
    result = _run(app, "run-job", "cancel_futures", "--studio", "clay")

    assert result.exit_code == 1
    assert "not run: detect_no_shows has not succeeded for 2026-12-02" in result.output
    assert "done" not in result.output


def test_an_unknown_studio_is_told(app: Flask):
    result = _run(app, "run-job", "lift_suspensions", "--studio", "claay")

    assert result.exit_code == 1
    assert "There is no studio 'claay'." in result.output


def test_jobs_shows_the_last_and_the_next_night_of_each(app: Flask):
    _run(app, "run-job", "detect_no_shows", "--studio", "clay")

    lines = [line for line in _run(app, "jobs").output.splitlines() if line.startswith("clay")]

    assert "2026-12-02 SUCCEEDED" in lines[0]
    assert "1 no shows" in lines[0]
    assert "2026-12-03 01:00 America/Toronto" in lines[0]
    assert "never" in lines[1]
    assert "2026-12-02 02:00 America/Toronto (overdue)" in lines[1]


def test_a_rehearsal_of_several_batches_tells_what_the_job_then_does(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_job, "sweep", partial(sweep, batch=1))
    with transaction() as session:
        held = session.scalars(select(ClassRegistration)).one()
        held.sessions_remaining = 1
        studio = session.get_one(Studio, held.studio_id)
        factories.make_policy(session, studio, deduct_punch_on_no_show=True)
        other = factories.make_session(
            session, factories.make_class(session, studio), starts_at=NIGHT - timedelta(hours=12)
        )
        factories.make_reservation(session, held, other)
    asked = ("run-job", "detect_no_shows", "--studio", "clay", "--as-of", f"{FIVE:%Y-%m-%dT%H:%M}")

    rehearsed = _run(app, *asked, "--dry-run").output
    done = _run(app, *asked).output

    assert "1 flagged, 2 no shows, 1 punches charged" in rehearsed
    assert rehearsed.splitlines()[-1] == done.splitlines()[-1]


@pytest.fixture
def coming(app: Flask) -> None:
    """Let somebody in each of two studios be reminded of tomorrow, and a pass of theirs end in a week."""
    with transaction() as session:
        for studio in session.scalars(select(Studio)):
            held = factories.make_pass(
                session,
                factories.make_customer(session, studio),
                studio,
                now=FIVE - timedelta(days=30),
                valid_until=date(2026, 12, 6),
            )
            tomorrow = factories.make_session(
                session, factories.make_class(session, studio), starts_at=FIVE + timedelta(hours=20)
            )
            factories.make_reservation(session, held, tomorrow, now=FIVE - timedelta(days=3))


def _told(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    head = next(line for line in lines if line.startswith("studio  "))
    at = head.index("what it")
    return {line.split()[0]: line[at:] for line in lines[lines.index(head) + 1 :]}


def _messages() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


@pytest.mark.usefixtures("coming")
def test_reminders_are_rehearsed_and_written_studio_by_studio(app: Flask):
    all_of_them = {"clay": "1 pass_expiring, 1 reminder", "yoga": "1 pass_expiring, 1 reminder"}
    all_of_them = {studio: told.replace("_", " ") for studio, told in all_of_them.items()}

    assert _told(_run(app, "run-job", "send_reminders", "--dry-run")) == all_of_them
    assert _messages() == 0
    assert _told(_run(app, "run-job", "send_reminders", "--studio", "yoga")) == {"yoga": all_of_them["yoga"]}
    assert _messages() == 2
    assert _told(_run(app, "run-job", "send_reminders")) == {"clay": all_of_them["clay"], "yoga": "nothing"}


@pytest.mark.usefixtures("coming")
def test_reminders_as_of_another_instant_are_never_of_what_has_begun_or_ended_since(app: Flask, clock: Clock):
    later = ("run-job", "send_reminders", "--as-of", f"{FIVE:%Y-%m-%dT%H:%M}")
    early = f"{FIVE - timedelta(days=1):%Y-%m-%dT%H:%M}"

    assert set(_told(_run(app, "run-job", "send_reminders", "--dry-run", "--as-of", early)).values()) == {
        "1 pass expiring"
    }
    clock.advance(hours=20)
    assert set(_told(_run(app, *later, "--dry-run")).values()) == {"1 pass expiring"}
    clock.advance(days=5)
    assert set(_told(_run(app, *later)).values()) == {"nothing"}
    assert _messages() == 0


@pytest.mark.usefixtures("coming")
def test_a_rehearsal_of_the_outbox_tells_what_is_due_by_channel_and_sends_nothing(app: Flask):
    _run(app, "run-job", "send_reminders", "--studio", "clay")

    due = _told(_run(app, "run-job", "deliver_outbox", "--dry-run"))

    assert due == {"clay": "2 email waiting for a mail server", "yoga": "nothing"}
    assert _told(_run(app, "run-job", "deliver_outbox", "--dry-run", "--studio", "yoga")) == {"yoga": "nothing"}
    real = _run(app, "run-job", "deliver_outbox")
    assert "2 expanded" in real.output
    assert "every studio" in real.output
    refused = _run(app, "run-job", "deliver_outbox", "--studio", "clay")
    assert (refused.exit_code, "for its --dry-run" in refused.output) == (2, True)


def test_a_night_under_way_is_not_overdue(app: Flask):
    with transaction() as session:
        studio = session.scalars(select(Studio).where(Studio.slug == "clay")).one()
        claim(session, studio_id=studio.id, now=FIVE)

    lines = [line for line in _run(app, "jobs").output.splitlines() if line.startswith("clay")]

    assert lines[0].endswith("under way")
    assert lines[1].endswith("(overdue)")


def test_of_each_job_the_last_night_alone_is_read(app: Flask, clock: Clock):
    for _ in range(3):
        _run(app, "run-job", "detect_no_shows", "--studio", "clay")
        clock.advance(days=1)

    with reading() as session:
        assert [run.business_date for run in latest_runs(session).values()] == [date(2026, 12, 4)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_timetable_that_is_not_there_is_a_sentence(database_url: str, clock: Clock):
    lost = host.create_app(database_url, clock=clock, config={"STUDIO_TIMETABLE": "house.timetable:TIMETABLE"})

    result = _run(lost, "jobs")

    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: STUDIO_TIMETABLE names 'house.timetable:TIMETABLE', which")
    host.dispose_engines(lost)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_setting_is_a_sentence_at_every_command(database_url: str, clock: Clock):
    def start() -> Flask:
        return host.create_app(database_url, clock=clock, config={"STUDIO_REDIS_URL": "foo"})

    result = CliRunner().invoke(FlaskGroup(create_app=start), ["studio", "jobs"])

    assert (result.exit_code, result.output) == (
        1,
        "Error: STUDIO_REDIS_URL must start with redis://, rediss:// or unix://, not 'foo'.\n",
    )
