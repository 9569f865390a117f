"""The contract that a pass type fulfils: one small class that decides over frozen values, without database, Flask or clock.

Source: rules.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

CONTRACT_VERSION = 1
"""What this module offers; a plugin that asks for more is not loaded."""


class Status(StrEnum):
    """The states of a reservation. Source: rules.md §2."""

    PENDING = "PENDING"
    CHECKED_IN = "CHECKED_IN"
    ATTENDED = "ATTENDED"
    NO_SHOW = "NO_SHOW"
    CANCELLED = "CANCELLED"
    AUTO_CANCELLED = "AUTO_CANCELLED"


LIVE = frozenset({Status.PENDING, Status.CHECKED_IN, Status.ATTENDED})
"""The states in which a reservation stands. Source: rules.md §1."""


class Event(StrEnum):
    """What may cost punches."""

    CHECK_IN = "CHECK_IN"
    NO_SHOW = "NO_SHOW"
    LATE_CANCEL = "LATE_CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of a multi-part class; ``position`` counts from 1 within the class."""

    id: UUID
    class_id: UUID
    position: int
    title: str
    requires_sequence: bool = True
    allow_makeup: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReservation:
    """A reservation that the pass already has, in whatever state.

    ``threatens_at``: of a missed class, the night that cancels what comes after it; None where nothing is to come.
    """

    id: UUID
    customer_id: UUID
    session_id: UUID
    class_id: UUID
    step_id: UUID | None
    status: Status
    starts_at: datetime
    ends_at: datetime
    reserved_at: datetime
    punches_held: int = 0
    punches_used: int = 0
    waived: bool = False
    makeup_for_id: UUID | None = None
    threatens_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether it stands: PENDING, CHECKED_IN or ATTENDED."""
        return self.status in LIVE

    @property
    def missed(self) -> bool:
        """Whether it is a no-show that staff have not forgiven."""
        return self.status is Status.NO_SHOW and not self.waived


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The class session that is asked for, and how: ``customer_id`` is who would come, ``timezone`` the studio's."""

    id: UUID
    class_id: UUID
    class_title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    step: Step | None = None
    location: str | None = None
    makeup_for_id: UUID | None = None
    customer_id: UUID | None = None
    by_staff: bool = False

    @property
    def local_start(self) -> datetime:
        """When it starts by the studio's clock."""
        return self.starts_at.astimezone(ZoneInfo(self.timezone))

    @property
    def local_end(self) -> datetime:
        """When it ends by the studio's clock."""
        return self.ends_at.astimezone(ZoneInfo(self.timezone))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPass:
    """The registration with all its reservations, by start, as it stands at ``now``; ``timezone`` is the studio's.

    ``sessions_remaining`` is None for an uncounted pass; ``options`` are the JSON values that were valid when it was issued;
    ``steps`` are those of the classes concerned, by position.
    """

    id: UUID
    customer_id: UUID
    class_id: UUID | None
    pass_type: str
    status: str
    now: datetime
    timezone: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sessions_included: int | None = None
    sessions_remaining: int | None = None
    sessions_attended: int = 0
    max_advance_reservations: int | None = None
    requires_sequential_attendance: bool = False
    valid_from: date | None = None
    valid_until: date | None = None
    issued_at: datetime | None = None
    reservations: tuple[HeldReservation, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def punches_held(self) -> int:
        """Punches that PENDING reservations will cost at check-in."""
        return sum(one.punches_held for one in self.reservations if one.status is Status.PENDING)

    def local(self, instant: datetime) -> datetime:
        """Return an instant by the studio's clock."""
        return instant.astimezone(ZoneInfo(self.timezone))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPass:
    """A pass that the customer has held at this studio, in whatever state it is now."""

    pass_type: str
    status: str
    issued_at: datetime
    class_id: UUID | None = None
    sessions_attended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Who is about to get a pass, on which terms, and what they have held at this studio, oldest first.

    ``people`` are the holder and those named as further members.
    """

    customer_id: UUID
    now: datetime
    timezone: str
    options: Mapping[str, Any] = field(default_factory=dict)
    class_id: UUID | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    people: int = 1
    earlier: tuple[EarlierPass, ...] = ()

    def local(self, instant: datetime) -> datetime:
        """Return an instant by the studio's clock."""
        return instant.astimezone(ZoneInfo(self.timezone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The counters of a new pass; ``sessions_included`` None means uncounted."""

    sessions_included: int | None = None
    max_advance_reservations: int | None = 3
    requires_sequential_attendance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What a pass still gives: ``available`` of ``included`` (None: without limit), and what one ``unit`` is called."""

    available: int | None = None
    included: int | None = None
    unit: str = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing to be read beside the balance, on the card and the status page; with ``staff_only`` by staff alone.

    A text, or each of several, is translated as the label is.
    """

    key: str
    label: str
    value: str | tuple[str, ...] | int | float | bool | date | None
    staff_only: bool = False


class Options(BaseModel):
    """What staff choose when they issue the pass; each field's title and description make the form.

    Read as JSON, strictly: ``"8"`` and ``true`` are no numbers, a date is its ISO text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PassType:
    """A kind of pass. Subclass it, give ``key`` and ``label``, and override what differs.

    Every method is given frozen values and returns at once; a refusal is raised as a `ReservationRefused`. ``rank`` orders
    the passes when none is named, the lowest first (uncounted 10, counted 50). All words are English; ``translations`` has
    them in other languages: ``{"fr": {"Punch pass": "Carte de séances"}}``. ``contract`` is the version it is written for.
    """

    contract: ClassVar[int] = 1
    key: ClassVar[str]
    label: ClassVar[str]
    rank: ClassVar[int] = 50
    translations: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    Options: ClassVar[type[Options]] = Options

    def allow_issue(self, purchase: Purchase) -> None:
        """Return None where the pass may be issued.

        :raises ReservationRefused: with a code and sentence of the plugin's own.
        """

    def issue(self, options: Mapping[str, Any]) -> Issue:
        """Return the counters with which a pass of these (validated) options begins."""
        return Issue()

    def people(self, options: Mapping[str, Any]) -> int | None:
        """Return how many people may use one pass, its holder included; None: as many as staff name."""
        return None

    def allow_reservation(self, held: HeldPass, session: Candidate) -> None:
        """Return None where ``session`` may be reserved with ``held``.

        :raises ReservationRefused: with a code and sentence of the plugin's own.
        """

    def punches_for(self, event: Event, held: HeldPass, session: Candidate) -> int:
        """Return how many punches ``event`` costs for this session, 0 or more; asked of counted passes only."""
        return 0

    def exclusive_steps(self, held: HeldPass) -> bool:
        """Return whether each step can be held by one live reservation only."""
        return False

    def dependents(self, held: HeldPass, lost: HeldReservation) -> tuple[UUID, ...]:
        """Return the PENDING reservations that cannot stand once ``lost`` is given up."""
        return ()

    def remaining(self, held: HeldPass) -> Remaining:
        """Return what the pass still gives."""
        return Remaining()

    def figures(self, held: HeldPass) -> tuple[Figure, ...]:
        """Return what people read of the pass beside its balance, in order."""
        return ()

    def status_fields(self, held: HeldPass) -> dict[str, Any]:
        """Return fields of the plugin's own for programs that read the pass status, JSON values only."""
        return {}


def week_of(day: date) -> date:
    """Return the Monday of the week in which a local day lies."""
    return day - timedelta(days=day.weekday())
