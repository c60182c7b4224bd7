"""Learned arrays as rows of `_state`, and back with every chunk accounted for.

An array is cut into chunks of CHUNK_VALUES values (texts also into chunks of about 1 MB). Chunks are written and read a few megabytes at
a time, so an array is in memory once. Floats keep every bit. Reading trusts no number that it finds: sizes are bounded by the rows that are
really there before memory is taken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sqlml import sql
from sqlml.catalog.tables import CHUNK_VALUES, MAX_TEXT_BYTES, STATE, insert, read
from sqlml.engines.engine import Engine
from sqlml.errors import InternalError, NotSupportedError
from sqlml.state import Array, damaged_state

Arrays = Mapping[str, Mapping[str, Array]]
"""Arrays by section and name."""
MAX_VALUES = 1 << 28
"""Values of one version: 2 GiB of numbers. More cannot be a model of ours, and is refused when it is written and when it is read."""
MAX_TEXTS = 1 << 24
MAX_TEXT_TOTAL_BYTES = 1 << 30
MAX_ARRAYS = 10_000
_MAX_DIMENSIONS = 8
_WRITE_VALUES = 1 << 20
"""Numbers written with one INSERT: 8 MiB."""
_WRITE_BYTES = 1 << 23
"""Bytes of text written with one INSERT."""
_TEXT_CHUNK_BYTES = 1 << 20
_READ_ROWS = 512
"""Chunks that are read at a time: 4 MiB of numbers."""


def write_arrays(engine: Engine, database: str, model_id: str, version: int, arrays: Arrays) -> None:
    """Appends all arrays of a version.

    Raises: NotSupportedError `model_too_large`.
    """
    check_size(arrays)
    waiting: list[pa.Table] = []
    n_values = n_bytes = 0
    for section, part in arrays.items():
        for name, array in part.items():
            for piece in _pieces(array):
                waiting.append(_rows(model_id, version, section, name, array, piece))
                n_values += piece.n_values
                n_bytes += piece.n_bytes
                if n_values >= _WRITE_VALUES or n_bytes >= _WRITE_BYTES:
                    _insert(engine, database, waiting)
                    waiting.clear()
                    n_values = n_bytes = 0
    if waiting:
        _insert(engine, database, waiting)


def _insert(engine: Engine, database: str, waiting: Sequence[pa.Table]) -> None:
    # One batch: the engine takes batches one at a time, which for the small arrays of a small model is most of the time.
    insert(engine, database, STATE, pa.concat_tables(waiting).combine_chunks())


def read_arrays(engine: Engine, database: str, model_id: str, version: int) -> dict[str, dict[str, Array]]:
    """All arrays of a version, exactly as they were written.

    Raises: IntegrityError `damaged_state` for chunks that are missing or do not fit together.
    """
    here = f"FROM {STATE.path(database)} WHERE model_id = $1 AND version = $2"
    count, least, most = sql.call("count_star"), sql.call("min", "chunk"), sql.call("max", "chunk")
    shape = f"{sql.call('any_value', 'shape')} FILTER (WHERE chunk = 0)"
    found = read(
        engine,
        f"SELECT section, name, {count} AS chunks, {least} AS least, {most} AS most, {shape} AS shape {here} GROUP BY section, name",
        [model_id, version],
    )
    pending = _expected_arrays(found)
    batches = engine.batches(f"SELECT section, name, chunk, integers, floats, strings {here}", [model_id, version], n_rows=_READ_ROWS)
    n_text_bytes = 0
    with contextlib.closing(batches):
        for batch in batches:
            n_text_bytes += batch.column("strings").nbytes
            if n_text_bytes > 2 * MAX_TEXT_TOTAL_BYTES:
                raise damaged_state("it has more text than a model can have")
            _read_batch(batch, pending)
    arrays: dict[str, dict[str, Array]] = {}
    for (section, name), array in sorted(pending.items()):
        arrays.setdefault(section, {})[name] = array.finish()
    return arrays


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some consecutive chunks of one array: their numbers and lists."""

    first: int
    lists: pa.ListArray
    column: str
    n_values: int
    n_bytes: int


def _pieces(array: Array) -> Iterator[_Piece]:
    if array.strings is not None:
        yield from _text_pieces(array.strings)
        return
    values, column = (array.integers, "integers") if array.integers is not None else (array.floats, "floats")
    assert values is not None  # _check_size
    numbers = np.ascontiguousarray(values, np.int64 if column == "integers" else np.float64)
    for start in range(0, max(1, len(numbers)), _WRITE_VALUES):
        part = numbers[start : start + _WRITE_VALUES]
        offsets = np.append(np.arange(0, max(1, len(part)), CHUNK_VALUES), len(part)).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(part))
        yield _Piece(start // CHUNK_VALUES, lists, column, len(part), 0)


def _text_pieces(strings: Sequence[str | None]) -> Iterator[_Piece]:
    chunk: list[str | None] = []
    n_bytes = number = 0
    for text in strings:
        size = 0 if text is None else len(text.encode())
        if chunk and (len(chunk) == CHUNK_VALUES or n_bytes + size > _TEXT_CHUNK_BYTES):
            yield _Piece(number, pa.array([chunk], pa.list_(pa.string())), "strings", len(chunk), n_bytes)
            chunk, n_bytes, number = [], 0, number + 1
        chunk.append(text)
        n_bytes += size
    yield _Piece(number, pa.array([chunk], pa.list_(pa.string())), "strings", len(chunk), n_bytes)


def _rows(model_id: str, version: int, section: str, name: str, array: Array, piece: _Piece) -> pa.Table:
    n_rows = len(piece.lists)
    schema = STATE.arrow_schema
    shapes: list[list[int] | None] = [None] * n_rows
    if piece.first == 0:
        shapes[0] = list(array.shape)
    columns: dict[str, Any] = {
        "model_id": pa.repeat(model_id, n_rows), "version": pa.repeat(pa.scalar(version, pa.int32()), n_rows),
        "section": pa.repeat(section, n_rows), "name": pa.repeat(name, n_rows),
        "chunk": pa.array(np.arange(piece.first, piece.first + n_rows, dtype=np.int32)), "shape": pa.array(shapes, pa.list_(pa.int64())),
    }  # fmt: skip
    for column in ("integers", "floats", "strings"):
        columns[column] = piece.lists if column == piece.column else pa.nulls(n_rows, schema.field(column).type)
    return pa.table(columns, schema=schema)


def check_size(arrays: Arrays) -> None:
    flat = [array for part in arrays.values() for array in part.values()]
    n_text_bytes = 0
    for array in flat:
        given = [values for values in (array.integers, array.floats, array.strings) if values is not None]
        if len(given) != 1 or _product(array.shape) != len(given[0]) or len(array.shape) > _MAX_DIMENSIONS:
            raise InternalError("an array of the model contradicts its shape", code="internal_error")
        # The limit is on a list as the engine prints it, with quotes and escapes, hence the quarter.
        sizes = [len(text.encode()) for text in array.strings or () if text is not None]
        if max(sizes, default=0) > MAX_TEXT_BYTES // 4:
            raise NotSupportedError(f"a model may hold no text of more than {MAX_TEXT_BYTES // 4} bytes", code="model_too_large")
        n_text_bytes += sum(sizes)
    n_texts = sum(len(array.strings or ()) for array in flat)
    n_values = sum(_product(array.shape) for array in flat)
    if n_values > MAX_VALUES or n_texts > MAX_TEXTS or n_text_bytes > MAX_TEXT_TOTAL_BYTES or len(flat) > MAX_ARRAYS:
        raise NotSupportedError(
            f"the model is too large to be stored: {n_values} values, {n_texts} texts of {n_text_bytes} bytes, {len(flat)} arrays; "
            f"at most {MAX_VALUES}, {MAX_TEXTS} of {MAX_TEXT_TOTAL_BYTES}, and {MAX_ARRAYS}", code="model_too_large",
            hint="train a smaller one: fewer trees, less depth, fewer categories",
        )  # fmt: skip


@dataclass
class _Pending:
    """An array that is being put together; memory is taken when its first chunk shows of which kind it is."""

    name: str
    shape: tuple[int, ...]
    n_chunks: int
    values: NDArray[Any] | None = None
    texts: dict[int, list[str | None]] = field(default_factory=dict)
    seen: int = 0

    @property
    def size(self) -> int:
        return _product(self.shape)

    def add_numbers(self, chunk: int, numbers: NDArray[Any]) -> None:
        start = chunk * CHUNK_VALUES
        expected = min(CHUNK_VALUES, self.size - start)
        if self.texts or len(numbers) != max(0, expected) or (self.values is not None and self.values.dtype != numbers.dtype):
            raise damaged_state(f"{self.name} has a chunk of the wrong size or kind")
        if self.values is None:
            if not (self.n_chunks - 1) * CHUNK_VALUES < max(1, self.size) <= self.n_chunks * CHUNK_VALUES:
                raise damaged_state(f"{self.name} has {self.n_chunks} chunks, not what its shape {self.shape} needs")
            self.values = np.empty(self.size, numbers.dtype)
        self.values[start : start + len(numbers)] = numbers
        self.seen += 1

    def add_texts(self, chunk: int, texts: list[str | None]) -> None:
        if self.values is not None or chunk in self.texts or (not texts and self.n_chunks > 1):
            raise damaged_state(f"{self.name} has a chunk of the wrong size or kind")
        self.texts[chunk] = texts
        self.seen += 1

    def finish(self) -> Array:
        if self.seen != self.n_chunks:
            raise damaged_state(f"chunks of {self.name} are missing")
        if self.values is not None:
            if self.values.dtype == np.int64:
                return Array(self.shape, integers=self.values)
            return Array(self.shape, floats=self.values)
        strings = tuple(text for chunk in range(self.n_chunks) for text in self.texts[chunk])
        if len(strings) != self.size:
            raise damaged_state(f"{self.name} has {len(strings)} values, not its shape {self.shape}")
        return Array(self.shape, strings=strings)


def _expected_arrays(found: list[dict[str, Any]]) -> dict[tuple[str, str], _Pending]:
    if len(found) > MAX_ARRAYS:
        raise damaged_state(f"it has more than {MAX_ARRAYS} arrays")
    pending = {}
    for row in found:
        name, shape = _shown(row["name"]), row["shape"]
        if row["least"] != 0 or row["most"] != row["chunks"] - 1:
            raise damaged_state(f"chunks of {name} are missing")
        if shape is None or len(shape) > _MAX_DIMENSIONS or any(size is None or not 0 <= size <= MAX_VALUES for size in shape):
            raise damaged_state(f"{name} has no valid shape")
        pending[row["section"], row["name"]] = _Pending(name, tuple(shape), row["chunks"])
    if sum(array.size for array in pending.values()) > MAX_VALUES:
        raise damaged_state(f"it has more than {MAX_VALUES} values")
    return pending


def _read_batch(batch: pa.RecordBatch, pending: Mapping[tuple[str, str], _Pending]) -> None:
    names = zip(*(batch.column(name).to_pylist() for name in ("section", "name", "chunk")), strict=True)
    lists = {column: batch.column(column) for column in ("integers", "floats", "strings")}
    valid = {column: lists[column].is_valid().to_pylist() for column in lists}
    numbers = {}
    # Arrow's own `to_numpy` imports pandas, which would be half of the time that a prediction takes in a new process.
    for column in ("integers", "floats"):
        values = lists[column].flatten()
        if values.null_count:
            raise damaged_state("an array of numbers holds NULL")
        numbers[column] = np.from_dlpack(values)
    ends = {column: np.cumsum(np.diff(np.from_dlpack(lists[column].offsets)) * np.array(valid[column])) for column in numbers}
    for index, (section, name, chunk) in enumerate(names):
        array = pending.get((section, name))
        kinds = [column for column in lists if valid[column][index]]
        if array is None or len(kinds) != 1:
            raise damaged_state(f"{_shown(name)} has a chunk of no kind, or of several")
        (kind,) = kinds
        if kind == "strings":
            array.add_texts(chunk, lists["strings"][index].as_py())
        else:
            start = ends[kind][index - 1] if index else 0
            array.add_numbers(chunk, numbers[kind][start : ends[kind][index]])


def _shown(name: str) -> str:
    return repr(name[:80])


def _product(shape: Sequence[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
