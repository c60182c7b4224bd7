"""The learner's matrix from the parts that belong to its terms, dense or sparse, without a loop over rows.

A part is a block of numbers (every row has them all) or `Items` (few of many columns have one). The sparse matrix is made directly, so the
encoded matrix is never dense in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

IntArray = NDArray[np.int64]
AnyMatrix: TypeAlias = "NDArray[np.floating] | csr_array"
"""`[n_rows, n_columns]`, dense in C order, or sparse with int32 indices that ascend in each row."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Numbers of a wide term, row by row.

    Shapes: `counts[n_rows]` items of each row; `columns[n_items]` from 0 within the term; `values[n_items]`.
    """

    counts: IntArray
    columns: IntArray
    values: NDArray[np.floating]
    adds: bool = False
    """Whether the values of a column that a row has twice add; otherwise they are all the same."""

    @staticmethod
    def of_codes(codes: NDArray[np.floating], dropped: int | None) -> Items:
        """One column per code, none for NaN and for the code without a column. Shapes: `codes[n_rows]`."""
        has_column = ~np.isnan(codes)
        if dropped is not None:
            has_column &= codes != dropped
        columns = codes[has_column].astype(np.int64)
        if dropped is not None:
            columns -= columns > dropped
        return Items(has_column.astype(np.int64), columns, np.ones(len(columns), codes.dtype))

    @property
    def rows(self) -> IntArray:
        """The row of each item."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def merged(self, width: int) -> Items:
        """The same with each column once per row, in order."""
        rows = self.rows
        if len(rows) < 2 or ((np.diff(self.columns) > 0) | (np.diff(rows) > 0)).all():
            return self
        from scipy.sparse import csr_array

        starts = np.concatenate([[0], np.cumsum(self.counts)])
        # Copies: the matrix is put in order where it is.
        matrix = csr_array((self.values.copy(), self.columns.astype(np.int32), starts), shape=(len(self.counts), width))
        matrix.sum_duplicates()
        values = matrix.data if self.adds else np.ones_like(matrix.data)
        return Items(np.diff(matrix.indptr).astype(np.int64), matrix.indices.astype(np.int64), values)


Part = NDArray[np.floating] | Items


def dense(parts: Sequence[Part], slices: Sequence[slice]) -> NDArray[np.floating]:
    """The parts side by side. Shapes: blocks `[n_rows]` or `[n_rows, width]`; result `[n_rows, n_columns]`, C order."""
    matrix = np.zeros((_n_rows(parts), slices[-1].stop), _dtype(parts))
    for part, columns in zip(parts, slices, strict=True):
        if isinstance(part, Items):
            places = part.rows, columns.start + part.columns
            if part.adds:
                np.add.at(matrix, places, part.values)
            else:
                matrix[places] = part.values
        elif part.ndim == 1:
            matrix[:, columns.start] = part
        else:
            matrix[:, columns] = part
    return matrix


def sparse(parts: Sequence[Part], slices: Sequence[slice]) -> csr_array:
    """The parts side by side as a matrix that stores all numbers of blocks, zeros too, and the items; columns ascend in every row."""
    from scipy.sparse import csr_array

    n_rows = _n_rows(parts)
    parts = [
        part.merged(columns.stop - columns.start) if isinstance(part, Items) else part for part, columns in zip(parts, slices, strict=True)
    ]
    n_blocks = sum(columns.stop - columns.start for part, columns in zip(parts, slices, strict=True) if not isinstance(part, Items))
    counts = np.full(n_rows, n_blocks, np.int64)
    for part in parts:
        if isinstance(part, Items):
            counts += part.counts
    starts = np.zeros(n_rows + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    data = np.empty(starts[-1], _dtype(parts))
    indices = np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()
    for part, columns in zip(parts, slices, strict=True):
        if isinstance(part, Items):
            places = np.repeat(free, part.counts) + within(part.counts)
            data[places] = part.values
            indices[places] = columns.start + part.columns
            free += part.counts
        elif part.ndim == 1:
            data[free] = part
            indices[free] = columns.start
            free += 1
        elif part.shape[1]:
            places = free[:, None] + np.arange(part.shape[1])
            data[places] = part
            indices[places] = np.arange(columns.start, columns.stop, dtype=np.int32)
            free += part.shape[1]
    return csr_array((data, indices, starts.astype(np.int32)), shape=(n_rows, slices[-1].stop))


def stacked(blocks: Sequence[Any]) -> Any:
    """The rows of all blocks, of which there is at least one, in one matrix of their kind."""
    if isinstance(blocks[0], np.ndarray):
        return np.concatenate(blocks)
    from scipy.sparse import vstack

    return vstack(blocks, format="csr")


def within(counts: IntArray) -> IntArray:
    """0, 1, … counts[0] - 1, 0, 1, … counts[1] - 1, …"""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def _n_rows(parts: Sequence[Part]) -> int:
    first = parts[0]
    return len(first.counts) if isinstance(first, Items) else len(first)


def _dtype(parts: Sequence[Part]) -> np.dtype[np.floating]:
    return next(part.values.dtype if isinstance(part, Items) else part.dtype for part in parts)
