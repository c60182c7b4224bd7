"""Sums of products of sparse columns, X'WX, in one dense matrix: what least squares and PCA learn from.

A chunk is multiplied as it is while few of its numbers are stored, and in dense parts otherwise. The products are not centred on the way:
the columns of sparse matrices are scaled numbers and zeros and ones, whose means are not large beside their deviations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml.models._sparse import dense_parts, scaled_rows
from sqlml.training.data import Block

_DENSE_GAIN = 256
"""How much faster a dense product is per multiplication: 0.02 to 0.03 ns against 4 to 20 ns, with 1,000 to 4,096 columns."""

CONSTANT = 1e-12
"""Share of its mean square below which the variance of a column is rounding."""


class ColumnProducts:
    """Sums over all rows that were added. Shapes: `products[n_columns, n_columns]`, `sums[n_columns]`."""

    def __init__(self, n_columns: int) -> None:
        self.products = np.zeros((n_columns, n_columns))
        self.sums = np.zeros(n_columns)
        self.weight = 0.0
        self.n_rows = 0

    def add(self, chunk: Block) -> None:
        """Adds a sparse chunk."""
        rows: Any = chunk.features
        n_rows, n_columns = rows.shape
        self.n_rows += n_rows
        self.weight += float(chunk.row_weights.sum())
        self.sums += chunk.row_weights @ rows
        weighted = rows if (chunk.row_weights == 1.0).all() else scaled_rows(rows, np.sqrt(chunk.row_weights))
        multiplications = float(np.square(np.diff(rows.indptr).astype(np.float64)).sum())
        if multiplications * _DENSE_GAIN > float(n_rows) * n_columns**2:
            for part in dense_parts(chunk._replace(features=weighted)):
                self.products += part.features.T @ part.features
            return
        found = weighted.T.tocsr() @ weighted
        row_of = np.repeat(np.arange(n_columns), np.diff(found.indptr))
        self.products[row_of, found.indices] += found.data

    def centred(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(means, sums of products of what deviates from them); the sums replace `products`."""
        means = self.sums / self.weight
        squares = np.diag(self.products).copy()
        # Row by row, which saves a matrix of this size.
        for column, mean in enumerate(means.tolist()):
            if mean != 0.0:
                self.products[column] -= (mean * self.weight) * means
        # What rounding has left of a column that is the same in all rows.
        constant = np.diag(self.products) <= CONSTANT * squares
        self.products[constant] = 0.0
        self.products[:, constant] = 0.0
        return means, self.products
