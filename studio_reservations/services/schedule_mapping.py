"""Which column of somebody's schedule file means what: a small TOML file, read into frozen values."""

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

REFERENCE_FIELDS = ("title", "course", "location", "instructor", "id")
"""Columns that `external_ref` may name, beside the words ``date`` and ``start``."""

TOP_LEVEL = {
    "studio",
    "studio_name",
    "source",
    "timezone",
    "capacity",
    "external_ref",
    "null",
    "encoding",
    "delimiter",
    "location_text",
    "columns",
    "start",
    "end",
}
COLUMNS = {*REFERENCE_FIELDS, "description", "capacity"}
MOMENT = {"at", "format", "date", "date_format", "hour", "minute", "time", "time_format"}


class ScheduleUnusable(Exception):
    """The file or its mapping cannot be used at all; its text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Columns of one wall-clock time: ``at``, or ``date`` with ``hour`` and ``minute``, or ``date`` with ``time``."""

    at: str | None = None
    format: str = "%Y-%m-%d %H:%M"
    date: str | None = None
    date_format: str = "%Y-%m-%d"
    hour: str | None = None
    minute: str | None = None
    time: str | None = None
    time_format: str = "%H:%M"

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns that this moment reads."""
        return tuple(name for name in (self.at, self.date, self.hour, self.minute, self.time) if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleMapping:
    """How to read a schedule file, and for which studio."""

    studio: str
    studio_name: str
    source: str
    zone: ZoneInfo
    capacity: int
    external_ref: tuple[str, ...]
    null: frozenset[str]
    encoding: str
    delimiter: str
    location_text: str
    columns: dict[str, str]
    start: Moment
    end: Moment

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Every column the file must have."""
        return tuple(dict.fromkeys([*self.columns.values(), *self.start.columns, *self.end.columns]))


def read_mapping(path: Path) -> ScheduleMapping:
    """Return the mapping kept in a TOML file.

    :raises ScheduleUnusable: it cannot be read, a key is unknown, missing or of the wrong kind.
    """
    try:
        with path.open("rb") as file:
            raw = tomllib.load(file)
    except OSError as error:
        raise ScheduleUnusable(f"The mapping {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise ScheduleUnusable(f"The mapping {path} is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise ScheduleUnusable(f"The mapping {path} is not valid TOML: {error}.") from error
    return _Table(raw, f"The mapping {path.name}").mapping()


class _Table:
    """One TOML table with the words to complain about it."""

    def __init__(self, raw: dict[str, Any], where: str) -> None:
        self.raw = raw
        self.where = where

    def fail(self, problem: str) -> NoReturn:
        raise ScheduleUnusable(f"{self.where}: {problem}.")

    def known(self, keys: set[str]) -> None:
        if unknown := sorted(set(self.raw) - keys):
            self.fail(f"unknown key {', '.join(map(repr, unknown))}; known are {', '.join(sorted(keys))}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if value is None:
            self.fail(f"the key {key!r} is missing")
        if not isinstance(value, str) or not value.strip():
            self.fail(f"{key!r} must be a text that is not empty")
        return value

    def texts(self, key: str, default: list[str] | None = None) -> list[str]:
        value = self.raw.get(key, default)
        if value is None:
            self.fail(f"the key {key!r} is missing")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(f"{key!r} must be a list of texts")
        return value

    def table(self, key: str, keys: set[str]) -> "_Table":
        value = self.raw.get(key)
        if not isinstance(value, dict):
            self.fail(f"the table [{key}] is missing")
        table = _Table(value, f"{self.where}, [{key}]")
        table.known(keys)
        for name in value:
            table.text(name)
        return table

    def mapping(self) -> ScheduleMapping:
        self.known(TOP_LEVEL)
        columns: dict[str, str] = dict(self.table("columns", COLUMNS).raw)
        if "title" not in columns:
            self.fail("[columns] must name the column of the class's 'title'")
        start = self.table("start", MOMENT).moment()
        end = self.table("end", MOMENT).moment(same_day_as=start)
        return ScheduleMapping(
            studio=self._slug(),
            studio_name=self.text("studio_name", self.text("studio")),
            source=self._source(),
            zone=self._zone(),
            capacity=self._capacity(),
            external_ref=self._external_ref(columns),
            null=frozenset(self.texts("null", [])),
            encoding=self._encoding(),
            delimiter=self._delimiter(),
            location_text=self._location_text(),
            columns=columns,
            start=start,
            end=end,
        )

    def moment(self, same_day_as: Moment | None = None) -> Moment:
        """Return the columns of a start or an end; an end without a date takes the start's."""
        raw = dict(self.raw)
        if same_day_as is not None and "at" not in raw and "date" not in raw and same_day_as.date is not None:
            raw = {"date": same_day_as.date, "date_format": same_day_as.date_format} | raw
        shape = {key for key in ("at", "date", "hour", "minute", "time") if key in raw}
        if shape not in ({"at"}, {"date", "time"}, {"date", "hour"}, {"date", "hour", "minute"}):
            self.fail("name either 'at', or 'date' and 'time', or 'date' and 'hour' (and 'minute')")
        moment = Moment(**raw)
        self._check_format("format", moment.format, "%Y-%m-%d %H:%M")
        self._check_format("date_format", moment.date_format, "%Y-%m-%d")
        self._check_format("time_format", moment.time_format, "%H:%M")
        return moment

    def _check_format(self, key: str, pattern: str, must_tell: str) -> None:
        """A pattern that loses the day or the minute, or speaks of zones, would move sessions silently."""
        if "%z" in pattern.lower():
            self.fail(f"{key!r} must not contain a zone: times are the studio's wall clock")
        sample = datetime(2027, 11, 28, 17, 45, tzinfo=UTC)
        try:
            read_back = datetime.strptime(sample.strftime(pattern), pattern).replace(tzinfo=UTC)
        except ValueError as error:
            self.fail(f"{key!r} is not a date pattern: {error}")
        if read_back.strftime(must_tell) != sample.strftime(must_tell):
            self.fail(f"{key!r} must tell what {must_tell!r} tells")

    def _slug(self) -> str:
        slug = self.text("studio")
        if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", slug) or len(slug) > 40:
            self.fail("'studio' is the studio's slug: lower-case letters, digits and hyphens")
        return slug

    def _source(self) -> str:
        source = self.text("source", self.text("studio"))
        if ":" in source or len(source) > 40 or not source.isprintable():
            self.fail("'source' is a short word without a colon; it begins every external_ref")
        return source

    def _zone(self) -> ZoneInfo:
        name = self.text("timezone")
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            self.fail(f"{name!r} is not an IANA time zone such as 'America/Toronto'")

    def _capacity(self) -> int:
        value = self.raw.get("capacity")
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100_000:
            self.fail("'capacity' must be a whole number of seats from 1 to 100000")
        return value

    def _external_ref(self, columns: dict[str, str]) -> tuple[str, ...]:
        parts = self.texts("external_ref")
        allowed = [*(name for name in REFERENCE_FIELDS if name in columns), "date", "start"]
        if not parts or (unknown := [part for part in parts if part not in allowed]):
            known = ", ".join(allowed)
            self.fail(f"'external_ref' must list one or more of {known}" + (f", not {unknown[0]!r}" if parts else ""))
        return tuple(parts)

    def _encoding(self) -> str:
        encoding = self.text("encoding", "utf-8-sig")
        try:
            "".encode(encoding)
        except (LookupError, ValueError):
            self.fail(f"{encoding!r} is not a text encoding")
        return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding

    def _delimiter(self) -> str:
        delimiter = self.text("delimiter", ",") if self.raw.get("delimiter") != "\t" else "\t"
        if len(delimiter) != 1 or delimiter in '"\r\n':
            self.fail("'delimiter' must be one character")
        return delimiter

    def _location_text(self) -> str:
        text = self.text("location_text", "{}")
        if text.count("{}") != 1 or text.count("{") != 1 or text.count("}") != 1 or len(text) > 100:
            self.fail("'location_text' must contain {} once, for what the file says, and at most 100 characters")
        return text
