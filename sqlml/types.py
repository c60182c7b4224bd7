"""SQL types as sqlml sees them, columns and schemas, and the two literal values that have no Python type.

A type is DuckDB's spelling of it (`BIGINT`, `STRUCT(a INTEGER)[]`); its `kind` is what encoding and coercion look at.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a value is, as far as a feature or a label is concerned."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "string"
    BLOB = "blob"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    LIST = "list"
    STRUCT = "struct"
    OTHER = "other"


_NUMBERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
    "FLOAT", "DOUBLE", "BIGNUM", "VARINT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlType:
    """A DuckDB type by its name, as DESCRIBE prints it."""

    name: str

    @property
    def kind(self) -> Kind:
        name = self.name
        if name.endswith("]"):
            return Kind.LIST
        head = name.split("(", 1)[0]
        if head in _NUMBERS or head == "DECIMAL":
            return Kind.NUMBER
        if head == "BOOLEAN":
            return Kind.BOOLEAN
        if head in {"VARCHAR", "ENUM", "UUID", "JSON"}:
            return Kind.STRING
        if head == "BLOB":
            return Kind.BLOB
        if head == "DATE":
            return Kind.DATE
        if head.startswith("TIMESTAMP"):
            return Kind.TIMESTAMP
        if head.startswith("TIME"):
            return Kind.TIME
        if head == "STRUCT":
            return Kind.STRUCT
        return Kind.OTHER

    def __str__(self) -> str:
        return self.name


_STORABLE = re.compile(r"[A-Z][A-Z0-9_ ]{0,40}(\(\d{1,3}(, ?\d{1,3})?\))?")


def stored_type(name: str) -> SqlType | None:
    """A scalar type from a name that a database holds, or None when the text is no plain type name: it is going to stand in SQL."""
    return SqlType(name) if _STORABLE.fullmatch(name) else None


DOUBLE = SqlType("DOUBLE")
BIGINT = SqlType("BIGINT")
BOOLEAN = SqlType("BOOLEAN")
VARCHAR = SqlType("VARCHAR")
TIMESTAMP = SqlType("TIMESTAMP")


@dataclass(frozen=True, slots=True)
class Column:
    """A named column of a relation."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a relation, in order. Names are found without regard to case, as in SQL."""

    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def find(self, name: str) -> Column | None:
        """The first column of that name, whatever the case, or None."""
        key = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == key), None)


@dataclass(frozen=True, slots=True)
class HparamRange:
    """`HPARAM_RANGE(low, high)` as an option's value."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HparamCandidates:
    """`HPARAM_CANDIDATES([...])` as an option's value."""

    values: tuple[object, ...]
