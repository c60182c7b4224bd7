"""Blocks of rows that are mostly zeros, as compressed sparse rows, behind the few operations that learners need of either form.

A sparse block is a `scipy.sparse.csr_array` of the learner's type with ascending indices and no duplicates. What is not stored is 0 to
linear learners, k-means and PCA, and missing to trees. Nothing here makes a whole block dense; who needs dense rows takes them in parts
(`dense_parts`). scipy is imported when the first sparse block is made, not here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml.training.data import Block

DENSE_BYTES = 32 * 2**20
"""Of sparse rows that are made dense at a time."""


def is_sparse(features: Any) -> bool:
    """Whether features are sparse rows."""
    if isinstance(features, np.ndarray):
        return False
    # Whoever made a sparse block has loaded the module.
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(features))


def as_csr(features: Any) -> Any:
    """Sparse rows as a csr_array; the same object where it is one."""
    from scipy import sparse

    return features if isinstance(features, sparse.csr_array) else sparse.csr_array(features)


def csr(numbers: NDArray[np.floating], indices: NDArray[np.integer], indptr: NDArray[np.integer], n_columns: int) -> Any:
    """Sparse rows of their three arrays."""
    from scipy import sparse

    return sparse.csr_array((numbers, indices, indptr), shape=(len(indptr) - 1, n_columns))


def as_floats(features: Any) -> Any:
    """The same rows as float64, in C order."""
    return as_csr(features).astype(np.float64, copy=False) if is_sparse(features) else np.asarray(features, np.float64)


def dense(features: Any) -> Any:
    """The rows with all their zeros, an array; for a few rows only."""
    return features.toarray() if is_sparse(features) else features


def dense_parts(block: Block, n_rows: int | None = None) -> Iterator[Block]:
    """The rows of a sparse block in dense parts, of `n_rows` or as many as make up DENSE_BYTES; a dense block as it is."""
    if not is_sparse(block.features):
        yield block
        return
    n_all, n_columns = block.features.shape
    size = n_rows or max(1, DENSE_BYTES // (8 * max(1, n_columns)))
    for start in range(0, n_all, size):
        rows = slice(start, start + size)
        yield Block(dense(block.features[rows]), block.labels[rows], block.row_weights[rows])


def joined(parts: Sequence[Any]) -> Any:
    """The rows of all parts in one."""
    if len(parts) == 1:
        return parts[0]
    if not is_sparse(parts[0]):
        return np.concatenate(parts)
    from scipy import sparse

    return sparse.vstack(parts, format="csr")


def row_of_stored(rows: Any) -> NDArray[np.int64]:
    """The row of each stored number."""
    return np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))


def row_sums(rows: Any, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the stored numbers of each row, from left to right, so that a row's sum does not depend on the rows around it.

    Shapes: `numbers[n_stored]`; result `[n_rows]`.
    """
    return np.asarray(np.bincount(row_of_stored(rows), numbers, minlength=rows.shape[0]), np.float64)


def scaled_rows(rows: Any, factors: NDArray[np.float64]) -> Any:
    """Each row times its factor."""
    if not is_sparse(rows):
        return rows * factors[:, None]
    return csr(rows.data * np.repeat(factors, np.diff(rows.indptr)), rows.indices, rows.indptr, rows.shape[1])


def column_squares(rows: Any, row_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted sums of the squares of each column, `[n_columns]`."""
    squares = csr(np.square(rows.data), rows.indices, rows.indptr, rows.shape[1]) if is_sparse(rows) else np.square(rows)
    sums: NDArray[np.float64] = row_weights @ squares
    return sums
