"""What the README and the installation page say is what is there, and it runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from flask import Flask
from flask_admin import Admin
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import select

import wsgi
from config.processes import ROOT
from config.settings import settings
from studio_reservations.database import transaction
from studio_reservations.models import Studio
from studio_reservations.settings import Settings
from tests import factories

README = ROOT / "README.md"
RUNNING = ROOT / "docs" / "operators" / "running.md"
INSTALL = ROOT / "docs" / "developers" / "install.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [README, INSTALL], ids=lambda page: page.name)
def test_the_lines_that_install_it_are_those_of_the_portal(page):
    portal = [line.strip() for line in (ROOT / "wsgi.py").read_text().splitlines()]
    quoted = [line for line in blocks_of(page, "python")[0].splitlines() if line]

    assert len(quoted) == 3
    imported = quoted[0].removeprefix("from studio_reservations import ").split(", ")
    assert any(
        line.startswith("from studio_reservations import ") and set(imported) <= names_in(line) for line in portal
    )
    assert set(quoted[1:]) <= set(portal)


def names_in(line: str) -> set[str]:
    return set(line.partition(" import ")[2].split(", "))


@pytest.mark.parametrize("page", [README, INSTALL], ids=lambda page: page.name)
def test_the_lines_that_install_it_run(page, database_url):
    app, db = Flask("a_portal_of_somebody"), SQLAlchemy()
    app.config.from_mapping(SECRET_KEY="not a secret", SQLALCHEMY_DATABASE_URI=database_url)
    db.init_app(app)
    LoginManager(app).user_loader(lambda _: None)
    portal = {"app": app, "db": db, "admin": Admin(app), "user_by_email": lambda _: None}

    exec(blocks_of(page, "python")[0], portal)

    assert app.test_client().get("/api/me").get_json()["code"] == "not_authenticated"
    with app.app_context():
        db.engine.dispose()


def test_the_readmes_commands_exist(app):
    for line in "\n".join(blocks_of(README, "")).splitlines():
        if line.startswith("flask "):
            words = line.removeprefix("flask ").split()
            command = words[: next((at for at, word in enumerate(words) if word.startswith("--")), len(words))]
            answer = app.test_cli_runner().invoke(args=[*command[:3], "--help"])
            assert answer.exit_code == 0, line
            assert all(option in answer.output for option in re.findall(r"--[a-z-]+", line)), line


def test_the_operators_page_runs_as_it_is_written(tmp_path):
    environ = {"SECRET_KEY": "s", "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite'}"}
    portal = wsgi.create_app(settings(environ))
    text = RUNNING.read_text()
    told = ""

    commands = re.findall(r"^flask --app wsgi (.*)$|`flask --app wsgi (studio jobs)`", text, re.MULTILINE)
    for line in (block or inline for block, inline in commands):
        words = shlex.split(line, comments=True)
        if words[1:2] in (["worker"], ["scheduler"]):  # they go on for ever
            words.append("--help")
        if words[1:3] == ["token", "revoke"]:
            words[3] = told.split()[0]
        if words[1:3] == ["customer", "internal"]:
            add_customer(portal, email=words[3])
        answer = portal.test_cli_runner().invoke(args=words, input="a good one\na good one\n")
        assert answer.exit_code == 0, f"{line}: {answer.output}"
        told = answer.output

    browser = portal.test_client()
    owner = {"email": "owner@example.org", "password": "a good one"}
    assert browser.post("/login", data=owner, base_url="https://localhost").status_code == 303
    assert "Open today" in browser.get("/", base_url="https://localhost").text
    with portal.app_context():
        wsgi.db.engine.dispose()


def add_customer(portal: Flask, *, email: str) -> None:
    with portal.app_context(), transaction() as session:
        factories.make_customer(session, session.scalars(select(Studio)).one(), email=email)


def test_the_readmes_targets_exist():
    makefile = (ROOT / "Makefile").read_text()

    for target in re.findall(r"^make (\w+)", "\n".join(blocks_of(README, "")), re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_readmes_test_command_is_what_continuous_integration_runs():
    assert "\nmake test\nmake check\n" in (ROOT / ".ci" / "run").read_text()


def test_every_setting_is_documented_as_it_is():
    documented = dict(re.findall(r"^\| `(STUDIO_\w+)` \| `(.*?)` \|", INSTALL.read_text(), re.MULTILINE))

    assert documented == {key: shown(default) for key, (default, _) in Settings.keys().items()}


def shown(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)


def test_every_setting_has_its_meaning_in_the_table():
    text = INSTALL.read_text()

    assert [meaning for _, meaning in Settings.keys().values() if meaning not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        name, _, heading = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if heading:
            assert heading in headings_of(file), target


def headings_of(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", Markup(one).striptags().lower()).replace(" ", "-") for one in found}
