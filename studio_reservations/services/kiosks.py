"""Tablets at the door: paired once by a code, they check people in at one studio and can do nothing else.

Source: rules.md §7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import choice, token_urlsafe
from types import MappingProxyType
from typing import Any
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.errors import CodeInvalid, InvalidRequest, NotFound
from studio_reservations.models import (
    ClassSession,
    Customer,
    KioskDevice,
    NoShowPolicy,
    Role,
    SelfCheckIn,
    SessionReservation,
    SessionStatus,
    Studio,
    StudioClass,
    SubjectType,
)
from studio_reservations.pass_types import Status
from studio_reservations.policies.local_time import day_start, local_date
from studio_reservations.services.actors import KIOSK_ID, Actor, ActorKind, Clock, read, utc_now
from studio_reservations.services.books import atomic
from studio_reservations.services.events import record
from studio_reservations.services.listings import CLOSES_MINUTES, OPENS_MINUTES, join_policies, window_of

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits that nobody takes for one another."""
PAIRING_LENGTH = 8
PAIRING_TIME = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=5)
LONGEST_NAME = 100
FEWEST_LETTERS = 2
MOST_NAMES = 8
NEAR = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i"})
"""Letters that Unicode does not make of another and an accent, as one writes them without a key for them."""
HYPHENS = str.maketrans(dict.fromkeys("-‐–—", " "))
"""A non-breaking one is made an ordinary one by the decomposition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A device that has just been paired, and the secret that its browser keeps from now on."""

    device: KioskDevice
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTheDoor:
    """Somebody who may check in now, by first name and initial."""

    reservation_id: UUID
    shown_name: str
    class_title: str
    starts_at: datetime


class KioskService:
    """The tablets of a studio. It lives for one request; it flushes and never commits."""

    def __init__(self, db_session: Session, *, clock: Clock = utc_now) -> None:
        self.db_session = db_session
        self.now = read(clock)

    def add(self, *, studio_id: UUID, name: str, actor: Actor) -> tuple[KioskDevice, str]:
        """Return a new device and the code that pairs it, once and within 15 minutes; the code cannot be had again.

        :raises NotFound, Forbidden: :raises InvalidRequest: without a name.
        """
        actor.require(studio_id, Role.MANAGER)
        if not name.strip() or len(name) > LONGEST_NAME:
            raise InvalidRequest(errors={"name": f"Write where it stands, in at most {LONGEST_NAME} characters."})
        code = "".join(choice(ALPHABET) for _ in range(PAIRING_LENGTH))
        with atomic(self.db_session):
            device = KioskDevice(
                studio_id=studio_id,
                name=name.strip(),
                pairing_code_hash=_hash(code),
                pairing_expires_at=self.now + PAIRING_TIME,
                created_by=actor.id,
                created_at=self.now,
            )
            self.db_session.add(device)
            self.db_session.flush()
            self._record(device, "kiosk.added", actor)
        return device, f"{code[:4]} {code[4:]}"

    def pair(self, *, code: str) -> Paired:
        """Pair the device that this code names; whoever holds the code may.

        :raises CodeInvalid: for any other code, or too late.
        """
        written = "".join(code.upper().split()).replace("-", "")
        with atomic(self.db_session):
            device = self.db_session.scalar(
                select(KioskDevice).where(KioskDevice.pairing_code_hash == _hash(written)).with_for_update()
            )
            if (
                device is None
                or device.revoked_at is not None
                or device.pairing_expires_at is None
                or device.pairing_expires_at < self.now
            ):
                raise CodeInvalid()
            secret = token_urlsafe(32)
            device.token_hash = _hash(secret)
            device.paired_at = device.last_seen_at = self.now
            device.pairing_code_hash = device.pairing_expires_at = None
            self._record(device, "kiosk.paired", _actor(device), as_staff=False)
        return Paired(device=device, secret=secret)

    def revoke(self, *, device_id: UUID, actor: Actor) -> KioskDevice:
        """Make a device worthless from now on; done twice, it is done once. :raises NotFound, Forbidden:"""
        with atomic(self.db_session):
            device = self.db_session.get(KioskDevice, device_id, with_for_update=True, populate_existing=True)
            if device is None:
                raise NotFound()
            actor.require(device.studio_id, Role.MANAGER)
            if device.revoked_at is None:
                device.revoked_at = self.now
                device.pairing_code_hash = device.pairing_expires_at = None
                self._record(device, "kiosk.revoked", actor)
        return device

    def device_of(self, secret: str | None) -> tuple[KioskDevice, Actor] | None:
        """Return the paired device that holds this secret, with who it is, or None."""
        device = (
            self.db_session.scalar(select(KioskDevice).where(KioskDevice.token_hash == _hash(secret)))
            if secret
            else None
        )
        return None if device is None or device.revoked_at is not None else (device, _actor(device))

    def seen(self, device: KioskDevice) -> None:
        """Note that the device is there, every five minutes at the most."""
        if device.last_seen_at is None or self.now - device.last_seen_at >= SEEN_EVERY:
            device.last_seen_at = self.now
            self.db_session.flush()

    def _record(self, device: KioskDevice, action: str, actor: Actor, *, as_staff: bool = True) -> None:
        record(
            self.db_session,
            action=action,
            subject_type=SubjectType.STUDIO,
            subject_id=device.studio_id,
            studio_id=device.studio_id,
            actor=actor,
            as_staff=as_staff,
            now=self.now,
            details={"kiosk_id": str(device.id), "name": device.name},
        )


def kiosks_of(db_session: Session, *, studio_id: UUID, actor: Actor) -> Sequence[KioskDevice]:
    """Return the devices of a studio that are not revoked, by name. :raises NotFound, Forbidden:"""
    actor.require(studio_id, Role.MANAGER)
    return db_session.scalars(
        select(KioskDevice)
        .where(KioskDevice.studio_id == studio_id, KioskDevice.revoked_at.is_(None))
        .order_by(KioskDevice.name, KioskDevice.id)
    ).all()


def people_at_the_door(db_session: Session, *, studio_id: UUID, query: str, now: datetime) -> Sequence[AtTheDoor]:
    """Return who may check in now and has a name that begins so, at most 8; nobody before two letters are written.

    Compared is what is shown, the first name and an initial: trying letter by letter tells nobody's other names. An accent is
    as good as none and a hyphen as a space, for the screen's keys have none; the databases do not compare so by themselves.
    """
    written = _words(query)
    if len(" ".join(written)) < FEWEST_LETTERS:
        return []
    rows = db_session.execute(
        _coming(studio_id)
        .where(
            SessionReservation.status == Status.PENDING.value,
            ClassSession.starts_at < now + timedelta(days=2),
            ClassSession.ends_at > now - timedelta(days=2),
        )
        .order_by(ClassSession.starts_at, Customer.name, SessionReservation.id)
    )
    return [
        AtTheDoor(
            reservation_id=row.id,
            shown_name=first_name_and_initial(row.guest_name or row.customer_name),
            class_title=row.class_title,
            starts_at=row.starts_at,
        )
        for row in rows
        if _is_shown(row.guest_name or row.customer_name, written) and now in window_of(row)
    ][:MOST_NAMES]


def may_check_in_here(db_session: Session, *, studio_id: UUID, reservation_id: UUID) -> bool:
    """Tell whether that reservation is one of this studio's; a kiosk knows no other."""
    found = db_session.scalar(select(SessionReservation.studio_id).where(SessionReservation.id == reservation_id))
    return found == studio_id


def sessions_at_the_door(db_session: Session, *, studio: Studio, now: datetime) -> Sequence[Any]:
    """Return the rest of today's sessions, by start: ``class_title`` and ``starts_at``."""
    tomorrow = day_start(local_date(now, timezone=studio.timezone) + timedelta(days=1), timezone=studio.timezone)
    return db_session.execute(
        select(StudioClass.title.label("class_title"), ClassSession.starts_at)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .where(
            ClassSession.studio_id == studio.id,
            ClassSession.status == SessionStatus.SCHEDULED.value,
            ClassSession.ends_at > now,
            ClassSession.starts_at < tomorrow,
        )
        .order_by(ClassSession.starts_at, ClassSession.id)
        .limit(3)
    ).all()


def shows_door_code(db_session: Session, *, studio_id: UUID) -> bool:
    """Tell whether the studio's policy, or that of a class, asks for the digits of the door."""
    wanted = select(NoShowPolicy.id).where(
        NoShowPolicy.studio_id == studio_id, NoShowPolicy.self_check_in == SelfCheckIn.DOOR_CODE.value
    )
    return db_session.scalar(wanted.limit(1)) is not None


def first_name_and_initial(name: str) -> str:
    """Return what a screen that anybody can read may show of a name: "Sofia G."."""
    first, *rest = name.split()
    return f"{first} {rest[-1][0]}." if rest else first


def _is_shown(name: str, written: Sequence[str]) -> bool:
    """Tell whether what `first_name_and_initial` shows of a name begins with these words, of the last its first letter."""
    first, *rest = name.split() or [""]  # one blank name keeps nobody else from the door
    own = _words(first)
    if len(written) <= len(own):
        return " ".join(own).startswith(" ".join(written))
    # Whoever goes on to a middle name and then to the last, or writes both parts of a double one, is found by either letter.
    initials = {written[len(own)][0], written[-1][0]}
    return list(written[: len(own)]) == own and bool(rest) and "".join(_words(rest[-1]))[:1] in initials


def _words(name: str) -> list[str]:
    """Return a name's words in small letters without accents: ``Anne-Zoé`` and ``ANNE ZOE`` are one."""
    letters = normalize("NFKD", name.casefold().translate(NEAR))
    return "".join(one for one in letters.translate(HYPHENS) if one.isalnum() or one == " ").split()


def _coming(studio_id: UUID) -> Any:
    return join_policies(
        select(
            SessionReservation.id,
            SessionReservation.guest_name,
            Customer.name.label("customer_name"),
            StudioClass.title.label("class_title"),
            ClassSession.starts_at,
            ClassSession.ends_at,
            OPENS_MINUTES.label("check_in_opens_minutes_before"),
            CLOSES_MINUTES.label("check_in_closes_minutes_after"),
        )
        .join(ClassSession, ClassSession.id == SessionReservation.session_id)
        .join(StudioClass, StudioClass.id == ClassSession.class_id)
        .join(Customer, Customer.id == SessionReservation.customer_id)
        .where(SessionReservation.studio_id == studio_id, ClassSession.status == SessionStatus.SCHEDULED.value),
        studio_id=SessionReservation.studio_id,
        class_id=ClassSession.class_id,
    )


def _actor(device: KioskDevice) -> Actor:
    return Actor(
        kind=ActorKind.KIOSK,
        id=f"{KIOSK_ID}{device.id}",
        roles=MappingProxyType({device.studio_id: Role.INSTRUCTOR}),
    )


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
