"""An import brings a studio up to its file, does nothing twice, and never touches what people hold seats in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.orm import Session

from studio_reservations.models import ClassSession, SessionStatus, Studio, StudioClass
from studio_reservations.pass_types import Status
from studio_reservations.services.schedule_files import BadRow, ScheduledSession, read_schedule
from studio_reservations.services.schedule_import import ImportReport, import_schedule
from studio_reservations.services.schedule_mapping import read_mapping
from tests.factories import NOW, make_class, make_customer, make_pass, make_reservation, make_session, make_studio

SCHEDULES = Path(__file__).parents[2] / "config" / "schedules"
CLAY = ScheduledSession(
    line=2,
    external_ref="north:C1/1",
    class_ref="north:C1",
    class_title="Clay",
    description="By hand",
    location="Kiln room",
    instructor="Ada",
    starts_at=NOW + timedelta(days=7),
    ends_at=NOW + timedelta(days=7, hours=2),
    capacity=8,
    capacity_is_default=False,
)
GLAZE = replace(CLAY, line=3, external_ref="north:C2/1", class_ref="north:C2", class_title="Glaze")


@pytest.fixture
def studio(db_session: Session) -> Studio:
    return make_studio(db_session)


def run(db_session: Session, studio: Studio, *rows: ScheduledSession | BadRow, dry_run: bool = False) -> ImportReport:
    return import_schedule(db_session, studio=studio, source="north", rows=rows, now=NOW, dry_run=dry_run)


def the_session(db_session: Session, external_ref: str = CLAY.external_ref) -> ClassSession:
    return db_session.scalars(select(ClassSession).where(ClassSession.external_ref == external_ref)).one()


def count(db_session: Session, model: type[ClassSession] | type[StudioClass]) -> int:
    return db_session.scalar(select(func.count()).select_from(model)) or 0


def hold_seats(db_session: Session, studio: Studio, seats: int) -> None:
    class_session = the_session(db_session)
    for _ in range(seats):
        customer = make_customer(db_session, studio)
        make_reservation(db_session, make_pass(db_session, customer, studio), class_session, status=Status.PENDING)


def test_rows_become_classes_and_sessions(db_session, studio):
    later = replace(CLAY, line=4, external_ref="north:C1/2", starts_at=NOW, ends_at=NOW + timedelta(hours=1))

    report = run(db_session, studio, CLAY, GLAZE, later)

    assert (report.created, report.classes_created, report.good_rows) == (3, 2, 3)
    session = the_session(db_session)
    studio_class = db_session.get_one(StudioClass, session.class_id)
    assert (studio_class.studio_id, studio_class.title, studio_class.description) == (studio.id, "Clay", "By hand")
    assert (studio_class.default_capacity, studio_class.default_duration_minutes, studio_class.active) == (8, 120, True)
    assert the_session(db_session, "north:C1/2").class_id == session.class_id
    assert (session.starts_at, session.ends_at) == (CLAY.starts_at, CLAY.ends_at)
    assert (session.capacity, session.seats_taken, session.status) == (8, 0, SessionStatus.SCHEDULED)
    assert (session.location, session.instructor, session.created_at) == ("Kiln room", "Ada", NOW)


def test_a_second_run_changes_nothing(db_session, studio):
    run(db_session, studio, CLAY, GLAZE)

    assert run(db_session, studio, CLAY, GLAZE) == ImportReport(unchanged=2)
    assert (count(db_session, ClassSession), count(db_session, StudioClass)) == (2, 2)


def test_a_changed_row_is_updated(db_session, studio):
    run(db_session, studio, CLAY, GLAZE)
    starts_at = CLAY.starts_at + timedelta(hours=1)
    moved = replace(
        CLAY, starts_at=starts_at, ends_at=starts_at + timedelta(hours=3), capacity=5, location="Yard", instructor="Bo"
    )

    report = run(db_session, studio, moved, GLAZE)

    assert report == ImportReport(updated=1, unchanged=1)
    session = the_session(db_session)
    assert (session.starts_at, session.ends_at, session.capacity) == (moved.starts_at, moved.ends_at, 5)
    assert (session.location, session.instructor) == ("Yard", "Bo")
    assert run(db_session, studio, moved, GLAZE) == ImportReport(unchanged=2)


def test_a_changed_title_renames_the_class(db_session, studio):
    run(db_session, studio, CLAY)

    report = run(db_session, studio, replace(CLAY, class_title="Clay for all", description="On the wheel"))

    assert report == ImportReport(unchanged=1, classes_updated=1)
    studio_class = db_session.scalars(select(StudioClass)).one()
    assert (studio_class.title, studio_class.description) == ("Clay for all", "On the wheel")


def test_another_course_moves_the_session_to_another_class(db_session, studio):
    run(db_session, studio, CLAY)

    report = run(db_session, studio, replace(CLAY, class_ref="north:C3", class_title="Raku"))

    assert (report.updated, report.classes_created) == (1, 1)
    assert db_session.get_one(StudioClass, the_session(db_session).class_id).title == "Raku"


def test_an_empty_cell_and_a_default_capacity_change_nothing(db_session, studio):
    run(db_session, studio, CLAY)
    silent = replace(CLAY, description=None, location=None, instructor=None, capacity=99, capacity_is_default=True)

    assert run(db_session, studio, silent) == ImportReport(unchanged=1)
    assert the_session(db_session).capacity == 8


@pytest.mark.parametrize("field", ["starts_at", "ends_at"])
def test_a_session_in_which_seats_are_held_is_not_moved_silently(db_session, studio, field):
    run(db_session, studio, CLAY)
    hold_seats(db_session, studio, 1)
    changed = replace(CLAY, **{field: getattr(CLAY, field) + timedelta(minutes=30)}, location="Yard")

    report = run(db_session, studio, changed)

    [conflict] = report.conflicts
    assert (conflict.line, conflict.external_ref, report.updated) == (2, CLAY.external_ref, 0)
    assert conflict.session_id == the_session(db_session).id
    assert conflict.reason == (
        "The file gives another time, but 1 seat is taken. Move the session, so that its customers are told."
    )
    session = the_session(db_session)
    assert (session.starts_at, session.ends_at, session.location) == (CLAY.starts_at, CLAY.ends_at, "Kiln room")


def test_a_session_in_which_seats_are_held_keeps_its_class(db_session, studio):
    run(db_session, studio, CLAY)
    hold_seats(db_session, studio, 2)

    report = run(db_session, studio, replace(CLAY, class_ref="north:C3"))

    assert [conflict.reason for conflict in report.conflicts] == [
        "The file gives another class, but 2 seats are taken, on passes for the present one."
    ]


def test_the_capacity_never_goes_below_the_seats_taken(db_session, studio):
    run(db_session, studio, CLAY)
    hold_seats(db_session, studio, 3)

    report = run(db_session, studio, replace(CLAY, capacity=2))

    assert [conflict.reason for conflict in report.conflicts] == [
        "The file gives a capacity of 2, but 3 seats are taken."
    ]
    assert the_session(db_session).capacity == 8
    assert run(db_session, studio, replace(CLAY, capacity=3)) == ImportReport(updated=1)
    assert the_session(db_session).capacity == 3


def test_a_session_that_the_studio_cancelled_stays_cancelled(db_session, studio):
    run(db_session, studio, CLAY)
    the_session(db_session).status = SessionStatus.CANCELLED

    assert run(db_session, studio, replace(CLAY, location="Yard")) == ImportReport(unchanged=1)
    assert run(db_session, studio) == ImportReport()
    assert the_session(db_session).status == SessionStatus.CANCELLED


def test_a_vanished_session_is_told_and_kept(db_session, studio):
    past = replace(CLAY, external_ref="north:C1/0", starts_at=NOW - timedelta(days=1), ends_at=NOW)
    run(db_session, studio, past, CLAY, GLAZE)
    hold_seats(db_session, studio, 1)

    report = run(db_session, studio, GLAZE)

    [gone] = report.vanished
    assert (gone.external_ref, gone.starts_at, gone.seats_taken) == (CLAY.external_ref, CLAY.starts_at, 1)
    assert the_session(db_session).status == SessionStatus.SCHEDULED


def test_sessions_of_no_import_or_of_another_source_have_not_vanished(db_session, studio):
    studio_class = make_class(db_session, studio)
    for external_ref in (None, "south:1", "NORTH:1", "northern:1"):
        make_session(db_session, studio_class, external_ref=external_ref)

    assert run(db_session, studio, CLAY) == ImportReport(created=1, classes_created=1)


def test_the_same_references_in_another_studio_are_another_matter(db_session, studio):
    run(db_session, make_studio(db_session), CLAY)

    assert run(db_session, studio, CLAY) == ImportReport(created=1, classes_created=1)


def test_a_bad_row_is_reported_and_its_session_has_not_vanished(db_session, studio):
    run(db_session, studio, CLAY, GLAZE)
    bad = BadRow(line=2, reason="It ends at or before its start.", values=("Clay",), external_ref=CLAY.external_ref)

    assert run(db_session, studio, bad, GLAZE) == ImportReport(unchanged=1, bad_rows=[bad])


def test_a_dry_run_tells_the_same_and_writes_nothing(db_session, studio):
    run(db_session, studio, CLAY)
    rows = (replace(CLAY, location="Yard", class_title="Clay for all"), GLAZE)

    told = run(db_session, studio, *rows, dry_run=True)

    assert told == ImportReport(created=1, updated=1, classes_created=1, classes_updated=1)
    assert (count(db_session, ClassSession), count(db_session, StudioClass)) == (1, 1)
    assert the_session(db_session).location == "Kiln room"
    assert run(db_session, studio, *rows) == told


def test_a_dry_run_knows_the_conflicts(db_session, studio):
    run(db_session, studio, CLAY)
    hold_seats(db_session, studio, 1)
    changed = replace(CLAY, ends_at=CLAY.ends_at + timedelta(minutes=30))

    assert run(db_session, studio, changed, dry_run=True).conflicts == run(db_session, studio, changed).conflicts


def test_an_import_is_undone_with_the_transaction_around_it(db_session, studio):
    db_session.commit()
    run(db_session, studio, CLAY)
    db_session.rollback()

    assert count(db_session, ClassSession) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_seat_sold_while_the_file_is_read_is_seen(db_session, engine, studio):
    """SQLite cannot have this race: there the import holds the write lock from its start."""
    run(db_session, studio, CLAY)
    db_session.commit()

    def rows() -> Iterator[ScheduledSession]:
        yield replace(CLAY, ends_at=CLAY.ends_at + timedelta(hours=1))
        with Session(engine) as other:
            hold_seats(other, other.get_one(Studio, studio_id), 1)
            other.commit()

    studio_id = studio.id
    report = import_schedule(db_session, studio=studio, source="north", rows=rows(), now=NOW)

    assert ["1 seat is taken" in conflict.reason for conflict in report.conflicts] == [True]
    assert the_session(db_session).ends_at == CLAY.ends_at


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Return the statements sent to the database."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_the_toronto_excerpt_comes_in_with_few_statements_and_once(db_session, studio, statements):
    mapping = read_mapping(SCHEDULES / "toronto.toml")

    def bring_in() -> ImportReport:
        statements.clear()
        rows = read_schedule(path=SCHEDULES / "toronto_excerpt.csv", mapping=mapping)
        return import_schedule(db_session, studio=studio, source=mapping.source, rows=rows, now=NOW)

    first = bring_in()
    assert (first.created, first.bad_rows) == (900, [])
    assert first.classes_created == count(db_session, StudioClass)
    bring_in()
    assert len(statements) == 4  # the studio read and locked, its classes, its sessions

    db_session.execute(update(ClassSession).values(location="Elsewhere"))
    assert bring_in() == ImportReport(updated=900)
    assert len(statements) == 8  # and for each 500 changed sessions a lock and an update
