"""The engine on DuckDB: one connection, on which statements run one after the other.

The connection is shared with whoever adopted it into sqlml, so nothing here assumes that a setting or a transaction is as it was left.
Results are in `duckdb_results.py`, failures in `duckdb_errors.py`, functions called from SQL in `duckdb_functions.py`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from sqlml.engines.duckdb_aside import Aside
from sqlml.engines.duckdb_calls import _sqlml_call as call
from sqlml.engines.duckdb_errors import translated
from sqlml.engines.duckdb_functions import EngineFunctions
from sqlml.engines.duckdb_lifetime import Held
from sqlml.engines.duckdb_probes import columns_apart
from sqlml.engines.duckdb_results import BatchStream, DuckDBResult, Row
from sqlml.engines.duckdb_sources import find_sources
from sqlml.engines.duckdb_text import first_word, statement_start
from sqlml.engines.duckdb_transaction import Transaction, ask, is_control
from sqlml.errors import Error, InterfaceError, NotSupportedError, OperationalError, ProgrammingError
from sqlml.sql import literal
from sqlml.types import Column, Schema, SqlType

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from sqlml.engines.engine import BatchFunction, ListFunction, Parameters
    from sqlml.engines.sources import QuerySources

_DESCRIBE = "DESCRIBE "
_CONNECT_ATTEMPTS = 50
"""A hundredth of a second each."""


def open_engine(
    path: str | os.PathLike[str] = ":memory:", *, read_only: bool = False, config: Mapping[str, object] | None = None
) -> DuckDBEngine:
    """An engine on a database file, made when it does not exist, or on a new database in memory.

    Raises: OperationalError `file_locked`, `file_not_found`, `not_a_database`, `already_attached`, `configuration_conflict`, `cannot_open`.
    """
    name = os.fspath(path)
    is_new = name in ("", ":memory:") or not os.path.lexists(name)
    try:
        connection = _connect(name, read_only, dict(config or {}))
        # Progress is counted only where the bar is on; it is drawn by others.
        call(connection.execute, "SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    except Exception as error:
        raise translated(error) from error
    engine = DuckDBEngine(connection, owns_connection=True)
    if is_new:
        engine.created_database = engine.current_database()
    return engine


def _connect(path: str, read_only: bool, config: dict[str, object]) -> duckdb.DuckDBPyConnection:
    import duckdb

    for _ in range(_CONNECT_ATTEMPTS):
        # While a thread closes the last connection to a file, another that opens it is told that it is attached already.
        with contextlib.suppress(duckdb.ResourceInUseException):
            return call(duckdb.connect, path, read_only=read_only, config=config)
        time.sleep(0.01)
    return call(duckdb.connect, path, read_only=read_only, config=config)


def adopt_engine(connection: duckdb.DuckDBPyConnection) -> DuckDBEngine:
    """An engine on an open DuckDB connection, its temporary tables and its open transaction. Closing the engine leaves the connection open.

    Raises: InterfaceError for a closed connection, or for something else than a connection.
    """
    import duckdb

    if not isinstance(connection, duckdb.DuckDBPyConnection):
        raise InterfaceError(
            f"a database is a path or an open DuckDB connection, not a {type(connection).__name__}", code="not_a_connection"
        )
    try:
        connection.cursor().close()
    except Exception as error:
        raise translated(error) from error
    return DuckDBEngine(connection, owns_connection=False)


_MEANINGS = {
    "default_collation": ("", "binary", "c", "posix"),
    "default_order": ("asc", "ascending", "asc_order"),
    "integer_division": ("false", "0"),
    "ieee_floating_point_ops": ("true", "1"),
}
"""Settings that change what comparisons, orders and divisions mean, and their usual values."""


class DuckDBEngine:
    """See `Engine`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, owns_connection: bool) -> None:
        self.connection = connection
        self.lock = threading.RLock()
        """Held during every use of the connection. Calls are serial, but a cancelled statement may be left behind on its thread."""
        self.created_database: str | None = None
        self._owns_connection = owns_connection
        self._abort = connection.abort
        self._open: weakref.ref[DuckDBResult | BatchStream] | None = None
        self._functions = EngineFunctions()
        self._aside = Aside(connection)
        self._tables: dict[str, pa.Table] = {}
        """Registered tables by name."""
        self._unsettled: set[str] = set()
        """Names registered or unregistered in the open transaction: ROLLBACK would undo it."""
        self._transaction = Transaction.NONE
        self._is_in_older_transaction = False
        """Whether an adopted connection is still in the transaction that it was adopted in."""
        if not owns_connection:
            # Before a question that makes the open transaction look at the functions there are.
            self._functions.prepare(connection)
            self._transaction = ask(connection, Transaction.NONE)
            self._is_in_older_transaction = self._transaction is not Transaction.NONE
        # Runs at close, when the engine is collected, or when the interpreter ends: functions left behind make noise on stderr then.
        self._held = Held(connection, owns_connection, self._functions, self.lock)
        self._finalizer = weakref.finalize(self, self._held.free)

    # ---- Statements ----

    def run(self, sql: str, parameters: Parameters = None) -> DuckDBResult:
        """Runs one statement.

        Raises: Error of the class that fits, with a span into `sql`; OperationalError `transaction_aborted` for COMMIT of a failed
            transaction, after rolling it back.
        """
        with self._ready():
            start = statement_start(sql)
            statement, word = sql[start:], first_word(sql)
            if ";" in statement.rstrip().rstrip(";"):
                self._check_single(statement, start)
            if word in ("COMMIT", "END"):
                self._refuse_lost_commit()
            elif word in ("BEGIN", "START") and not self._functions.is_prepared:
                # A transaction sees the functions that were there when it began.
                with self.translating():
                    self._functions.prepare(self.connection)
            with self.translating(statement, start):
                call(self.connection.execute, statement, parameters or None)
                schema, n_rows_changed = self._shape(statement)
            if is_control(word):
                self._observe()
            result = DuckDBResult(self, statement, start, schema, n_rows_changed)
            if schema is not None:
                self.open_result = result
            if n_rows_changed >= 0:
                result.put_aside()  # one row; the connection need not wait for somebody to read it
            return result

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """All rows of a small query."""
        with self.lock:
            result = self.run(sql, parameters)
            rows: list[Row] = []
            while more := result.fetch(100_000):
                rows += more
            return rows

    def describe(self, query: str, parameters: Parameters = None) -> Schema:
        """The columns of a query, without running it."""
        with self._ready():
            start = statement_start(query)
            statement = _DESCRIBE + query[start:]
            if ";" in statement:
                self._check_single(statement, start - len(_DESCRIBE))
            with self.translating(statement, start - len(_DESCRIBE)):
                rows = call(self.connection.execute, statement, parameters or None).fetchall()
            return Schema(tuple(Column(row[0], SqlType(row[1])) for row in rows))

    def try_describe(self, query: str, parameters: Parameters = None) -> Schema | None:
        """See `Engine.try_describe`."""
        if self.in_transaction:
            return columns_apart(self.connection, self.rows, query, parameters)
        try:
            return self.describe(query, parameters)
        except Error:
            return None

    def batches(self, query: str, parameters: Parameters = None, *, n_rows: int = 122_880) -> BatchStream:
        """Streams a query; nothing is materialised. DuckDB cuts batches at row groups (122,880 rows), whatever n_rows is beyond that."""
        with self._ready():
            start = statement_start(query)
            statement = query[start:]
            try:
                with self.translating(statement, start):
                    relation = call(self.connection.sql, statement, params=parameters or None)
                    if relation is None:
                        raise ProgrammingError("there is no query", code="syntax_error")
                    stream = BatchStream(self, statement, start, relation.to_arrow_reader(n_rows))
            except Error as error:
                if error.span is None and self._transaction is Transaction.NONE:
                    self._find_place(error, query, parameters)
                raise
            self.open_result = stream
            return stream

    def interrupt(self) -> None:
        """Stops the running statement at once, from any thread. Between two statements it has no effect."""
        # Closed meanwhile: then nothing is running.
        with contextlib.suppress(Exception):
            self.connection.interrupt()
        self._aside.interrupt()

    def progress(self) -> float | None:
        """The part of the running statement that is done, 0 to 1, from any thread; None where DuckDB does not count it."""
        percentage = -1.0
        with contextlib.suppress(Exception):
            percentage = self.connection.query_progress()
        return min(percentage / 100.0, 1.0) if percentage >= 0.0 else None

    def sources(self, query: str, parameters: Parameters = None) -> QuerySources:
        """What a query reads; see `Engine.sources`."""
        return find_sources(self.rows, self._aside.rows, query, parameters)

    def rows_apart(self, query: str, parameters: Parameters = None) -> list[Row]:
        """All rows of a query over files; see `Engine.rows_apart`."""
        return self._aside.rows(query, parameters)

    # ---- Tables and functions ----

    def register(self, name: str, table: pa.Table) -> None:
        """Makes a table visible to this connection's statements under a name until `unregister`, whatever becomes of a transaction."""
        with self._ready(), self.translating():
            call(self.connection.register, name, table)
            self._tables[name] = table
            self._settle_later(name)

    def unregister(self, name: str) -> None:
        """Takes a registered table away. In a transaction that has failed, that happens when it ends."""
        with self._ready():
            self._tables.pop(name, None)
            self._settle_later(name)
            if self._transaction is not Transaction.ABORTED:
                with self.translating():
                    call(self.connection.unregister, name)

    def batch_function(
        self, handle: int, function: BatchFunction, *, dtype: Literal["float32", "float64"], output: Literal["scalar", "list"]
    ) -> Callable[[Sequence[str]], str]:
        """Makes `function` callable from SQL of this database instance; a function that had the handle before is replaced.

        Returns: a renderer, value expressions -> one SQL expression of type DOUBLE ("scalar") or DOUBLE[] ("list"), evaluated once per row.
        """
        self.native_functions()
        with self._ready(), self.translating():
            return self._functions.add(self.connection, handle, function, dtype, output)

    def list_function(
        self, handle: int, function: ListFunction, *, dtype: Literal["float32", "float64"], output: Literal["scalar", "list"]
    ) -> Callable[[str], str]:
        """As `batch_function`, for a function of lists; see `Engine.list_function`."""
        self.native_functions()
        with self._ready(), self.translating():
            return self._functions.add_list_function(self.connection, handle, function, dtype, output)

    def native_functions(self) -> None:
        """Makes sqlml's own functions callable; see `Engine.native_functions`.

        Raises: NotSupportedError `transaction_too_old`, `older_transaction`.
        """
        if not self._functions.is_prepared and self.in_transaction:
            raise NotSupportedError(
                "this transaction began before sqlml could prepare it for models that are no plain SQL", code="transaction_too_old",
                hint="COMMIT or ROLLBACK it and begin it again",
            )  # fmt: skip
        with self._ready(), self.translating():
            if self._is_in_older_transaction and self._current_transaction() is Transaction.OPEN:
                self._is_in_older_transaction = not self._functions.are_visible(self.connection)
                if self._is_in_older_transaction:
                    raise NotSupportedError(
                        "the open transaction is older than this connection of sqlml, and cannot call its functions",
                        code="older_transaction", hint="COMMIT or ROLLBACK it, and run the statement again",
                    )  # fmt: skip
            self._functions.prepare(self.connection)

    def drop_batch_function(self, handle: int) -> None:
        """Forgets a function. A result that still calls it is put aside first; a stored query that calls it fails from now on."""
        with self._ready():
            self._functions.drop(handle)

    # ---- Transactions ----

    @property
    def in_transaction(self) -> bool:
        """Whether the user has a transaction open, failed or not."""
        return self._current_transaction() is not Transaction.NONE

    @property
    def in_aborted_transaction(self) -> bool:
        """Whether the open transaction has failed: it takes no statement but ROLLBACK."""
        return self._current_transaction() is Transaction.ABORTED

    def begin(self) -> None:
        self.run("BEGIN TRANSACTION")

    def commit(self) -> None:
        """Raises: IntegrityError `transaction_conflict`, `constraint_violation`; OperationalError `transaction_aborted`."""
        self.run("COMMIT")

    def rollback(self) -> None:
        self.run("ROLLBACK")

    def abort_transaction(self) -> None:
        """Makes an open transaction fail, so that half of it cannot be committed; without one, nothing happens.

        DuckDB has no statement for it, but an error in a transaction does it.
        """
        with self._ready():
            if self._current_transaction() is not Transaction.OPEN:
                return
            with contextlib.suppress(Error):
                self.run(f"SELECT system.main.error({literal('an error in sqlml ended the transaction')})")
            if self._transaction is Transaction.OPEN:
                self.rollback()

    # ---- What there is ----

    def current_database(self) -> str:
        return str(self.rows("SELECT system.main.current_database()")[0][0])

    def current_schema(self) -> str:
        return str(self.rows("SELECT system.main.current_schema()")[0][0])

    def databases(self) -> dict[str, bool]:
        """Attached databases by name, and whether each is read-only; internal ones left out."""
        rows = self.rows("SELECT database_name, readonly FROM system.main.duckdb_databases() WHERE NOT internal")
        return {str(name): bool(read_only) for name, read_only in rows}

    def changed_meanings(self) -> list[str]:
        """Settings that give another meaning to SQL that sqlml generates, as `name = value`."""
        names = ", ".join(f"system.main.current_setting('{name}')" for name in _MEANINGS)
        (values,) = self.rows(f"SELECT {names}")
        pairs = zip(_MEANINGS.items(), values, strict=True)
        return [f"{name} = {value}" for (name, usual), value in pairs if str(value).lower() not in usual]

    def shadowing_macros(self) -> list[str]:
        """Macros of attached databases that carry the name of a built-in function or operator, as `database.schema.name`.

        Takes some 15 ms, as DuckDB lists its thousands of functions, and where there are macros twice that.
        """
        macros = (
            "SELECT DISTINCT database_name, schema_name, function_name FROM system.main.duckdb_functions() "
            "WHERE NOT internal AND function_type IN ('macro', 'table_macro')"
        )
        if not self.rows(f"{macros} LIMIT 1"):
            return []
        functions = "SELECT function_name FROM system.main.duckdb_functions() WHERE internal"
        rows = self.rows(f"{macros} AND system.main.lower(function_name) IN ({functions}) ORDER BY ALL")
        return [".".join(str(part) for part in row) for row in rows]

    def close(self) -> None:
        """Closes the connection, unless it was adopted; an open transaction is rolled back with it. Closing twice is harmless."""
        with self.lock:
            if not self._finalizer.alive:
                return
            with contextlib.suppress(Error):
                if self._open is not None:
                    self.discard_open()
                if not self._owns_connection:
                    for name in list(self._tables):
                        self.unregister(name)
            self._finalizer()

    # ---- For results, and inside ----

    def check_open(self) -> None:
        """Raises: InterfaceError `connection_closed`."""
        if not self._finalizer.alive:
            raise InterfaceError("the connection is closed", code="connection_closed")

    @property
    def open_result(self) -> DuckDBResult | BatchStream | None:
        """The result whose rows are on the connection."""
        return self._open() if self._open is not None else None

    @open_result.setter
    def open_result(self, result: DuckDBResult | BatchStream | None) -> None:
        self._open = weakref.ref(result) if result is not None else None
        match result:
            case None:
                self._held.stop_reading = None
            case BatchStream():
                self._held.stop_reading = result.stop_reading
            case _:
                self._held.stop_reading = self._abort

    def discard_open(self) -> None:
        """Frees the connection of the open result's rows."""
        stop_reading = self._held.stop_reading
        self.open_result = None
        with contextlib.suppress(Exception):
            if stop_reading is self._abort and self._transaction is not Transaction.NONE:
                # `abort` would fail the transaction when the query calls something like nextval(); another statement does not.
                call(self.connection.execute, "SELECT 1").fetchall()
            elif stop_reading is not None:
                stop_reading()

    @contextlib.contextmanager
    def translating(self, statement: str = "", start: int = 0) -> Iterator[None]:
        """Raises the user's errors in place of DuckDB's, after a look at what they did to the transaction.

        Args:
            statement: the text that DuckDB was given.
            start: where it starts in the text that the caller was given.
        """
        try:
            yield
        except (AttributeError, NameError, AssertionError):
            raise  # a bug here must not pass for DuckDB's failure
        except Exception as error:  # noqa: BLE001 - DuckDB's client raises its own classes, Arrow's and Python's
            failure = translated(error, statement, start)
            if self._transaction is not Transaction.NONE or not self._owns_connection or is_control(first_word(statement)):
                self._observe()
            raise failure from failure.__cause__ or error

    @contextlib.contextmanager
    def _ready(self) -> Iterator[None]:
        """The connection, free for another statement."""
        with self.lock:
            self.check_open()
            self._make_room()
            if self._unsettled:
                self._current_transaction()  # an adopted connection's user may have ended it
            yield

    def _make_room(self) -> None:
        if self._open is not None:
            result = self.open_result
            if result is None:
                self.discard_open()  # nobody holds it any more
            else:
                result.put_aside()

    def _check_single(self, statement: str, start: int) -> None:
        with self.translating(statement, start):
            statements = call(self.connection.extract_statements, statement)
        if len(statements) > 1:
            raise ProgrammingError("there is more than one statement", code="several_statements", hint="run them one by one")

    def _shape(self, sql: str) -> tuple[Schema | None, int]:
        """The columns of the statement that was just run, and how many rows it changed."""
        description = self.connection.description
        if description is None:
            return None, -1
        schema = Schema(tuple(Column(column[0], SqlType(str(column[1]))) for column in description))
        n_rows_changed = self.connection.rowcount
        # What has no rows looks like a query of one column; the statement's type tells the two apart.
        if n_rows_changed < 0 and schema.names in (("Success",), ("Count",)):
            kinds = {statement.type.name for statement in call(self.connection.extract_statements, sql)}
            if not kinds & {"SELECT", "EXECUTE", "RELATION", "EXPLAIN"}:
                self.connection.complete()
                return None, -1
        return schema, n_rows_changed

    def _current_transaction(self) -> Transaction:
        """The state now; on an adopted connection its user may have changed it, which a result that is open keeps from asking."""
        with self.lock:
            if not self._owns_connection and self.open_result is None:
                if self._open is not None:
                    self.discard_open()
                self._observe()
            return self._transaction

    def _observe(self) -> None:
        self._transaction = ask(self.connection, self._transaction)
        if self._transaction is Transaction.NONE:
            self._is_in_older_transaction = False
            if self._unsettled:
                self._settle()

    def _settle_later(self, name: str) -> None:
        if self._current_transaction() is not Transaction.NONE:
            self._unsettled.add(name)

    def _settle(self) -> None:
        """Repeats after a transaction what happened to registered tables in it, which its ROLLBACK has undone."""
        names, self._unsettled = self._unsettled, set()
        for name in names:
            with contextlib.suppress(Exception):
                if name in self._tables:
                    call(self.connection.register, name, self._tables[name])
                else:
                    call(self.connection.unregister, name)

    def _refuse_lost_commit(self) -> None:
        """DuckDB answers COMMIT of a failed transaction with success and keeps nothing."""
        if self._current_transaction() is Transaction.ABORTED:
            self.run("ROLLBACK")
            raise OperationalError(
                "nothing was committed: a statement of the transaction had failed, so all of it was rolled back",
                code="transaction_aborted",
                hint="run the transaction again without the statement that failed",
            )

    def _find_place(self, failure: Error, query: str, parameters: Parameters) -> None:
        """Adds the place to an error of a stream, which comes without one."""
        with contextlib.suppress(Error):
            try:
                self.describe(query, parameters)
            except Error as located:
                if located.code == failure.code:
                    failure.at(located.span)
