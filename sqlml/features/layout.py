"""From terms to matrix columns: the contract between encoding (SQL), training (matrices) and prediction (either).

A term is one SQL expression over the input columns. A *single-valued* term yields one number per row: a value, or the code of a category.
A *multi-valued* one yields a list: the numbers of a vector, the codes of an array's elements, index-value pairs. The engine streams terms;
`Layout.expand` (or `packed.unpack`, where a term is multi-valued) makes the learner's matrix of them. Linear learners see a category as one
column per code (one-hot); trees see the code itself, or what the label was like among its training rows (target encoding).

One-hot columns for a term with n codes: code c of 0..n-1 sets column c, NULL (an unseen category) sets none. The codes run through
`categories` in order; NULL_CATEGORY is the last one where the training rows had NULLs. Multi-hot columns are the same with several codes a
row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.features import matrices
from sqlml.state import FloatArray

NULL_CATEGORY = "_null_filler"
"""How BigQuery names the category of NULLs in weights and centroids."""

SPARSE_COLUMNS = 256
"""Matrices of more columns are sparse, if at most a tenth of their numbers is expected to be there."""

CategoriesAs = Literal["one_hot", "codes", "target"]


@dataclass(frozen=True, slots=True)
class EncodingRules:
    """How the input columns become the learner's matrix."""

    numbers: Literal["standardize", "scale", "centre", "raw"] = "standardize"
    """standardize: (x - mean) / stddev; scale: x / stddev; centre: x - mean; raw: as they are."""
    impute: bool = True
    """Numbers: mean for NULL. Categories: a category of its own for NULLs that training saw. False: NULL stays missing."""
    categories: Literal["one_hot", "dummy", "codes", "target"] = "one_hot"
    """target: the mean label of the category's training rows (regression, two classes), or the share of every class."""
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
    the code without a column of its own (dummy encoding), `shares[code]` the share of training rows.
    """

    name: str
    column: str
    expression: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    dropped: int | None = None
    targets: FloatArray | None = field(default=None, compare=False)
    """Target encoding: the numbers of each category, `[n_categories, width]`."""
    unseen: FloatArray | None = field(default=None, compare=False)
    """Target encoding: those of any other, `[width]`."""


@dataclass(frozen=True, slots=True)
class VectorTerm:
    """An array of `size` numbers, one matrix column each, as they are.

    `expression` is SQL of a list of DOUBLE or FLOAT with `size` elements, NULL (or NaN) where a number is missing; `means[size]` take the
    place of missing numbers unless the layout leaves them missing.
    """

    name: str
    column: str
    expression: str
    size: int
    means: FloatArray = field(compare=False)


@dataclass(frozen=True, slots=True)
class MultiHotTerm:
    """An array of categories, one matrix column per distinct element.

    `expression` is SQL of type INTEGER[], never NULL: the codes of the elements, some NULL where training has not seen an element, some
    perhaps several times. `shares[code]` is the share of training rows that have the element.
    """

    name: str
    column: str
    expression: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SparseTerm:
    """An array of (index, value) pairs, one matrix column per index below `size`.

    `expression` is SQL of type DOUBLE[], never NULL: index, value, index, value, …; pairs with a NULL in them or an index out of range
    count for nothing, values of one index add. `mean_items` is the mean number of pairs of a training row.
    """

    name: str
    column: str
    expression: str
    size: int
    mean_items: float


Term = NumericTerm | CategoryTerm | VectorTerm | MultiHotTerm | SparseTerm
SINGLE_VALUED = (NumericTerm, CategoryTerm)
"""Terms that are one number per row; the others are lists."""


def term_width(term: Term, categories_as: CategoriesAs) -> int:
    """The matrix columns of a term."""
    if isinstance(term, (VectorTerm, SparseTerm)):
        return term.size
    if isinstance(term, MultiHotTerm):
        return len(term.categories)
    if isinstance(term, NumericTerm) or categories_as == "codes":
        return 1
    if categories_as == "target":
        assert term.unseen is not None
        return len(term.unseen)
    return len(term.categories) - (term.dropped is not None)


@dataclass(frozen=True)
class Layout:
    """The terms of a model and the columns that its learner sees."""

    terms: tuple[Term, ...]
    categories_as: CategoriesAs = "one_hot"
    impute: bool = True
    """Whether a missing number is replaced by its mean; trees keep it missing."""

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The matrix columns of each term."""
        result = []
        start = 0
        for term in self.terms:
            width = term_width(term, self.categories_as)
            result.append(slice(start, start + width))
            start += width
        return tuple(result)

    @property
    def n_columns(self) -> int:
        return self.slices[-1].stop if self.slices else 0

    @cached_property
    def features(self) -> tuple[str, ...]:
        """What the terms are made of, each once: input columns, fields of structs."""
        return tuple(dict.fromkeys(term.column for term in self.terms))

    @cached_property
    def feature_of_column(self) -> NDArray[np.int64]:
        """The index in `features` of each matrix column, `[n_columns]`."""
        places = {name: index for index, name in enumerate(self.features)}
        widths = [columns.stop - columns.start for columns in self.slices]
        return np.repeat(np.array([places[term.column] for term in self.terms], np.int64), np.array(widths, np.int64))

    @cached_property
    def is_expanded(self) -> bool:
        """Whether the matrix is more than the terms side by side."""
        return self.is_packed or (self.categories_as != "codes" and any(isinstance(term, CategoryTerm) for term in self.terms))

    @cached_property
    def is_packed(self) -> bool:
        """Whether a term is multi-valued, so that a row is one packed list (see `packed`)."""
        return not all(isinstance(term, SINGLE_VALUED) for term in self.terms)

    @cached_property
    def mean_stored(self) -> float:
        """How many numbers of a row a sparse matrix is expected to store. Follows from stored statistics alone."""
        # Exact sums: those of other Python releases differ in the last bit, and training and prediction must agree.
        return math.fsum(self._mean_stored(term, columns) for term, columns in zip(self.terms, self.slices, strict=True))

    def _mean_stored(self, term: Term, columns: slice) -> float:
        if isinstance(term, MultiHotTerm):
            return math.fsum(term.shares)
        if isinstance(term, SparseTerm):
            return term.mean_items
        return 1.0 if isinstance(term, CategoryTerm) and self.categories_as == "one_hot" else float(columns.stop - columns.start)

    @cached_property
    def is_sparse(self) -> bool:
        """Whether the learner's matrix is a `scipy.sparse.csr_array`: in training and prediction alike."""
        return self.n_columns > SPARSE_COLUMNS and 10 * self.mean_stored <= self.n_columns

    def value_sql(self, term: Term) -> str:
        """SQL of what `expand` takes for a term: a scaled number, or a code; the list of a multi-valued term."""
        if not isinstance(term, NumericTerm):
            return term.expression
        value = f"coalesce({term.expression}, {sql.literal(term.mean)})" if self.impute else term.expression
        if term.centre != 0.0:
            value = f"({value} - {sql.literal(term.centre)})"
        return f"({value} / {sql.literal(term.scale)})" if term.scale != 1.0 else value

    def expand(self, values: NDArray[np.floating]) -> matrices.AnyMatrix:
        """The learner's matrix, where no term is multi-valued.

        Shapes: `values[n_rows, n_terms]`, the numeric terms imputed and scaled already, codes with NaN for NULL; result `[n_rows,
        n_columns]` of the same dtype, in C order, or sparse with the same columns (`is_sparse`).
        """
        if not self.is_expanded and not self.is_sparse:
            return values
        return self.assemble([values[:, index] for index in range(len(self.terms))])

    def assemble(self, values: Sequence[NDArray[np.floating] | matrices.Items]) -> matrices.AnyMatrix:
        """The learner's matrix from what each term gave.

        Args: values, by term: numbers or codes `[n_rows]`, a vector's numbers `[n_rows, size]`, `Items` of the other multi-valued terms.
        """
        parts = [self._part(term, of_term) for term, of_term in zip(self.terms, values, strict=True)]
        build = matrices.sparse if self.is_sparse else matrices.dense
        return build(parts, self.slices)

    def _part(self, term: Term, values: NDArray[np.floating] | matrices.Items) -> NDArray[np.floating] | matrices.Items:
        """The matrix columns of a term: a block `[n_rows]` or `[n_rows, width]`, or items where few columns have a number."""
        if isinstance(values, matrices.Items):
            return values
        if isinstance(term, VectorTerm) and self.impute:
            missing = np.isnan(values)
            return np.where(missing, term.means.astype(values.dtype), values) if missing.any() else values
        if not isinstance(term, CategoryTerm) or self.categories_as == "codes":
            return values
        if self.categories_as == "target":
            assert term.targets is not None
            assert term.unseen is not None
            # The last row of the table stands for whatever has no code.
            table = np.vstack([term.targets, term.unseen]).astype(values.dtype)
            return table[np.where(np.isnan(values), len(table) - 1, values).astype(np.int64)]
        return matrices.Items.of_codes(values, term.dropped)
