"""PEP 249's type objects and constructors.

A `type_code` in a cursor's description is DuckDB's name of the type (`"BIGINT"`, `"STRUCT(a INTEGER)[]"`), in the BigQuery flavour
BigQuery's (`"INT64"`, `"ARRAY<STRUCT<a INT64>>"`); it equals the type object of its kind, so that
`description[0][1] == sqlml.NUMBER` says what a program wants to know.
"""

from __future__ import annotations

import datetime
import time

from sqlml.types import Kind, SqlType

_BIGQUERY_KINDS = {
    "INT64": Kind.NUMBER, "FLOAT64": Kind.NUMBER, "NUMERIC": Kind.NUMBER, "BIGNUMERIC": Kind.NUMBER, "BOOL": Kind.BOOLEAN,
    "STRING": Kind.STRING, "BYTES": Kind.BLOB, "DATETIME": Kind.TIMESTAMP,
}  # fmt: skip
"""BigQuery's names of types where they are not DuckDB's."""


class TypeObject:
    """Equals every type name of its kinds, and itself."""

    __hash__ = None  # type: ignore[assignment]  # equal to names that differ from each other, so no hash can be right

    def __init__(self, name: str, *kinds: Kind) -> None:
        self.name = name
        self.kinds = frozenset(kinds)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return _BIGQUERY_KINDS.get(other, SqlType(other).kind) in self.kinds
        return self is other if isinstance(other, TypeObject) else NotImplemented

    def __repr__(self) -> str:
        return f"sqlml.{self.name}"


STRING = TypeObject("STRING", Kind.STRING)
BINARY = TypeObject("BINARY", Kind.BLOB)
NUMBER = TypeObject("NUMBER", Kind.NUMBER)
DATETIME = TypeObject("DATETIME", Kind.DATE, Kind.TIME, Kind.TIMESTAMP)
ROWID = TypeObject("ROWID")
"""Equal to no column: DuckDB's row ids are plain BIGINTs."""

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> datetime.date:  # noqa: N802 - the name is PEP 249's
    """The local date of seconds since the epoch."""
    return datetime.date(*time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802 - the name is PEP 249's
    """The local time of day of seconds since the epoch."""
    return datetime.time(*time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> datetime.datetime:  # noqa: N802 - the name is PEP 249's
    """The local timestamp of seconds since the epoch."""
    return datetime.datetime(*time.localtime(ticks)[:6])
