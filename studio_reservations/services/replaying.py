"""What would have happened: two policies run over the studio's last 90 days, before one of them is saved.

What a replay takes as given, and what it does anew: see `policies.replaying`. Reads only; the same number of queries for any
number of reservations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio_reservations.models import Customer, Role
from studio_reservations.pass_type_registry import PassTypes
from studio_reservations.policies.local_time import local_date
from studio_reservations.policies.past import Outcome, Past, Replayed, Tally
from studio_reservations.policies.replaying import replay
from studio_reservations.services.actors import Actor
from studio_reservations.services.directory import studio_by_id
from studio_reservations.services.past import past_of
from studio_reservations.services.policies import check_class, check_fields, policies_of

DAYS = 90
"""How far back a replay looks, today included."""
OFTEN = 10
"""Sessions in the window from which somebody is said to come often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer whom one of the policies suspends: how often they missed a class under yours, and really came."""

    customer_id: UUID
    name: str
    missed: int
    attended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both policies over the same days; ``reservations`` and ``customers`` are those of the sessions of these days.

    ``suspended`` are all whom yours suspends; ``newly`` those whom today's does not, ``spared`` those whom only today's does.
    Each by how often they came, most first.
    """

    first_day: date
    last_day: date
    reservations: int
    customers: int
    today: Tally
    yours: Tally
    suspended: tuple[Person, ...]
    newly: tuple[Person, ...]
    spared: tuple[Person, ...]

    @property
    def newly_though_often(self) -> tuple[Person, ...]:
        """Those newly suspended who came to `OFTEN` or more sessions all the same."""
        return tuple(one for one in self.newly if one.attended >= OFTEN)


def what_would_have_happened(
    db_session: Session,
    *,
    studio_id: UUID,
    class_id: UUID | None,
    values: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    pass_types: PassTypes,
) -> Comparison:
    """Replay the policies in force, and the same with ``values`` as the whole policy of the studio or of one class.

    ``values`` are those of `policies.put_policy`. For a class, the numbers of missed and cancelled are the class's;
    suspensions are always the studio's. :raises NotFound, Forbidden, InvalidRequest:
    """
    actor.require(studio_id, Role.MANAGER)
    check_class(db_session, studio_id=studio_id, class_id=class_id)
    check_fields(values, class_id=class_id)
    timezone = studio_by_id(db_session, studio_id).timezone
    last_day = local_date(now, timezone=timezone)
    first_day = last_day - timedelta(days=DAYS - 1)
    past = past_of(
        db_session, studio_id=studio_id, timezone=timezone, first_day=first_day, until=now, pass_types=pass_types
    )
    in_force = policies_of(db_session, studio_id)
    todays = replay(past, policy=in_force.of_class, pass_types=pass_types, class_id=class_id)
    proposed = in_force.changed(class_id, values)
    yours = replay(past, policy=proposed.of_class, pass_types=pass_types, class_id=class_id)
    people = _people(db_session, past, todays, yours)
    of_days = [
        one
        for one in past.reservations
        if class_id in (None, one.class_id) and local_date(one.starts_at, timezone=timezone) <= last_day
    ]
    return Comparison(
        first_day=first_day,
        last_day=last_day,
        reservations=len(of_days),
        customers=len({one.customer_id for one in of_days}),
        today=todays.tally,
        yours=yours.tally,
        suspended=_those(people, yours.suspended),
        newly=_those(people, yours.suspended.keys() - todays.suspended.keys()),
        spared=_those(people, todays.suspended.keys() - yours.suspended.keys()),
    )


def _people(db_session: Session, past: Past, todays: Replayed, yours: Replayed) -> list[Person]:
    concerned = sorted(todays.suspended.keys() | yours.suspended.keys())
    attended = Counter(
        one.customer_id for one in past.reservations if one.outcome is Outcome.CAME and one.ends_at <= past.until
    )
    names = db_session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(concerned)))
    people = [
        Person(
            customer_id=customer_id, name=name, missed=yours.missed.get(customer_id, 0), attended=attended[customer_id]
        )
        for customer_id, name in names
    ]
    return sorted(people, key=lambda one: (-one.attended, one.name, one.customer_id))


def _those(people: Iterable[Person], ids: Iterable[UUID]) -> tuple[Person, ...]:
    wanted = set(ids)
    return tuple(one for one in people if one.customer_id in wanted)
