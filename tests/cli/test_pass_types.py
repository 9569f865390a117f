"""``flask studio pass-types`` and ``new-pass-type``."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from config.processes import ROOT
from studio_reservations.database import transaction
from studio_reservations.models import Role
from studio_reservations.pass_type_registry import installed_pass_types
from studio_reservations.services.tokens import create_token
from tests import factories, host
from tests.api.client import Api
from tests.host import Clock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MYPY = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"))
"""Strict, and with what it knows of our own modules since they were last checked."""

OURS = f"studio-reservations {version('studio-reservations')}"


@pytest.fixture
def portal(database_url: str, clock: Clock) -> Iterator[Callable[..., Flask]]:
    """Return what makes a portal with pass types named in its settings; what they did in other tests is forgotten."""
    made: list[Flask] = []

    def make(*pass_types: str) -> Flask:
        installed_pass_types.cache_clear()
        made.append(host.create_app(database_url, clock=clock, config={"STUDIO_PASS_TYPES": pass_types}))
        return made[-1]

    yield make
    installed_pass_types.cache_clear()
    for app in made:
        host.dispose_engines(app)


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["studio", *words])


def issue(app: Flask, *pass_types: str) -> None:
    with app.app_context(), transaction() as session:
        studio = factories.make_studio(session)
        for one in pass_types:
            factories.make_pass(
                session,
                factories.make_customer(session, studio),
                studio,
                pass_type=one,
                sessions_included=3,
                sessions_remaining=3,
            )


def rows(result: Result) -> dict[str, str]:
    table = result.output.partition("\n\n")[0]
    return {line.split()[0]: " ".join(line.split()[1:]) for line in table.splitlines()[1:]}


def test_each_pass_type_is_shown_with_where_it_is_from_and_how_many_passes_use_it(portal):
    app = portal("tests.plugins.one_a_day:OneADay")
    issue(app, "punch_pass", "punch_pass", "one_a_day")

    result = run(app, "pass-types", "--check")

    assert result.exit_code == 0, result.output
    assert rows(result) == {
        "unlimited_series": f"Unlimited series {OURS} 1 0",
        "full_course": f"Full course {OURS} 1 0",
        "drop_in": f"Drop-in {OURS} 1 0",
        "one_a_day": "One a day setting tests.plugins.one_a_day:OneADay 1 1",
        "punch_pass": f"Punch pass {OURS} 1 2",
    }


def test_one_that_is_missing_though_passes_use_it_is_named_with_what_follows(portal):
    app = portal()
    issue(app, "kiln_pass", "kiln_pass")

    told = run(app, "pass-types")

    assert told.exit_code == 0
    assert rows(told)["kiln_pass"] == "– missing – 2"
    assert (
        "kiln_pass: No installed package and no setting brings a pass type 'kiln_pass'. "
        "Nothing new can be reserved with 2 passes; what is reserved can still be checked in."
    ) in told.output
    assert run(app, "pass-types", "--check").exit_code == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no_such_module:KilnPass", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("tests.plugins.one_a_day:KilnPass", "AttributeError: module 'tests.plugins.one_a_day' has no attribute"),
        ("tests.plugins.one_a_day:time", "is not a subclass of studio_reservations.pass_types.PassType"),
    ],
)
def test_one_that_cannot_be_loaded_is_shown_with_the_reason(portal, name, why):
    result = run(portal(name), "pass-types", "--check")

    assert result.exit_code == 1
    assert rows(result)[name] == "– not loaded – 0"
    assert why in result.output


@pytest.mark.parametrize(
    ("name", "why"),
    [("Broken", "one_a_day: remaining: LookupError: the price list is empty"), ("Slow", "one_a_day: remaining took ")],
)
def test_one_that_does_wrong_is_found_out_by_asking_it_about_its_passes(portal, name, why):
    app = portal(f"tests.plugins.one_a_day:{name}")
    assert run(app, "pass-types", "--check").exit_code == 0
    issue(app, "one_a_day")

    result = run(app, "pass-types", "--check")

    assert result.exit_code == 1
    assert rows(result)["one_a_day"] == f"One a day setting tests.plugins.one_a_day:{name} 1 1"
    assert why in result.output


# A pass type of one's own.


@pytest.fixture
def app(portal: Callable[..., Flask]) -> Flask:
    return portal()


def test_a_new_pass_type_is_a_package_whose_tests_pass_and_which_the_linters_like(app, tmp_path):
    target = tmp_path / "studio-kiln-pass"

    result = run(app, "new-pass-type", "Kiln-pass", "--directory", str(target))

    assert result.exit_code == 0, result.output
    assert f"cd {target}" in result.output
    assert sorted(str(one.relative_to(target)) for one in target.rglob("*") if one.is_file()) == [
        "README.md",
        "pyproject.toml",
        "studio_kiln_pass/__init__.py",
        "studio_kiln_pass/py.typed",
        "tests/test_kiln_pass.py",
    ]
    assert 'kiln_pass = "studio_kiln_pass:KilnPass"' in (target / "pyproject.toml").read_text()
    assert not any("$" in one.read_text() for one in target.rglob("*.*"))
    assert "no issues found" in said_in(target, "mypy", *MYPY, "studio_kiln_pass", "tests")
    assert " passed" in said_in(target, "pytest", "-q", "-p", "no:cacheprovider")
    said_in(target, "ruff", "check", "--no-cache", ".")
    said_in(target, "ruff", "format", "--no-cache", "--check", ".")


def test_installed_it_is_issued_reserved_with_and_shown_without_a_line_changed_in_the_portal(
    portal, clock, tmp_path, monkeypatch
):
    run(portal(), "new-pass-type", "kiln_pass", "--directory", str(tmp_path / "kiln"))
    install(tmp_path / "kiln", monkeypatch)
    app = portal()
    with app.app_context(), transaction() as session:
        studio = factories.make_studio(session, slug="clay", now=clock())
        ada = factories.make_customer(session, studio)
        studio_class = factories.make_class(session, studio)
        first, second, third = (
            str(factories.make_session(session, studio_class, starts_at=clock() + timedelta(hours=hours)).id)
            for hours in (24, 28, 48)
        )
        token = create_token(session, name="desk", now=clock(), studio_id=studio.id, role=Role.MANAGER)
        ids: dict[str, Any] = {"customer_id": str(ada.id)}
    desk = Api(app, token=token)

    issued = desk.post(
        "/staff/registrations", **ids, studio="clay", pass_type="kiln_pass", pass_options={"sessions": 2}
    )
    ids["registration_id"] = issued.get_json()["id"]
    answers = [desk.post("/reservations", **ids, session_id=one) for one in (first, second, third)]
    status = desk.get(f"/registrations/{ids['registration_id']}/status").get_json()

    assert [one.status_code for one in answers] == [201, 409, 201]
    assert answers[1].get_json()["code"] == "kiln_pass_one_a_day"
    assert "it has one on Thu 5 March. Choose another day." in answers[1].get_json()["detail"]
    assert (status["pass_label"], status["sessions"]["available"], status["usable"]) == ("Kiln pass", 0, True)
    assert rows(run(app, "pass-types", "--check"))["kiln_pass"] == "Kiln pass studio-kiln-pass 0.1.0 1 1"


def install(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what pip does with a package, for the length of a test: its module on the path, its metadata beside it."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    metadata = package / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    group, entries = next(iter(project["entry-points"].items()))
    lines = "\n".join(f"{name} = {value}" for name, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")
    monkeypatch.syspath_prepend(package)


@pytest.mark.parametrize("name", ["a", "abcdefghijklmnopqrst_uvwxyz_12"])
def test_however_long_its_name_the_linters_like_it(app, tmp_path, name):
    run(app, "new-pass-type", name, "--directory", str(tmp_path / "new"))

    said_in(tmp_path / "new", "ruff", "check", "--no-cache", ".")
    said_in(tmp_path / "new", "ruff", "format", "--no-cache", "--check", ".")


def said_in(directory: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(directory), "STUDIO_PASS_TYPE_LIVES": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("2_a_week", "'2_a_week' is no name for a pass type"),
        ("two/a/week", "'two/a/week' is no name for a pass type"),
        ("x" * 31, "take words of at most 30 letters together"),
        ("punch pass", f"There is a pass type punch_pass already, from {OURS}: choose another name."),
    ],
)
def test_a_name_that_does_not_do_is_refused(app, tmp_path, name, why):
    result = run(app, "new-pass-type", name, "--directory", str(tmp_path / "new"))

    assert result.exit_code in (1, 2)
    assert why in result.output
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(app, tmp_path):
    (tmp_path / "README.md").write_text("My notes")

    result = run(app, "new-pass-type", "kiln_pass", "--directory", str(tmp_path))

    assert result.exit_code == 1
    assert f"{tmp_path} is not empty: name another directory with --directory." in result.output
    assert [one.name for one in tmp_path.iterdir() if one.suffix != ".sqlite"] == ["README.md"]
