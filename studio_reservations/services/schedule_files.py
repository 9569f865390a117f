"""Read a schedule from CSV or XLSX: every row becomes one dated meeting, or one bad row that says why."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from studio_reservations.services.schedule_mapping import Moment, ScheduleMapping, ScheduleUnusable
from studio_reservations.services.schedule_tables import Cell, Record, read_table

MAX_CAPACITY = 100_000
MAX_TEXT = 200
MAX_DESCRIPTION = 2_000
MAX_REFERENCE = 200
FIRST_YEAR, LAST_YEAR = 1970, 2199
LONGEST_SESSION = timedelta(hours=24)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledSession:
    """One dated meeting of the file; instants are UTC, None where the file says nothing.

    ``class_ref`` names the class by its course, or by its title where the file knows no courses.
    """

    line: int
    external_ref: str
    class_ref: str
    class_title: str
    description: str | None
    location: str | None
    instructor: str | None
    starts_at: datetime
    ends_at: datetime
    capacity: int
    capacity_is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that was left out: its line, a sentence, the file's own cells, and ``external_ref`` where it was read."""

    line: int
    reason: str
    values: tuple[str, ...]
    external_ref: str | None = None


class _Bad(Exception):
    """Why a row is bad."""


def read_schedule(
    *, path: Path, mapping: ScheduleMapping, raw: BinaryIO | None = None
) -> Iterator[ScheduledSession | BadRow]:
    """Yield the rows of a schedule file in the file's order, one at a time.

    ``raw`` is the opened file, where the caller has it (a progress bar counts its bytes).

    :raises ScheduleUnusable: the file cannot be read, or a column that the mapping names is missing.
    """
    records = iter(read_table(path=path, raw=raw, encoding=mapping.encoding, delimiter=mapping.delimiter))
    header = next(records, None)
    if header is None or isinstance(header.cells, str):
        raise ScheduleUnusable(f"{path.name} has no header row{f': {header.cells}' if header else ''}.")
    return _rows(records, _Header(header.cells, mapping, path.name), mapping)


class _Header:
    """Where each column stands in a row."""

    def __init__(self, cells: Sequence[Cell], mapping: ScheduleMapping, file_name: str) -> None:
        names = [_text(cell).strip() for cell in cells]
        if missing := [name for name in mapping.file_columns if name not in names]:
            raise ScheduleUnusable(
                f"{file_name} has no column {', '.join(map(repr, missing))}; "
                f"its columns are {', '.join(map(repr, names))[:500]}."
            )
        if twice := [name for name in mapping.file_columns if names.count(name) > 1]:
            raise ScheduleUnusable(f"{file_name} has the column {twice[0]!r} more than once.")
        self.width = len(names)
        self.index = {name: names.index(name) for name in mapping.file_columns}


def _rows(records: Iterable[Record], header: _Header, mapping: ScheduleMapping) -> Iterator[ScheduledSession | BadRow]:
    first_line: dict[str, int] = {}
    for record in records:
        if isinstance(record.cells, str):
            yield BadRow(line=record.line, reason=record.cells, values=())
            continue
        row = _Row(record.line, record.cells, header, mapping)
        try:
            session = row.session()
            if (earlier := first_line.setdefault(session.external_ref, session.line)) != session.line:
                raise _Bad(f"The same session stands on line {earlier} already ({session.external_ref})")
        except _Bad as problem:
            values = tuple(_text(cell).encode(errors="replace").decode() for cell in record.cells)
            yield BadRow(line=record.line, reason=f"{problem}.", values=values, external_ref=row.external_ref)
        else:
            yield session


class _Row:
    """One record, read column by column; the first thing wrong is the reason."""

    def __init__(self, line: int, cells: Sequence[Cell], header: _Header, mapping: ScheduleMapping) -> None:
        self.line = line
        self.cells = cells
        self.header = header
        self.mapping = mapping
        self.external_ref: str | None = None

    def session(self) -> ScheduledSession:
        """Return the meeting this row speaks of.

        Only a later last date lets it cross midnight; what lasts longer than a day is a range of dates, not a meeting.
        """
        if len(self.cells) != self.header.width:
            kind = "short" if len(self.cells) < self.header.width else "long"
            raise _Bad(f"The row is too {kind}: {len(self.cells)} of {self.header.width} columns")
        title = self._field("title", longest=MAX_TEXT)
        if title is None:
            raise _Bad(f"The title is empty (column {self.mapping.columns['title']!r})")
        starts = self._moment(self.mapping.start)
        self.external_ref = self._name([self._part(part, starts) for part in self.mapping.external_ref])
        ends = self._moment(self.mapping.end)
        if ends <= starts:
            raise _Bad(
                f"It ends ({_wall(ends)}) at or before its start ({_wall(starts)}); "
                "only a later last date crosses midnight"
            )
        if ends - starts > LONGEST_SESSION:
            raise _Bad(f"From {_wall(starts)} to {_wall(ends)} is longer than a day: one row is one dated meeting")
        location = self._field("location", longest=MAX_TEXT - len(self.mapping.location_text))
        capacity = self._capacity()
        return ScheduledSession(
            line=self.line,
            external_ref=self.external_ref,
            class_ref=self._name([self._part("course" if "course" in self.mapping.columns else "title", starts)]),
            class_title=title,
            description=self._field("description", longest=MAX_DESCRIPTION),
            location=None if location is None else self.mapping.location_text.replace("{}", location),
            instructor=self._field("instructor", longest=MAX_TEXT),
            starts_at=self._utc(starts),
            ends_at=self._utc(ends),
            capacity=self.mapping.capacity if capacity is None else capacity,
            capacity_is_default=capacity is None,
        )

    def _cell(self, column: str) -> Cell:
        cell = self.cells[self.header.index[column]]
        if isinstance(cell, str):
            try:
                cell.encode()
            except UnicodeEncodeError as error:
                raise _Bad(
                    f"Column {column!r} is not {self.mapping.encoding.removesuffix('-sig').upper()} text"
                ) from error
            cell = " ".join(cell.split())
            if _CONTROL.search(cell):
                raise _Bad(f"Column {column!r} contains a control character")
            if cell in self.mapping.null:
                return None
        return None if cell == "" else cell

    def _needed(self, column: str) -> Cell:
        cell = self._cell(column)
        if cell is None:
            raise _Bad(f"Column {column!r} is empty")
        return cell

    def _field(self, field: str, *, longest: int) -> str | None:
        column = self.mapping.columns.get(field)
        if column is None or (cell := self._cell(column)) is None:
            return None
        text = _text(cell)
        if len(text) > longest:
            raise _Bad(f"Column {column!r} is longer than {longest} characters")
        return text

    def _number(self, column: str, least: int, most: int) -> int:
        text = _text(self._needed(column))
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
            raise _Bad(f"Column {column!r} must be a whole number from {least} to {most}, not {text[:40]!r}")
        return int(text)

    def _capacity(self) -> int | None:
        column = self.mapping.columns.get("capacity")
        if column is None or self._cell(column) is None:
            return None
        return self._number(column, 1, MAX_CAPACITY)

    def _moment(self, moment: Moment) -> datetime:
        if moment.at is not None:
            return self._parsed(moment.at, moment.format)
        day = self._parsed(moment.date or "", moment.date_format).date()
        if moment.time is not None:
            cell = self._needed(moment.time)
            clock = cell if isinstance(cell, time) else self._parsed(moment.time, moment.time_format).time()
        else:
            minute = 0 if moment.minute is None else self._number(moment.minute, 0, 59)
            clock = time(self._number(moment.hour or "", 0, 23), minute)
        return datetime.combine(day, clock.replace(tzinfo=None))

    def _parsed(self, column: str, pattern: str) -> datetime:
        cell = self._needed(column)
        if isinstance(cell, datetime):
            return cell.replace(tzinfo=None)
        if isinstance(cell, date):
            return datetime.combine(cell, time())
        try:
            return _strptime(_text(cell), pattern)
        except ValueError as error:
            raise _Bad(f"Column {column!r} is not of the form {pattern}: {_text(cell)[:40]!r}") from error

    def _utc(self, local: datetime) -> datetime:
        """Return the instant of a wall-clock time, the first one where the clock shows it twice."""
        if not FIRST_YEAR <= local.year <= LAST_YEAR:
            raise _Bad(f"{_wall(local)} lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
        instant = local.replace(tzinfo=self.mapping.zone, fold=0).astimezone(UTC)
        if instant.astimezone(self.mapping.zone).replace(tzinfo=None, fold=0) != local:
            raise _Bad(f"{_wall(local)} does not exist in {self.mapping.zone.key}: the clocks go forward then")
        return instant

    def _name(self, parts: Sequence[str]) -> str:
        """Return what names a session or a class for ever: its parts, after the word that names the source."""
        name = f"{self.mapping.source}:{'/'.join(part.replace('%', '%25').replace('/', '%2F') for part in parts)}"
        if len(name) > MAX_REFERENCE:
            raise _Bad(f"What names it is longer than {MAX_REFERENCE} characters")
        return name

    def _part(self, name: str, starts: datetime) -> str:
        if name == "date":
            return starts.date().isoformat()
        if name == "start":
            return f"{starts:%H:%M}"
        return _text(self._needed(self.mapping.columns[name]))


def _wall(local: datetime) -> str:
    return local.isoformat(sep=" ", timespec="minutes")


@lru_cache(maxsize=4096)
def _strptime(text: str, pattern: str) -> datetime:
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - wall-clock time; the zone comes after the hours are joined


def _text(cell: Cell) -> str:
    """Return what a person would read in the cell; a spreadsheet keeps whole numbers as fractions."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
