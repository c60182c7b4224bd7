"""Blocks cut into chunks of a fixed size, so that sums do not depend on how the rows arrived.

Floating-point sums depend on where they are cut. The learners that add up products over rows do it chunk by chunk; the same rows in the
same order give the same bits, whatever the sizes of the blocks. A chunk also fits into the processor's cache, where centring and weighting
it costs little, and its products are best done by one thread (`_blas_threads`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sqlml.models._blas_threads import single_blas_thread
from sqlml.training.data import Block, Progress

_CHUNK_VALUES = 1 << 18
"""Numbers of a chunk: 2 MB of float64."""


def chunk_rows(n_columns: int) -> int:
    """How many rows a chunk has: as many as fit into the cache, and enough for matrix products to be fast."""
    return max(1024, _CHUNK_VALUES // max(1, n_columns))


def row_chunks(blocks: Iterable[Block], n_rows: int, progress: Progress) -> Iterator[Block]:
    """The same rows in chunks of `n_rows`, the last one shorter; asks `progress` before each whether to go on."""
    with single_blas_thread():
        for chunk in _cut(blocks, n_rows):
            progress.check()
            yield chunk


def _cut(blocks: Iterable[Block], n_rows: int) -> Iterator[Block]:
    pending: list[Block] = []
    n_pending = 0
    for block in blocks:
        start = 0
        if pending:
            start = min(n_rows - n_pending, len(block.features))
            pending.append(_part(block, 0, start))
            n_pending += start
            if n_pending < n_rows:
                continue
            yield _joined(pending)
            pending, n_pending = [], 0
        while start + n_rows <= len(block.features):
            yield _part(block, start, start + n_rows)
            start += n_rows
        n_pending = len(block.features) - start
        if n_pending:
            pending.append(_part(block, start, start + n_pending))
    if pending:
        yield _joined(pending)


def _part(block: Block, start: int, stop: int) -> Block:
    return Block(block.features[start:stop], block.labels[start:stop], block.row_weights[start:stop])


def _joined(parts: list[Block]) -> Block:
    if len(parts) == 1:
        return parts[0]
    return Block(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.row_weights for part in parts]),
    )
