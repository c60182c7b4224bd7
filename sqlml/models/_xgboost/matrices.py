"""From blocks to the matrices that XGBoost trains on: which kind, how much memory, and what is refused.

Rows are cut into batches of one size, whatever the blocks were, so that quantiles and with them the trees depend on rows alone. `hist`
goes over the batches three or four times and keeps about a byte a value; large matrices keep that on disk. `exact` and `approx` need the
numbers themselves in memory.

Sparse rows go to XGBoost as they are: what is not stored is missing to it, in training and prediction alike. An absent category of a
one-hot column and an absent element are thus missing rather than 0, on which a tree can split just as well; a stored 0 is the number 0.
"""

from __future__ import annotations

import itertools
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import DataError
from sqlml.features.layout import CategoryTerm, Layout
from sqlml.models._row_chunks import cut
from sqlml.models._sparse import as_csr, is_sparse
from sqlml.training.data import Block, Progress, TrainingData

if TYPE_CHECKING:
    import xgboost

TreeMethod = Literal["hist", "approx", "exact"]

BATCH_BYTES = 1 << 26
MAX_BATCH_ROWS = 1 << 20
"""A batch is a million rows or 64 MB; smaller ones cost XGBoost twice the time for its quantiles."""

EXTERNAL_BYTES = 1 << 28
"""From this size of the float32 matrix on, the binned matrix is kept on disk. At 320 MB that took 0.65 to 0.78 of the memory and 0.84 to
1.24 of the time, by the load of the machine."""

IN_MEMORY_BYTES = 1 << 32
"""Largest float32 matrix for `exact` and `approx`; XGBoost takes about three times as much for it."""

MAX_BINS, MIN_BINS = 256, 32
TOTAL_BINS = 1 << 17
"""Bins of a column, and of all columns together while each has MIN_BINS. A node's histogram has all of them: of 2,000 columns by 20,000
rows, a tree of depth 15 took 41 s and 5 GB with 256 bins a column, 13 s and 1.7 GB with 64."""

SPARSE_VALUE_BYTES = 8
"""Of a stored number and its column."""

MAX_NATIVE_CATEGORIES = 1 << 16
"""Of a column whose splits part its categories into two sets; above, codes are ordered numbers. A split keeps all categories of one side:
measured on a million rows, trees of depth 6 take 5 MB each with 100,000 categories and 56 MB with a million, where a round takes 7 s
instead of 0.8 s. With a few rows a category such sets only learn the rows by heart."""


class Matrices:
    """What one training works on. Keep no other reference to a matrix: it must be gone before its files are."""

    train: xgboost.DMatrix
    evaluation: xgboost.DMatrix | None

    def clear(self) -> None:
        self.__dict__.clear()


def feature_categories(layout: Layout, *, native: bool) -> NDArray[np.int64]:
    """The number of categories of every matrix column that XGBoost treats as a category; 0 for columns that are numbers to it.

    Args: native, whether codes are categories; otherwise they are ordered numbers, as they are above MAX_NATIVE_CATEGORIES.
    """
    categories = np.zeros(layout.n_columns, np.int64)
    if native and layout.categories_as == "codes":
        for term, columns in zip(layout.terms, layout.slices, strict=True):
            if isinstance(term, CategoryTerm) and len(term.categories) <= MAX_NATIVE_CATEGORIES:
                categories[columns.start] = len(term.categories)
    return categories


def column_bins(layout: Layout) -> int:
    """The most bins of a column. One-hot columns of sparse rows have one in any case, so only stored numbers count."""
    n_columns = int(layout.mean_stored) if layout.is_sparse else layout.n_columns
    return max(MIN_BINS, min(MAX_BINS, TOTAL_BINS // max(1, n_columns)))


def ordered_columns(layout: Layout) -> list[str]:
    """The columns whose codes are ordered numbers because they have too many categories."""
    if layout.categories_as != "codes":
        return []
    return [term.column for term in layout.terms if isinstance(term, CategoryTerm) and len(term.categories) > MAX_NATIVE_CATEGORIES]


@contextmanager
def open_matrices(data: TrainingData, categories: NDArray[np.int64], tree_method: TreeMethod, progress: Progress) -> Iterator[Matrices]:
    """The training and evaluation matrices; files on disk are gone afterwards.

    Raises: DataError `infinite_feature`, `infinite_label`, `training_too_large`; what `progress.check` raises.
    """
    matrices = Matrices()
    with ExitStack() as stack:
        try:
            try:
                _build_matrices(matrices, data, categories, tree_method, progress, stack, weighted=False)
            except _WeightsFound:
                _build_matrices(matrices, data, categories, tree_method, progress, stack, weighted=True)
            yield matrices
        except BaseException as error:
            # What failed holds on to matrices whose files are about to go, which XGBoost would complain about.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            matrices.clear()


def recut(blocks: Iterable[Block], n_rows: int, n_columns: int) -> Iterator[Block]:
    """The same dense rows as float32 in blocks of exactly `n_rows`, the last one shorter."""
    batch, filled = _empty(n_rows, n_columns), 0
    for block in blocks:
        start = 0
        while start < len(block.features):
            stop = min(start + n_rows - filled, len(block.features))
            end = filled + stop - start
            # A number beyond float32 becomes infinite here, and is refused as such.
            with np.errstate(over="ignore"):
                batch.features[filled:end] = block.features[start:stop]
            batch.labels[filled:end] = block.labels[start:stop]
            batch.row_weights[filled:end] = block.row_weights[start:stop]
            filled, start = end, stop
            if filled == n_rows:
                yield batch
                batch, filled = _empty(n_rows, n_columns), 0
    if filled:
        yield Block(batch.features[:filled], batch.labels[:filled], batch.row_weights[:filled])


def recut_sparse(blocks: Iterable[Block], n_rows: int, n_stored: int) -> Iterator[Block]:
    """The same sparse rows as float32 in blocks as long as both limits allow."""
    for block in cut(blocks, n_rows, n_rows, n_stored):
        # A number beyond float32 becomes infinite here, and is refused as such.
        with np.errstate(over="ignore"):
            yield block._replace(features=as_csr(block.features).astype(np.float32, copy=False))


def _recut(blocks: Iterable[Block], n_columns: int, n_rows: int, n_bytes: int | None) -> Iterator[Block]:
    """The rows in batches of up to `n_rows` and `n_bytes` of numbers, of one size where rows are dense."""
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        return
    blocks = itertools.chain((first,), blocks)
    if is_sparse(first.features):
        yield from recut_sparse(blocks, n_rows, np.iinfo(np.int64).max if n_bytes is None else n_bytes // SPARSE_VALUE_BYTES)
        return
    if n_bytes is not None:
        n_rows = min(n_rows, max(1, n_bytes // (4 * max(1, n_columns))))
    yield from recut(blocks, n_rows, n_columns)


def _empty(n_rows: int, n_columns: int) -> Block:
    return Block(np.empty((n_rows, n_columns), np.float32), np.empty(n_rows), np.empty(n_rows))


class _WeightsFound(Exception):
    """A row weight other than 1 turned up after batches had been passed on without weights."""


@dataclass
class _Batches:
    """The batches of one part of the data, checked when they are first read."""

    read: Callable[[], Iterator[Block]]
    n_rows: int
    layout: Layout
    weighted: bool
    progress: Progress
    checked: bool = False

    def __iter__(self) -> Iterator[Block]:
        n_columns = self.layout.n_columns
        batch_rows = min(MAX_BATCH_ROWS, max(1, self.n_rows))
        blocks = self.read()
        try:
            for batch in _recut(blocks, n_columns, batch_rows, BATCH_BYTES):
                self.progress.check()
                if not self.checked:
                    self._check(batch)
                yield batch
            self.checked = True
        finally:
            close = getattr(blocks, "close", None)
            if close is not None:
                close()

    def whole(self) -> Block:
        """All rows as one batch."""
        return next(_recut(self, self.layout.n_columns, self.n_rows, None))

    def _check(self, batch: Block) -> None:
        column = _infinite_column(batch.features)
        if column is not None:
            index = next(index for index, columns in enumerate(self.layout.slices) if columns.start <= column < columns.stop)
            raise DataError(
                f"values of the feature {self.layout.terms[index].column} are infinite or beyond 3.4e38", code="infinite_feature",
                hint="trees read 32-bit floats; scale the column, or leave the rows out with WHERE",
            )  # fmt: skip
        if (np.abs(batch.labels) > np.finfo(np.float32).max).any():
            raise DataError(
                "values of the label are infinite or beyond 3.4e38", code="infinite_label",
                hint="trees read 32-bit floats; scale the label, or leave the rows out with WHERE",
            )  # fmt: skip
        if not self.weighted and (batch.row_weights != 1.0).any():
            raise _WeightsFound


def _infinite_column(features: Any) -> int | None:
    """The first column that holds an infinite number."""
    found = np.isinf(features.data if is_sparse(features) else features)
    columns = features.indices[found] if is_sparse(features) else np.flatnonzero(found.any(axis=0))
    return int(columns.min()) if len(columns) else None


def _build_matrices(
    matrices: Matrices,
    data: TrainingData,
    categories: NDArray[np.int64],
    tree_method: TreeMethod,
    progress: Progress,
    stack: ExitStack,
    *,
    weighted: bool,
) -> None:
    layout = data.layout
    row_bytes = SPARSE_VALUE_BYTES * layout.mean_stored if layout.is_sparse else 4.0 * layout.n_columns
    matrix_bytes = row_bytes * data.n_train
    train = _Batches(data.train_blocks, data.n_train, layout, weighted, progress)
    evaluation = _Batches(data.eval_blocks, data.n_eval, layout, weighted, progress) if data.n_eval else None
    types = None if layout.is_sparse else ["c" if n_categories else "q" for n_categories in categories]
    if tree_method != "hist":
        if matrix_bytes + row_bytes * data.n_eval > IN_MEMORY_BYTES:
            raise DataError(
                f"tree_method = '{tree_method.upper()}' keeps all numbers in memory and takes up to {IN_MEMORY_BYTES >> 30} GiB of them, "
                f"got {matrix_bytes / (1 << 30):.1f} GiB",
                code="training_too_large", hint="use tree_method = 'HIST', which has no such bound",
            )  # fmt: skip
        matrices.train = _matrix_in_memory(train, types)
        matrices.evaluation = None if evaluation is None else _matrix_in_memory(evaluation, types)
        return
    cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="sqlml-trees-")) if matrix_bytes >= EXTERNAL_BYTES else None
    matrices.train = _binned_matrix(train, types, cache, "train", None)
    matrices.evaluation = None if evaluation is None else _binned_matrix(evaluation, types, cache, "evaluation", matrices.train)


def _matrix_in_memory(batches: _Batches, types: list[str] | None) -> xgboost.DMatrix:
    import xgboost

    rows = batches.whole()
    return xgboost.DMatrix(
        rows.features, rows.labels, weight=rows.row_weights if batches.weighted else None, feature_types=types, enable_categorical=True
    )


def _binned_matrix(
    batches: _Batches, types: list[str] | None, cache: str | None, name: str, reference: xgboost.DMatrix | None
) -> xgboost.DMatrix:
    """A matrix of quantile bins; with a directory `cache` the bins are kept there."""
    import xgboost

    class Iterations(xgboost.DataIter):
        def __init__(self) -> None:
            super().__init__(cache_prefix=None if cache is None else f"{cache}/{name}")
            self._open = iter(batches)

        def next(self, input_data: Callable[..., None]) -> bool:
            batch = next(self._open, None)
            if batch is None:
                return False
            weights: dict[str, Any] = {"weight": batch.row_weights} if batches.weighted else {}
            input_data(data=batch.features, label=batch.labels, feature_types=types, **weights)
            return True

        def reset(self) -> None:
            self._open = iter(batches)

    if cache is None:
        return xgboost.QuantileDMatrix(Iterations(), ref=reference, max_bin=column_bins(batches.layout), enable_categorical=True)
    return xgboost.ExtMemQuantileDMatrix(Iterations(), ref=reference, max_bin=column_bins(batches.layout), enable_categorical=True)
