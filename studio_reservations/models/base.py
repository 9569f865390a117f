"""The package's own metadata and column kinds; the tables run through the host's ``db.session``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

TABLE_PREFIX = "studio_"
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class NaiveInstant(ValueError, DontWrapMixin):
    """A datetime without a zone where an instant is wanted; SQLAlchemy lets it through as the ValueError that it is."""


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the table. A naive one is a ValueError at this border. Source: rules.md, Time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NaiveInstant(f"expected an aware datetime, found the naive {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return aware UTC instants."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all studio tables: own metadata, own naming convention, no engine."""

    # Given to registry(), for Flask-SQLAlchemy 3.1 on SQLAlchemy 2.1 refuses `type_annotation_map` on a base.
    registry = registry(
        metadata=MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={
            UUID: Uuid(),
            str: String(),
            datetime: UTCDateTime(),
            date: Date(),
            int: Integer(),
            dict[str, Any]: JSON(none_as_null=True),
            list[str]: JSON(none_as_null=True),
        },
    )


def new_id() -> UUID:
    """Return a UUIDv7: ids made later sort later."""
    return uuid7()


PrimaryKey = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
LongText = Annotated[str, mapped_column(Text)]


def reference(
    table: str, *, nullable: bool = False, index: bool = True, primary_key: bool = False, **options: Any
) -> Any:
    """Return a column that refers to the ``id`` of ``studio_<table>``."""
    return mapped_column(
        ForeignKey(f"{TABLE_PREFIX}{table}.id"), nullable=nullable, index=index, primary_key=primary_key, **options
    )


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return the check that ``column`` holds one of ``values`` (status columns are text, never native enums)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index over the rows for which ``where`` (literal SQL) is true, on both databases."""
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def at_least_zero(*columns: str) -> list[CheckConstraint]:
    """Return the checks that ``columns`` never go below zero."""
    return [CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns]
