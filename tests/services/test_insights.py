"""What a period comes to, on histories small enough to count by hand; on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from studio_reservations.errors import Forbidden, NotFound
from studio_reservations.models import LedgerReason, PunchLedgerEntry, Role
from studio_reservations.pass_types import Status
from studio_reservations.policies.insights import Counts, Period, Share
from studio_reservations.policies.local_time import instant_of
from studio_reservations.services.insights import EndedPasses, Insights, insights_of
from studio_reservations.services.policies import put_policy
from tests import factories
from tests.factories import NOW, TORONTO

NOVEMBER = Period(first=date(2026, 11, 1), last=date(2026, 11, 30))
"""In Toronto the clocks go back on its first day. The 30 days before it begin on 2 October."""


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """Return an instant of 2026 by Toronto's clock."""
    return instant_of(datetime.combine(date(2026, month, day), time(hour, minute)), timezone=TORONTO)


class History:
    """A studio in Toronto, a class, and whoever was there."""

    def __init__(self, db_session: Any) -> None:
        self.db_session = db_session
        self.studio = factories.make_studio(db_session)
        self.wheel = factories.make_class(db_session, self.studio, title="Wheel")
        self.ada = factories.make_pass(db_session, self.customer(), self.studio, pass_type="unlimited_series")

    def customer(self) -> Any:
        return factories.make_customer(self.db_session, self.studio)

    def session(self, starts_at: datetime, *, of: Any = None, **fields: Any) -> Any:
        return factories.make_session(self.db_session, of or self.wheel, starts_at=starts_at, **fields)

    def reserve(
        self, session: Any, status: str = Status.ATTENDED, *, ahead: timedelta | None = None, **fields: Any
    ) -> Any:
        """Add a reservation by somebody new, a day ahead unless the test says otherwise."""
        registration = fields.pop("registration", None)
        if registration is None:
            registration = factories.make_pass(
                self.db_session, self.customer(), self.studio, pass_type="unlimited_series"
            )
        made_at = session.starts_at - (timedelta(days=1) if ahead is None else ahead)
        return factories.make_reservation(self.db_session, registration, session, status=status, now=made_at, **fields)

    def told(self, period: Period = NOVEMBER, *, title: str | None = None, **asked: Any) -> Insights:
        asked.setdefault("actor", factories.staff_actor(self.studio))
        asked.setdefault("now", NOW)
        self.db_session.flush()
        return insights_of(self.db_session, studio=self.studio, period=period, title=title, **asked)


@pytest.fixture
def history(db_session):
    return History(db_session)


def test_managers_ask_of_their_own_studio(history):
    elsewhere = factories.make_studio(history.db_session)

    with pytest.raises(Forbidden):
        history.told(actor=factories.staff_actor(history.studio, Role.FRONT_DESK))
    with pytest.raises(NotFound):
        history.told(actor=factories.staff_actor(elsewhere))


def test_what_reservations_come_to(history):
    """Six for two sessions: two came, one by the desk, one did not and was waived, two gave up, one late, one is cancelled."""
    first, second = history.session(at(11, 3, 18), capacity=4), history.session(at(11, 10, 18), capacity=6)
    history.reserve(first, ahead=timedelta(days=4), check_in_method="SELF", checked_in_by="kiosk:7")
    history.reserve(first, Status.CHECKED_IN, ahead=timedelta(days=2), check_in_method="STAFF")
    history.reserve(first, Status.NO_SHOW, ahead=timedelta(hours=12), waived_at=NOW)
    history.reserve(second, Status.CANCELLED, ahead=timedelta(hours=36), cancelled_at=at(11, 9, 12))
    history.reserve(second, Status.CANCELLED, ahead=timedelta(hours=12), cancelled_at=at(11, 10, 12), late=True)
    history.reserve(second, Status.AUTO_CANCELLED, ahead=timedelta(days=3), auto_cancelled_at=at(11, 9, 2))

    counts = history.told().now.counts

    # 4 days + 2 days + 12 h + 36 h + 12 h + 3 days = 11.5 days
    assert counts == Counts(
        sessions=2,
        seats=3,
        capacity=10,
        reserved=6,
        ahead=6,
        ahead_seconds=int(11.5 * 86_400),
        cancelled=2,
        late=1,
        came=2,
        missed=1,
        waived=1,
        by_kiosk=1,
        by_staff=1,
    )
    assert (counts.no_shows, counts.cancellations, counts.fill) == (Share(1, 3), Share(2, 6), Share(3, 10))
    assert counts.ahead_days == pytest.approx(11.5 / 6)


def test_who_moves_in_time_has_cancelled_nothing_and_who_walks_in_reserved_nothing_ahead(history):
    first, second = history.session(at(11, 3, 18)), history.session(at(11, 10, 18))
    moved = history.reserve(first, Status.CANCELLED, registration=history.ada)
    history.reserve(second, registration=history.ada, replaces_id=moved.id)
    late = history.reserve(first, Status.CANCELLED, late=True)
    history.reserve(second, replaces_id=late.id)
    history.reserve(second, ahead=-timedelta(minutes=5))

    counts = history.told().now.counts

    assert (counts.reserved, counts.ahead, counts.cancelled, counts.late, counts.came) == (4, 3, 1, 1, 3)


def test_what_has_not_ended_is_called_off_or_is_another_studios_is_left_out(history):
    history.reserve(history.session(at(11, 3, 18), status="CANCELLED"), Status.CANCELLED)
    history.reserve(history.session(NOW - timedelta(hours=1)), Status.CHECKED_IN)  # until 16:00, it is 15:00
    history.reserve(history.session(at(12, 2, 18)), Status.PENDING)
    other = factories.make_studio(history.db_session)
    session = factories.make_session(
        history.db_session, factories.make_class(history.db_session, other), starts_at=at(11, 3, 18)
    )
    foreign = factories.make_pass(history.db_session, factories.make_customer(history.db_session, other), other)
    factories.make_reservation(history.db_session, foreign, session, status=Status.NO_SHOW)
    factories.make_suspension(
        history.db_session, factories.make_customer(history.db_session, other), other, now=at(11, 4, 3)
    )

    found = history.told(Period(first=date(2026, 11, 1), last=date(2026, 12, 1)))

    assert found.now.counts == Counts()
    assert (found.now.customers, found.now.suspended) == (2, 0)
    assert found.titles == ["Wheel"]


def test_days_and_hours_are_the_studios_also_where_its_clocks_change(history):
    """18:30 is 22:30 UTC on 31 October and 23:30 UTC on 1 November; half past midnight is the day that begins."""
    for starts_at in (at(10, 31, 18, 30), at(11, 1, 0, 30), at(11, 1, 18, 30), at(11, 30, 23), at(12, 1, 0)):
        history.reserve(history.session(starts_at, capacity=2))
    repeated = at(11, 1, 1, 30) + timedelta(hours=1)  # 01:30 comes twice: this is the second time
    history.reserve(history.session(repeated, capacity=2), Status.NO_SHOW)

    found = history.told()

    assert (at(10, 31, 18, 30).hour, at(11, 1, 18, 30).hour) == (22, 23)
    assert (found.now.counts.sessions, found.before.counts.sessions) == (4, 1)
    assert {when: one.fill for when, one in found.by_hour.items()} == {
        (6, 0): Share(1, 2),
        (6, 1): Share(1, 2),
        (6, 18): Share(1, 2),
        (0, 23): Share(1, 2),
    }
    # The week of Sunday 1 November began on Monday 26 October; weeks without anybody are there too.
    assert [(week, one.no_shows) for week, one in found.by_week] == [
        (date(2026, 10, 26), Share(1, 3)),
        (date(2026, 11, 2), Share(0, 0)),
        (date(2026, 11, 9), Share(0, 0)),
        (date(2026, 11, 16), Share(0, 0)),
        (date(2026, 11, 23), Share(0, 0)),
        (date(2026, 11, 30), Share(0, 1)),
    ]


def test_classes_are_told_apart_by_their_title(history):
    here, there = (factories.make_class(history.db_session, history.studio, title="Yoga") for _ in range(2))
    for of, month, status in (
        (here, 11, Status.NO_SHOW),
        (there, 11, Status.ATTENDED),
        (there, 10, Status.NO_SHOW),
        (history.wheel, 11, Status.ATTENDED),
    ):
        history.reserve(history.session(at(month, 5, 9), of=of), status)

    told = [(title, now.no_shows, was.no_shows) for title, now, was in history.told().by_class]
    of_yoga = history.told(title="Yoga")

    assert told == [("Wheel", Share(0, 1), Share(0, 0)), ("Yoga", Share(1, 2), Share(1, 1))]
    assert (of_yoga.title, of_yoga.now.counts.no_shows) == ("Yoga", Share(1, 2))
    assert history.told(title="Of nobody").title is None


def test_what_a_missed_class_cancelled_counts_by_nights_and_what_fell_with_a_part_does_not(history):
    missed = history.reserve(history.session(at(11, 3, 18)), Status.NO_SHOW)
    given_up = history.reserve(history.session(at(11, 3, 20)), Status.CANCELLED)
    coming = [history.session(at(12, 5, hour)) for hour in (9, 12, 15, 18)]
    for session, because_of, when in (
        (coming[0], missed, at(11, 5, 2)),
        (coming[1], missed, at(11, 5, 2, 1)),
        (coming[2], missed, at(11, 30, 23)),
        (coming[3], given_up, at(11, 4, 9)),
    ):
        history.reserve(
            session, Status.AUTO_CANCELLED, ahead=timedelta(days=40),
            auto_cancelled_at=when, auto_cancelled_for_id=because_of.id,
        )  # fmt: skip

    now = history.told().now

    assert (now.auto_cancelled, now.nights) == (3, 2)


def test_who_was_suspended_and_who_came_back(history):
    """Four of November: one came back, one did not, one is not over, one was void. One of October, over in November."""

    def suspended(began: datetime, **fields: Any) -> Any:
        customer = history.customer()
        factories.make_suspension(
            history.db_session, customer, history.studio, now=began,
            ends_on=(began + timedelta(days=9)).date(), **fields,
        )  # fmt: skip
        return factories.make_pass(history.db_session, customer, history.studio, pass_type="unlimited_series")

    coming = history.session(at(12, 5, 18))
    back = suspended(at(11, 3, 3), ended_at=at(11, 8, 12), lifted_at=at(11, 8, 12))
    history.reserve(coming, Status.PENDING, registration=back, ahead=coming.starts_at - at(11, 9, 9))
    stayed_away = suspended(at(11, 4, 3), ended_at=at(11, 14, 4))
    history.reserve(coming, Status.PENDING, registration=stayed_away, ahead=coming.starts_at - at(11, 3, 9))
    suspended(at(11, 28, 3))
    suspended(at(11, 5, 3), ended_at=at(11, 6, 3), voided_at=at(11, 6, 3))
    suspended(at(10, 28, 3), ended_at=at(11, 7, 4))

    found = history.told()

    assert (found.now.suspended, found.now.suspensions_over, found.now.came_back) == (3, 3, 1)
    assert (found.before.suspended, found.before.suspensions_over) == (1, 0)


def test_how_far_ended_punch_passes_were_used(history):
    """One used up in November, two of 8 that ended with 5 used, one in October; others have not ended, or are no punch passes."""

    def issue(punches: int, used: int, on: datetime, **fields: Any) -> None:
        registration = factories.make_pass(
            history.db_session, history.customer(), history.studio,
            punches=punches, now=at(9, 1, 9), sessions_remaining=punches, **fields,
        )  # fmt: skip
        for number in range(used):
            history.db_session.add(
                PunchLedgerEntry(
                    studio_id=history.studio.id, registration_id=registration.id, entry_type=LedgerReason.CHECK_IN,
                    delta=-1, balance=punches - number - 1, created_at=on,
                )
            )  # fmt: skip
        registration.sessions_remaining = punches - used

    issue(5, 5, at(11, 20, 9))
    issue(8, 5, at(11, 2, 9), valid_until=date(2026, 11, 30))
    issue(8, 5, at(10, 20, 9), valid_until=date(2026, 11, 1))
    issue(8, 2, at(10, 20, 9), valid_until=date(2026, 10, 31))
    issue(5, 5, at(9, 20, 9), valid_until=date(2026, 11, 15))  # was over long before its last day
    issue(8, 5, at(11, 2, 9), valid_until=date(2026, 12, 1))  # today still good
    issue(8, 5, at(11, 2, 9), valid_until=date(2026, 11, 15), status="CANCELLED")
    issue(1, 1, at(11, 2, 9), pass_type="drop_in")

    found = history.told(Period(first=date(2026, 11, 1), last=date(2026, 12, 1)))

    assert found.now.passes == [EndedPasses(size=5, used=5, number=1), EndedPasses(size=8, used=5, number=2)]
    assert found.before.passes == [EndedPasses(size=8, used=2, number=1)]


def test_a_changed_policy_is_compared_with_as_many_days_before(history):
    """Changed on the 20th: ten whole days since, so the 10th to the 19th before them; the day itself is left out."""
    yoga = factories.make_class(history.db_session, history.studio, title="Yoga")
    for day, status in (
        (9, Status.NO_SHOW),
        (10, Status.NO_SHOW),
        (19, Status.ATTENDED),
        (20, Status.NO_SHOW),
        (21, Status.ATTENDED),
    ):
        history.reserve(history.session(at(11, day, 18)), status)
    history.reserve(history.session(at(11, 30, 18), of=yoga), Status.NO_SHOW)
    manager = factories.staff_actor(history.studio)
    for class_id, values, now in (
        (None, {"deduct_punch_on_no_show": True, "max_no_shows": 3}, at(11, 20, 12)),
        (yoga.id, {"grace_period_hours": 48}, at(11, 20, 13)),
        (None, {"deduct_punch_on_no_show": False}, at(12, 1, 9)),
    ):
        put_policy(
            history.db_session, studio_id=history.studio.id, class_id=class_id, values=values, actor=manager, now=now
        )

    until_today = history.told(Period(first=date(2026, 11, 2), last=date(2026, 12, 1))).changes

    assert [
        (one.on.day, one.class_title, one.days, one.before.no_shows, one.after.no_shows) for one in until_today
    ] == [
        (1, None, 0, Share(0, 0), Share(0, 0)),
        (20, "Yoga", 10, Share(0, 0), Share(1, 1)),
        (20, None, 10, Share(1, 2), Share(1, 2)),
    ]
    assert until_today[-1].changed == {"deduct_punch_on_no_show": [False, True]}
    assert [one.class_title for one in history.told(title="Wheel").changes] == [None]


def test_two_hundred_sessions_cost_as_many_queries_as_one(history, engine):
    def queries() -> int:
        statements: list[str] = []
        note = lambda *told: statements.append(told[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", note)
        history.told()
        event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    history.reserve(history.session(at(11, 3, 18)))
    history.db_session.flush()
    one = queries()
    for number in range(200):
        session = history.session(at(11, 4, 9) + timedelta(hours=number), capacity=3)
        history.reserve(session, Status.NO_SHOW, registration=history.ada)
    history.db_session.flush()

    assert one == queries() == 7


def test_an_hour_is_that_of_the_studios_clock_where_zones_differ_by_quarters(db_session):
    """18:00 in Kathmandu is 12:15 UTC."""
    history = History(db_session)
    history.studio.timezone = "Asia/Kathmandu"
    history.reserve(history.session(datetime(2026, 11, 3, 12, 15, tzinfo=UTC)))

    assert list(history.told().by_hour) == [(1, 18)]
