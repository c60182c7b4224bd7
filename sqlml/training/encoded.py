"""Encoded rows as blocks: TrainingData over the rows of a training query.

The engine evaluates the terms (SQL), Python makes the learner's matrix of them: rows are columns of numbers, or one packed list each where
a term is multi-valued (`features/packed`). For learners whose result depends on the order of rows the
encoded numbers are sorted by row hash into a temporary table once; every pass then reads plain numbers. Blocks that fit
into a bounded cache are kept, so that iterative learners on small data do not go back to the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sqlml import sql
from sqlml.engines.arrow_lists import offsets_and_values
from sqlml.features.layout import Layout
from sqlml.features.matrices import stacked
from sqlml.features.packed import packed_sql, unpack
from sqlml.models._spec import Reading
from sqlml.training.data import Block, Matrix
from sqlml.training.rows import TrainingRows
from sqlml.training.splits import HASH, OCCURRENCE

BLOCK_BYTES = 64 * 2**20
"""A block's matrix is not larger than this; rows of very wide models come in smaller blocks."""

CACHE_BYTES = 512 * 2**20
"""Blocks kept between passes; beyond it every pass reads the engine again."""


class EncodedRows:
    """TrainingData read from the engine.

    Args: label, SQL of the label as a number (class index for classifiers) or None; weight, SQL of an instance weight or None;
    class_weights, weight by class index; marked, SQL condition of the initial rows of k-means.
    """

    def __init__(
        self,
        rows: TrainingRows,
        layout: Layout,
        *,
        reading: Reading,
        dtype: str,
        label: str | None,
        weight: str | None,
        class_weights: Sequence[float] | None,
        n_classes: int,
        marked: str | None,
        seed: int,
    ) -> None:
        self._rows = rows
        self._layout = layout
        self._dtype = np.dtype(dtype)
        self._class_weights = None if class_weights is None else np.asarray(class_weights, np.float64)
        self._n_classes = n_classes
        self._seed = seed
        self._has_label = label is not None
        self._has_weight = weight is not None
        self._cache: dict[str, tuple[Block, ...]] = {}
        self._is_marked = marked is not None
        values = [layout.value_sql(term) for term in layout.terms]
        type_name = "DOUBLE" if dtype == "float64" else "FLOAT"
        columns = [packed_sql(layout, values, type_name)] if layout.is_packed else [sql.cast(value, type_name) for value in values]
        columns += [sql.cast(expression, type_name) for expression in (label, weight) if expression is not None]
        self._select = ", ".join(f"{column} AS v{index}" for index, column in enumerate(columns))
        self._names = ", ".join(f"v{index}" for index in range(len(columns)))
        self._evaluation = "evaluation_rows"
        self._n_eval = rows.n_eval
        if n_classes and label is not None and rows.n_eval:
            # A class that only evaluation rows have cannot be scored.
            self._evaluation = f"evaluation_rows WHERE {label} IS NOT NULL"
            ((known,),) = rows.rows(f"SELECT {sql.call('count', '*')} FROM {self._evaluation}")
            self._n_eval = int(str(known))
        self._tables: dict[str, str] | None = None
        self._marked = marked
        self._row_bytes = _row_bytes(layout, self._dtype.itemsize)
        self._batch_rows = max(1024, min(122_880, BLOCK_BYTES // self._row_bytes))
        if reading.ordered:
            self._tables = {part: self._ordered(part) for part in ("training_rows", *([self._evaluation] if self._n_eval else []))}

    @property
    def layout(self) -> Layout:
        return self._layout

    @property
    def n_train(self) -> int:
        return self._rows.n_train

    @property
    def n_eval(self) -> int:
        return self._n_eval

    @property
    def n_classes(self) -> int:
        return self._n_classes

    @property
    def seed(self) -> int:
        return self._seed

    def train_blocks(self) -> Iterator[Block]:
        return self._blocks("training_rows")

    def eval_blocks(self) -> Iterator[Block]:
        return self._blocks(self._evaluation) if self._n_eval else iter(())

    def initial_rows(self) -> Matrix | None:
        if not self._is_marked:
            return None
        query = f"SELECT {self._names} FROM (SELECT {self._select}, {HASH} FROM training_rows WHERE {self._marked} IS TRUE) ORDER BY {HASH}"
        blocks = [self._block(batch).features for batch in self._rows.batches(query, self._batch_rows)]
        if not blocks:
            return np.empty((0, self._layout.n_columns), self._dtype)
        rows: Matrix = stacked(blocks)
        return rows

    def _ordered(self, part: str) -> str:
        return self._rows.stage_query(f"SELECT {self._select} FROM {part} ORDER BY {HASH}, {OCCURRENCE}")

    def _blocks(self, part: str) -> Iterator[Block]:
        if part in self._cache:
            yield from self._cache[part]
            return
        query = f"SELECT {self._select} FROM {part}" if self._tables is None else f"SELECT {self._names} FROM {self._tables[part]}"
        n_rows = self.n_train if part == "training_rows" else self._n_eval
        room = CACHE_BYTES - sum(_stored_bytes(block.features) for blocks in self._cache.values() for block in blocks)
        keeps = n_rows * self._row_bytes <= room
        kept: list[Block] = []
        for batch in self._rows.batches(query, self._batch_rows):
            block = self._block(batch)
            if keeps:
                kept.append(block)
            yield block
        if keeps:
            self._cache[part] = tuple(kept)

    def _block(self, batch: pa.RecordBatch) -> Block:
        features: Any
        if self._layout.is_packed:
            features, values, n_terms = unpack(self._layout, *offsets_and_values(batch.column(0))), _rest(batch), 0
        else:
            values, n_terms = batch_to_matrix(batch), len(self._layout.terms)
            features = self._layout.expand(values[:, :n_terms])
        if not self._layout.is_sparse:
            features = np.ascontiguousarray(features)
        labels = values[:, n_terms].astype(np.float64) if self._has_label else np.empty(0)
        weights = values[:, -1].astype(np.float64) if self._has_weight else np.ones(len(values))
        if self._class_weights is not None:
            weights = weights * self._class_weights[labels.astype(np.int64)]
        return Block(features, labels, weights)


def _row_bytes(layout: Layout, itemsize: int) -> int:
    """What a row of a block takes: all numbers of a dense one, those that are stored of a sparse one, each with its index."""
    if layout.is_sparse:
        return math.ceil(layout.mean_stored * (itemsize + 4)) + 4
    return max(1, layout.n_columns) * itemsize


def _stored_bytes(features: Any) -> int:
    if isinstance(features, np.ndarray):
        return features.nbytes
    return int(features.data.nbytes + features.indices.nbytes + features.indptr.nbytes)


def _rest(batch: pa.RecordBatch) -> NDArray[np.floating]:
    """The columns after the packed one."""
    return batch_to_matrix(batch.select(list(range(1, batch.num_columns)))) if batch.num_columns > 1 else np.empty((batch.num_rows, 0))


def batch_to_matrix(batch: pa.RecordBatch) -> NDArray[np.floating]:
    """The columns of a batch, all of one float type, side by side; NULL becomes NaN."""
    if batch.num_columns == 0:
        return np.empty((batch.num_rows, 0))
    matrix: NDArray[np.floating] = batch.to_tensor(row_major=True, null_to_nan=True).to_numpy()
    return matrix
