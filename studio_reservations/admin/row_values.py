"""Values of a list as people read them, and as a spreadsheet takes them: local times, words, nothing that is a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Any

from studio_reservations.policies.local_time import zone

NOTHING = "–"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONGEST_CELL = 32_000


def shown(value: Any, timezone: str) -> str:
    """Return a value in words; an instant by the studio's clock."""
    if value is None or value in ("", [], {}):
        return NOTHING
    match value:
        case bool():
            return "Yes" if value else "No"
        case int():
            return f"{value:,}".replace("-", "−")
        case datetime():
            local = value.astimezone(zone(timezone))
            return f"{local.day} {local:%b %Y, %H:%M}"
        case date():
            return f"{value.day} {value:%b %Y}"
        case Mapping():
            return ", ".join(f"{_name(key)}: {shown(one, timezone)}" for key, one in value.items())
        case list() | tuple():
            return ", ".join(shown(one, timezone) for one in value)
        case _:
            return str(value)


def signed(value: int | None) -> str:
    """Return a change with its sign, such as ``+8`` or ``−1``."""
    return NOTHING if value is None else f"{value:+,}".replace("-", "−")


def exported(value: Any, timezone: str) -> str | int | datetime | date:
    """Return a value as a cell holds it: an instant is the studio's wall time, text is never a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "Yes" if value else "No"
        case int():
            return value
        case datetime():
            return value.astimezone(zone(timezone)).replace(tzinfo=None, microsecond=0)
        case date():
            return value
        case _:
            return harmless(shown(value, timezone) if isinstance(value, (Mapping, list, tuple)) else str(value))


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe before what would begin one."""
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_of(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a CSV file; it begins with the mark by which Excel knows UTF-8."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue().encode("utf-8-sig")


def can_write_xlsx() -> bool:
    """Tell whether the extra ``xlsx`` is installed."""
    return find_spec("openpyxl") is not None


def xlsx_of(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return an XLSX file with one sheet."""
    openpyxl = import_module("openpyxl")
    forbidden = import_module("openpyxl.cell.cell").ILLEGAL_CHARACTERS_RE
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for row in (head, *rows):
        sheet.append(
            [
                forbidden.sub("", one)[:LONGEST_CELL] if isinstance(one, str) else one for one in row
            ]  # Excel's own limits
        )
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _name(key: Any) -> str:
    return str(key).replace("_", " ")
