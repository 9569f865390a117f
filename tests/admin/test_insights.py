"""The managers' screen of insights: what it says, of which days and classes, as pages and as files."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import StringIO

import pytest

from studio_reservations.admin.insight_charts import cells_of, columns_of, line_of, whole_weeks
from studio_reservations.admin.insight_words import said
from studio_reservations.models import ReservationHistory, Studio, StudioClass
from studio_reservations.pass_types import Status
from studio_reservations.policies.insights import Counts, Period, Share
from studio_reservations.services.insights import EndedPasses
from tests import factories
from tests.admin.conftest import Kiln
from tests.api.test_queries import counting
from tests.factories import NOW

PAGE = "/admin/studio/insights/"


@pytest.fixture
def past(stored, kiln: Kiln) -> StudioClass:
    """Let 40 people have been expected in November, of whom 10 did not come; return their class."""
    studio = stored.get_one(Studio, kiln.own.studio)
    wheel = factories.make_class(stored, studio, title="=Wheel & kiln")
    for week in range(1, 5):
        session = factories.make_session(stored, wheel, starts_at=NOW - timedelta(weeks=week), capacity=12)
        for number in range(10):
            customer = factories.make_customer(stored, studio)
            came = {"status": Status.ATTENDED, "check_in_method": "STAFF" if number == 9 else "SELF"}
            missed = number < 2 + week % 2
            factories.make_reservation(
                stored,
                factories.make_pass(stored, customer, studio, pass_type="unlimited_series"),
                session,
                now=session.starts_at - timedelta(days=2),
                **({"status": Status.NO_SHOW} if missed else came),
            )
    stored.commit()
    return wheel


def rows_of(answer) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.reader(StringIO(answer.data.decode("utf-8-sig"))))


def test_each_figure_says_what_it_counts(as_role, past):
    page = as_role("manager").get(f"{PAGE}?days=30").text

    # Noor missed this morning's session, of which she was the only one: 41 expected, 11 did not come.
    assert "2 Nov – 1 Dec 2026, compared with the 30 days before" in page
    assert "11 of 41 expected did not come" in page
    assert "on average, over 41 reservations made before the start" in page
    assert "0 of 41 reservations were given up" in page
    assert "26.8%" in page
    assert "of 41 customers who reserved" in page
    assert "=Wheel &amp; kiln: 10 of 40 expected did not come. 1 class with fewer than 20 expected" in page
    assert "26 of 30 check-ins without the desk" in page
    assert "No punch pass ended on these days" in page
    assert "was" not in page.partition("Missed classes by week")[0].partition("<dl")[2].replace("waived", "")


def test_small_numbers_are_said_and_not_percentages(as_role, kiln: Kiln):
    page = as_role("manager").get(PAGE).text

    assert '<dd class="st-big">1 of 1</dd>' in page
    assert "%</dd>" not in page
    assert [said(Share(*one)) for one in ((0, 0), (3, 4), (19, 19), (1, 20), (1, 3 * 7), (40, 40))] == [
        "–",
        "3 of 4",
        "19 of 19",
        "5%",
        "4.8%",
        "100%",
    ]


def test_one_class_alone_and_days_of_ones_own(as_role, past):
    manager = as_role("manager")

    page = manager.get(f"{PAGE}?class=%3DWheel+%26+kiln&from=2026-11-01&to=2026-11-12").text

    assert "=Wheel &amp; kiln, 1 Nov – 12 Nov 2026, compared with the 12 days before" in page
    assert "5 of 20 expected did not come" in page
    assert "Passes and suspensions are the whole studio’s" in page
    assert "Suspended" not in page.partition("<dl")[2]


@pytest.mark.parametrize(
    ("query", "complaint", "days"),
    [
        ("days=soon", "“soon” is none of the periods", "3 Sep – 1 Dec 2026"),
        ("from=yesterday", "“yesterday” is no date such as", "3 Sep – 1 Dec 2026"),
        ("from=2026-11-01&to=2026-02-30", "“2026-02-30” is no date such as", "1 Nov – 1 Dec 2026"),
        ("from=2026-11-20&to=2026-11-10", "The first day is after the last", "3 Sep – 1 Dec 2026"),
        ("from=2026-11-20&to=2099-01-01", "What is still to come is left out", "20 Nov – 1 Dec 2026"),
        ("from=2098-11-20", "The first day is after the last", "3 Sep – 1 Dec 2026"),
        ("from=2000-01-01", "Two years at most", "1 Dec 2024 – 1 Dec 2026"),
        ("to=2000-01-01", "", "4 Oct 1999 – 1 Jan 2000"),
        ("from=0001-01-01&to=9999-12-31", "is no date such as", "3 Sep – 1 Dec 2026"),
        ("class=Glazing+at+Another+studio", "is no class of Kiln Street", "3 Sep – 1 Dec 2026"),
        (f"class={'x' * 300}", "Write at most 200 letters", "3 Sep – 1 Dec 2026"),
        ("class=%00&from=%00", "", "3 Sep – 1 Dec 2026"),
    ],
)
def test_what_makes_no_sense_in_the_address_is_said(as_role, query, complaint, days):
    manager = as_role("manager")

    answer = manager.get(f"{PAGE}?{query}")

    assert answer.status_code == 200
    assert complaint in answer.text
    assert f"{days}, compared with" in answer.text
    assert manager.get(f"{PAGE}export.csv?{query}").status_code == (303 if complaint else 200)


def test_another_studios_insights_do_not_exist(as_role):
    assert as_role("manager").get(f"{PAGE}?studio=another").status_code == 404
    assert as_role("manager").get(f"{PAGE}export.csv?studio=another").status_code == 404
    assert as_role("manager").get(f"{PAGE}?studio=none").status_code == 404


def test_without_a_session_that_has_ended_it_says_what_to_do(as_role):
    page = as_role("manager").get(f"{PAGE}?from=2026-01-01&to=2026-01-31").text

    assert "No session ended on these days." in page
    assert "Put sessions on the schedule" in page
    assert '<svg class="st-plot' not in page


def test_every_table_is_a_file_without_formulas(as_role, past):
    manager = as_role("manager")

    figures = rows_of(manager.get(f"{PAGE}export.csv?days=30"))
    answer = manager.get(f"{PAGE}export.csv?days=30&table=classes")
    weeks = rows_of(manager.get(f"{PAGE}export.csv?days=30&table=weeks"))

    assert figures[0] == ["Figure", "Value", "Before", "What it counts"]
    assert ["Missed", "26.8%", "–", "11 of 41 expected did not come"] in figures
    assert 'filename="insights-classes-2026-11-02-2026-12-01.csv"' in answer.headers["Content-Disposition"]
    assert rows_of(answer)[1] == ["'=Wheel & kiln", "40", "0", "40", "10", "25%", "–"]
    assert weeks[1:] == [
        ["2026-11-02", "10", "2", "2 of 10"],
        ["2026-11-09", "10", "3", "3 of 10"],
        ["2026-11-16", "10", "2", "2 of 10"],
        ["2026-11-23", "10", "3", "3 of 10"],
        ["2026-11-30", "1", "1", "1 of 1"],
    ]
    for name in ("hours", "passes", "check-ins", "policies"):
        assert rows_of(manager.get(f"{PAGE}export.csv?table={name}"))
    assert manager.get(f"{PAGE}export.csv?table=none").status_code == 303


def test_a_changed_policy_stands_beside_what_came_of_it(as_role, kiln: Kiln, past, stored):
    stored.add(
        ReservationHistory(
            studio_id=kiln.own.studio,
            action="policy.changed",
            subject_type="policy",
            subject_id=kiln.own.studio,
            performed_by_kind="STAFF",
            details={
                "class_id": None,
                "changed": {"suspension_days": [14, 30], "of_old": [1, 2], "max_no_shows": [3, 3]},
            },
            created_at=NOW - timedelta(days=15),
        )
    )
    stored.commit()

    page = as_role("manager").get(PAGE).text

    assert "A suspension lasts: 14 days → 30 days" in page
    # The sessions of the 3rd and the 10th before it, of the 17th and the 24th after it.
    assert "In the 14 days before, 25% of 20 expected did not come; after, 25% of 20 expected did not come." in page
    assert "3 missed → 3 missed" not in page  # said for itself since, and what it was before
    assert "Policy since 16 Nov" in page
    assert "no proof" in page


def test_two_hundred_sessions_cost_as_many_queries_as_few(as_role, past, portal, stored):
    manager = as_role("manager")

    def queries() -> int:
        with counting(portal) as statements:
            assert manager.get(PAGE).status_code == 200
        return len(statements)

    queries()
    before = queries()
    for number in range(200):
        factories.make_session(stored, past, starts_at=NOW - timedelta(days=2, hours=number))
    stored.commit()

    assert queries() == before


def test_a_line_breaks_where_nobody_was_expected():
    weeks = [
        (date(2026, 11, 2) + timedelta(weeks=week), Counts(came=came, missed=1 if came else 0))
        for week, came in enumerate((9, 0, 4, 24))
    ]

    drawn = line_of(weeks, since=date(2026, 11, 9))

    assert drawn is not None
    assert [(one[0], one[2]) for one in drawn.segments] == [(10, 10), (68, 97), (97, 97)]
    assert (drawn.ticks[-1].text, drawn.last.text) == ("20%", "4%")
    assert drawn.band is not None
    assert (drawn.band.x, drawn.band.text) == (39, "Policy since 9 Nov")
    assert line_of([(date(2026, 11, 2), Counts())], since=None) is None


def test_a_line_is_of_whole_weeks_where_there_are_two():
    weeks = [(date(2026, 11, 2) + timedelta(weeks=week), Counts(came=9)) for week in range(4)]

    assert whole_weeks(weeks, Period(first=date(2026, 11, 3), last=date(2026, 11, 29))) == weeks[1:]
    assert whole_weeks(weeks, Period(first=date(2026, 11, 3), last=date(2026, 11, 21))) == weeks


def test_cells_and_columns_stay_few_and_readable():
    cells = cells_of({(0, 9): Counts(seats=20, capacity=20), (6, 18): Counts(seats=3, capacity=8)})
    columns = columns_of([EndedPasses(size=20, used=20, number=3), EndedPasses(size=20, used=1, number=1)], size=20)

    assert [(one.level, one.text) for one in cells.boxes if one.level] == [(4, "100"), (1, "3/8")]
    assert len(cells.boxes) == 2 * 7
    assert [one.text for one in columns.boxes] == ["1", *[""] * 9, "3"]
    assert [one.text for one in columns.labels][-2:] == ["16–17", "20"]
