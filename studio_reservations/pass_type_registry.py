"""How pass types are found, and how a faulty one is contained: it costs its own passes a refusal, and nobody else anything.

Source: rules.md §4.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from studio_reservations import pass_type_answers as answers
from studio_reservations.errors import InvalidRequest, PassTypeUnavailable, ReservationRefused
from studio_reservations.pass_type_forms import form_of
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
from studio_reservations.sentences import translated

DISTRIBUTION = "studio-reservations"
ENTRY_POINT_GROUP = "studio_reservations.pass_types"
BUDGET = 0.05
"""Seconds that one question may take; it is measured, not cut short."""
SLOW_IN_A_ROW = 3
REST = 60.0
"""Seconds for which a pass type is not asked after it was slow that often in a row."""
FORGIVEN_AFTER = 50
"""Good answers in a row to the question that went wrong, after which the fault is over: more than one look at all passes asks."""
T = TypeVar("T")
log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Health:
    """How a pass type has done in this process: what was last wrong with it and when, and until when it rests for being slow.

    ``clock`` measures seconds, ``now`` tells instants.
    """

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _utc_now
    fault: str | None = None
    fault_in: str | None = None
    fault_at: datetime | None = None
    right_at: datetime | None = None
    right_in_a_row: int = 0
    slow_in_a_row: int = 0
    rests_until: float = 0.0

    def wrong(self, what: str, fault: str) -> None:
        """Note what was wrong with the answer to a question."""
        self.fault, self.fault_in, self.fault_at, self.right_in_a_row = fault, what, self.now(), 0

    def right(self, what: str) -> None:
        """Note a good answer; enough of them in a row where it last went wrong, and that is over."""
        self.right_at = self.now()
        if what == self.fault_in:
            self.right_in_a_row += 1
            if self.right_in_a_row >= FORGIVEN_AFTER:
                self.fault = self.fault_in = self.fault_at = None

    def told(self, *, timezone: str) -> str | None:
        """Return what was last wrong, with when that was and when it was last right; None where nothing is."""
        if self.fault is None or self.fault_at is None:
            return self.fault
        wrong, right = (
            None if one is None else f"{one.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S}"
            for one in (self.fault_at, self.right_at)
        )
        return f"{self.fault} (last wrong at {wrong}, last right {f'at {right}' if right else 'never'}, {timezone})"

    def took(self, seconds: float, what: str) -> str | None:
        """Note how long a question took; return what to say of that where it was too long."""
        if seconds <= BUDGET:
            self.slow_in_a_row = 0
            return None
        self.slow_in_a_row += 1
        fault = f"{what} took {seconds * 1000:.0f} ms; it has {BUDGET * 1000:.0f} ms"
        if self.slow_in_a_row >= SLOW_IN_A_ROW:
            self.slow_in_a_row = 0
            self.rests_until = self.clock() + REST
            fault += f", and was slow {SLOW_IN_A_ROW} times in a row: it is not asked for {REST:.0f} s"
        return fault


@dataclass(frozen=True, slots=True)
class InstalledPassType:
    """A pass type behind a wall: what it raises or returns wrongly becomes `PassTypeUnavailable`, logged once a call.

    ``source`` says where it was found, ``package`` and ``version`` in what, where it came in an installed package.
    """

    plugin: PassType
    source: str
    package: str | None = None
    version: str | None = None
    health: Health = field(default_factory=Health, compare=False)

    @property
    def key(self) -> str:
        """The plugin's key."""
        return self.plugin.key

    @property
    def label(self) -> str:
        """The name that people see."""
        return self.plugin.label

    @property
    def rank(self) -> int:
        """Its place when the best pass is chosen."""
        return self.plugin.rank

    def say(self, text: str, *, language: str | None = None) -> str:
        """Return a text of the plugin's (a label, a unit) in ``language``, or as it is where it has no translation."""
        return translated(text, self.plugin.translations, language)

    def form(self, *, language: str | None = None) -> list[dict[str, Any]]:
        """Return the fields in which staff choose its options; see `form_of`. :raises PassTypeUnavailable:"""

        def described() -> list[dict[str, Any]]:
            fields = form_of(self.plugin.Options, say=partial(self.say, language=language))
            answers.check_sendable(fields)
            return fields

        return self._contained("Options", described)

    def validated_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options with their defaults, as JSON values.

        :raises InvalidRequest: naming each wrong field as ``pass_options.<field>``.
        :raises PassTypeUnavailable:
        """
        outcome = self._contained("Options", lambda: self._validated(options))
        if isinstance(outcome, InvalidRequest):
            raise outcome
        return outcome

    def allow_issue(self, purchase: Purchase) -> None:
        """Return quietly, or raise the plugin's refusal. :raises PassTypeUnavailable:"""
        allow: Callable[[Purchase], object] = self.plugin.allow_issue
        self._contained("allow_issue", lambda: answers.nothing(allow(purchase)), may_refuse=True)

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Return the counters of a new pass. :raises PassTypeUnavailable:"""
        return self._contained("issue", lambda: answers.issue(self.plugin.issue(options)))

    def people(self, options: Mapping[str, Any]) -> int | None:
        """Return how many people may use one pass, its holder included. :raises PassTypeUnavailable:"""
        return self._contained("people", lambda: answers.people(self.plugin.people(options)))

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Return quietly, or raise the plugin's refusal. :raises PassTypeUnavailable:"""
        allow: Callable[[HeldPass, Candidate], object] = self.plugin.allow_reservation
        self._contained("allow_reservation", lambda: answers.nothing(allow(held, session)), may_refuse=True)

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Return what ``event`` costs; an uncounted pass costs nothing. :raises PassTypeUnavailable:"""
        if held.sessions_remaining is None:
            return 0
        return self._contained("punches_for", lambda: answers.count(self.plugin.punches_for(event, held, session)))

    def exclusive_steps(self, held: HeldPass) -> bool:
        """Return whether each step takes one live reservation only. :raises PassTypeUnavailable:"""
        return self._contained("exclusive_steps", lambda: answers.of(bool, self.plugin.exclusive_steps(held)))

    def dependents(self, held: HeldPass, lost: HeldReservation) -> tuple[UUID, ...]:
        """Return the PENDING reservations that fall with ``lost``. :raises PassTypeUnavailable:"""
        pending = {one.id for one in held.reservations if one.status is Status.PENDING and one.id != lost.id}

        def falling() -> tuple[UUID, ...]:
            return tuple(one for one in answers.of(tuple, self.plugin.dependents(held, lost)) if one in pending)

        return self._contained("dependents", falling)

    def remaining(self, held: HeldPass) -> Remaining:
        """Return what the pass still gives. :raises PassTypeUnavailable:"""
        return self._contained("remaining", lambda: answers.remaining(self.plugin.remaining(held)))

    def figures(self, held: HeldPass, *, language: str | None = None) -> tuple[Figure, ...]:
        """Return what people read beside the balance, in ``language``. :raises PassTypeUnavailable:"""

        def said(one: Figure) -> Figure:
            words = self.plugin.translations
            return replace(
                one, label=translated(one.label, words, language), value=translated(one.value, words, language)
            )

        return tuple(
            said(one) for one in self._contained("figures", lambda: answers.figures(self.plugin.figures(held)))
        )

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return the plugin's own status fields. :raises PassTypeUnavailable:"""
        return self._contained("status_fields", lambda: answers.json_object(self.plugin.status_fields(held)))

    def _contained(self, what: str, call: Callable[[], T], *, may_refuse: bool = False) -> T:
        health = self.health
        began, good = health.clock(), True
        if began < health.rests_until:
            raise PassTypeUnavailable(pass_type=self.key)
        try:
            try:
                try:
                    return call()
                finally:
                    slow = health.took(health.clock() - began, what)
            except ReservationRefused as refusal:
                if not may_refuse:
                    raise answers.Nonsense(f"a question is answered, not refused with {refusal}") from refusal
                answers.check_refusal(refusal)
                refusal.translations = self.plugin.translations
                raise
        except ReservationRefused:
            raise
        except (Exception, SystemExit) as error:
            log.exception("pass type %s (%s) failed in %s", self.key, self.source, what)
            good = False
            health.wrong(what, f"{what}: {answers.told(error)}")
            raise PassTypeUnavailable(pass_type=self.key) from error
        finally:
            if slow:
                log.warning("pass type %s (%s) is slow: %s", self.key, self.source, slow)
            if good and slow:
                health.wrong(what, slow)
            elif good:
                health.right(what)

    def _validated(self, options: Mapping[str, Any]) -> dict[str, Any] | InvalidRequest:
        try:
            text = json.dumps(dict(options), default=str)
            return answers.json_object(self.plugin.Options.model_validate_json(text).model_dump(mode="json"))
        except ValidationError as error:
            wrong = {".".join(["pass_options", *map(str, one["loc"])]): one["msg"] for one in error.errors()}
            return InvalidRequest(errors=answers.json_object(wrong))


class PassTypes:
    """The pass types of one portal by key, with what is wrong with those that could not be loaded."""

    def __init__(self, installed: Iterable[InstalledPassType], *, faults: Mapping[str, str] | None = None) -> None:
        self._by_key = {one.key: one for one in installed}
        self.faults = dict(faults or {})

    def __iter__(self) -> Iterator[InstalledPassType]:
        return iter(self._by_key.values())

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def find(self, key: str) -> InstalledPassType | None:
        """Return the pass type of that key, or None where it is missing or faulty."""
        return self._by_key.get(key)

    def get(self, key: str) -> InstalledPassType:
        """Return the pass type of that key. :raises PassTypeUnavailable: where it is missing or faulty."""
        try:
            return self._by_key[key]
        except KeyError:
            raise PassTypeUnavailable(pass_type=key) from None

    def fault_of(self, key: str, *, timezone: str | None = None) -> str | None:
        """Return what staff read is wrong with a pass type: not found, not loadable, or what it last did in this process.

        With a ``timezone`` it says when that was.
        """
        if (found := self.find(key)) is not None:
            return found.health.fault if timezone is None else found.health.told(timezone=timezone)
        return self.faults.get(key) or f"No installed package and no setting brings a pass type {key!r}."


@cache
def installed_pass_types(dotted_names: tuple[str, ...] = ()) -> PassTypes:
    """Find the pass types of the installed packages' entry points and of ``dotted_names`` (``package.module:Class``).

    A key that two of them use belongs to the first: ours, then the other packages', then the settings'.
    What cannot be loaded is among the faults, and the portal starts without it.
    """
    found: dict[str, InstalledPassType] = {}
    faults: dict[str, str] = {}
    sources: list[tuple[str, str, Callable[[], Any], EntryPoint | None]] = [
        (one.name, f"entry point {one.value}", one.load, one)
        for one in sorted(entry_points(group=ENTRY_POINT_GROUP), key=_ours_first)
    ]
    sources += [(name, f"setting {name}", partial(_by_dotted_name, name), None) for name in dotted_names]
    for name, source, load, entry_point in sources:
        try:
            plugin = answers.made(load())
            rival = found.get(plugin.key)
            if rival is None:
                dist = entry_point.dist if entry_point is not None else None
                found[plugin.key] = InstalledPassType(
                    plugin, source, package=dist.name if dist else None, version=dist.version if dist else None
                )
            elif type(rival.plugin) is not type(plugin):
                raise answers.Nonsense(f"the key {plugin.key!r} is taken by {rival.source}")
        except (Exception, SystemExit) as error:
            faults[name] = f"{source}: {answers.told(error)}"
            log.warning("pass type %s cannot be loaded: %s", name, faults[name])
            log.debug("pass type %s", name, exc_info=True)
    return PassTypes(found.values(), faults=faults)


def _ours_first(one: EntryPoint) -> tuple[bool, str, str]:
    """Order entry points so that a key of ours is not taken by another package that happens to use it."""
    return one.dist is None or one.dist.name != DISTRIBUTION, one.name, one.value


def _by_dotted_name(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
