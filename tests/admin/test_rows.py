"""Lists of rows: whose they are, what an address asks of them, what it costs, and what a spreadsheet gets."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO

import openpyxl
import pytest

from studio_reservations.admin.row_values import exported, shown
from studio_reservations.models import Customer, PunchLedgerEntry, Role, Studio
from tests import factories
from tests.api.test_queries import counting
from tests.factories import NOW

LIST = "/admin/studio/punch-ledger/"


def add_entries(stored, kiln, number: int = 1, *, at: datetime = NOW, **fields):
    """Add corrections to the pass of Priya Singh."""
    values = {"delta": 1, "balance": 6, "performed_by": "2", "entry_type": "ADJUSTMENT"} | fields
    for index in range(number):
        stored.add(
            PunchLedgerEntry(
                studio_id=kiln.own.studio,
                registration_id=kiln.own.registration,
                created_at=at + timedelta(seconds=index),
                **values,
            )
        )
    stored.commit()


def test_a_list_shows_the_rows_of_ones_own_studio_in_its_own_time(as_role, stored, kiln):
    add_entries(stored, kiln, at=datetime(2026, 12, 1, 3, 30, tzinfo=UTC), delta=-2, balance=3)

    page = as_role("manager").get(LIST).text

    assert "30 Nov 2026, 22:30" in page
    assert "times in America/Toronto" in page
    assert "−2" in page
    assert "Priya Singh" in page
    assert "4 rows" in page  # three passes of Kiln Street and the correction; the other studio has as many
    assert "<h1" in page
    assert 'lang="en"' in page
    ours = page.partition("<main")[2].partition("</main>")[0]
    assert [one for one in ("onclick", "javascript:", "style=", "<script") if one in ours] == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("flt0_0=garbage", "This list has no filter “flt0_0”"),
        ("page=x", "“x” is no page"),
        ("page=-1", "“-1” is no page"),
        ("page=999999", "There is no page 999,999; this is the last."),
        ("page=" + "9" * 190, "is no page"),
        ("sort=99", "The list is not sorted by “99”"),
        ("page_size=-1", "This list has no filter “page_size”"),
        ("day_from=2026-13-40", "“2026-13-40” is no date"),
        ("day_to=0001-01-01", "“0001-01-01” is no date"),
        ("day_from=2026-12-02&day_to=2026-12-01", "no day is in between"),
        ("for=GIFT", "“GIFT” is none of the choices of for"),
        ("studio=another", "“another” is none of your studios"),
        ("search=a%00b", "Write at most 200 letters"),
        ("search=" + "a" * 201, "Write at most 200 letters"),
    ],
)
def test_nonsense_in_the_address_is_a_sentence(as_role, query, sentence):
    desk = as_role("manager")

    answer = desk.get(f"{LIST}?{query}")
    export = desk.get(f"{LIST}export.csv?{query}")

    assert answer.status_code == 200
    assert sentence in answer.text
    # Nothing is exported that was not asked for: the list says what is wrong. A page is no part of an export.
    assert export.status_code == (200 if "999999" in query and len(query) < 20 else 303)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("search=priya", 2),
        ("search=priya+oops", 1),
        ("search=100%25", 0),
        ("for=ADJUSTMENT", 1),
        ("day_from=2026-12-01", 4),
        ("day_to=2026-11-30", 0),
        ("day_from=2026-12-01&day_to=2026-12-01&search=singh", 2),
        ("studio=kiln", 4),
        ("class=glazing", 0),
        ("sort=-customer", 4),
        ("sort=delta", 4),
    ],
)
def test_a_list_is_searched_filtered_and_sorted(as_role, stored, kiln, query, count):
    add_entries(stored, kiln, reason="Oops, counted twice")

    page = as_role("manager").get(f"{LIST}?{query}").text

    assert f"{count} row{'' if count == 1 else 's'}" in page
    assert ("Nothing here is like that." in page) == (count == 0)


def test_a_list_has_pages_that_keep_what_is_looked_for(as_role, stored, kiln):
    add_entries(stored, kiln, 120)

    page = as_role("manager").get(f"{LIST}?search=priya&sort=created_at&page=3").text

    assert "121 rows" in page
    assert page.count("<tr>") == 1 + 21
    assert "?search=priya&amp;sort=created_at&amp;page=2" in page


def test_two_hundred_rows_cost_what_one_costs(portal, as_role, stored, kiln):
    desk = as_role("manager")
    desk.get(LIST)
    for path in (LIST, f"{LIST}export.csv"):
        with counting(portal) as few:
            desk.get(path)
        add_entries(stored, kiln, 200)
        with counting(portal) as many:
            desk.get(path)
        assert len(many) == len(few), many


def test_whoever_works_in_two_studios_sees_which_is_which(as_role, stored, kiln):
    factories.make_staff(stored, stored.get_one(Studio, kiln.foreign.studio), Role.MANAGER, user_id="4")
    stored.commit()
    desk = as_role("manager")

    both, one = desk.get(LIST).text, desk.get(f"{LIST}?studio=another").text

    assert "6 rows" in both
    assert re.search('data-label="Studio"[^>]*>Another studio', both)
    assert "3 rows" in one
    assert not re.search('data-label="Studio"[^>]*>Kiln Street', one)


def test_a_row_has_a_page(as_role, stored, kiln):
    add_entries(stored, kiln, reason="<b>Oops</b>", details={"approved_by": "Ana", "copies": [1, 2]})
    entry = stored.query(PunchLedgerEntry.id).filter_by(entry_type="ADJUSTMENT").scalar()

    page = as_role("manager").get(f"{LIST}{entry}/").text

    assert "&lt;b&gt;Oops&lt;/b&gt;" in page
    assert "approved by: Ana, copies: 1, 2" in page
    assert str(kiln.own.registration) in page


def test_an_export_is_the_list_with_local_times_and_without_formulas(as_role, stored, kiln):
    stored.get_one(Customer, kiln.own.customer).name = "=HYPERLINK(1)\x01"
    add_entries(stored, kiln, delta=-1)
    desk = as_role("manager")

    plain = desk.get(f"{LIST}export.csv?for=ADJUSTMENT")
    sheet = openpyxl.load_workbook(BytesIO(desk.get(f"{LIST}export.xlsx?for=ADJUSTMENT").data)).active
    [head, row] = csv.reader(StringIO(plain.data.decode("utf-8-sig")))

    assert plain.headers["Content-Disposition"] == 'attachment; filename="punch-ledger-2026-12-01.csv"'
    assert plain.headers["Cache-Control"] == "no-store"
    assert head[:5] == ["When", "Customer", "For", "Punches", "Balance"]
    assert row[:5] == ["2026-12-01 10:00:00", "'=HYPERLINK(1)\x01", "Correction", "-1", "6"]
    assert row[-1] == "America/Toronto"
    [first] = sheet.iter_rows(min_row=2, values_only=True)
    assert first[:5] == (NOW.replace(hour=10, tzinfo=None), "'=HYPERLINK(1)", "Correction", -1, 6)


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_an_export_is_a_formula(begins):
    assert exported(f"{begins}1+1", "UTC") == f"'{begins}1+1"
    assert exported([f"{begins}1+1"], "UTC") == f"'{begins}1+1"


def test_values_read_as_words():
    assert shown(None, "UTC") == shown("", "UTC") == "–"
    assert shown(True, "UTC") == "Yes"
    assert shown(-1200, "UTC") == "−1,200"
    assert shown(NOW.date(), "UTC") == "1 Dec 2026"
