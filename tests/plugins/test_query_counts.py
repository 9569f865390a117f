"""Judging 200 sessions costs as many queries as judging one, whichever pass type is asked. Source: rules.md §4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert
from studio_credit_pack import CreditPack
from studio_family_pass import FamilyPass
from studio_intro_offer import IntroOffer
from studio_off_peak import OffPeak
from studio_pass_types import DropIn, FullCourse, PunchPass, UnlimitedSeries
from studio_weekly_membership import WeeklyMembership

from studio_reservations.models import ClassSession, new_id
from studio_reservations.pass_types import PassType
from tests import factories
from tests.factories import NOW
from tests.plugins.life import Life

NINE: tuple[tuple[type[PassType], dict[str, Any]], ...] = (
    (UnlimitedSeries, {}),
    (PunchPass, {"sessions": 8}),
    (FullCourse, {}),
    (DropIn, {}),
    (WeeklyMembership, {"a_week": 2, "carried": 1}),
    (OffPeak, {}),
    (FamilyPass, {"sessions": 8}),
    (IntroOffer, {"days": 90}),
    (CreditPack, {"credits": 20, "price": 2}),
)


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that are run."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("plugin", "options"), NINE, ids=[one.key for one, _ in NINE])
def test_two_hundred_sessions_cost_what_one_costs(db_session, engine, plugin, options):
    life = Life(db_session, plugin, **options)
    course = factories.make_class(db_session, life.studio, steps=3)
    steps = factories.steps_of_class(db_session, course)
    starts = [NOW + timedelta(days=2, hours=3 * number) for number in range(200)]
    db_session.execute(
        insert(ClassSession),
        [
            {
                "id": new_id(),
                "studio_id": life.studio.id,
                "class_id": course.id,
                "step_id": steps[number % 3].id,
                "starts_at": at,
                "ends_at": at + timedelta(hours=2),
                "capacity": 10,
                "seats_taken": 0,
                "status": "SCHEDULED",
                "created_at": NOW,
            }
            for number, at in enumerate(starts)
        ],
    )
    life.reserve("2026-12-02 12:00")

    def judged(limit: int) -> tuple[int, list[str]]:
        db_session.expire_all()
        with counting(engine) as statements:
            found = life.service().available(
                actor=life.actor,
                studio_id=life.studio.id,
                starts_from=starts[0],
                starts_before=starts[-1] + timedelta(days=1),
                registration_id=life.registration.id,
                limit=limit,
            )
        return len(found), statements

    one, few = judged(1)
    all_of_them, many = judged(200)

    assert (one, all_of_them) == (1, 200)
    assert len(many) == len(few), many
