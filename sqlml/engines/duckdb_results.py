"""Results of DuckDB statements: read from the connection as they come, or from memory after another statement needed the connection.

A result that is put aside becomes an Arrow table, which is a tenth of the size of Python rows. Its rows are read back through DuckDB, on a
connection of their own, so that the Python values are the same as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import TYPE_CHECKING, Self

from sqlml.engines.duckdb_calls import _sqlml_call as call
from sqlml.engines.duckdb_errors import translated
from sqlml.errors import Error, NotSupportedError, OperationalError
from sqlml.sql import cast, literal, quote
from sqlml.types import BIGINT, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb
    import pyarrow as pa

    from sqlml.engines.duckdb import DuckDBEngine

Row = tuple[object, ...]

_CHUNK_ROWS = 10_000
"""Rows of a result put aside that are turned into Python values at a time."""

_NOT_ARROW = re.compile(r"\b(?:BIT|UHUGEINT|TIME WITH TIME ZONE)\b")
"""Types that Arrow does not bring back as they were: a BIT becomes bytes, the largest integers negative, a time of day loses its zone."""


class DuckDBResult:
    """The result of one statement. While it is the engine's open result, its rows are on the connection."""

    def __init__(self, engine: DuckDBEngine, statement: str, start: int, schema: Schema | None, n_rows_changed: int) -> None:
        self._engine = engine
        self._text = (statement, start)
        self._schema = schema
        self._n_rows_changed = n_rows_changed
        self._aside: _Aside | None = None
        self._error: Error | None = None

    @property
    def schema(self) -> Schema | None:
        return self._schema

    @property
    def n_rows_changed(self) -> int:
        return self._n_rows_changed

    @property
    def _is_streaming(self) -> bool:
        return self._engine.open_result is self

    def fetch(self, n_rows: int) -> list[Row]:
        """Up to n_rows rows as Python values; an empty list at the end."""
        with self._engine.lock:
            self._engine.check_open()
            if self._error is not None:
                raise self._error
            if self._aside is not None:
                return self._aside.fetch(n_rows)
            rows: list[Row] = []
            # The connection is free once a fetch has returned nothing: a fetch that is short is followed by another.
            while self._is_streaming and len(rows) < n_rows:
                with self._reading():
                    more = call(self._engine.connection.fetchmany, n_rows - len(rows))
                if not more:
                    self._engine.open_result = None
                rows += more
            return rows

    def to_arrow(self) -> pa.Table:
        """All rows that are left."""
        with self._engine.lock:
            self._engine.check_open()
            if self._error is not None:
                raise self._error
            if self._aside is not None:
                return self._aside.to_arrow()
            if self._is_streaming:
                table = self._take_arrow()
                self._engine.open_result = None
                return table
            return _empty_table(self._engine.connection, self._schema)

    def close(self) -> None:
        with self._engine.lock:
            self._aside = self._error = None
            if self._is_streaming:
                self._engine.discard_open()

    def put_aside(self) -> None:
        """Takes the rows that are left off the connection. What goes wrong is reported when they are asked for, unless it is a cancel.

        Raises: OperationalError `cancelled`.
        """
        table: pa.Table | None = None
        rows: list[Row] = []
        schema = self._schema or Schema(())
        try:
            # A count needs no Arrow, and so no import of it.
            if self._n_rows_changed >= 0 or any(_NOT_ARROW.search(column.type.name) for column in schema):
                with self._reading():
                    rows = call(self._engine.connection.fetchall)
            else:
                table = self._take_arrow()
        except Error as error:
            self._error = error
            if error.code == "cancelled":
                raise
        else:
            self._engine.open_result = None
            self._aside = _Aside(self._engine.connection, schema, table, rows)

    def _take_arrow(self) -> pa.Table:
        # A filter for good: a scoped one would swap the process's list of filters while other threads use it.
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)
        with self._reading():
            return call(self._engine.connection.to_arrow_table)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with self._engine.translating(*self._text):
                yield
        except Error:
            self._engine.open_result = None
            raise


class _Aside:
    """Rows in memory: `rows` as Python values, then those of `table`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: Schema, table: pa.Table | None, rows: list[Row]) -> None:
        self._connection = connection
        self._schema = schema
        self._table = table
        self._rows = rows
        self._position = 0
        """Of `rows`."""
        self._n_converted = 0
        """Of `table`; those in `rows` after `_position` are still to be fetched."""

    def fetch(self, n_rows: int) -> list[Row]:
        result: list[Row] = []
        while len(result) < n_rows:
            if self._position == len(self._rows):
                self._rows, self._position = self._convert(max(n_rows, _CHUNK_ROWS)), 0
                if not self._rows:
                    break
            end = min(self._position + n_rows - len(result), len(self._rows))
            result += self._rows[self._position : end]
            self._position = end
        return result

    def to_arrow(self) -> pa.Table:
        import pyarrow as pa

        n_left = len(self._rows) - self._position
        if self._table is not None:
            rest = self._table.slice(self._n_converted - n_left)
            self._n_converted = self._table.num_rows
        elif n_left == 0:
            rest = _empty_table(self._connection, self._schema)
        elif all(column.type == BIGINT for column in self._schema):
            columns = zip(*self._rows[self._position :], strict=True)
            rest = pa.table([pa.array(column, pa.int64()) for column in columns], names=list(self._schema.names))
        else:
            raise NotSupportedError(
                "this result cannot be given as an Arrow table any more, since another statement was run after it", code="result_put_aside",
                hint="take it before the next statement, or cast its columns of type BIT, UHUGEINT and TIME WITH TIME ZONE to VARCHAR",
            )  # fmt: skip
        self._position = len(self._rows)
        return rest

    def _convert(self, n_rows: int) -> list[Row]:
        if self._table is None:
            return []
        part = self._table.slice(self._n_converted, n_rows)
        self._n_converted += part.num_rows
        if not part.num_rows:
            return []
        names = [f"c{index}" for index in range(part.num_columns)]
        values = ", ".join(cast(name, column.type.name) for name, column in zip(names, self._schema, strict=True))
        zone = re.search(r"tz=([^\]]+)\]", str(part.schema))
        try:
            cursor = call(self._connection.cursor)
            try:
                if zone:
                    call(cursor.execute, f"SET TimeZone = {literal(zone[1])}")
                call(cursor.register, "__sqlml_aside", part.rename_columns(names))
                rows: list[Row] = call(cursor.execute, f"SELECT {values} FROM __sqlml_aside").fetchall()
                return rows
            finally:
                cursor.close()
        except Exception as error:
            raise translated(error) from error


class BatchStream:
    """A query's rows as record batches, read by the thread that asks. See `Batches`."""

    def __init__(self, engine: DuckDBEngine, statement: str, start: int, reader: pa.RecordBatchReader) -> None:
        self._engine = engine
        self._text = (statement, start)
        self._reader: pa.RecordBatchReader | None = reader
        self._schema = reader.schema
        self.stop_reading: Callable[[], object] = reader.close
        self._was_ended = False

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pa.RecordBatch:
        with self._engine.lock:
            self._engine.check_open()
            if self._was_ended:
                raise OperationalError(
                    "another statement was run before these rows were read",
                    code="stream_ended",
                    hint="read all rows first, or use another cursor",
                )
            if self._reader is None:
                raise StopIteration
            batch: pa.RecordBatch | None = None
            try:
                with self._engine.translating(*self._text), contextlib.suppress(StopIteration):
                    batch = call(self._reader.read_next_batch)
            finally:
                if batch is None:
                    self.close()
            if batch is None:
                raise StopIteration
            return batch

    def close(self) -> None:
        with self._engine.lock:
            reader, self._reader = self._reader, None
            if reader is not None:
                reader.close()
                if self._engine.open_result is self:
                    self._engine.open_result = None

    def put_aside(self) -> None:
        """Ends the stream: its rows are too many for memory, and whoever still reads it is told."""
        self._was_ended = self._reader is not None
        self.close()


def _empty_table(connection: duckdb.DuckDBPyConnection, schema: Schema | None) -> pa.Table:
    """No rows, with the Arrow types that the result would have had."""
    if not schema:
        import pyarrow as pa

        return pa.table({})
    values = ", ".join(f"{cast('NULL', column.type.name)} AS {quote(column.name)}" for column in schema)
    cursor = call(connection.cursor)
    try:
        return call(cursor.sql, f"SELECT {values} LIMIT 0").to_arrow_table()
    finally:
        cursor.close()
