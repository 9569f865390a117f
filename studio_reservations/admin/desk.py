"""One request of staff, as a screen's method sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from studio_reservations.errors import NotFound, StudioError
from studio_reservations.models import Role, Studio
from studio_reservations.services.actors import Actor, Clock
from studio_reservations.state import State

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One request of staff: who asks, at what instant, where they may, and the transaction in which it is answered."""

    state: State
    actor: Actor
    now: datetime
    least: Role
    session: Session | None
    sent: bool = False
    refusal: StudioError | None = None

    @property
    def db_session(self) -> Session:
        """The open transaction; an act with transactions of its own has none here."""
        if self.session is None:
            raise RuntimeError("This act opens its transactions itself.")
        return self.session

    @property
    def clock(self) -> Clock:
        """The clock of this request, which was read once."""
        return lambda: self.now

    @property
    def given(self) -> MultiDict[str, str]:
        """What the form carries; before it is sent, what the address does. NUL, which PostgreSQL refuses, is left out."""
        given = request.form if request.method == "POST" else request.args
        return MultiDict((name, text.replace("\0", "")) for name, text in given.items(multi=True))

    @property
    def studios(self) -> Sequence[Studio]:
        """The studios in which this may be done by whoever asks, by name."""
        allowed = [studio_id for studio_id in self.actor.roles if self.actor.has_role(studio_id, self.least)]
        return self.db_session.scalars(select(Studio).where(Studio.id.in_(allowed)).order_by(Studio.name)).all()

    def studio(self) -> Studio:
        """Return the studio that ``?studio=`` names, or the first of `studios`.

        :raises NotFound: for one that is not theirs.
        :raises Forbidden: where their role is too low.
        """
        slug = request.values.get("studio")
        if slug is None:
            return self.studios[0]
        found = self.db_session.scalar(select(Studio).where(Studio.slug == slug.replace("\0", "")))
        if found is None:
            raise NotFound()
        self.actor.require(found.id, self.least)
        return found

    def own(self, model: type[T], row_id: UUID) -> T:
        """Return the row of that id in a studio where this may be done. :raises NotFound, Forbidden:"""
        found: Any = self.db_session.get(model, row_id)
        if found is None:
            raise NotFound()
        self.actor.require(found.id if model is Studio else found.studio_id, self.least)
        kept: T = found
        return kept

    def cursor(self, name: str) -> tuple[datetime, UUID] | None:
        """Return the row behind which a page goes on, as `cursor_of` wrote it; nonsense begins at the first."""
        instant, _, row_id = self.given.get(name, "").partition(",")
        try:
            at, found = datetime.fromisoformat(instant), UUID(row_id)
        except ValueError:
            return None
        return (at, found) if at.tzinfo is not None else None

    def service(self, kind: Callable[..., T]) -> T:
        """Return a service in this request's transaction."""
        return kind(self.db_session, clock=self.clock, pass_types=self.state.pass_types)


def cursor_of(at: datetime, row_id: UUID) -> str:
    """Return how an address names the row behind which a page goes on."""
    return f"{at.isoformat()},{row_id}"
