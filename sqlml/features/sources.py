"""What the input columns offer as features: a column itself, or a field of a STRUCT column; and which shape of term its type makes.

Source: reference, statements 2.3.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.errors import DataError
from sqlml.types import Column, Kind, SqlType

_CATEGORIES = frozenset({Kind.BOOLEAN, Kind.STRING, Kind.BLOB, Kind.DATE, Kind.TIME})
UNTYPED = '"NULL"'
"""The type of a NULL without one."""


class Shape(enum.Enum):
    """What a type becomes."""

    NUMBER = "a number"
    CATEGORY = "a category"
    TIMESTAMP = "a point in time: a number, and categories of its parts"
    VECTOR = "an array of numbers"
    MULTI_HOT = "an array of categories"
    SPARSE = "an array of (index, value) pairs"


_SHAPES = {Kind.NUMBER: Shape.NUMBER, Kind.TIMESTAMP: Shape.TIMESTAMP, **dict.fromkeys(_CATEGORIES, Shape.CATEGORY)}


def shape(type_: SqlType) -> Shape | None:
    """The shape of a type that can be a feature as it is; None for structs and for what cannot be one."""
    element = type_.element
    if element is None:
        return _SHAPES.get(type_.kind)
    if element.kind is Kind.NUMBER:
        return Shape.VECTOR
    # The text of a time with zone depends on the session's zone.
    if element.kind in _CATEGORIES or (element.kind is Kind.TIMESTAMP and "TIME ZONE" not in element.name):
        return Shape.MULTI_HOT
    fields = element.fields
    if len(fields) == 2 and fields[0].type.is_integer and fields[1].type.kind is Kind.NUMBER:
        return Shape.SPARSE
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """A feature's place in the input: the column, or the field of a STRUCT column (`field` is "" for the column itself)."""

    column: str
    field: str
    type: SqlType

    @property
    def name(self) -> str:
        return f"{self.column}_{self.field}" if self.field else self.column

    @property
    def sql(self) -> str:
        """The value; a field of a NULL struct is NULL."""
        if self.type.name == UNTYPED:
            return "NULL"
        name = sql.quote(self.column)
        return sql.call("struct_extract", name, sql.literal(self.field)) if self.field else name


def find_sources(columns: Sequence[Column]) -> tuple[Source, ...]:
    """The features of input columns, structs expanded one level.

    Raises: DataError `feature_type` for a type that cannot be a feature, `duplicate_feature` where a field's feature has a column's name.
    """
    found: list[Source] = []
    for column in columns:
        if column.type.kind is Kind.STRUCT:
            found.extend(_fields(column))
            continue
        if shape(column.type) is None:
            raise DataError(
                f"column {column.name} has type {column.type}, which cannot be a feature", code="feature_type",
                hint=f"leave it out (SELECT * EXCLUDE ({column.name})) or cast it to a number, string, boolean, date, timestamp, "
                "an array of numbers or strings, or an array of (index, value) structs",
            )  # fmt: skip
        found.append(Source(column.name, "", column.type))
    names: dict[str, Source] = {}
    for source in found:
        other = names.setdefault(source.name.casefold(), source)
        if other is not source:
            struct, clash = (source, other) if source.field else (other, source)
            raise DataError(
                f"field {struct.field} of column {struct.column} becomes the feature {struct.name}, but another feature has that name: "
                f"{f'field {clash.field} of column {clash.column}' if clash.field else f'column {clash.column}'}",
                code="duplicate_feature", hint=f"rename one of the columns: {clash.column} AS …",
            )  # fmt: skip
    return tuple(found)


def _fields(column: Column) -> list[Source]:
    fields = column.type.fields
    if not fields or not all(field.name for field in fields):
        raise DataError(
            f"column {column.name} is a struct without names for its fields ({column.type}), so its fields cannot be features",
            code="feature_type", hint=f"name them: {{'a': …, 'b': …}} AS {column.name}",
        )  # fmt: skip
    for field in fields:
        if shape(field.type) is None:
            nested = field.type.kind is Kind.STRUCT
            raise DataError(
                f"field {field.name} of column {column.name} {'is a struct itself' if nested else f'has type {field.type}'}, "
                f"which cannot be a feature{': structs are expanded one level' if nested else ''}",
                code="feature_type", hint=f"select it as a column of its own: {column.name}.{field.name} AS {column.name}_{field.name}",
            )  # fmt: skip
    return [Source(column.name, field.name, field.type) for field in fields]


def accepts(trained: SqlType, given: SqlType) -> bool:
    """Whether a feature that was trained on one type takes values of another."""
    if given.name == UNTYPED:
        return True
    if trained.kind is Kind.STRUCT:
        return all((field := find_field(given, wanted.name)) is not None and accepts(wanted.type, field.type) for wanted in trained.fields)
    wanted, found = trained.element, given.element
    if wanted is None or found is None:
        return trained.kind is given.kind or (trained.kind is Kind.TIMESTAMP and given.kind is Kind.DATE)
    return found.name == UNTYPED or (shape(given) is shape(trained) and wanted.kind is found.kind)


def given_type(trained: SqlType, given: SqlType, field: str) -> SqlType:
    """The type that a source has in the input, where `trained` is what its values had in training; both are checked by `accepts`."""
    if given.name != UNTYPED and field:
        found = find_field(given, field)
        given = trained if found is None else found.type
    is_empty = given.element is not None and given.element.name == UNTYPED
    if given.name == UNTYPED:
        # The bare column will do for a scalar; a field or an element cannot be read from it.
        return given if field or trained.element is not None else _without_zone(trained)
    if is_empty:
        return SqlType(UNTYPED) if shape(trained) is Shape.SPARSE else given
    return given if given.kind is trained.kind else _without_zone(trained)


def _without_zone(type_: SqlType) -> SqlType:
    """The type that a date or a bare NULL becomes in the place of a point in time: in UTC, whatever the session's zone."""
    return SqlType("TIMESTAMP") if type_.kind is Kind.TIMESTAMP else type_


def find_field(struct: SqlType, name: str) -> Column | None:
    """A field of a struct type, whatever the case of its name."""
    key = name.casefold()
    return next((field for field in struct.fields if field.name.casefold() == key), None)
