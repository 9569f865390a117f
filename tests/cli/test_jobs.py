"""What an operator sees of the nights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from studio_reservations.database import reading, transaction
from studio_reservations.models import SessionReservation
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
    assert "detect_no_shows" in result.output


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
