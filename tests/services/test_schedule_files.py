"""A schedule file becomes dated meetings in UTC, and every row that cannot is told with its line and reason."""

import csv
import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from openpyxl import Workbook

from studio_reservations.services.schedule_files import BadRow, ScheduledSession, read_schedule
from studio_reservations.services.schedule_mapping import (
    COLUMNS,
    MOMENT,
    TOP_LEVEL,
    ScheduleMapping,
    ScheduleUnusable,
    read_mapping,
)

SCHEDULES = Path(__file__).parents[2] / "config" / "schedules"
HEADER = "Title,Course,Room,Teacher,Seats,Day,Start,Last day,End"
GOOD = "Clay,C1,Kiln room,Ada,8,2026-01-05,18:30,2026-01-05,20:30"
MAPPING = """
studio = "north"
timezone = "America/Toronto"
capacity = 12
null = ["None"]
external_ref = ["course", "date", "start"]

[columns]
title = "Title"
course = "Course"
location = "Room"
instructor = "Teacher"
capacity = "Seats"

[start]
date = "Day"
time = "Start"

[end]
date = "Last day"
time = "End"
"""


@pytest.fixture
def mapping_of(tmp_path):
    def read(text: str = MAPPING, *changes: tuple[str, str]) -> ScheduleMapping:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        return read_mapping(path)

    return read


@pytest.fixture
def rows_of(tmp_path, mapping_of):
    def read(content: str | bytes, *changes: tuple[str, str], name: str = "schedule.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_schedule(path=path, mapping=mapping_of(MAPPING, *changes)))

    return read


def the_bad_row(rows) -> BadRow:
    [bad] = [row for row in rows if isinstance(row, BadRow)]
    return bad


def titles(rows) -> list[str]:
    return [row.class_title for row in rows if isinstance(row, ScheduledSession)]


def good_and_bad(rows_of, bad: str, *changes: tuple[str, str]) -> BadRow:
    """Read one bad row between two good ones; both are kept, and the bad one is told by its own line."""
    rows = rows_of("\n".join([HEADER, GOOD, bad, GOOD.replace("C1", "C9"), ""]), *changes)
    assert titles(rows) == ["Clay", "Clay"]
    row = the_bad_row(rows)
    assert row.line == 3
    return row


def test_a_row_becomes_one_meeting_in_utc(rows_of):
    assert rows_of(f"{HEADER}\n{GOOD}\n") == [
        ScheduledSession(
            line=2,
            external_ref="north:C1/2026-01-05/18:30",
            class_ref="north:C1",
            class_title="Clay",
            description=None,
            location="Kiln room",
            instructor="Ada",
            starts_at=datetime(2026, 1, 5, 23, 30, tzinfo=UTC),
            ends_at=datetime(2026, 1, 6, 1, 30, tzinfo=UTC),
            capacity=8,
            capacity_is_default=False,
        )
    ]


def test_a_byte_order_mark_crlf_quotes_and_blank_lines_change_nothing(rows_of):
    plain = rows_of(f"{HEADER}\n{GOOD}\n")
    quoted = ",".join(f'"{cell}"' for cell in GOOD.split(","))
    assert rows_of(f"\ufeff{HEADER}\r\n{quoted}\r\n\r\n,,,,,,,,\r\n") == plain


def test_quotes_keep_commas_and_line_breaks_in_one_cell_and_lines_are_counted_on(rows_of):
    first = GOOD.replace("Clay", '"Clay, ""slow""\r\nand  fast"')
    rows = rows_of(f"{HEADER}\r\n{first}\r\n{GOOD.replace('C1', 'C2')}\r\n")
    assert [(row.line, row.class_title) for row in rows] == [(2, 'Clay, "slow" and fast'), (4, "Clay")]


def test_null_texts_and_empty_cells_say_nothing(rows_of):
    [row] = rows_of(f"{HEADER}\nClay,C1,None,,None,2026-01-05,18:30,2026-01-05,20:30\n")
    assert (row.location, row.instructor, row.capacity, row.capacity_is_default) == (None, None, 12, True)


def test_only_a_later_last_date_crosses_midnight(rows_of):
    [row] = rows_of(f"{HEADER}\nClay,C1,,,,2026-01-05,23:30,2026-01-06,01:00\n")
    assert (row.starts_at, row.ends_at) == (
        datetime(2026, 1, 6, 4, 30, tzinfo=UTC),
        datetime(2026, 1, 6, 6, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("Clay,C2,,,,2026-01-05,23:30,2026-01-05,01:00", "only a later last date crosses midnight"),
        ("Clay,C2,,,,2026-01-05,10:00,2026-01-05,10:00", "at or before its start"),
        ("Clay,C2,,,,2026-01-05,10:00,2026-01-04,11:00", "at or before its start"),
        ("Clay,C2,,,,2026-01-05,10:00,2026-02-05,11:00", "longer than a day: one row is one dated meeting"),
        ("Clay,C2,,,,2026-03-08,02:30,2026-03-08,04:00", "2026-03-08 02:30 does not exist in America/Toronto"),
        ("Clay,C2,,,,2026-03-08,01:30,2026-03-08,02:15", "2026-03-08 02:15 does not exist in America/Toronto"),
        ("Clay,C2,,,,0026-01-05,18:30,0026-01-05,20:30", "0026-01-05 18:30 lies outside the years 1970 to 2199"),
        ("Clay,C2,,,,9999-12-31,18:30,9999-12-31,20:30", "outside the years"),
        ("Clay,C2,,,,05/01/2026,18:30,2026-01-05,20:30", "Column 'Day' is not of the form %Y-%m-%d: '05/01/2026'"),
        ("Clay,C2,,,,2026-02-30,18:30,2026-02-30,20:30", "Column 'Day' is not of the form"),
        ("Clay,C2,,,,2026-01-05,25:00,2026-01-05,20:30", "Column 'Start' is not of the form %H:%M: '25:00'"),
        ("Clay,C2,,,,,18:30,2026-01-05,20:30", "Column 'Day' is empty"),
        ("Clay,C2,,,,2026-01-05,18:30,2026-01-05,None", "Column 'End' is empty"),
        (",C2,,,,2026-01-05,18:30,2026-01-05,20:30", "The title is empty (column 'Title')"),
        ("   ,C2,,,,2026-01-05,18:30,2026-01-05,20:30", "The title is empty"),
        ("Clay,,,,,2026-01-05,18:30,2026-01-05,20:30", "Column 'Course' is empty"),
        ("Clay,C2,,,many,2026-01-05,18:30,2026-01-05,20:30", "Column 'Seats' must be a whole number from 1 to 100000"),
        ("Clay,C2,,,0,2026-01-05,18:30,2026-01-05,20:30", "Column 'Seats' must be a whole number"),
        ("Clay,C2,,,-3,2026-01-05,18:30,2026-01-05,20:30", "Column 'Seats' must be a whole number"),
        ("Clay,C2,,,1.5,2026-01-05,18:30,2026-01-05,20:30", "Column 'Seats' must be a whole number"),
        ("Clay,C2,,,٣,2026-01-05,18:30,2026-01-05,20:30", "Column 'Seats' must be a whole number"),
        (f"Clay,C2,,,{'9' * 5000},2026-01-05,18:30,2026-01-05,20:30", "Column 'Seats' must be a whole number"),
        ("Clay,C2,Kiln", "The row is too short: 3 of 9 columns"),
        (f"{GOOD},more", "The row is too long: 10 of 9 columns"),
        (f"{'x' * 201},C2,,,,2026-01-05,18:30,2026-01-05,20:30", "Column 'Title' is longer than 200 characters"),
        (f"Clay,{'x' * 250},,,,2026-01-05,18:30,2026-01-05,20:30", "What names it is longer than 200 characters"),
        ("Cl\0ay,C2,,,,2026-01-05,18:30,2026-01-05,20:30", "Column 'Title' contains a control character"),
        (GOOD, "The same session stands on line 2 already (north:C1/2026-01-05/18:30)"),
        ('"Clay"oops,C2,,,,2026-01-05,18:30,2026-01-05,20:30', "The quotation marks or separators of the line do not"),
        (f"{'x' * 140_000},C2,,,,2026-01-05,18:30,2026-01-05,20:30", "do not fit: field larger than field limit"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_reason_and_the_good_ones_are_kept(rows_of, cells, reason):
    assert reason in good_and_bad(rows_of, cells).reason


def test_a_bad_row_keeps_the_cells_of_the_file(rows_of):
    assert good_and_bad(rows_of, "Clay,C2,Kiln").values == ("Clay", "C2", "Kiln")


def test_a_quotation_mark_left_open_is_told_with_the_lines_it_swallowed(rows_of):
    rows = rows_of(f'{HEADER}\n{GOOD}\n"Clay,C2\nClay,C3\n')
    assert titles(rows) == ["Clay"]
    bad = the_bad_row(rows)
    assert bad.line == 3
    assert "lines 3 to 4" in bad.reason


def test_a_row_in_another_encoding_is_bad_and_the_others_are_kept(rows_of):
    content = f"{HEADER}\n{GOOD}\n".encode() + GOOD.replace("Clay", "Céramique").replace("C1", "C2").encode("latin-1")
    rows = rows_of(content)
    assert titles(rows) == ["Clay"]
    assert the_bad_row(rows).reason == "Column 'Title' is not UTF-8 text."
    assert the_bad_row(rows).values[0] == "C?ramique"


def test_another_encoding_can_be_named(rows_of):
    content = f"{HEADER}\n{GOOD.replace('Clay', 'Céramique')}\n"
    assert titles(rows_of(content.encode("cp1252"), ("null =", 'encoding = "cp1252"\nnull ='))) == ["Céramique"]
    assert titles(rows_of(content.encode("utf-16"), ("null =", 'encoding = "utf-16"\nnull ='))) == ["Céramique"]


@pytest.mark.parametrize(
    ("content", "changes", "sentence"),
    [
        (f"{HEADER}\n{GOOD}\n".encode("utf-16"), (), "is UTF-16 text; save it as UTF-8"),
        (f"{HEADER}\n{GOOD}\n".encode(), (("null =", 'encoding = "utf-16"\nnull ='),), "is not utf-16 text"),
        (b"", (), "has no header row"),
        (b"\n\n", (), "has no header row"),
        (b'"Title', (), "has no header row"),
        (
            HEADER.replace("Room", "Raum").encode(),
            (),
            "has no column 'Room'; its columns are 'Title', 'Course', 'Raum'",
        ),
        (f"{HEADER},Room".encode(), (), "has the column 'Room' more than once"),
        (b"PK\x03\x04", (), "is a workbook, not CSV"),
        (bytes(range(256)) * 40, (), "has no column 'Title'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(rows_of, content, changes, sentence):
    with pytest.raises(ScheduleUnusable) as refused:
        rows_of(content, *changes)
    assert sentence in str(refused.value)


def test_a_missing_file_is_one_sentence(tmp_path, mapping_of):
    with pytest.raises(ScheduleUnusable, match=r"cannot be read: No such file"):
        read_schedule(path=tmp_path / "none.csv", mapping=mapping_of())


@pytest.mark.parametrize(
    ("cells", "starts_at"),
    [
        ("2025-11-02,01:30,2025-11-02,02:30", datetime(2025, 11, 2, 5, 30, tzinfo=UTC)),  # shown twice: the first
        ("2025-11-02,02:00,2025-11-02,03:00", datetime(2025, 11, 2, 7, 0, tzinfo=UTC)),
        ("2026-03-08,01:59,2026-03-08,03:00", datetime(2026, 3, 8, 6, 59, tzinfo=UTC)),
        ("2026-03-08,03:00,2026-03-08,04:00", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("2026-07-01,18:00,2026-07-01,19:00", datetime(2026, 7, 1, 22, 0, tzinfo=UTC)),
    ],
)
def test_wall_clock_times_become_the_right_instants_around_clock_changes(rows_of, cells, starts_at):
    [row] = rows_of(f"{HEADER}\nClay,C1,,,,{cells}\n")
    assert row.starts_at == starts_at


def test_a_slash_in_a_name_does_not_make_two_sessions_one(rows_of):
    both = (('external_ref = ["course"', 'external_ref = ["course", "location"'),)
    one = "Clay,A/B,C,,,2026-01-05,18:30,2026-01-05,20:30"
    other = "Clay,A,B/C,,,2026-01-05,18:30,2026-01-05,20:30"
    assert len({row.external_ref for row in rows_of(f"{HEADER}\n{one}\n{other}\n", *both)}) == 2


def test_a_file_without_courses_names_its_classes_by_title(rows_of):
    changes = (('course = "Course"\n', ""), ('["course", "date"', '["title", "date"'))
    [row] = rows_of(f"{HEADER}\n{GOOD}\n", *changes)
    assert (row.class_ref, row.external_ref) == ("north:Clay", "north:Clay/2026-01-05/18:30")


def test_one_column_can_hold_date_and_time(rows_of, mapping_of, tmp_path):
    mapping = mapping_of(
        """
        studio = "north"
        timezone = "Europe/Berlin"
        capacity = 6
        delimiter = ";"
        external_ref = ["id"]
        [columns]
        title = "Kurs"
        id = "Nr"
        [start]
        at = "Beginn"
        format = "%d.%m.%Y %H:%M"
        [end]
        at = "Ende"
        format = "%d.%m.%Y %H:%M"
        """
    )
    path = tmp_path / "kurse.csv"
    path.write_text("Nr;Kurs;Beginn;Ende\n7;Töpfern;01.07.2026 18:00;01.07.2026 20:00\n", encoding="utf-8")
    [row] = read_schedule(path=path, mapping=mapping)
    assert isinstance(row, ScheduledSession)
    assert (row.external_ref, row.starts_at) == ("north:7", datetime(2026, 7, 1, 16, 0, tzinfo=UTC))


def test_an_end_without_a_date_is_on_the_day_of_the_start(rows_of):
    [row] = rows_of(f"{HEADER}\n{GOOD}\n", ('date = "Last day"\n', ""))
    assert row.ends_at == datetime(2026, 1, 6, 1, 30, tzinfo=UTC)


def workbook(path: Path, *rows: Sequence[object]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def test_a_workbook_gives_the_same_sessions_as_the_csv(rows_of, tmp_path, mapping_of):
    expected = rows_of(f"{HEADER}\n{GOOD}\nClay,C2,,,,2026-01-05,18:30,2026-01-05,20:30\nClay,C3,Kiln\n")
    day = date(2026, 1, 5)
    path = workbook(
        tmp_path / "schedule.xlsx",
        HEADER.split(","),
        ["Clay", "C1", "Kiln room", "Ada", 8.0, day, time(18, 30), datetime.combine(day, time()), time(20, 30)],
        ["Clay", "C2", None, "None", None, "2026-01-05", "18:30", "2026-01-05", "20:30"],
        ["Clay", "C3", "Kiln"],
    )
    rows = list(read_schedule(path=path, mapping=mapping_of()))
    assert rows[:2] == expected[:2]
    assert isinstance(rows[2], BadRow)
    assert (rows[2].line, rows[2].reason) == (4, "Column 'Day' is empty.")


def test_a_workbook_row_with_more_cells_than_the_header_is_bad(tmp_path, mapping_of):
    path = workbook(tmp_path / "schedule.XLSX", HEADER.split(","), [*GOOD.split(","), "more"])
    assert the_bad_row(read_schedule(path=path, mapping=mapping_of())).reason == "The row is too long: 10 of 9 columns."


def test_an_empty_workbook_and_a_broken_one_are_one_sentence(tmp_path, mapping_of, rows_of):
    with pytest.raises(ScheduleUnusable, match="has no header row"):
        read_schedule(path=workbook(tmp_path / "empty.xlsx"), mapping=mapping_of())
    with pytest.raises(ScheduleUnusable, match="is not a workbook that can be read"):
        rows_of(f"{HEADER}\n{GOOD}\n", name="schedule.xlsx")
    whole = workbook(tmp_path / "whole.xlsx", HEADER.split(","), GOOD.split(",")).read_bytes()
    with pytest.raises(ScheduleUnusable, match="is not a workbook that can be read"):
        rows_of(whole[: len(whole) // 2], name="half.xlsx")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("capacity = 12", 'capacity = 12\ncolour = "red"', "unknown key 'colour'"),
        ('course = "Course"', 'kourse = "Course"', "[columns]: unknown key 'kourse'"),
        ("capacity = 12", "", "'capacity' must be a whole number of seats"),
        ("capacity = 12", "capacity = true", "'capacity' must be a whole number of seats"),
        ("capacity = 12", "capacity = 0", "'capacity' must be a whole number of seats"),
        ("America/Toronto", "America/Torronto", "'America/Torronto' is not an IANA time zone"),
        ("America/Toronto", "../../etc/passwd", "is not an IANA time zone"),
        ('studio = "north"', "", "the key 'studio' is missing"),
        ('studio = "north"', 'studio = "The North"', "'studio' is the studio's slug"),
        ('studio = "north"', 'studio = "north"\nsource = "a:b"', "'source' is a short word without a colon"),
        ('null = ["None"]', 'null = "None"', "'null' must be a list of texts"),
        ('["course", "date", "start"]', "[]", "'external_ref' must list one or more of title, course"),
        ('["course", "date", "start"]', '["course", "row"]', "not 'row'"),
        ('title = "Title"', "", "[columns] must name the column of the class's 'title'"),
        ('title = "Title"', "title = 3", "'title' must be a text that is not empty"),
        ('time = "Start"', "", "[start]: name either 'at', or 'date' and 'time'"),
        ('time = "Start"', 'minute = "Start"', "[start]: name either 'at', or 'date' and 'time'"),
        ('time = "Start"', 'time = "Start"\ntime_format = "%H"', "'time_format' must tell what '%H:%M' tells"),
        ('time = "Start"', 'time = "Start"\ntime_format = "%H:%M %z"', "'time_format' must not contain a zone"),
        ('date = "Day"', 'date = "Day"\ndate_format = "%Y-%d"', "'date_format' must tell what '%Y-%m-%d' tells"),
        ('date = "Day"', 'date = "Day"\ndate_format = "%Q"', "'date_format'"),
        ("[start]", "[beginning]", "unknown key 'beginning'"),
        ("[columns]", "columns", "is not valid TOML"),
        ('studio = "north"', 'studio = "north"\nencoding = "klingon"', "'klingon' is not a text encoding"),
        ('studio = "north"', 'studio = "north"\nencoding = "rot13"', "'rot13' is not a text encoding"),
        ('studio = "north"', 'studio = "north"\ndelimiter = "::"', "'delimiter' must be one character"),
        ('studio = "north"', 'studio = "north"\nlocation_text = "Room"', "'location_text' must contain {} once"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_one_sentence(mapping_of, old, new, sentence):
    with pytest.raises(ScheduleUnusable) as refused:
        mapping_of(MAPPING, (old, new))
    assert sentence in str(refused.value)


def test_a_mapping_that_is_missing_or_not_text_is_one_sentence(tmp_path):
    with pytest.raises(ScheduleUnusable, match="cannot be read"):
        read_mapping(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes('studio = "é"'.encode("latin-1"))
    with pytest.raises(ScheduleUnusable, match="is not UTF-8 text"):
        read_mapping(tmp_path / "latin.toml")


def test_the_toronto_excerpt_is_read_whole_and_its_instants_agree_with_its_wall_clock():
    mapping = read_mapping(SCHEDULES / "toronto.toml")
    path = SCHEDULES / "toronto_excerpt.csv"
    with path.open(encoding="utf-8", newline="") as file:
        expected = [
            (
                f"{row['First Date']} {int(row['Start Hour']):02}:{int(row['Start Minute']):02}",
                f"{row['Last Date']} {int(row['End Hour']):02}:{int(row['End Min']):02}",
                row["DayOftheWeek"],
            )
            for row in csv.DictReader(file)
        ]
    rows = list(read_schedule(path=path, mapping=mapping))
    found = []
    for row in rows:
        assert isinstance(row, ScheduledSession)
        starts, ends = (instant.astimezone(mapping.zone) for instant in (row.starts_at, row.ends_at))
        found.append((f"{starts:%Y-%m-%d %H:%M}", f"{ends:%Y-%m-%d %H:%M}", f"{starts:%A}"))
    assert found == expected
    assert len(found) == 900
    assert len({row.external_ref for row in rows}) == 900
    assert sum(starts[:10] != ends[:10] for starts, ends, _ in found) == 2


def test_every_copy_of_the_toronto_rows_carries_the_licence():
    for name in ("toronto.toml", "README.md"):
        text = (SCHEDULES / name).read_text(encoding="utf-8")
        assert "Contains information licensed under the Open Government Licence - Toronto." in text


def test_the_page_for_operators_shows_the_shipped_mapping_and_names_every_key():
    page = (SCHEDULES.parents[1] / "docs" / "operators" / "import.md").read_text(encoding="utf-8")
    shown = page.split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(shown) == tomllib.loads((SCHEDULES / "toronto.toml").read_text(encoding="utf-8"))
    assert [key for key in TOP_LEVEL | COLUMNS | MOMENT if f"`{key}`" not in page and f"[{key}]" not in page] == []
