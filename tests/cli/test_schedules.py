"""``flask studio import-schedule``: what an operator sees, and what the tables then hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from studio_reservations.models import ClassSession, Rollout, Studio
from tests.factories import make_studio
from tests.host import db

SCHEDULES = Path(__file__).parents[2] / "config" / "schedules"
MAPPING = """
studio = "north"
studio_name = "North Studio"
timezone = "America/Toronto"
capacity = 12
external_ref = ["title", "date", "start"]
[columns]
title = "Title"
[start]
date = "Day"
time = "From"
[end]
time = "To"
"""
ROWS = "Title,Day,From,To\nClay,2026-03-07,10:00,12:00\nGlaze,2026-03-08,02:30,04:00\nRaku,2026-03-09,10:00\n"


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Callable[..., Result]:
    """Run the command on rows and a mapping written to files."""

    def invoke(
        rows: str = ROWS,
        *options: str,
        mapping: str = MAPPING,
        typed: str | None = None,
        file: str | Path | None = None,
    ) -> Result:
        (tmp_path / "schedule.csv").write_text(rows, encoding="utf-8")
        (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
        paths = [str(file or tmp_path / "schedule.csv"), "--mapping", str(tmp_path / "mapping.toml")]
        result = app.test_cli_runner().invoke(args=["studio", "import-schedule", *paths, *options], input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def titles_and_times(app: Flask) -> list[tuple[str | None, str]]:
    with app.app_context():
        found = db.session.execute(select(ClassSession.external_ref, ClassSession.starts_at))
        return [(row.external_ref, f"{row.starts_at:%Y-%m-%d %H:%M}") for row in found]


def counts(result: Result) -> dict[str, int]:
    return {
        match[1]: int(match[2]) for match in re.finditer(r"^([A-Z][a-z, ]+?) {2,}(\d+)$", result.stdout, re.MULTILINE)
    }


def test_good_rows_are_kept_and_bad_ones_told_with_line_and_reason(app, run):
    result = run(ROWS, "--yes")

    assert result.exit_code == 0
    assert "Line 3: 2026-03-08 02:30 does not exist in America/Toronto: the clocks go forward then." in result.stdout
    assert "Line 4: The row is too short: 3 of 4 columns." in result.stdout
    assert counts(result) == {
        "Sessions created": 1,
        "Sessions updated": 0,
        "Sessions unchanged": 0,
        "Classes created": 1,
        "Classes updated": 0,
        "Conflicts, left as they are": 0,
        "No longer in the file": 0,
        "Bad rows, left out": 2,
    }
    assert titles_and_times(app) == [("north:Clay/2026-03-07/10:00", "2026-03-07 15:00")]


def test_the_studio_is_made_with_its_rollout_off(app, run):
    result = run(ROWS, "--yes")

    assert "Studio 'north' was created; its rollout is OFF." in result.stdout
    with app.app_context():
        studio = db.session.scalars(select(Studio)).one()
        assert (studio.slug, studio.name, studio.timezone) == ("north", "North Studio", "America/Toronto")
        assert studio.rollout == Rollout.OFF


def test_the_operator_is_asked_before_a_studio_is_made(app, run):
    refused = run(ROWS, typed="n\n")
    assert "There is no studio 'north'. Create it, in America/Toronto?" in refused.stdout
    assert (refused.exit_code, titles_and_times(app)) == (1, [])

    assert run(ROWS, typed="y\n").exit_code == 0
    assert len(titles_and_times(app)) == 1


def test_a_second_run_changes_nothing_and_a_vanished_session_is_told(app, run):
    run(ROWS, "--yes")
    again = run(ROWS)
    assert (counts(again)["Sessions created"], counts(again)["Sessions unchanged"]) == (0, 1)

    other = run("Title,Day,From,To\nRaku,2026-03-09,10:00,12:00\n")
    assert "No longer in the file: north:Clay/2026-03-07/10:00, 2026-03-07 10:00, seats taken: 0" in other.stdout
    assert len(titles_and_times(app)) == 2


def test_a_dry_run_tells_and_writes_nothing(app, run):
    result = run(ROWS, "--dry-run")

    assert result.exit_code == 0
    assert counts(result)["Sessions created"] == 1
    assert "Studio 'north' would be created" in result.stdout
    assert result.stdout.endswith("Dry run: nothing was written.\n")
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Studio)) == 0


@pytest.mark.parametrize(
    ("rows", "mapping", "sentence"),
    [
        ("Title,Day\nClay,2026-03-07\n", MAPPING, "schedule.csv has no column 'From', 'To'"),
        ("", MAPPING, "schedule.csv has no header row."),
        (
            "Title,Day,From,To\nClay,soon,10:00,12:00\n",
            MAPPING,
            "No row of schedule.csv can be used (1 are bad). Line 2",
        ),
        (ROWS, "studio = [", "is not valid TOML"),
        (ROWS, MAPPING.replace("Toronto", "Torronto"), "is not an IANA time zone"),
    ],
)
def test_an_unusable_file_or_mapping_is_one_sentence_and_nothing_is_written(app, run, rows, mapping, sentence):
    result = run(rows, "--yes", mapping=mapping)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert sentence in result.stderr
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Studio)) == 0


def test_a_studio_in_another_zone_is_refused(app, run):
    with app.app_context():
        make_studio(db.session(), slug="north", timezone="Europe/Berlin")
        db.session.commit()

    result = run(ROWS)
    assert result.exit_code == 1
    assert "The mapping says America/Toronto, but the studio 'north' lives in Europe/Berlin." in result.stderr


def test_a_missing_file_is_one_sentence(run, tmp_path):
    result = run(ROWS, file=tmp_path / "none.csv")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_the_toronto_excerpt_is_imported_with_the_shipped_mapping(app, run):
    mapping = (SCHEDULES / "toronto.toml").read_text(encoding="utf-8")
    result = run("", "--yes", file=SCHEDULES / "toronto_excerpt.csv", mapping=mapping)

    assert (result.exit_code, counts(result)["Sessions created"], counts(result)["Bad rows, left out"]) == (0, 900, 0)
    assert ("toronto:861/92252/2025-12-28/23:30", "2025-12-29 04:30") in titles_and_times(app)
