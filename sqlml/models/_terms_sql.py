"""The SQL form of models with several scores over the same terms: k-means, PCA.

Every score reads all terms. Written out once per score, the terms would be planned once per score (and a term may hold a subquery); here
a lambda over a list of one row gives them a name, and DuckDB evaluates them once. That costs a fifth more than repeating a few plain
numbers, which are therefore repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._spec import TooLargeForSql
from sqlml.state import FloatArray

MAX_CONSTANTS = 4_000
"""Constants in an expression: DuckDB plans 2,000 in 0.02 s, 10,000 in 0.1 s, 100,000 in 1 s."""

_MAX_REPEATED = 256
"""Numbers repeated before they get a name: 8 scores of 20 numbers run in 0.20 s instead of 0.25 s over 2 M rows, and plan in 13 ms
instead of 4."""


@dataclass(frozen=True, slots=True)
class TermValues:
    """SQL of a row's values: `numbers` of type DOUBLE[] (None without numeric terms), one code per category term."""

    numbers: str | None
    codes: tuple[str, ...]


def check_size(layout: Layout, n_scores: int) -> None:
    """Raises: TooLargeForSql when a constant per matrix column and score would be too many, or a term is an array."""
    check_single_valued(layout)
    if layout.n_columns * n_scores > MAX_CONSTANTS:
        raise TooLargeForSql


def check_single_valued(layout: Layout) -> None:
    """Raises: TooLargeForSql when a term is an array: lists are multiplied element by element in SQL, in Python row by row."""
    if layout.is_packed:
        raise TooLargeForSql("it reads arrays")


def over_terms(layout: Layout, n_scores: int, body: Callable[[TermValues], str]) -> str:
    """`body` as one expression over the input columns."""
    numbers = [layout.value_sql(term) for term in layout.terms if isinstance(term, NumericTerm)]
    codes = [layout.value_sql(term) for term in layout.terms if isinstance(term, CategoryTerm)]
    vector = sql.call("list_value", *numbers) if numbers else None
    if vector is not None and not codes and len(numbers) * n_scores <= _MAX_REPEATED:
        return body(TermValues(vector, ()))
    values = {"numbers": vector} if vector is not None else {}
    values |= {f"code_{index}": code for index, code in enumerate(codes)}

    def named(row: str) -> str:
        return body(TermValues(f"{row}.numbers" if numbers else None, tuple(f"{row}.code_{index}" for index in range(len(codes)))))

    return let("sqlml_row", values, named)


def let(name: str, values: Mapping[str, str], body: Callable[[str], str]) -> str:
    """`body(name)` with the values evaluated once per row, as fields of `name`."""
    row = sql.call("struct_pack", *(f"{field} := {value}" for field, value in values.items()))
    rows = sql.call("list_transform", sql.call("list_value", row), f"lambda {name}: {body(name)}")
    return sql.call("list_extract", rows, "1")


def by_code(code: str, values: Sequence[float], otherwise: float) -> str:
    """The constant of a code, `otherwise` for NULL."""
    return f"coalesce({sql.call('list_extract', sql.literal(list(values)), f'{code} + 1')}, {sql.literal(otherwise)})"


def numeric_columns(layout: Layout) -> list[int]:
    """The matrix columns of the numeric terms, in the order of `TermValues.numbers`."""
    return [columns.start for term, columns in zip(layout.terms, layout.slices, strict=True) if isinstance(term, NumericTerm)]


def category_columns(layout: Layout) -> list[slice]:
    """The matrix columns of the category terms, in the order of `TermValues.codes`."""
    return [columns for term, columns in zip(layout.terms, layout.slices, strict=True) if isinstance(term, CategoryTerm)]


def dot_product(values: TermValues, layout: Layout, weights: FloatArray) -> str:
    """The sum over all matrix columns of value times weight. Shapes: `weights[n_columns]`."""
    parts = [by_code(code, weights[columns].tolist(), 0.0) for code, columns in zip(values.codes, category_columns(layout), strict=True)]
    if values.numbers is not None:
        constants = sql.literal(weights[numeric_columns(layout)].tolist())
        parts.insert(0, sql.call("list_dot_product", values.numbers, constants))
    return sql.total(parts)
