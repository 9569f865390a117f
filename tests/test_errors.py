"""Codes are public and permanent: each is documented, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import NamedTuple

import pytest

from studio_reservations.errors import AdvanceLimitReached, ReservationRefused, StudioError, error_classes
from studio_reservations.wording import CATALOGUE

PAGE = Path(__file__).parents[1] / "docs" / "developers" / "error-codes.md"


class Row(NamedTuple):
    status: int
    meaning: str
    values: frozenset[str]
    what_to_do: str


def documented() -> dict[str, Row]:
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            code, status, meaning, values, what_to_do = cells
            assert code not in rows
            rows[code.strip("`")] = Row(int(status), meaning, frozenset(re.findall(r"`(\w+)`", values)), what_to_do)
    return rows


def test_every_code_is_documented_with_its_status_and_no_other_is() -> None:
    assert {code: row.status for code, row in documented().items()} == {
        code: error.status for code, error in error_classes().items()
    }


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    for row in documented().values():
        assert row.meaning.endswith(".")
        assert row.what_to_do.endswith(".")


@pytest.mark.parametrize("code", error_classes())
def test_the_values_of_a_code_are_those_documented(code: str) -> None:
    in_docstring = set(re.findall(r"``(\w+)``", error_classes()[code].__doc__ or "")) - {"confirm"}
    in_sentences = {
        name
        for key, wording in CATALOGUE.items()
        if key.partition(".")[0] == code
        for variant in wording.variants
        for _, name, _, _ in Formatter().parse(variant)
        if name
    }
    if error_classes()[code].__doc__ == StudioError.__doc__:
        in_docstring = set()

    values = documented()[code].values

    assert in_docstring <= values
    assert in_sentences <= values


def test_codes_are_names_of_their_own() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in error_classes())
    assert len(set(error_classes().values())) == len(error_classes())


def test_a_refusal_is_a_409_that_carries_its_values() -> None:
    refused = AdvanceLimitReached(limit=3, used=3)

    assert isinstance(refused, ReservationRefused)
    assert (refused.code, refused.status, refused.values) == ("advance_limit_reached", 409, {"limit": 3, "used": 3})
    assert str(refused) == "advance_limit_reached {'limit': 3, 'used': 3}"


def test_every_refusal_of_the_rules_is_a_409() -> None:
    refusals = [error for error in error_classes().values() if issubclass(error, ReservationRefused)]

    assert {error.status for error in refusals} == {409}
