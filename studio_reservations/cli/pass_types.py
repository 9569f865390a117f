"""``flask studio pass-types | new-pass-type``: the kinds of pass that the portal has, and the beginning of another."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

import click
from flask.cli import with_appcontext

from studio_reservations.cli.tables import show_table
from studio_reservations.database import reading
from studio_reservations.pass_type_answers import is_name
from studio_reservations.pass_type_registry import DISTRIBUTION, InstalledPassType
from studio_reservations.pass_types import CONTRACT_VERSION
from studio_reservations.services.pass_type_census import Counted, count_pass_types
from studio_reservations.state import current_state

HEAD = ("pass type", "label", "from", "contract", "passes")
LONGEST_NAME = 30


@click.command("pass-types")
@click.option("--check", is_flag=True, help="Exit with 1 where something is wrong.")
@with_appcontext
def pass_types_command(check: bool) -> None:
    """Show the pass types: where each comes from, how many passes use it, and what is wrong with it.

    Each is asked about the latest of its passes, so that what it does wrong comes to light here.
    """
    state = current_state()
    with reading() as db_session:
        counted = count_pass_types(db_session, pass_types=state.pass_types, now=state.clock())
    show_table(HEAD, [_row(one) for one in counted])
    wrong = [one for one in counted if one.fault is not None]
    for one in wrong:
        click.echo(f"\n{one.key}: {one.fault}{_consequence(one)}")
    if check and wrong:
        raise click.exceptions.Exit(1)


@click.command("new-pass-type")
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write it; default: a directory of the package's name, here.",
)
@with_appcontext
def new_pass_type_command(name: str, directory: Path | None) -> None:
    """Write a package with a pass type of your own, NAME such as `kiln_pass`: installable, typed and tested."""
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    if not is_name(key) or len(key) > LONGEST_NAME:
        raise click.UsageError(
            f"{name!r} is no name for a pass type: take words of at most {LONGEST_NAME} letters together, such as kiln_pass."
        )
    if (taken := current_state().pass_types.find(key)) is not None:
        raise click.ClickException(f"There is a pass type {key} already, from {_source(taken)}: choose another name.")
    distribution = f"studio-{key.replace('_', '-')}"
    target = directory if directory is not None else Path(distribution)
    if target.exists() and any(target.iterdir()):
        raise click.ClickException(f"{target} is not empty: name another directory with --directory.")
    words = {
        "key": key,
        "label": key.replace("_", " ").capitalize(),
        "class_name": "".join(word.capitalize() for word in key.split("_")),
        "module": f"studio_{key}",
        "distribution": distribution,
        "contract": str(CONTRACT_VERSION),
        "version": version(DISTRIBUTION),
    }
    for path, template in {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{words['module']}/__init__.py": "module.py",
        f"{words['module']}/py.typed": None,
        f"tests/test_{key}.py": "test.py",
    }.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_filled(template, words) if template is not None else "", encoding="utf-8")
    click.echo(f"{target}: a pass type {key}. Next:\n\n  cd {target}\n  pip install -e '.[test]'\n  pytest")


def _filled(template: str, words: dict[str, str]) -> str:
    text = files("studio_reservations.cli").joinpath("new_pass_type", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _row(one: Counted) -> tuple[str, ...]:
    if one.found is None:
        return one.key, "–", "not loaded" if one.passes == 0 else "missing", "–", str(one.passes)
    return one.key, one.found.label, _source(one.found), str(one.found.plugin.contract), str(one.passes)


def _source(found: InstalledPassType) -> str:
    return f"{found.package} {found.version}" if found.package is not None else found.source


def _consequence(one: Counted) -> str:
    if one.found is not None or one.passes == 0:
        return ""
    passes = "1 pass" if one.passes == 1 else f"{one.passes} passes"
    return f" Nothing new can be reserved with {passes}; what is reserved can still be checked in."
