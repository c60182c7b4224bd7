"""Batch functions inside DuckDB: who owns them, how long they live, how rows become arrays.

DuckDB keeps a Python function for the whole database instance (every connection of this process to the same file), while only the
connection that made it can remove it; a call after that connection is gone kills the process. So an instance gets one hidden owner
connection with four fixed functions `(handle, values[])`, made outside any transaction since ROLLBACK would take them away, and removed
when the last engine on the instance closes. Models change, the functions do not: a call carries the handle of the Python function that it
means.

The owner is a cursor of a cursor: DuckDB closes the cursors of a connection with it, but no further than to those that still exist, and
the one between is dropped at once. So nobody's `close()` takes the owner along.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlml.engines.arrow_lists import offsets_and_values
from sqlml.engines.duckdb_calls import _sqlml_call as call
from sqlml.engines.duckdb_errors import carried
from sqlml.errors import InternalError, OperationalError
from sqlml.sql import call as sql_call
from sqlml.sql import cast

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from sqlml.engines.engine import BatchFunction, ListFunction

_MARKER = "sqlml_instance"
_NAMES = {
    ("float32", "scalar"): "sqlml_score_float",
    ("float32", "list"): "sqlml_scores_float",
    ("float64", "scalar"): "sqlml_score_double",
    ("float64", "list"): "sqlml_scores_double",
}
_FINGERPRINTS = {"sqlml_fingerprint": "VARCHAR", "sqlml_fingerprint_bytes": "BLOB"}
_SQL_TYPES = {"float32": "FLOAT", "float64": "DOUBLE"}

_lock = threading.RLock()
"""Guards the owners. Reentrant, because an engine may be collected, and so released, while the lock is held."""

_Function: TypeAlias = "Callable[[pa.ChunkedArray], NDArray[np.floating[Any]]]"
_functions: dict[int, _Function] = {}
"""By key; DuckDB's threads look here."""
_keys = itertools.count(1)


@dataclass
class _Owner:
    """The connection that the functions of one database instance belong to."""

    token: int
    connection: duckdb.DuckDBPyConnection
    n_engines: int = 0
    registered: list[str] = field(default_factory=list)


_owners: dict[int, _Owner] = {}
_tokens = itertools.count(1)


class EngineFunctions:
    """The batch functions of one engine, by the handles that its user gave them."""

    def __init__(self) -> None:
        self._owner: _Owner | None = None
        self._keys: dict[int, int] = {}

    def add(
        self,
        connection: duckdb.DuckDBPyConnection,
        handle: int,
        function: BatchFunction,
        dtype: Literal["float32", "float64"],
        output: Literal["scalar", "list"],
    ) -> Callable[[Sequence[str]], str]:
        """See `Engine.batch_function`. Handles of two engines may be equal, so a call carries a key that is unique in the process."""
        key = self._register(connection, handle, lambda values: function(matrix(values)))
        name, type_name = _NAMES[dtype, output], _SQL_TYPES[dtype]

        def render(values: Sequence[str]) -> str:
            # A DOUBLE beyond the range of FLOAT counts as missing: one such value must not fail a batch of predictions.
            items = (f"TRY_CAST({value} AS {type_name})" for value in values)
            return sql_call(name, str(key), cast(sql_call("list_value", *items), f"{type_name}[]"))

        return render

    def add_list_function(
        self,
        connection: duckdb.DuckDBPyConnection,
        handle: int,
        function: ListFunction,
        dtype: Literal["float32", "float64"],
        output: Literal["scalar", "list"],
    ) -> Callable[[str], str]:
        """See `Engine.list_function`."""
        key = self._register(connection, handle, lambda values: function(*offsets_and_values(values)))
        return lambda values: sql_call(_NAMES[dtype, output], str(key), values)

    def _register(self, connection: duckdb.DuckDBPyConnection, handle: int, function: _Function) -> int:
        """The key that calls of the function carry."""
        self.prepare(connection)
        self.drop(handle)
        key = next(_keys)
        _functions[key] = function
        self._keys[handle] = key
        return key

    @property
    def is_prepared(self) -> bool:
        return self._owner is not None

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes the functions known to the instance. A transaction that has used a built-in function before never sees them."""
        if self._owner is None:
            self._owner = _acquire(connection)

    @staticmethod
    def are_visible(connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the connection's transaction sees the functions."""
        names = f"SELECT function_name FROM system.main.duckdb_functions() WHERE function_name = '{_MARKER}'"
        return bool(call(connection.execute, names).fetchall())

    def drop(self, handle: int) -> None:
        """Forgets a function; a statement that still calls it fails with `unknown_batch_function`."""
        key = self._keys.pop(handle, None)
        if key is not None:
            _functions.pop(key, None)

    def release(self) -> None:
        """Forgets all functions and lets go of the owner. Harmless when repeated."""
        for handle in list(self._keys):
            self.drop(handle)
        owner, self._owner = self._owner, None
        if owner is not None:
            _release(owner)


# ---- Owners ----


def _acquire(connection: duckdb.DuckDBPyConnection) -> _Owner:
    """The owner for the instance behind a connection, made when there is none."""
    with _lock:
        owner = _find(connection) or _create(connection)
        owner.n_engines += 1
        return owner


def _find(connection: duckdb.DuckDBPyConnection) -> _Owner | None:
    import duckdb

    # On a connection of its own: an unknown function would abort the user's transaction.
    cursor = call(connection.cursor)
    try:
        ((token,),) = call(cursor.execute, f"SELECT system.main.{_MARKER}()").fetchall()
    except duckdb.CatalogException:
        return None
    finally:
        cursor.close()
    return _owners[token]


def _create(connection: duckdb.DuckDBPyConnection) -> _Owner:
    token = next(_tokens)
    owner = _Owner(token, call(connection.cursor().cursor))
    try:
        # Not the user's schema, where something may have the name of a function.
        call(owner.connection.execute, "SET search_path = 'temp'")
        for (dtype, output), name in _NAMES.items():
            owner.connection.create_function(
                name, _CALLED[output], ["INTEGER", f"{_SQL_TYPES[dtype]}[]"], "DOUBLE" if output == "scalar" else "DOUBLE[]",
                # With side effects: once per row, or a filter on the score would compute it a second time.
                type="arrow", side_effects=True,  # type: ignore[call-overload]  # the stubs know the enumeration only
            )  # fmt: skip
            owner.registered.append(name)
        for name, type_name in _FINGERPRINTS.items():
            owner.connection.create_function(
                name, _CALLED["fingerprints"], [type_name], "UBIGINT", type="arrow",  # type: ignore[call-overload]  # as above
            )  # fmt: skip
            owner.registered.append(name)
        owner.connection.create_function(_MARKER, lambda: token, [], "BIGINT")
        owner.registered.append(_MARKER)
    except BaseException:
        _close(owner)
        raise
    _owners[token] = owner
    return owner


def _release(owner: _Owner) -> None:
    with _lock:
        owner.n_engines -= 1
        if owner.n_engines == 0:
            del _owners[owner.token]
            _close(owner)


def _close(owner: _Owner) -> None:
    # What cannot be removed must not keep the rest from being removed, nor the file from being closed.
    for name in reversed(owner.registered):
        with contextlib.suppress(Exception):
            owner.connection.remove_function(name)
    owner.connection.close()


# ---- Called by DuckDB, from its threads, with up to 2,048 rows ----


def _score(handles: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    try:
        n_rows = len(values)
        scores = _run(handles, values)
        if scores.shape != (n_rows,):
            raise InternalError(f"a batch function gave shape {scores.shape} for {n_rows} rows", code="batch_function_shape")
        return pa.Array.from_buffers(pa.float64(), n_rows, [None, pa.py_buffer(scores)])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the statement ends with it
        raise carried(error) from None


def _scores(handles: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    try:
        n_rows = len(values)
        scores = _run(handles, values)
        if scores.ndim != 2 or len(scores) != n_rows:
            raise InternalError(f"a batch function gave shape {scores.shape} for {n_rows} rows", code="batch_function_shape")
        offsets = np.arange(n_rows + 1, dtype=np.int32) * np.int32(scores.shape[1])
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(scores.reshape(-1), pa.float64()))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the statement ends with it
        raise carried(error) from None


def _fingerprints(values: pa.ChunkedArray) -> pa.Array:
    """FarmHash of strings or bytes. DuckDB does not pass NULLs."""
    import pyarrow as pa

    from sqlml.farm_hash import fingerprints

    try:
        return pa.array(fingerprints(values), pa.uint64())
    except BaseException as error:  # noqa: BLE001 - whatever it is, the statement ends with it
        raise carried(error) from None


_CALLED: dict[str, Callable[..., pa.Array]] = {
    "scalar": lambda handles, values: _score(handles, values),  # noqa: PLW0108 - without annotations
    "list": lambda handles, values: _scores(handles, values),  # noqa: PLW0108
    "fingerprints": lambda values: _fingerprints(values),  # noqa: PLW0108
}
"""What DuckDB is given: it evaluates annotations, and those of the functions themselves name modules that are imported later."""


def _run(handles: pa.ChunkedArray, values: pa.ChunkedArray) -> NDArray[np.float64]:
    import numpy as np

    key = handles[0].as_py()
    function = _functions.get(key)
    if function is None or handles[len(handles) - 1].as_py() != key:
        raise OperationalError("the statement calls a model that is no longer loaded", code="unknown_batch_function", hint="run it again")
    return np.ascontiguousarray(function(values), dtype=np.float64)


def matrix(values: pa.ChunkedArray) -> NDArray[np.floating[Any]]:
    """Lists of one length as an array `[n_rows, n_values]`, NULL as NaN; a view where nothing is NULL.

    DuckDB does not pass rows whose list is NULL: they have the score NULL.
    """
    array = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    found = _view(array)
    if found is not None:
        return found
    flat = array.flatten().to_numpy(zero_copy_only=False)
    n_values = len(flat) // len(array)
    if not (array.value_lengths().to_numpy() == n_values).all():
        raise InternalError("the rows of a batch have different numbers of values", code="ragged_batch")
    return flat.reshape(len(array), n_values)  # type: ignore[no-any-return]  # pyarrow has no types


def _view(array: pa.ListArray) -> NDArray[np.floating[Any]] | None:
    """The matrix in the memory of the array, or None when it is not there as such.

    Arrow's own functions release the interpreter's lock, and DuckDB's threads then wait for each other five times a batch.
    """
    import numpy as np
    import pyarrow as pa

    if not isinstance(array, pa.ListArray) or array.values.null_count:
        return None
    _, offsets, _, data = array.buffers()
    n_rows, width = len(array), array.values.type.bit_width // 8
    starts = np.frombuffer(offsets, np.int32, n_rows + 1, array.offset * 4)
    n_values = int(starts[1] - starts[0])
    regular = _regular_starts.get((n_rows, n_values))
    if regular is None:
        regular = _regular_starts[n_rows, n_values] = (np.arange(n_rows + 1, dtype=np.int32) * np.int32(n_values)).tobytes()
        if len(_regular_starts) > _KEPT_STARTS:
            _regular_starts.clear()
    if data is None or starts.tobytes() != regular:
        return None
    dtype: type[np.floating[Any]] = np.float32 if width == 4 else np.float64
    return np.frombuffer(data, dtype, n_rows * n_values, array.values.offset * width).reshape(n_rows, n_values)


_KEPT_STARTS = 1024
_regular_starts: dict[tuple[int, int], bytes] = {}
"""Where the lists of a batch start when all are of one length, by number of rows and length: most batches have 2,048 rows."""
