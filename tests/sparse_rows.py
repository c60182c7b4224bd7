"""Sparse rows for tests of learners: a dense matrix as compressed sparse rows, and training data over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sqlml.features.layout import CategoryTerm, Layout, NumericTerm, Term
from sqlml.training.data import ArrayData, Block


class SparseLayout(Layout):
    """A layout that asks for sparse rows, however few its columns are."""

    is_sparse: bool = True


@dataclass(frozen=True)
class SparseData(ArrayData):
    """TrainingData over sparse rows in memory."""

    @property
    def n_train(self) -> int:
        return self.features.shape[0]

    @property
    def n_eval(self) -> int:
        return 0 if self.eval_features is None else self.eval_features.shape[0]

    def _blocks(self, features: Any, labels: np.ndarray, weights: np.ndarray) -> Iterator[Block]:
        for start in range(0, features.shape[0], self.block_rows):
            rows = slice(start, start + self.block_rows)
            yield Block(features[rows], labels[rows], weights[rows])


def sparse_layout(layout: Layout) -> SparseLayout:
    return SparseLayout(layout.terms, layout.categories_as, layout.impute)


def sparse_rows(matrix: np.ndarray, layout: Layout) -> sparse.csr_array:
    """The matrix as encoding gives it: every number of the numeric columns is stored, zeros too, and of the others what is not 0."""
    numeric = np.zeros(layout.n_columns, bool)
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        numeric[columns] = isinstance(term, NumericTerm)
    rows, columns_ = np.nonzero((matrix != 0.0) | numeric)
    indptr = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int32)
    return sparse.csr_array((matrix[rows, columns_], columns_.astype(np.int32), indptr), shape=matrix.shape)


def layout_of_codes(n_numbers: int, n_categories: list[int]) -> SparseLayout:
    """Standardised numbers, then one-hot categories."""
    terms: list[Term] = [NumericTerm(f"x{index}", f"x{index}", f'"x{index}"', 0.0, 1.0, 0.0, 1.0) for index in range(n_numbers)]
    for index, count in enumerate(n_categories):
        names = tuple(str(code) for code in range(count))
        terms.append(CategoryTerm(f"g{index}", f"g{index}", f'"g{index}"', names, (1.0 / count,) * count))
    return SparseLayout(tuple(terms))


def rows_of_codes(numbers: np.ndarray, codes: list[np.ndarray], n_categories: list[int], dtype: str = "float64") -> sparse.csr_array:
    """The rows of such a layout, without a dense matrix on the way. Shapes: `numbers[n_rows, n_numbers]`, codes `[n_rows]` each."""
    n_rows, n_numbers = numbers.shape
    starts = n_numbers + np.cumsum([0, *n_categories])[:-1]
    columns = np.column_stack(
        [np.tile(np.arange(n_numbers), (n_rows, 1)), *(code + start for code, start in zip(codes, starts, strict=True))]
    )
    values = np.column_stack([numbers, np.ones((n_rows, len(codes)))]).astype(dtype)
    width = columns.shape[1]
    indptr = np.arange(0, n_rows * width + 1, width, dtype=np.int32)
    return sparse.csr_array((values.ravel(), columns.ravel().astype(np.int32), indptr), shape=(n_rows, n_numbers + sum(n_categories)))
