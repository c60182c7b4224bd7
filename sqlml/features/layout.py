"""From terms to matrix columns: the contract between encoding (SQL), training (matrices) and prediction (either).

A term is one SQL expression that yields one number per row: a value, or the code of a category. The engine streams terms;
`Layout.expand` makes the learner's matrix of them. Linear learners see a category as one column per code (one-hot);
trees see the code itself.

One-hot columns for a term with n codes: code c of 0..n-1 sets column c, NULL (an unseen category) sets none. The codes run through
`categories`
in order; NULL_CATEGORY is the last one where the training rows had NULLs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sqlml import sql

NULL_CATEGORY = "_null_filler"
"""How BigQuery names the category of NULLs in weights and centroids."""


@dataclass(frozen=True, slots=True)
class EncodingRules:
    """How the input columns become the learner's matrix."""

    numbers: Literal["standardize", "scale", "centre", "raw"] = "standardize"
    """standardize: (x - mean) / stddev; scale: x / stddev; centre: x - mean; raw: as they are."""
    impute: bool = True
    """Numbers: mean for NULL. Categories: a category of its own for NULLs that training saw. False: NULL stays missing."""
    categories: Literal["one_hot", "dummy", "codes"] = "one_hot"
    dtype: Literal["float64", "float32"] = "float64"


@dataclass(frozen=True, slots=True)
class NumericTerm:
    """A number.

    `expression` is SQL of type DOUBLE over the input columns, NULL where the input is NULL. `mean` and `stddev` (population) come from
    the training rows;
    the learner's column is `(coalesce(expression, mean) - centre) / scale`, or the bare expression for trees.
    """

    name: str
    column: str
    expression: str
    mean: float
    stddev: float
    centre: float
    scale: float
    unguarded: str | None = None
    """The expression for inputs that are not NaN, where it is a cheaper one."""


@dataclass(frozen=True, slots=True)
class CategoryTerm:
    """A category by its code.

    `expression` is SQL of type INTEGER over the input columns: the code, or NULL for a category that training has not seen. `dropped` is
    the code
    without a column of its own (dummy encoding), `shares[code]` the share of training rows.
    """

    name: str
    column: str
    expression: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    dropped: int | None = None


Term = NumericTerm | CategoryTerm


@dataclass(frozen=True)
class Layout:
    """The terms of a model and the columns that its learner sees."""

    terms: tuple[Term, ...]
    categories_as: Literal["one_hot", "codes"] = "one_hot"
    impute: bool = True
    """Whether a missing number is replaced by its mean; trees keep it missing."""

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The matrix columns of each term."""
        result = []
        start = 0
        for term in self.terms:
            width = 1
            if self.categories_as == "one_hot" and isinstance(term, CategoryTerm):
                width = len(term.categories) - (term.dropped is not None)
            result.append(slice(start, start + width))
            start += width
        return tuple(result)

    @property
    def n_columns(self) -> int:
        return self.slices[-1].stop if self.slices else 0

    @property
    def is_expanded(self) -> bool:
        """Whether `expand` does anything, that is, whether the matrix is more than the terms side by side."""
        return self.categories_as == "one_hot" and any(isinstance(term, CategoryTerm) for term in self.terms)

    def value_sql(self, term: Term) -> str:
        """SQL of what `expand` takes for a term: a scaled number, or a code."""
        if isinstance(term, CategoryTerm):
            return term.expression
        value = f"coalesce({term.expression}, {sql.literal(term.mean)})" if self.impute else term.expression
        if term.centre != 0.0:
            value = f"({value} - {sql.literal(term.centre)})"
        return f"({value} / {sql.literal(term.scale)})" if term.scale != 1.0 else value

    def expand(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """The learner's matrix.

        Shapes: `values[n_rows, n_terms]`, the numeric terms imputed and scaled already, codes with NaN for NULL; result `[n_rows,
        n_columns]`, C order.
        """
        if not self.is_expanded:
            return values
        n_rows = len(values)
        matrix = np.zeros((n_rows, self.n_columns), dtype=values.dtype)
        for index, (term, columns) in enumerate(zip(self.terms, self.slices, strict=True)):
            if isinstance(term, NumericTerm):
                matrix[:, columns.start] = values[:, index]
                continue
            codes = values[:, index]
            rows = np.flatnonzero(~np.isnan(codes))
            columns_of_rows = codes[rows].astype(np.int64)
            if term.dropped is not None:
                kept = columns_of_rows != term.dropped
                rows, columns_of_rows = rows[kept], columns_of_rows[kept]
                columns_of_rows -= columns_of_rows > term.dropped
            matrix[rows, columns.start + columns_of_rows] = 1.0
        return matrix
