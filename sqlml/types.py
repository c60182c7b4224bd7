"""SQL types as sqlml sees them, columns and schemas, and the two literal values that have no Python type.

A type is DuckDB's spelling of it (`BIGINT`, `STRUCT(a INTEGER)[]`); its `kind` is what encoding and coercion look at. `element` and
`fields` look inside lists and structs.
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
_INTEGERS = _NUMBERS - {"FLOAT", "DOUBLE"}


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
        if head in {"STRUCT", "TUPLE"}:
            return Kind.STRUCT
        return Kind.OTHER

    @property
    def is_integer(self) -> bool:
        return self.name in _INTEGERS

    @property
    def element(self) -> SqlType | None:
        """The type of the elements of a list or array; None for any other type."""
        found = _LIST_END.search(self.name)
        return SqlType(self.name[: found.start()]) if found else None

    @property
    def fields(self) -> tuple[Column, ...]:
        """The fields of a struct, those of an unnamed one (`TUPLE`) with the name ""; nothing for any other type, or where the text is not
        understood."""
        head, bracket, _ = self.name.partition("(")
        if not bracket or head not in {"STRUCT", "TUPLE"} or not self.name.endswith(")"):
            return ()
        parts = _split(self.name[len(head) + 1 : -1])
        if parts is None:
            return ()
        if head == "TUPLE":
            return tuple(Column("", SqlType(part)) for part in parts)
        fields = [_FIELD.fullmatch(part) for part in parts]
        return tuple(Column(_unquoted(found["name"]), SqlType(found["type"])) for found in fields if found) if all(fields) else ()

    def __str__(self) -> str:
        return self.name


_LIST_END = re.compile(r"\[\d{0,6}\]\Z")
_FIELD = re.compile(r'(?P<name>"(?:[^"]|"")+"|[^\s"(),]+) (?P<type>.+)', re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*')|(?P<open>[(\[])|(?P<close>[)\]])|(?P<comma>, ?)|(?P<other>[^"'()\[\],]+)"""
)


def _split(text: str) -> list[str] | None:
    """The parts between the outermost commas, or None when brackets or quotes do not match."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        depth += (token["open"] is not None) - (token["close"] is not None)
        if depth < 0:
            return None
        if token["comma"] is not None and depth == 0:
            parts.append(text[start:at])
            start = token.end()
        at = token.end()
    return [*parts, text[start:]] if depth == 0 else None


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


_STORABLE = re.compile(r"[A-Z][A-Z0-9_ ]{0,40}(\(\d{1,3}(, ?\d{1,3})?\))?")
_MAX_STORED, _MAX_NESTING = 100_000, 8


def stored_type(name: str) -> SqlType | None:
    """A type from a name that a database holds, or None when the text is no plain type name: it is going to stand in SQL.

    Plain are scalar types, `type[]`, `type[n]` and `STRUCT(name type, …)` of such. The text is put together anew from what was understood,
    every field name in quotes.
    """
    text = _rendered(name, _MAX_NESTING) if len(name) <= _MAX_STORED else None
    return None if text is None else SqlType(text)


def _rendered(name: str, depth: int) -> str | None:
    if depth == 0:
        return None
    type_ = SqlType(name)
    if type_.element is not None:
        element = _rendered(type_.element.name, depth - 1)
        return None if element is None else element + name[len(type_.element.name) :]
    if name.startswith("STRUCT("):
        types = [_rendered(field.type.name, depth - 1) for field in type_.fields]
        if not types or None in types:
            return None
        quoted = (field.name.replace('"', '""') for field in type_.fields)
        return "STRUCT(" + ", ".join(f'"{field}" {text}' for field, text in zip(quoted, types, strict=True)) + ")"
    return name if _STORABLE.fullmatch(name) else None


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
