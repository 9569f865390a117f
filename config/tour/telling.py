"""Prints each step with what came back, and remembers what was not as told."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import Any

from config.tour.client import Answer

WIDTH = 112
CODE = 28
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GREEN, RED, BOLD, FAINT, PLAIN = (
    ("\033[32m", "\033[31m", "\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else [""] * 5
)


class Telling:
    """The story so far."""

    def __init__(self) -> None:
        self.steps = 0
        self.failures: list[str] = []
        self.refusals: set[str] = set()

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        print(f"\n{BOLD}{title}{PLAIN}\n{'─' * len(title)}", flush=True)

    def note(self, text: str) -> None:
        """Say something beside the steps."""
        print(textwrap.fill(text, WIDTH, initial_indent="      ", subsequent_indent="      "), flush=True)

    def step(self, what: str, answer: Answer, status: int, word: str | None = None, /, **told: Any) -> Answer:
        """Tell a step: ``status`` must have come back, with ``word`` as its code or state, and with the values ``told``.

        The names of ``told`` are paths into the answer, with ``__`` for the dot.
        """
        wrong = [] if answer.status == status else [f"expected {status}"]
        if word is not None and answer.word != word:
            wrong.append(f"expected {word}")
        values = {name.replace("__", "."): value for name, value in told.items()}
        found = {name: _found(answer, name) for name in values}
        wrong += [f"expected {name} {value}" for name, value in values.items() if found[name] != value]
        if answer.status >= 400 and answer.word:
            self.refusals.add(answer.word)
        self._print(what, wrong, f"{answer.status} {answer.word}", _sentence(answer, found))
        return answer

    def check(self, what: str, came: str, *, right: bool, said: str = "") -> None:
        """Tell a step that is more than one answer."""
        self._print(what, [] if right else ["expected otherwise"], came, said)

    def broken(self, chapter: str, error: Exception) -> None:
        """Tell of a chapter that could not go on."""
        self._print(f"{chapter} could not go on", [f"{type(error).__name__}: {error}"], "", "")

    def end(self) -> bool:
        """Print the count; return whether all was as told."""
        bad = len(self.failures)
        counted = f"{self.steps} steps, {self.steps - bad} as told, {bad} not"
        print(f"\n{RED if bad else GREEN}{BOLD}{counted}. {len(self.refusals)} different refusals.{PLAIN}")
        for failure in self.failures:
            print(f"  {failure}")
        return not bad

    def _print(self, what: str, wrong: list[str], came: str, said: str) -> None:
        self.steps += 1
        sign = f"{RED}✗" if wrong else f"{GREEN}✓"
        print(f"{FAINT}{self.steps:>4}{PLAIN}  {sign}{PLAIN} {what}")
        indent = " " * 8
        lines = textwrap.wrap(said, WIDTH - CODE - len(indent)) or [""]
        print(f"{indent}{came:<{CODE}}{lines[0]}".rstrip())
        for line in lines[1:]:
            print(f"{indent}{'':<{CODE}}{line}")
        if wrong:
            self.failures.append(f"{self.steps} {what}: {'; '.join(wrong)}")
            print(f"{indent}{RED}{'; '.join(wrong)}{PLAIN}")
        sys.stdout.flush()


def _found(answer: Answer, path: str) -> Any:
    try:
        return answer[path]
    except (KeyError, IndexError, TypeError):
        return None


def _sentence(answer: Answer, found: dict[str, Any]) -> str:
    if "detail" in answer.body and answer.status >= 400:
        return str(answer["detail"])
    return ", ".join(f"{name.replace('_', ' ').replace('.', ' ')} {_plain(value)}" for name, value in found.items())


def _plain(value: Any) -> str:
    return (
        {True: "yes", False: "no", None: "none"}.get(value, str(value))
        if isinstance(value, bool | None)
        else str(value)
    )
