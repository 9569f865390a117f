"""What the page on testing pass types shows is so: its code runs, its message is given, its table is whole."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest

from config.processes import ROOT
from studio_reservations import testing
from studio_reservations.testing import ContractBroken, PassTypeContract

PAGE = (ROOT / "docs" / "developers" / "testing-pass-types.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Run the page's code, from top to bottom."""
    module = ModuleType("shown_on_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec("\n".join(blocks("python")), module.__dict__)
    return module


def test_the_pass_type_of_the_page_keeps_the_contract(shown):
    shown.TestKilnPass.lives = 3
    for name in dir(PassTypeContract):
        if name.startswith("test_"):
            getattr(shown.TestKilnPass(), name)()
    shown.test_a_long_firing_costs_two()


def test_a_fault_reads_as_the_page_says(shown):
    shown.KilnPass.punches_for = lambda *_: -1

    with pytest.raises(ContractBroken) as broken:
        shown.TestKilnPass().test_it_answers_whatever_the_pass_looks_like()

    assert blocks("text")[0].strip() == str(broken.value)


def test_every_check_and_every_builder_is_on_the_page():
    checks = {name for name in dir(PassTypeContract) if name.startswith("test_")}

    assert set(re.findall(r"^\| `(test_\w+)` \|", PAGE, re.MULTILINE)) == checks
    assert {
        name
        for name in testing.__all__
        if not (name in PAGE or name in ("JudgedPassType", "TIMEZONE", "ContractBroken"))
    } == set()
