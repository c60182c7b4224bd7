"""A PEP 249 cursor: runs statements and hands out the rows of the last one, as tuples, Arrow, pandas or polars.

`import sqlml` reads this module, so what brings numpy or Arrow is imported where it is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from sqlml.errors import Error, InterfaceError, NotSupportedError, Warning  # noqa: A004 - the name is PEP 249's

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from sqlml.dbapi.connection import Connection
    from sqlml.engines.engine import Parameters
    from sqlml.session.outcome import Event, Outcome
    from sqlml.session.session import Session

Row = tuple[object, ...]
Message = tuple[type[Warning], Warning]
Description = tuple[str, str, None, None, None, None, None]

_ROWS_AHEAD = 1_024
"""Rows that fetchone takes at once: each fetch changes threads (about 50 µs), and DuckDB has 2,048 rows ready at a time anyway."""


class Cursor:
    """Statements and the rows of the last one. Cursors share the transaction of their connection.

    A result stays readable while other cursors run statements. Each `execute` replaces the cursor's own result.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = 1
        """Rows that fetchmany takes when it is not told."""
        self.messages: list[Message] = []
        """Notices of the last execute: (class, notice)."""
        self._closed = False
        self._reset()

    def _reset(self) -> None:
        self._outcome: Outcome | None = None
        self._ahead: deque[Row] = deque()
        self._n_fetched = 0
        self._n_changed = -1
        self._names_type: Callable[[str], str] = _own_name

    # Running ---------------------------------------------------------------------------------------------------------------------------

    def execute(self, sql: str, parameters: Parameters = None) -> Self:
        """Runs the statements of a text; the rows of the last one are there to fetch.

        Args:
            parameters: a sequence for `?` and `$1`, a mapping for `$name`.
        """
        session = self._begin()
        self._run(session, sql, _checked(parameters))
        return self

    def executemany(self, sql: str, seq_of_parameters: Iterable[Parameters]) -> Self:
        """Runs a text once with each set of parameters. Rows that it returns are dropped; `rowcount` is the sum.

        Each run commits by itself, as in DuckDB: BEGIN first for all or nothing, and for speed.
        """
        session = self._begin()
        if isinstance(seq_of_parameters, str | bytes | Mapping) or not isinstance(seq_of_parameters, Iterable):
            raise _wrong_parameters("a sequence of parameter sets", seq_of_parameters)
        n_changed = 0
        for parameters in seq_of_parameters:
            self._run(session, sql, _checked(parameters))
            n_changed += max(self._n_changed, 0)
            self._drop_result()
        self._reset()
        self._n_changed = n_changed
        return self

    def _begin(self) -> Session:
        session = self._session()
        self._drop_result()
        self._reset()
        self.messages.clear()
        self.connection.messages.clear()
        return session

    def _run(self, session: Session, sql: str, parameters: Parameters) -> None:
        if not isinstance(sql, str):
            raise InterfaceError(f"a statement must be a string, got {type(sql).__name__}", code="statement_type")
        self._outcome = session.run(sql, parameters, on_event=self._on_event)
        if session.dialect == "bigquery":
            from sqlml.bigquery.types import bigquery_type  # the flavour is read already

            self._names_type = bigquery_type
        self._n_changed = self._outcome.n_rows_changed

    def _on_event(self, event: Event) -> None:
        from sqlml.session.outcome import Notice

        if isinstance(event, Notice):
            message = (Warning, Warning(event.message, code=event.code))
            self.messages.append(message)
            self.connection.messages.append(message)
        if self.connection.on_event is not None:
            self.connection.on_event(event)

    # Rows ------------------------------------------------------------------------------------------------------------------------------

    def fetchone(self) -> Row | None:
        """The next row, or None at the end."""
        outcome = self._rows()
        if not self._ahead:
            self._ahead.extend(self._session().fetch(outcome, _ROWS_AHEAD))
        if not self._ahead:
            return None
        self._n_fetched += 1
        return self._ahead.popleft()

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next `size` rows (`arraysize` when not given); fewer at the end."""
        wanted = self.arraysize if size is None else size
        if not isinstance(wanted, int) or wanted < 0:
            raise InterfaceError(f"the number of rows to fetch must be a whole number, 0 or more, got {wanted!r}", code="fetch_size")
        outcome = self._rows()
        rows = [self._ahead.popleft() for _ in range(min(wanted, len(self._ahead)))]
        while len(rows) < wanted and (more := self._session().fetch(outcome, wanted - len(rows))):
            rows.extend(more)
        self._n_fetched += len(rows)
        return rows

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        outcome = self._rows()
        rows = list(self._ahead)
        self._ahead.clear()
        while more := self._session().fetch(outcome, _ROWS_AHEAD * 100):
            rows.extend(more)
        self._n_fetched += len(rows)
        return rows

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table.

        Raises: InterfaceError `rows_already_fetched` after a fetch: some rows have then become Python values already.
        """
        outcome = self._rows()
        if self._n_fetched or self._ahead:
            raise InterfaceError(
                "rows of this result were fetched as tuples already", code="rows_already_fetched",
                hint="execute the statement again, or take all its rows one way",
            )  # fmt: skip
        table = self._session().to_arrow(outcome)
        self._n_fetched = table.num_rows
        return table

    def df(self) -> pd.DataFrame:
        """All rows as a pandas DataFrame."""
        self._rows()
        _require("pandas")
        return cast("pd.DataFrame", self.arrow().to_pandas())

    def pl(self) -> pl.DataFrame:
        """All rows as a polars DataFrame; polars is not among sqlml's own dependencies."""
        self._rows()
        _require("polars")
        import polars

        return cast("pl.DataFrame", polars.from_arrow(self.arrow()))

    def _rows(self) -> Outcome:
        self._session()
        if self._outcome is None:
            raise InterfaceError("there is no result to fetch", code="no_result", hint="execute a statement first")
        if self._outcome.schema is None:
            raise InterfaceError(
                "the last statement returns no rows", code="no_result", hint="cursor.description is None after such a statement"
            )
        return self._outcome

    # What is known about the result ----------------------------------------------------------------------------------------------------

    @property
    def description(self) -> tuple[Description, ...] | None:
        """A 7-tuple per column, of which name and type are known; None without a result. Type names equal the type objects (STRING, …)
        and are those of the flavour that the statement was run in."""
        if self._outcome is None or self._outcome.schema is None:
            return None
        return tuple((column.name, self._names_type(column.type.name), None, None, None, None, None) for column in self._outcome.schema)

    @property
    def rowcount(self) -> int:
        """Rows that the last statement inserted, updated or deleted; -1 where that means nothing (a query's rows stream, uncounted)."""
        return self._n_changed

    @property
    def rownumber(self) -> int | None:
        """Index of the next row, from 0; None without a result."""
        return None if self.description is None else self._n_fetched

    @property
    def lastrowid(self) -> None:
        """None: DuckDB tells no row ids."""
        return None

    @property
    def statusmessage(self) -> str:
        """What the last statement did in one line, e.g. "model body_mass: version 1 from 342 rows"; "" for DuckDB's own statements."""
        return "" if self._outcome is None else self._outcome.message

    # Life ------------------------------------------------------------------------------------------------------------------------------

    def setinputsizes(self, sizes: Sequence[object]) -> None:
        """Does nothing, as PEP 249 allows: types come from the values."""
        self._session()

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing, as PEP 249 allows: values are never cut."""
        self._session()

    def close(self) -> None:
        """Gives the result up; the cursor cannot be used again."""
        if not self._closed:
            self._drop_result()
            self._reset()
            self._closed = True

    def _drop_result(self) -> None:
        if self._outcome is not None and self._outcome.result is not None and self.connection.is_open:
            self._outcome.result.close()

    def _session(self) -> Session:
        if self._closed:
            raise InterfaceError("the cursor is closed", code="closed", hint="open another with connection.cursor()")
        return self.connection.session()

    def __enter__(self) -> Self:
        self._session()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def _own_name(type_name: str) -> str:
    return type_name


def _checked(parameters: Parameters) -> Parameters:
    """Parameters as they came, when they are a sequence or a mapping: a bare string would pass as a sequence of its characters."""
    if parameters is None or isinstance(parameters, Mapping):
        return parameters
    if isinstance(parameters, Sequence) and not isinstance(parameters, str | bytes | bytearray):
        return parameters
    raise _wrong_parameters("a list, a tuple or a mapping", parameters)


def _wrong_parameters(wanted: str, got: object) -> Error:
    return InterfaceError(
        f"parameters must be {wanted}, got {type(got).__name__}", code="parameters_type",
        hint='a single value is written as a list: execute("SELECT ?", [value])',
    )  # fmt: skip


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise NotSupportedError(f"{package} is not installed", code="missing_package", hint=f"pip install {package}")
