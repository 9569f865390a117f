"""How pass types are found, and how a faulty one is contained: it costs its own passes a refusal, and nobody else anything.

Source: rules.md §4.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from studio_reservations.errors import InvalidRequest, PassTypeUnavailable, ReservationRefused
from studio_reservations.pass_types import (
    CONTRACT_VERSION,
    Candidate,
    Event,
    HeldPass,
    HeldReservation,
    Issue,
    PassType,
    Remaining,
    Status,
)
from studio_reservations.settings import SettingsError

DISTRIBUTION = "studio-reservations"
ENTRY_POINT_GROUP = "studio_reservations.pass_types"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
MAX_COUNT = 10_000
T = TypeVar("T")
log = logging.getLogger(__name__)


class _Nonsense(TypeError):
    """The plugin answered something that its contract does not allow."""


@dataclass(frozen=True, slots=True)
class InstalledPassType:
    """A pass type behind a wall: what it raises or returns wrongly becomes `PassTypeUnavailable`, logged once a call."""

    plugin: PassType
    source: str

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

    def validated_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options with their defaults, as JSON values.

        :raises InvalidRequest: naming each wrong field as ``pass_options.<field>``.
        :raises PassTypeUnavailable:
        """
        outcome = self._contained("Options", lambda: self._validated(options))
        if isinstance(outcome, InvalidRequest):
            raise outcome
        return outcome

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Return the counters of a new pass. :raises PassTypeUnavailable:"""
        return self._contained("issue", lambda: _issue(self.plugin.issue(options)))

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Return quietly, or raise the plugin's refusal. :raises PassTypeUnavailable:"""
        self._contained("allow_reservation", lambda: self._allowed(held, session))

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Return what ``event`` costs; an uncounted pass costs nothing. :raises PassTypeUnavailable:"""
        punches = self._contained("punches_for", lambda: _count(self.plugin.punches_for(event, held, session)))
        return punches if held.sessions_remaining is not None else 0

    def exclusive_steps(self, held: HeldPass) -> bool:
        """Return whether each step takes one live reservation only. :raises PassTypeUnavailable:"""
        return self._contained("exclusive_steps", lambda: _of(bool, self.plugin.exclusive_steps(held)))

    def dependents(self, held: HeldPass, lost: HeldReservation) -> tuple[UUID, ...]:
        """Return the PENDING reservations that fall with ``lost``. :raises PassTypeUnavailable:"""
        pending = {one.id for one in held.reservations if one.status is Status.PENDING and one.id != lost.id}
        return self._contained(
            "dependents", lambda: tuple(one for one in _of(tuple, self.plugin.dependents(held, lost)) if one in pending)
        )

    def remaining(self, held: HeldPass) -> Remaining:
        """Return what the pass still gives. :raises PassTypeUnavailable:"""
        return self._contained("remaining", lambda: _remaining(self.plugin.remaining(held)))

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return the plugin's own status fields. :raises PassTypeUnavailable:"""
        return self._contained("status_fields", lambda: _json(self.plugin.status_fields(held)))

    def _allowed(self, held: HeldPass, session: Candidate) -> None:
        allow: Callable[[HeldPass, Candidate], object] = self.plugin.allow_reservation
        answer = allow(held, session)
        if answer is not None:
            raise _Nonsense(f"expected None or a refusal raised, got {answer!r}")

    def _contained(self, what: str, call: Callable[[], T]) -> T:
        try:
            try:
                return call()
            except ReservationRefused as refusal:
                _check_refusal(refusal)
                raise
        except ReservationRefused:
            raise
        except (Exception, SystemExit) as error:
            log.exception("pass type %s (%s) failed in %s", self.key, self.source, what)
            raise PassTypeUnavailable(pass_type=self.key) from error

    def _validated(self, options: Mapping[str, Any]) -> dict[str, Any] | InvalidRequest:
        try:
            text = json.dumps(dict(options), default=str)
            return _json(self.plugin.Options.model_validate_json(text).model_dump(mode="json"))
        except ValidationError as error:
            return InvalidRequest(
                errors=_json({".".join(["pass_options", *map(str, one["loc"])]): one["msg"] for one in error.errors()})
            )


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


@cache
def installed_pass_types(dotted_names: tuple[str, ...] = ()) -> PassTypes:
    """Find the pass types of the installed packages' entry points and of ``dotted_names`` (``package.module:Class``).

    A key that two of them use belongs to the first: ours, then the other packages', then the settings'.

    :raises SettingsError: for a dotted name that leads nowhere; whatever else is wrong is among the faults.
    """
    found: dict[str, InstalledPassType] = {}
    faults: dict[str, str] = {}
    sources: list[tuple[str, str, Callable[[], Any]]] = [
        (one.name, f"entry point {one.value}", one.load)
        for one in sorted(entry_points(group=ENTRY_POINT_GROUP), key=_ours_first)
    ]
    sources += [(name, f"setting {name}", partial(_by_dotted_name, name)) for name in dotted_names]
    for name, source, load in sources:
        try:
            plugin = _made(load())
            rival = found.get(plugin.key)
            if rival is None:
                found[plugin.key] = InstalledPassType(plugin, source)
            elif type(rival.plugin) is not type(plugin):
                raise _Nonsense(f"the key {plugin.key!r} is taken by {rival.source}")
        except SettingsError:
            raise
        except (Exception, SystemExit) as error:
            log.exception("pass type %s (%s) cannot be loaded", name, source)
            faults[name] = f"{source}: {type(error).__name__}: {error}"
    return PassTypes(found.values(), faults=faults)


def _ours_first(one: EntryPoint) -> tuple[bool, str, str]:
    """Order entry points so that a key of ours is not taken by another package that happens to use it."""
    return one.dist is None or one.dist.name != DISTRIBUTION, one.name, one.value


def _by_dotted_name(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"STUDIO_PASS_TYPES names {name!r}, which cannot be found: {error}.") from error


def _made(cls: Any) -> PassType:
    if not (isinstance(cls, type) and issubclass(cls, PassType)):
        raise _Nonsense(f"{cls!r} is not a subclass of studio_reservations.pass_types.PassType")
    key, label = getattr(cls, "key", None), getattr(cls, "label", None)
    if not _is_name(key):
        raise _Nonsense(f"{cls.__name__}.key must be a name like 'punch_pass', not {key!r}")
    if not (isinstance(label, str) and label):
        raise _Nonsense(f"{cls.__name__}.label must be a text, not {label!r}")
    _check_sendable(label)
    if isinstance(cls.rank, bool) or not isinstance(cls.rank, int):
        raise _Nonsense(f"{cls.__name__}.rank must be a whole number, not {cls.rank!r}")
    options: object = cls.Options
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        raise _Nonsense(f"{cls.__name__}.Options must be a pydantic model, not {options!r}")
    if cls.contract != CONTRACT_VERSION:
        raise _Nonsense(f"{cls.__name__} is made for contract {cls.contract}, this is {CONTRACT_VERSION}")
    return cls()


def _of(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise _Nonsense(f"expected {kind.__name__}, got {value!r}")
    return value


def _is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise _Nonsense(f"expected a whole number from 0 to {MAX_COUNT}, got {value!r}")
    return value


def _issue(value: Any) -> Issue:
    issue = _of(Issue, value)
    for count in (issue.sessions_included, issue.max_advance_reservations):
        if count is not None:
            _count(count)
    _of(bool, issue.requires_sequential_attendance)
    return issue


def _remaining(value: Any) -> Remaining:
    remaining = _of(Remaining, value)
    for count in (remaining.available, remaining.included):
        if count is not None:
            _count(count)
    _check_sendable(_of(str, remaining.unit))
    return remaining


def _json(value: Any) -> dict[str, Any]:
    fields = _of(dict, value)
    _check_sendable(fields)
    return fields


def _check_refusal(refusal: ReservationRefused) -> None:
    if not _is_name(refusal.code) or refusal.code == ReservationRefused.code:
        raise _Nonsense(f"{type(refusal).__name__}.code must be a name of its own, not {refusal.code!r}")
    if refusal.status not in range(400, 500):
        raise _Nonsense(f"{type(refusal).__name__}.status must be from 400 to 499, not {refusal.status!r}")
    _check_sendable(_of(dict, refusal.values), default=_public)


def _check_sendable(value: Any, *, default: Callable[[Any], str] | None = None) -> None:
    """Make the JSON that an answer makes. :raises ValueError: for NaN, and for half a character (a lone surrogate)."""
    json.dumps(value, default=default, ensure_ascii=False, allow_nan=False).encode()


def _public(value: Any) -> str:
    if isinstance(value, UUID | date):
        return str(value)
    raise _Nonsense(f"the values of a refusal are JSON values, dates, instants and ids, not {value!r}")
