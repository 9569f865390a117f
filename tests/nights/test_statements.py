"""The work is set-based: more rows in a batch cost no more statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from studio_reservations.pass_types import Status
from studio_reservations.policies.due import NIGHTLY
from tests import factories
from tests.nights.night import NIGHT, Night


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    yield statements
    event.remove(engine, "before_cursor_execute", count)


def _populated(night: Night, customers: int) -> None:
    factories.make_policy(night.db_session, night.studio, deduct_punch_on_no_show=True, max_no_shows=1)
    for number in range(customers):
        registration = night.held(max_advance_reservations=None)
        night.reserve(registration, night.over(hours=5 + number % 7))
        night.reserve(registration, night.over(hours=5 + number % 5), Status.CHECKED_IN)
        night.no_show(registration)
        night.reserve(registration, night.coming(days=1 + number % 3))
        factories.make_suspension(
            night.db_session,
            night.customer(),
            night.studio,
            now=NIGHT - timedelta(days=9),
            ends_on=(NIGHT - timedelta(days=3)).date(),
        )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_batch_of_forty_costs_the_statements_of_a_batch_of_two(engine: Engine):
    spent = {}
    for customers in (2, 40):
        with Night(engine) as night:
            _populated(night, customers)
            night.db_session.commit()
            for job in NIGHTLY:
                with _counted(engine) as statements:
                    assert sum(night.sweep(job.name).values()) >= customers
                spent[job.name, customers] = len(statements)

    assert {job.name: spent[job.name, 40] for job in NIGHTLY} == {job.name: spent[job.name, 2] for job in NIGHTLY}
    assert max(spent.values()) < 30
