"""How pass types are found, and how a faulty one is contained: it costs its own passes a refusal, and nobody else anything.

Source: rules.md §4.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

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
)

ENTRY_POINT_GROUP = "studio_reservations.pass_types"
MAX_PUNCHES = 10_000
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
        """
        try:
            return self.plugin.Options.model_validate(dict(options)).model_dump(mode="json")
        except ValidationError as error:
            raise InvalidRequest(
                errors={".".join(["pass_options", *map(str, one["loc"])]): one["msg"] for one in error.errors()}
            ) from error

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Return the counters of a new pass. :raises PassTypeUnavailable:"""
        return self._contained("issue", lambda: _of(Issue, self.plugin.issue(options)))

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Return quietly, or raise the plugin's refusal. :raises PassTypeUnavailable:"""
        self._contained("allow_reservation", lambda: self.plugin.allow_reservation(held, session))

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Return what ``event`` costs; an uncounted pass costs nothing. :raises PassTypeUnavailable:"""
        punches = self._contained("punches_for", lambda: _punches(self.plugin.punches_for(event, held, session)))
        return punches if held.sessions_remaining is not None else 0

    def exclusive_steps(self, held: HeldPass) -> bool:
        """Return whether each step takes one live reservation only. :raises PassTypeUnavailable:"""
        return self._contained("exclusive_steps", lambda: _of(bool, self.plugin.exclusive_steps(held)))

    def dependents(self, held: HeldPass, lost: HeldReservation) -> tuple[UUID, ...]:
        """Return the PENDING reservations that fall with ``lost``. :raises PassTypeUnavailable:"""
        known = {one.id for one in held.reservations}
        fallen = self._contained("dependents", lambda: _of(tuple, self.plugin.dependents(held, lost)))
        return tuple(one for one in fallen if one in known)

    def remaining(self, held: HeldPass) -> Remaining:
        """Return what the pass still gives. :raises PassTypeUnavailable:"""
        return self._contained("remaining", lambda: _of(Remaining, self.plugin.remaining(held)))

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return the plugin's own status fields. :raises PassTypeUnavailable:"""
        return self._contained("status_fields", lambda: _of(dict, self.plugin.status_fields(held)))

    def _contained(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except ReservationRefused:
            raise
        except Exception as error:
            log.exception("pass type %s (%s) failed in %s", self.key, self.source, what)
            raise PassTypeUnavailable(pass_type=self.key) from error


class PassTypes:
    """The pass types of one portal by key, with what is wrong with those that could not be loaded."""

    def __init__(self, installed: Iterable[InstalledPassType], *, faults: Mapping[str, str] | None = None) -> None:
        self._by_key = {one.key: one for one in installed}
        self.faults = dict(faults or {})

    def __iter__(self) -> Iterator[InstalledPassType]:
        return iter(self._by_key.values())

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def get(self, key: str) -> InstalledPassType:
        """Return the pass type of that key. :raises PassTypeUnavailable: where it is missing or faulty."""
        try:
            return self._by_key[key]
        except KeyError:
            raise PassTypeUnavailable(pass_type=key) from None


@cache
def installed_pass_types(dotted_names: tuple[str, ...] = ()) -> PassTypes:
    """Find the pass types of the installed packages' entry points and of ``dotted_names`` (``package.module:Class``)."""
    found: list[InstalledPassType] = []
    faults: dict[str, str] = {}
    sources: list[tuple[str, str, Callable[[], Any]]] = [
        (one.name, f"entry point {one.value}", one.load) for one in sorted(entry_points(group=ENTRY_POINT_GROUP))
    ]
    sources += [(name, f"setting {name}", partial(_by_dotted_name, name)) for name in dotted_names]
    for name, source, load in sources:
        try:
            found.append(InstalledPassType(_made(load()), source))
        except Exception as error:
            log.exception("pass type %s (%s) cannot be loaded", name, source)
            faults[name] = f"{source}: {type(error).__name__}: {error}"
    return PassTypes(found, faults=faults)


def _by_dotted_name(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def _made(cls: Any) -> PassType:
    if not (isinstance(cls, type) and issubclass(cls, PassType)):
        raise _Nonsense(f"{cls!r} is not a subclass of studio_reservations.pass_types.PassType")
    for attribute in ("key", "label"):
        if not isinstance(getattr(cls, attribute, None), str):
            raise _Nonsense(f"{cls.__name__}.{attribute} must be a text")
    if cls.contract != CONTRACT_VERSION:
        raise _Nonsense(f"{cls.__name__} is made for contract {cls.contract}, this is {CONTRACT_VERSION}")
    return cls()


def _of(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise _Nonsense(f"expected {kind.__name__}, got {value!r}")
    return value


def _punches(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PUNCHES:
        raise _Nonsense(f"expected a whole number of punches from 0 to {MAX_PUNCHES}, got {value!r}")
    return value
