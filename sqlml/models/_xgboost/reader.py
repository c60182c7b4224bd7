"""Matrix rows in the form in which XGBoost computes scores: dense float32 in C order, NaN for missing.

Trees read only the columns that they split by. Of a wide matrix the others are left out before scores are computed, so that a row of a
million columns becomes one of a few hundred, whether it came sparse or dense. What a sparse row does not store is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml.models._sparse import as_csr, is_sparse, row_of_stored
from sqlml.models._xgboost.trees import TreeState
from sqlml.state import damaged_state

_WIDE = 256
"""Matrices of more columns are narrowed to those that the trees read."""

_PART_BYTES = 1 << 26
"""Of the dense rows that are made at a time."""


@dataclass(frozen=True)
class Reader:
    """What the trees read of a row. `columns`: the matrix columns, ascending, None for all; `state`: the trees, reading only those."""

    n_features: int
    columns: NDArray[np.int64] | None
    state: TreeState

    def parts(self, features: Any) -> Iterator[NDArray[np.float32]]:
        """The rows, in order, as XGBoost reads them; rows that have to be copied come in parts.

        Shapes: `features[n_rows, n_features]`, dense or sparse; results `[n_rows of the part, n_features of state]`.
        Raises: IntegrityError `damaged_state` for other numbers of columns.
        """
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise damaged_state(f"its trees read {self.n_features} columns, not {features.shape[-1]}")
        if self.columns is None and not is_sparse(features):
            yield self._without_unseen(_single(features), is_own=False)
            return
        size = max(1, _PART_BYTES // (4 * self.state.n_features))
        for start in range(0, features.shape[0], size):
            rows = features[start : start + size]
            own = self._dense(as_csr(rows)) if is_sparse(features) else _single(rows[:, self.columns])
            yield self._without_unseen(own, is_own=True)

    def _dense(self, rows: Any) -> NDArray[np.float32]:
        result = np.full((rows.shape[0], self.state.n_features), np.nan, np.float32)
        of_row, columns, numbers = row_of_stored(rows), rows.indices, rows.data
        if self.columns is not None:
            places = np.searchsorted(self.columns, columns)
            read = self.columns[np.minimum(places, len(self.columns) - 1)] == columns
            of_row, columns, numbers = of_row[read], places[read], numbers[read]
        with np.errstate(over="ignore"):
            result[of_row, columns] = numbers
        return result

    def _without_unseen(self, rows: NDArray[np.float32], *, is_own: bool) -> NDArray[np.float32]:
        """The rows, with the codes missing that training has not seen."""
        columns = np.flatnonzero(self.state.feature_categories)
        if len(columns) == 0:
            return rows
        codes = rows[:, columns]
        # XGBoost sends an impossible code left, as a category outside the set; missing is the side that training has chosen.
        outside = (codes < 0) | (codes >= self.state.feature_categories[columns].astype(np.float32))
        if outside.any():
            codes[outside] = np.nan
            rows = rows if is_own else rows.copy()
            rows[:, columns] = codes
        return rows


def reader(state: TreeState) -> Reader:
    """What the trees of a state read."""
    if state.n_features <= _WIDE:
        return Reader(state.n_features, None, state)
    is_split = state.features >= 0
    columns = np.unique(state.features[is_split]).astype(np.int64)
    if len(columns) == 0:
        columns = np.zeros(1, np.int64)  # trees without splits; XGBoost wants a column
    features = np.where(is_split, np.searchsorted(columns, state.features), -1).astype(np.int32)
    return Reader(state.n_features, columns, replace(state, feature_categories=state.feature_categories[columns], features=features))


def _single(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(rows, np.float32)
