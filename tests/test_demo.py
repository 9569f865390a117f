"""The demo's world, and the demo and the tour as they are run."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
from sqlalchemy import func, select

import wsgi
from config.processes import ROOT, environment, free_port
from config.seeding import seed
from config.settings import settings
from config.world.names import CLOSED, CUSTOMERS, MAIN
from config.world.schedule import SCHEDULES, move_excerpt
from studio_reservations.models import (
    ClassRegistration,
    ClassSession,
    CustomerSuspension,
    OutboxDelivery,
    SessionReservation,
    Studio,
    SuspensionOrigin,
)

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_excerpt_is_moved_by_whole_weeks_and_keeps_its_hours(tmp_path):
    weeks = move_excerpt(tmp_path / "moved.csv", now=NOW)

    original, moved = rows_of(SCHEDULES / "toronto_excerpt.csv"), rows_of(tmp_path / "moved.csv")
    days = {
        (date.fromisoformat(after[column]) - date.fromisoformat(before[column])).days
        for before, after in zip(original, moved, strict=True)
        for column in ("First Date", "Last Date")
    }
    assert days == {weeks * 7}
    assert min(row["First Date"] for row in moved) == "2026-11-26"  # in the week before
    for before, after in zip(original, moved, strict=True):
        assert {name for name in before if before[name] != after[name]} <= {"First Date", "Last Date", "Date Range"}


def test_the_excerpt_is_moved_over_a_change_of_the_clocks_with_its_hours(tmp_path):
    move_excerpt(tmp_path / "moved.csv", now=datetime(2027, 3, 10, 12, 0, tzinfo=UTC))

    assert {row["Start Hour"] for row in rows_of(tmp_path / "moved.csv")} == {
        row["Start Hour"] for row in rows_of(SCHEDULES / "toronto_excerpt.csv")
    }


def counts_of(directory: Path) -> Counter[str]:
    """Seed a database in ``directory`` and count what the demo shows."""
    directory.mkdir()
    environ = environment(directory)
    seed(directory, environ=environ, now=NOW)
    app = wsgi.create_app(settings(environ))
    by_system = CustomerSuspension.created_by_kind == SuspensionOrigin.SYSTEM.value
    with app.app_context():
        session = wsgi.db.session
        found = Counter(
            {
                **{f"pass {kind}": count for kind, count in session.execute(_counted(ClassRegistration.pass_type))},
                **{
                    f"reservation {status}": count
                    for status, count in session.execute(_counted(SessionReservation.status))
                },
                **{f"{slug} {rollout}": 1 for slug, rollout in session.execute(select(Studio.slug, Studio.rollout))},
                "sessions": session.scalar(select(func.count(ClassSession.id))),
                "users": session.scalar(select(func.count(wsgi.User.id))),
                **{f"delivery {state}": count for state, count in session.execute(_counted(OutboxDelivery.state))},
                "suspended by SYSTEM": session.scalar(select(func.count()).where(by_system)),
                "suspended now by SYSTEM": session.scalar(
                    select(func.count()).where(by_system, CustomerSuspension.ended_at.is_(None))
                ),
                "waived": session.scalar(select(func.count(SessionReservation.waived_at))),
                "explanation that waits": session.scalar(
                    select(func.count()).where(
                        SessionReservation.explained_at.is_not(None),
                        SessionReservation.explanation_answer.is_(None),
                        SessionReservation.auto_cancel_at > NOW,
                    )
                ),
                "overdrawn": session.scalar(select(func.count()).where(ClassRegistration.sessions_remaining < 0)),
            }
        )
    with app.app_context():
        wsgi.db.engine.dispose()
    return found


def _counted(column):
    return select(column, func.count()).group_by(column)


def test_the_demos_world_is_the_same_every_time(tmp_path):
    first, second = counts_of(tmp_path / "first"), counts_of(tmp_path / "second")

    assert first == second
    assert first[f"{MAIN} ON"] == first[f"{CLOSED} OFF"] == 1
    assert first["users"] == len(CUSTOMERS) + 4
    assert first["pass lunar_pass"] == 1
    assert {"pass unlimited_series", "pass punch_pass", "pass full_course", "pass drop_in"} <= set(first)
    assert {"reservation PENDING", "reservation ATTENDED", "reservation NO_SHOW"} <= set(first)
    assert first["reservation AUTO_CANCELLED"] >= 3
    assert first["suspended by SYSTEM"] >= first["suspended now by SYSTEM"] >= 1
    assert first["waived"] == 1
    assert first["explanation that waits"] == 1
    assert first["delivery PARKED"] == 2
    assert first["delivery SENT"] > 40


def test_a_kept_demo_is_seeded_once(tmp_path):
    environ = environment(tmp_path)
    seed(tmp_path, environ=environ, now=NOW)

    assert seed(tmp_path, environ=environ, now=NOW)[-1] == "The demo's people are there already."


def run(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "PORT")},
    )


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_until_it_is_stopped_and_leaves_nothing(end):
    port = free_port()
    with run("config.demo", "--port", str(port)) as demo:
        assert demo.stdout is not None
        told = []
        for line in demo.stdout:
            told.append(line)
            if line.startswith("Ctrl-C"):
                break
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/login", b"email=maya@example.org&password=wheel-and-kiln", FORM)
        status = connection.getresponse().status
        connection.close()
        demo.send_signal(end)
        rest = demo.stdout.read()

    assert status == 303
    assert demo.returncode == 0
    assert rest.strip() == "Stopped."
    made = re.search(r"Making the demo in (\S+)", told[0])
    assert made
    assert not Path(made[1]).exists()
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection("127.0.0.1", port).connect()


@pytest.mark.slow
def test_the_tour_is_as_told():
    with run("config.tour") as tour:
        assert tour.stdout is not None
        told = tour.stdout.read()

    assert tour.returncode == 0, told
    count = re.search(r"\n(\d+) steps, \1 as told, 0 not\.", told)
    assert count
    readme = (ROOT / "README.md").read_text()
    assert f"{count[1]} steps over HTTP" in readme
    quoted = re.search(r"From the tour:\n\n```\n(.*?)```", readme, re.DOTALL)
    assert quoted
    assert set(quoted[1].splitlines()) <= set(told.splitlines())


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
