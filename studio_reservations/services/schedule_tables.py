"""The rows of a CSV or XLSX file, each with its line, as they stand there."""

import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile

from studio_reservations.services.schedule_mapping import ScheduleUnusable

Cell = str | int | float | bool | datetime | date | time | timedelta | None


@dataclass(frozen=True, slots=True)
class Record:
    """A row with the line it begins on; ``cells`` is a sentence where it cannot be taken apart."""

    line: int
    cells: Sequence[Cell] | str


def read_table(*, path: Path, raw: BinaryIO | None, encoding: str, delimiter: str) -> Iterator[Record]:
    """Yield the rows that are not blank, the header first; ``.xlsx`` by its name, everything else is CSV.

    :raises ScheduleUnusable: it cannot be opened or is not of that kind.
    """
    try:
        with raw or path.open("rb") as file:
            if path.suffix.lower() == ".xlsx":
                yield from _xlsx(file, path.name)
            else:
                yield from _csv(file, path.name, encoding, delimiter)
    except OSError as error:
        raise ScheduleUnusable(f"{path} cannot be read: {error.strerror or error}.") from error


def _csv(file: BinaryIO, name: str, encoding: str, delimiter: str) -> Iterator[Record]:
    start = file.read(4)
    file.seek(0)
    if encoding == "utf-8-sig" and start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ScheduleUnusable(f'{name} is UTF-16 text; save it as UTF-8, or set encoding = "utf-16" in the mapping.')
    if start == b"PK\x03\x04":
        raise ScheduleUnusable(f"{name} is a workbook, not CSV; give it a name that ends in .xlsx.")
    # Bytes of another encoding are carried along, so that only their own rows are bad.
    with io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="") as text:
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except UnicodeError as error:
                raise ScheduleUnusable(f"{name} is not {encoding} text.") from error
            except csv.Error as error:
                lines = f"lines {line} to {rows.line_num}" if rows.line_num > line else "the line"
                yield Record(line, f"The quotation marks or separators of {lines} do not fit: {error}.")
                continue
            if any(cell.strip() for cell in cells):
                yield Record(line, cells)


def _xlsx(file: BinaryIO, name: str) -> Iterator[Record]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ScheduleUnusable(
            f"{name} is a workbook; reading it needs openpyxl: pip install 'studio-reservations[xlsx]'."
        ) from error
    # openpyxl lets whatever its XML or ZIP reader raised through; each means the same to the operator.
    broken = (BadZipFile, KeyError, ValueError, TypeError, AttributeError, EOFError, SyntaxError, zlib.error)
    try:
        workbook = load_workbook(file, read_only=True, data_only=True)
    except broken as error:
        raise ScheduleUnusable(f"{name} is not a workbook that can be read: {error}.") from error
    try:
        sheet = workbook.worksheets[0] if workbook.worksheets else None
        rows = iter(sheet.iter_rows(values_only=True)) if sheet is not None else iter(())
        width = 0
        line = 0
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except broken as error:
                raise ScheduleUnusable(f"{name} breaks off after line {line}: {error}.") from error
            line += 1
            cells: list[Cell] = list(row)
            while len(cells) > width and cells[-1] is None:
                cells.pop()
            if not any(cell is not None and cell != "" for cell in cells):
                continue
            width = width or len(cells)
            # A sheet does not keep the empty cells at the end of a row.
            yield Record(line, cells + [None] * (width - len(cells)))
    finally:
        workbook.close()
