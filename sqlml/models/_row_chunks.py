"""Blocks cut into chunks of a fixed size, so that sums do not depend on how the rows arrived.

Floating-point sums depend on where they are cut. The learners that add up products over rows do it chunk by chunk; the same rows in the
same order give the same bits, whatever the sizes of the blocks. A dense chunk also fits into the processor's cache, where centring and
weighting it costs little, and its products are best done by one thread (`_blas_threads`). Chunks of sparse rows are cut by their stored
numbers and are much longer, since every chunk may cost a vector of all columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sqlml.models._blas_threads import single_blas_thread
from sqlml.models._sparse import is_sparse, joined
from sqlml.training.data import Block, Progress

_CHUNK_VALUES = 1 << 18
"""Numbers of a chunk: 2 MB of float64."""

_SPARSE_ROWS = 1 << 18
_SPARSE_VALUES = 1 << 20
"""Rows and stored numbers of a chunk of sparse rows, at most: 12 MB of float64 and indices."""


def chunk_rows(n_columns: int) -> int:
    """How many rows a chunk has: as many as fit into the cache, and enough for matrix products to be fast."""
    return max(1024, _CHUNK_VALUES // max(1, n_columns))


def sparse_rows(n_outputs: int) -> int:
    """How many sparse rows a chunk has at most, where each of them makes `n_outputs` numbers."""
    return max(1024, _SPARSE_ROWS // n_outputs)


def row_chunks(blocks: Iterable[Block], n_rows: int, progress: Progress, *, sparse_rows: int = _SPARSE_ROWS) -> Iterator[Block]:
    """The same rows in chunks of `n_rows`, the last one shorter; asks `progress` before each whether to go on.

    Sparse rows come in chunks of up to `sparse_rows` instead, fewer where they store many numbers.
    """
    with single_blas_thread():
        for chunk in cut(blocks, n_rows, sparse_rows, _SPARSE_VALUES):
            progress.check()
            yield chunk


def cut(blocks: Iterable[Block], n_rows: int, sparse_rows: int, sparse_values: int) -> Iterator[Block]:
    """The rows in chunks that depend on the rows alone: dense ones of `n_rows`, sparse ones as long as both limits allow."""
    pending: list[Block] = []
    n_pending = n_stored = 0
    for block in blocks:
        length = len(block.row_weights)
        rows_of_chunk = sparse_rows if is_sparse(block.features) else n_rows
        start = 0
        while start < length:
            stop = min(start + rows_of_chunk - n_pending, length)
            if is_sparse(block.features):
                stop = _with_room(block.features, start, stop, sparse_values - n_stored)
                stop = max(stop, start + (not pending))  # a row above the limit is a chunk of its own
                n_stored += int(block.features.indptr[stop] - block.features.indptr[start])  # type: ignore[attr-defined]
            is_full = stop == start
            if not is_full:
                pending.append(_part(block, start, stop))
                n_pending += stop - start
                start = stop
            if is_full or n_pending == rows_of_chunk:
                yield _joined(pending)
                pending, n_pending, n_stored = [], 0, 0
    if pending:
        yield _joined(pending)


def _with_room(rows: Any, start: int, stop: int, room: int) -> int:
    """The largest end up to `stop` with which the rows from `start` store no more than `room` numbers."""
    stored = rows.indptr[start : stop + 1] - rows.indptr[start]
    return start + int(np.searchsorted(stored, min(max(room, 0), int(stored[-1])), side="right")) - 1


def _part(block: Block, start: int, stop: int) -> Block:
    if start == 0 and stop == len(block.row_weights):
        return block
    return Block(block.features[start:stop], block.labels[start:stop], block.row_weights[start:stop])


def _joined(parts: list[Block]) -> Block:
    if len(parts) == 1:
        return parts[0]
    return Block(
        joined([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.row_weights for part in parts]),
    )
