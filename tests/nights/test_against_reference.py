"""Whatever the studio's tables hold, the nights write what a row-by-row reading of the rules writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from studio_reservations.database import BEGIN_OPTION, prepare_engine
from studio_reservations.models import Studio
from studio_reservations.pass_types import Status
from studio_reservations.policies.due import NIGHTLY
from tests import factories
from tests.nights import reference
from tests.nights.night import NIGHT, Night

HOURS = st.integers(-80, 60) | st.sampled_from([-2400, -2160, -2, 0])
POLICY = st.fixed_dictionaries(
    {},
    optional={
        "grace_period_hours": st.integers(0, 48),
        "auto_cancel_futures": st.booleans(),
        "deduct_punch_on_no_show": st.booleans(),
        "check_in_closes_minutes_after": st.sampled_from([0, 120, 600]),
    },
)
STUDIO_POLICY = st.fixed_dictionaries(
    {},
    optional={
        "max_no_shows": st.integers(1, 3),
        "never_suspends": st.booleans(),
        "no_show_window_days": st.sampled_from([1, 2, 90]),
        "window_is_forever": st.booleans(),
        "suspension_days": st.integers(1, 30),
    },
)
PASS = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 2),
        "kind": st.sampled_from(["punch_pass", "unlimited_series", "full_course", "gone"]),
        "punches": st.integers(0, 2),
        "grace": st.sampled_from([None, 0, 30]),
    }
)
SESSION = st.fixed_dictionaries(
    {"starts": HOURS, "step": st.integers(0, 2), "cancelled": st.sampled_from([False, False, False, True])}
)
RESERVATION = st.fixed_dictionaries(
    {
        "pass": st.integers(0, 3),
        "session": st.integers(0, 5),
        "status": st.sampled_from(["PENDING", "PENDING", "CHECKED_IN", "ATTENDED", "NO_SHOW", "NO_SHOW", "CANCELLED"]),
        "grace": st.integers(-30, 5),
        "night": st.sampled_from([None, 0, 5]),
        "waived": st.sampled_from([False, False, True]),
        "acted": st.sampled_from([False, False, True]),
    }
)
SUSPENSION = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 2),
        "days": st.integers(-100, 0),
        "length": st.integers(1, 60),
        "ended": st.booleans(),
        "voided": st.booleans(),
    }
)


@settings(
    max_examples=45,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is a database: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    policy=POLICY,
    studio_policy=STUDIO_POLICY,
    class_policy=POLICY,
    passes=st.lists(PASS, min_size=1, max_size=4),
    sessions=st.lists(SESSION, min_size=1, max_size=6),
    reservations=st.lists(RESERVATION, max_size=25),
    suspensions=st.lists(SUSPENSION, max_size=3, unique_by=lambda one: one["customer"]),
)
def test_the_tables_after_two_nights_are_those_of_the_reference(sqlite_template: Path, **drawn: Any):
    with _night(sqlite_template) as night:
        _build(night, **drawn)
        slow = night.copied(Path(str(night.engine.url.database)).with_name("slow.sqlite"))

        for as_of in (NIGHT, NIGHT + timedelta(hours=25)):
            for job in NIGHTLY:
                night.sweep(job.name, as_of, batch=3)
            with Session(slow.engine) as session, session.begin():
                reference.run_night(session, session.get_one(Studio, night.studio.id), as_of)

        assert night.tables() == slow.tables()
        slow.engine.dispose()


@contextmanager
def _night(template: Path) -> Iterator[Night]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "night.sqlite"
        shutil.copyfile(template, path)
        engine = create_engine(f"sqlite:///{path}", execution_options={BEGIN_OPTION: "IMMEDIATE"})
        prepare_engine(engine)
        with Night(engine) as night:
            yield night
        engine.dispose()


def _build(
    night: Night,
    *,
    policy: dict[str, Any],
    studio_policy: dict[str, Any],
    class_policy: dict[str, Any],
    passes: list[dict[str, Any]],
    sessions: list[dict[str, Any]],
    reservations: list[dict[str, Any]],
    suspensions: list[dict[str, Any]],
) -> None:
    course = factories.make_class(night.db_session, night.studio, steps=2)
    steps = [None, *factories.steps_of_class(night.db_session, course)]
    factories.make_policy(night.db_session, night.studio, **policy, **studio_policy)
    factories.make_policy(night.db_session, night.studio, course, **class_policy)
    customers = [night.customer() for _ in range(3)]
    held = [
        night.held(
            customers[one["customer"]],
            pass_type=one["kind"],
            punches=one["punches"],
            pass_options={"sequence_rule": "reserved"},
            absence_grace_period_hours=one["grace"],
            **({"sessions_included": 2, "sessions_remaining": 2} if one["kind"] == "gone" else {}),
        )
        for one in passes
    ]
    dated = [
        night.session(
            NIGHT + timedelta(hours=one["starts"] - 2),
            studio_class=course if one["step"] else night.studio_class,
            step=steps[one["step"]],
            capacity=50,
            status="CANCELLED" if one["cancelled"] else "SCHEDULED",
        )
        for one in sessions
    ]
    for place, one in enumerate(reservations):
        session = dated[one["session"] % len(dated)]
        missed = one["status"] in ("NO_SHOW", "CANCELLED")
        night.reserve(
            held[one["pass"] % len(held)],
            session,
            Status(one["status"]),
            guest_name=f"Guest {place}",
            counts_as_no_show=missed,
            missed_at=session.ends_at if missed else None,
            grace_ends_at=NIGHT + timedelta(hours=one["grace"]) if missed else None,
            auto_cancel_at=NIGHT + timedelta(hours=one["grace"] + one["night"])
            if one["status"] == "NO_SHOW" and one["night"] is not None
            else None,
            waived_at=NIGHT - timedelta(hours=1) if missed and one["waived"] else None,
            futures_cancelled_at=NIGHT - timedelta(hours=1) if one["status"] == "NO_SHOW" and one["acted"] else None,
        )
    for one in suspensions:
        begun = NIGHT + timedelta(days=one["days"])
        factories.make_suspension(
            night.db_session,
            customers[one["customer"]],
            night.studio,
            now=begun,
            ends_on=(begun + timedelta(days=one["length"])).date(),
            ended_at=begun if one["ended"] or one["voided"] else None,
            voided_at=begun if one["voided"] else None,
        )
