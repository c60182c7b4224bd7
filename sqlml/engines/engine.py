"""What sqlml asks of a database, and nothing more. `engines/duckdb.py` is the first to answer.

An engine runs SQL text. It knows nothing of models: it streams queries as Arrow, runs a function over batches from inside a statement,
and can be stopped. Its failures become ours where they enter: the PEP 249 class that fits, a stable code, and a span into the text that
was run, which is not always the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from sqlml.engines.sources import QuerySources
    from sqlml.types import Schema

Parameters: TypeAlias = "Sequence[object] | Mapping[str, object] | None"

BatchFunction: TypeAlias = "Callable[[NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]"
"""Values `[n_rows, n_values]` (NaN for NULL, not to be written to) to scores `[n_rows]` or `[n_rows, n_scores]`.

Called from several threads at once.
"""

ListFunction: TypeAlias = "Callable[[NDArray[np.int64], NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]"
"""A BatchFunction of lists whose lengths differ: offsets `[n_rows + 1]` and values `[n_values]`, row i being
`values[offsets[i]:offsets[i + 1]]`."""


class Result(Protocol):
    """A running query or finished statement. At most one per engine is open; starting another statement buffers it."""

    @property
    def schema(self) -> Schema | None:
        """The columns; None for a statement that returns no rows."""
        ...

    @property
    def n_rows_changed(self) -> int:
        """Rows that the statement inserted, updated, deleted or copied; -1 where that means nothing."""
        ...

    def fetch(self, n_rows: int) -> list[tuple[object, ...]]:
        """Up to n_rows rows as Python values; an empty list at the end."""
        ...

    def to_arrow(self) -> pa.Table:
        """All rows that are left."""
        ...

    def close(self) -> None: ...


class Batches(Protocol):
    """A query's rows as they come. It has the connection to itself: the next statement ends it."""

    @property
    def schema(self) -> pa.Schema: ...

    def __iter__(self) -> Self: ...
    def __next__(self) -> pa.RecordBatch: ...

    def close(self) -> None:
        """Frees the connection; closing twice is harmless."""
        ...


class Engine(Protocol):
    """One connection to one database. Calls are serial, but `interrupt` and `progress` may come from any thread."""

    def run(self, sql: str, parameters: Parameters = None) -> Result:
        """Runs one statement."""
        ...

    def rows(self, sql: str, parameters: Parameters = None) -> list[tuple[object, ...]]:
        """All rows of a small query."""
        ...

    def describe(self, query: str, parameters: Parameters = None) -> Schema:
        """The columns of a query, without running it."""
        ...

    def try_describe(self, query: str, parameters: Parameters = None) -> Schema | None:
        """The columns of a query, or None where the engine refuses it or, in a transaction, cannot be asked: the transaction stays open."""
        ...

    def sources(self, query: str, parameters: Parameters = None) -> QuerySources:
        """The views, tables and files that a query reads. It is planned and parsed, not run; what cannot be found out is told, not raised.

        Raises: what planning the query raises.
        """
        ...

    def rows_apart(self, query: str, parameters: Parameters = None) -> list[tuple[object, ...]]:
        """All rows of a query over files alone, outside any transaction: its failure leaves an open one as it is."""
        ...

    def batches(self, query: str, parameters: Parameters = None, *, n_rows: int = 122_880) -> Batches:
        """Streams a query; nothing is materialised."""
        ...

    def register(self, name: str, table: pa.Table) -> None:
        """Makes a table visible to this connection's statements under a name until `unregister`, whatever becomes of a transaction."""
        ...

    def unregister(self, name: str) -> None: ...

    def batch_function(
        self, handle: int, function: BatchFunction, *, dtype: Literal["float32", "float64"], output: Literal["scalar", "list"]
    ) -> Callable[[Sequence[str]], str]:
        """Makes `function` callable from SQL of this database instance; a function that had the handle before is replaced.

        Returns: a renderer, value expressions -> one SQL expression of type DOUBLE ("scalar") or DOUBLE[] ("list"), evaluated once per row.
        """
        ...

    def list_function(
        self, handle: int, function: ListFunction, *, dtype: Literal["float32", "float64"], output: Literal["scalar", "list"]
    ) -> Callable[[str], str]:
        """As `batch_function`, for a function of lists. The renderer takes one expression, of type FLOAT[] or DOUBLE[] as `dtype` says."""
        ...

    def drop_batch_function(self, handle: int) -> None: ...

    def native_functions(self) -> None:
        """Makes sqlml's own scalar functions callable from SQL of this database instance: `sqlml_fingerprint(VARCHAR)` and
        `sqlml_fingerprint_bytes(BLOB)`, both UBIGINT and NULL for NULL."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether the user has a transaction open, failed or not."""
        ...

    @property
    def in_aborted_transaction(self) -> bool:
        """Whether the open transaction has failed: it takes no statement but ROLLBACK."""
        ...

    def begin(self) -> None: ...

    def commit(self) -> None:
        """Raises: IntegrityError `transaction_conflict`; OperationalError `transaction_aborted` when the transaction had failed."""
        ...

    def rollback(self) -> None: ...

    def abort_transaction(self) -> None:
        """Makes an open transaction fail, so that half of it cannot be committed; without one, nothing happens."""
        ...

    def current_database(self) -> str: ...
    def current_schema(self) -> str: ...
    def databases(self) -> dict[str, bool]:
        """Attached databases by name, and whether each is read-only; internal ones left out."""
        ...

    created_database: str | None
    """The database that opening made: nothing is in it but what this process has put there. None where there was a file."""

    def changed_meanings(self) -> list[str]:
        """Settings that give another meaning to SQL that sqlml generates, as `name = value`."""
        ...

    def shadowing_macros(self) -> list[str]:
        """Macros of attached databases that carry the name of a built-in function or operator."""
        ...

    def interrupt(self) -> None:
        """Stops the running statement at once; it ends with OperationalError `cancelled`. From any thread."""
        ...

    def progress(self) -> float | None:
        """The part of the running statement that is done, 0 to 1; None where the engine cannot tell."""
        ...

    def close(self) -> None: ...
