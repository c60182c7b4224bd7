"""Results that the session itself makes or wraps: a small table, and an engine's result whose errors point into the user's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlml.errors import Error
from sqlml.plan.splice import Spliced, located
from sqlml.types import BIGINT, BOOLEAN, DOUBLE, TIMESTAMP, VARCHAR, Column, Schema, SqlType

if TYPE_CHECKING:
    import pyarrow as pa

    from sqlml.engines.engine import Result

_TYPES = {"string": VARCHAR, "int64": BIGINT, "double": DOUBLE, "bool": BOOLEAN, "timestamp[us]": TIMESTAMP}


class TableResult:
    """A Result over a table in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._position = 0

    @property
    def schema(self) -> Schema:
        return Schema(tuple(Column(field.name, _sql_type(str(field.type))) for field in self._table.schema))

    @property
    def n_rows_changed(self) -> int:
        return -1

    def fetch(self, n_rows: int) -> list[tuple[object, ...]]:
        part = self._table.slice(self._position, n_rows)
        self._position += part.num_rows
        columns = [_values(column) for column in part.columns]
        return list(zip(*columns, strict=True))

    def to_arrow(self) -> pa.Table:
        rest = self._table.slice(self._position)
        self._position = self._table.num_rows
        return rest

    def close(self) -> None:
        self._position = self._table.num_rows


class LocatedResult:
    """An engine's result; places in its errors are translated to the user's text."""

    def __init__(self, result: Result, text: Spliced) -> None:
        self._result = result
        self._text = text

    @property
    def schema(self) -> Schema | None:
        return self._result.schema

    @property
    def n_rows_changed(self) -> int:
        return self._result.n_rows_changed

    def fetch(self, n_rows: int) -> list[tuple[object, ...]]:
        try:
            return self._result.fetch(n_rows)
        except Error as error:
            raise located(error, self._text) from error.__cause__

    def to_arrow(self) -> pa.Table:
        try:
            return self._result.to_arrow()
        except Error as error:
            raise located(error, self._text) from error.__cause__

    def close(self) -> None:
        self._result.close()


def _sql_type(name: str) -> SqlType:
    if name.startswith("list"):
        return SqlType("VARCHAR[]")
    return SqlType("MAP(VARCHAR, DOUBLE)") if name.startswith("map") else _TYPES[name]


def _values(column: pa.ChunkedArray) -> list[object]:
    values: list[object] = column.to_pylist()
    # A MAP is a dict, as the engine gives it.
    is_map = str(column.type).startswith("map")
    return [dict(value) if is_map and isinstance(value, list) else value for value in values]
