"""A pass type under watch: every answer is asked for twice and held against the contract; a fault is named, never contained.

Source: rules.md §4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from studio_reservations import pass_type_answers as answers
from studio_reservations.errors import PassTypeUnavailable, ReservationRefused, error_classes
from studio_reservations.pass_type_registry import Health, InstalledPassType
from studio_reservations.pass_types import (
    Candidate,
    Event,
    Figure,
    HeldPass,
    HeldReservation,
    Issue,
    PassType,
    Purchase,
    Remaining,
    Status,
)
from studio_reservations.sentences import sentence_of
from studio_reservations.wording import OF_A_PLUGIN

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
COUNT = "a whole number of 0 or more"
T = TypeVar("T")


class ContractBroken(AssertionError):
    """The pass type does what its contract does not allow; the text names the method, the answer and what was expected."""


def broken(text: str) -> NoReturn:
    """:raises ContractBroken: with ``text`` and where the contract is written."""
    raise ContractBroken(f"{text} (rules.md §4)")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a call: the ``answer``, or the ``refusal``."""

    answer: Any = None
    refusal: ReservationRefused | None = None

    @property
    def compared(self) -> str:
        return repr(self.answer if self.refusal is None else (self.refusal.code, self.refusal.values))

    def __str__(self) -> str:
        return f"refused with {self.refusal}" if self.refusal is not None else f"returned {self.answer!r}"


class JudgedPassType(InstalledPassType):
    """An installed pass type whose faults raise `ContractBroken` where a portal would contain them."""

    __slots__ = ()

    @classmethod
    def of(cls, pass_type: PassType | type[PassType]) -> JudgedPassType:
        """Return the pass type, given as an instance or as its class, under watch. :raises ContractBroken:"""
        given: type[Any] = pass_type if isinstance(pass_type, type) else type(pass_type)
        try:
            plugin = answers.made(given)
        except (Exception, SystemExit) as error:
            raise ContractBroken(f"{given.__name__} cannot be loaded: {error} (rules.md §4)") from error
        # Its clock stands still: a busy machine is no fault of the plugin's.
        return cls(plugin, "the test kit", health=Health(clock=lambda: 0.0))

    @property
    def name(self) -> str:
        """The class's name, with which a fault is named."""
        return type(self.plugin).__name__

    def allow_issue(self, purchase: Purchase) -> None:
        """Return quietly, or raise the plugin's refusal. :raises ContractBroken:"""
        self._allow("allow_issue", purchase, timezone=purchase.timezone)
        super().allow_issue(purchase)

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Return the counters of a new pass. :raises ContractBroken:"""
        self._fits("issue", (options,), answers.issue, f"an Issue, each of its counters {COUNT}, or None")
        return super().issue(options)

    def people(self, options: Mapping[str, Any]) -> int | None:
        """Return how many people may use one pass. :raises ContractBroken:"""
        self._fits("people", (options,), answers.people, "a whole number of 1 or more, or None")
        return super().people(options)

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Return quietly, or raise the plugin's refusal. :raises ContractBroken:"""
        self._allow("allow_reservation", held, session, timezone=session.timezone)
        super().allow_reservation(held, session)

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Return what ``event`` costs. :raises ContractBroken:"""
        if held.sessions_remaining is not None:
            self._fits("punches_for", (event, held, session), answers.count, COUNT, shown=event.name)
        return super().punches_for(event, held, session)

    def exclusive_steps(self, held: HeldPass) -> bool:
        """Return whether each step takes one live reservation only. :raises ContractBroken:"""
        self._fits("exclusive_steps", (held,), lambda answer: answers.of(bool, answer), "True or False")
        return super().exclusive_steps(held)

    def dependents(self, held: HeldPass, lost: HeldReservation) -> tuple[UUID, ...]:
        """Return the PENDING reservations that fall with ``lost``. :raises ContractBroken:"""
        pending = {one.id for one in held.reservations if one.status is Status.PENDING and one.id != lost.id}

        def check(answer: Any) -> None:
            if not pending.issuperset(answers.of(tuple, answer)):
                raise answers.Nonsense(answer)

        self._fits("dependents", (held, lost), check, "a tuple of ids of other PENDING reservations of the pass")
        return super().dependents(held, lost)

    def remaining(self, held: HeldPass) -> Remaining:
        """Return what the pass still gives. :raises ContractBroken:"""
        expected = f"a Remaining, each of its numbers {COUNT}, or None, and its unit a word such as 'session'"
        answer = self._fits("remaining", (held,), answers.remaining, expected)
        left = held.sessions_remaining
        if left is not None and (answer.available is None or answer.available > left):
            self._wrong("remaining", answer, f"available to be at most the {left} that are left on the pass")
        if not answer.unit:
            self._wrong("remaining", answer, expected)
        return super().remaining(held)

    def figures(self, held: HeldPass, *, language: str | None = None) -> tuple[Figure, ...]:
        """Return what people read beside the balance. :raises ContractBroken:"""
        expected = (
            "a tuple of Figures, each with a key in snake_case, a label, and a text, number, date or None to show"
        )
        answer = self._fits("figures", (held,), answers.figures, expected)
        keys = [one.key for one in answer]
        if len(set(keys)) != len(keys) or not all(one.label for one in answer):
            self._wrong("figures", answer, f"{expected}; each key once")
        return super().figures(held, language=language)

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return the plugin's own status fields. :raises ContractBroken:"""
        self._fits("status_fields", (held,), answers.json_object, "a dict of JSON values with texts as keys")
        return super().status_fields(held)

    def _fits(
        self, method: str, values: tuple[Any, ...], check: Callable[[Any], T], expected: str, *, shown: str = ""
    ) -> T:
        outcome = self._asked(method, values, shown=shown)
        if outcome.refusal is not None:
            broken(f"{self.name}.{method}({shown}) {outcome}; expected {expected}: only allow_… methods refuse")
        try:
            return check(outcome.answer)
        except (TypeError, ValueError):
            self._wrong(method, outcome.answer, expected, shown=shown)

    def _allow(self, method: str, *values: Any, timezone: str) -> None:
        outcome = self._asked(method, values)
        if outcome.refusal is not None:
            self._check_refusal(outcome.refusal, timezone=timezone)
        elif outcome.answer is not None:
            self._wrong(method, outcome.answer, "None, or a ReservationRefused raised")

    def _asked(self, method: str, values: tuple[Any, ...], *, shown: str = "") -> _Outcome:
        """Ask the plugin, and then a fresh one of its class, over the same values."""
        before = repr(values)
        outcome = self._outcome(self.plugin, method, values, shown)
        again = self._outcome(type(self.plugin)(), method, values, shown)
        if repr(values) != before:
            broken(
                f"{self.name}.{method}({shown}) changed the values that it was given; expected them left as they are"
            )
        if outcome.compared != again.compared:
            broken(
                f"{self.name}.{method}({shown}) {outcome}, and asked again over the same values it {again}; "
                "expected the same answer, by the values alone"
            )
        return outcome

    def _outcome(self, plugin: PassType, method: str, values: tuple[Any, ...], shown: str) -> _Outcome:
        try:
            return _Outcome(answer=getattr(plugin, method)(*values))
        except ReservationRefused as refusal:
            return _Outcome(refusal=refusal)
        except (Exception, SystemExit) as error:
            raise ContractBroken(
                f"{self.name}.{method}({shown}) raised {answers.told(error)}; expected an answer, or a ReservationRefused "
                "raised by an allow_… method (rules.md §4)"
            ) from error

    def _contained(self, what: str, call: Callable[[], T], *, may_refuse: bool = False) -> T:
        """Let the portal's own wall have the last word: what it would contain is a fault too."""
        try:
            return super()._contained(what, call, may_refuse=may_refuse)
        except PassTypeUnavailable as unavailable:
            cause = unavailable.__cause__
            told = answers.told(cause) if cause is not None else "it is unavailable"
            raise ContractBroken(f"{self.name}.{what} cannot be used: {told} (rules.md §4)") from cause

    def _wrong(self, method: str, answer: Any, expected: str, *, shown: str = "") -> NoReturn:
        broken(f"{self.name}.{method}({shown}) returned {answer!r}; expected {expected}")

    def _check_refusal(self, refusal: ReservationRefused, *, timezone: str) -> None:
        kind = type(refusal).__name__
        code: object = refusal.code
        if not isinstance(code, str) or SNAKE_CASE.fullmatch(code) is None or code == ReservationRefused.code:
            broken(f"{kind}.code is {code!r}; expected a name of its own in snake_case, such as 'not_this_week'")
        ours = error_classes().get(code)
        if ours is not None and not isinstance(refusal, ours):
            broken(f"{kind}.code is {code!r}, which belongs to {ours.__name__}; expected a name of its own")
        try:
            answers.check_refusal(refusal)
        except (TypeError, ValueError) as error:
            broken(f"{kind} cannot be answered: {error}; expected a status from 400 to 499 and values that are JSON")
        if ours is not None:
            return
        english = refusal.sentence or ""
        sentences = {"sentence": english} | {
            f"sentence in {language!r}": words[english]
            for language, words in self.plugin.translations.items()
            if english in words
        }
        for named, sentence in sentences.items():
            check_sentence(sentence, refusal.values, named=f"{kind}.{named}")
        if sentence_of(refusal, timezone=timezone) == OF_A_PLUGIN:
            broken(f"{kind}.sentence cannot be filled with {refusal.values!r}; expected plain names in braces")


def check_sentence(sentence: Any, values: Mapping[str, Any], *, named: str) -> None:
    """:raises ContractBroken: for what is no sentence, or names a value that is not among ``values``."""
    if not (isinstance(sentence, str) and sentence.strip()):
        broken(f"{named} is {sentence!r}; expected a sentence for the customer")
    for name in names_in(sentence, named=named):
        if values.get(name) in (None, ""):
            broken(f"{named} names {{{name}}}, which has no value; expected names among the values {sorted(values)}")


def names_in(sentence: str, *, named: str) -> set[str]:
    """Return the names in braces. :raises ContractBroken: where the braces do not match."""
    try:
        return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}
    except ValueError as error:
        broken(f"{named} cannot be read: {error}; expected plain names in braces, such as {{limit}}")
