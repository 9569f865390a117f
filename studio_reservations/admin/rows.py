"""Read-only lists of rows, in Flask-Admin's own markup: searched, filtered, sorted, paged, exported.

A list is one statement; its columns are read, so that a page costs the same for one row and for two hundred. Nothing is made,
edited or deleted here: what carries rules has screens that ask the services. Source: rules.md §10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar
from uuid import UUID

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select, String, cast, func, select
from sqlalchemy.orm import aliased

from studio_reservations.admin.row_filters import Asked, Filter, read_address
from studio_reservations.admin.row_values import can_write_xlsx, csv_of, exported, shown, signed, xlsx_of
from studio_reservations.admin.screens import Desk, StaffScreen, page
from studio_reservations.errors import NotFound
from studio_reservations.models import ApiToken, Studio
from studio_reservations.models.connection import connection

PAGE_SIZE = 50
MOST_EXPORTED = 20_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a list: its name among the statement's, its heading, and how it is sorted and read.

    ``words`` are said instead of the value, ``tags`` the look of each value as a tag, ``show`` makes the text from the whole
    row, ``link`` the address that it leads to. ``sort`` is what the database orders by; a ``change`` is shown with its sign.
    """

    name: str
    label: str
    sort: Any = None
    words: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None
    show: Callable[[Any], Any] | None = None
    link: Callable[[Any], str | None] | None = None
    number: bool = False
    change: bool = False

    def value(self, row: Any) -> Any:
        """Return what the row has here, in words where there are words."""
        if self.show is not None:
            return self.show(row)
        value = getattr(row, self.name)
        return self.words.get(value, value) if self.words is not None else value

    def text(self, row: Any) -> str:
        """Return the value as people read it."""
        value = self.value(row)
        return signed(value) if self.change else shown(value, row.timezone)


def is_token(performed_by: Any) -> ColumnElement[bool]:
    """Return the condition that the token did it whose id is written there."""
    # An actor's id has dashes, SQLite's column has none.
    return func.replace(cast(ApiToken.id, String), "-", "") == func.replace(performed_by, "-", "")


class StudioRows(StaffScreen):
    """A list of the rows of one's own studios, with a page for each row and exports of what is listed.

    ``rows``, a select, has the columns under their names, ``id`` and ``studio_id`` among them; the row's ``studio``, its
    ``studio_slug`` and ``timezone`` are added. ``row`` is what its id is called in the address of its page. A screen that has a
    page of its own for a row, or for the list, defines ``details`` or ``index`` itself.
    """

    rows: ClassVar[Any]
    row: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    more: ClassVar[Sequence[Column]] = ()
    """What only the page of a row shows."""
    filters: ClassVar[Sequence[Filter]] = ()
    searched: ClassVar[Sequence[Any]] = ()
    search_label: ClassVar[str] = ""
    order: ClassVar[Sequence[Any]]
    """What the list is ordered by unless somebody says otherwise; ends with something unique."""
    lede: ClassVar[str] = ""
    empty: ClassVar[str] = "Nothing has been written down here yet."
    new_label: ClassVar[str] = ""
    """What the button says that leads to the form ``new``, where the screen has one."""
    list_template: ClassVar[str] = "rows.html"
    details_template: ClassVar[str] = "row.html"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, rule, method in _pages(cls.row):
            if name not in cls.__dict__:
                setattr(cls, name, page(rule, least=cls.least)(method))

    def title_of_row(self, row: Any) -> str:
        """Return the heading of a row's page."""
        return self.columns[0].text(row)

    def asked(self, studios: Sequence[Studio]) -> Asked:
        """Return what the address asks of this list."""
        return read_address(
            request.args,
            studios=studios,
            studio_id=self.rows.selected_columns.studio_id,
            searched=self.searched,
            filters=self.filters,
            sorts=[one.name for one in self.columns if one.sort is not None],
        )

    def details_values(self, desk: Desk, row: Any) -> dict[str, Any]:
        """Return what the template of a row's page shows besides the row."""
        return {}

    def statement(self, desk: Desk) -> Any:
        """Return the rows (a select) of one's own studios, each with its studio and zone."""
        of_row = aliased(Studio, name="of_row")
        studio_id = self.rows.selected_columns.studio_id
        return (
            self.rows.join(of_row, of_row.id == studio_id)
            .add_columns(
                of_row.name.label("studio"), of_row.slug.label("studio_slug"), of_row.timezone.label("timezone")
            )
            .where(studio_id.in_([one for one in desk.actor.roles if desk.actor.has_role(one, desk.least)]))
        )

    def one_row(self, desk: Desk, row_id: UUID) -> Any:
        """Return the row of that id in a studio of one's own. :raises NotFound:"""
        one = self.statement(desk).where(self.rows.selected_columns.id == row_id)
        found = connection(desk.db_session).execute(one).first()
        if found is None:
            raise NotFound()
        return found

    def list_values(self, desk: Desk) -> dict[str, Any]:
        """Return what the list's template shows."""
        studios = desk.studios
        asked = self.asked(studios)
        wanted = self.statement(desk).where(*asked.conditions)
        count = self._count(desk, wanted)
        pages = max(1, ceil(count / PAGE_SIZE))
        if asked.page > pages:
            asked.problems.append(f"There is no page {asked.page:,}; this is the last.")
            asked.page = pages
        at = (asked.page - 1) * PAGE_SIZE
        rows = connection(desk.db_session).execute(self._ordered(wanted, asked).limit(PAGE_SIZE).offset(at)).all()
        return {
            "desk": desk,
            "asked": asked,
            "rows": rows,
            "count": count,
            "pages": pages,
            "studios": studios,
            "columns": self._with_studio(studios),
            "zones": sorted({one.timezone for one in studios}),
            "has_details": hasattr(self, "details"),
            "most_exported": MOST_EXPORTED,
            "can_write_xlsx": can_write_xlsx(),
        }

    def export(self, desk: Desk, kind: str) -> ResponseReturnValue:
        """Return everything that the list shows as a file; where that cannot be, the list, which says why."""
        studios = desk.studios
        asked = self.asked(studios)
        wanted = self.statement(desk).where(*asked.conditions)
        if asked.problems or self._count(desk, wanted) > MOST_EXPORTED or (kind == "xlsx" and not can_write_xlsx()):
            return redirect(
                f"{url_for(f'{self.endpoint}.index')}?{request.query_string.decode('ascii', 'replace')}", 303
            )
        columns = self._with_studio(studios)
        found = connection(desk.db_session).execute(self._ordered(wanted, asked)).all()
        head = [*(one.label for one in columns), "Time zone"]
        cells = [[*(exported(one.value(row), row.timezone) for one in columns), row.timezone] for row in found]
        if kind == "csv":
            response = make_response(csv_of(head, cells))
            response.mimetype = "text/csv"
        else:
            response = make_response(xlsx_of(str(self.name), head, cells))
            response.mimetype = XLSX
        name = f"{self.endpoint.removeprefix('studio_').replace('_', '-')}-{desk.now:%Y-%m-%d}.{kind}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _with_studio(self, studios: Sequence[Studio]) -> list[Column]:
        """Return the columns, with the studio's name where there are several."""
        of_row = [Column(name="studio", label="Studio")] if len(studios) > 1 else []
        return [*self.columns, *of_row]

    def _ordered(self, wanted: Select[Any], asked: Asked) -> Select[Any]:
        given = asked.understood.get("sort", "")
        first = [one.sort for one in self.columns if one.name == given.removeprefix("-")]
        return wanted.order_by(*(one.desc() if given.startswith("-") else one.asc() for one in first), *self.order)

    def _count(self, desk: Desk, wanted: Select[Any]) -> int:
        ids = wanted.with_only_columns(self.rows.selected_columns.id).subquery()
        return connection(desk.db_session).scalar(select(func.count()).select_from(ids)) or 0


def _pages(row_argument: str) -> Sequence[tuple[str, str, Callable[..., Any]]]:
    """Return the pages of one list, made for it: each carries its own mark."""

    def index(screen: StudioRows, desk: Desk) -> str:
        return screen.show(screen.list_template, **screen.list_values(desk))

    def details(screen: StudioRows, desk: Desk, **path: UUID) -> str:
        row = screen.one_row(desk, path[row_argument])
        return screen.show(
            screen.details_template,
            desk=desk,
            row=row,
            columns=[*screen.columns, *screen.more, Column(name="studio", label="Studio")],
            title=screen.title_of_row(row),
            **screen.details_values(desk, row),
        )

    def export_csv(screen: StudioRows, desk: Desk) -> ResponseReturnValue:
        return screen.export(desk, "csv")

    def export_xlsx(screen: StudioRows, desk: Desk) -> ResponseReturnValue:
        return screen.export(desk, "xlsx")

    return (
        ("index", "/", index),
        ("details", f"/<uuid:{row_argument}>/", details),
        ("export_csv", "/export.csv", export_csv),
        ("export_xlsx", "/export.xlsx", export_xlsx),
    )
