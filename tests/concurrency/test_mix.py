"""Whatever is done at once, no caller meets a deadlock or a 5xx, and the books are right. Source: rules.md §3, Concurrency."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from sqlalchemy import func, select

from studio_reservations.models import SessionReservation
from tests.concurrency.mix import Script, make_cast, play
from tests.concurrency.people import book_faults
from tests.concurrency.racing import PROCESSES, race

pytestmark = pytest.mark.concurrency

ACTS = 30


def test_customers_and_staff_do_everything_at_once(db_session, database_url):
    cast = make_cast(db_session)
    db_session.commit()

    told = race(play, [Script(seed=seed, cast=cast, acts=ACTS) for seed in range(PROCESSES)], database_url=database_url)

    done = Counter(chain.from_iterable(told))
    assert [told for told in done if told[1].startswith("5") or told == ("reschedule", "time_conflict")] == []
    succeeded = {act for act, outcome in done if outcome in ("200", "201")}
    assert succeeded == {act for act, _ in done}
    assert db_session.scalar(select(func.count()).select_from(SessionReservation)) > ACTS
    assert book_faults(db_session) == {}
