"""Vectors in the space of the learner's matrix as rows, one per vector and feature with categories and the positions of arrays nested:
centroids, components."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from sqlml.features.layout import CategoryTerm, Layout, MultiHotTerm, NumericTerm, Term
from sqlml.state import FloatArray
from sqlml.types import BIGINT, DOUBLE, VARCHAR, Column, Schema, SqlType


def feature_values_schema(id_name: str) -> Schema:
    return Schema(
        (
            Column(id_name, BIGINT),
            Column("feature", VARCHAR),
            Column("numerical_value", DOUBLE),
            Column("categorical_value", SqlType('STRUCT(category VARCHAR, "value" DOUBLE)[]')),
        )
    )


def column_labels(term: Term) -> Sequence[str]:
    """What the matrix columns of a term are called within it: categories, or the positions of a vector or sparse array from 0."""
    if isinstance(term, (CategoryTerm, MultiHotTerm)):
        return term.categories
    return [""] if isinstance(term, NumericTerm) else [str(position) for position in range(term.size)]


def feature_values(
    id_name: str,
    layout: Layout,
    vectors: FloatArray,
    *,
    first_id: int,
    number: Callable[[NumericTerm, float], float] = lambda term, value: value,
) -> pa.Table:
    """Rows of `feature_values_schema`: `numerical_value` is NULL for categories and arrays, `categorical_value` empty for numbers.

    Args: number, the value shown for a matrix value of a numeric term. Shapes: `vectors[n_vectors, n_columns]`.
    """
    pair = pa.struct({"category": pa.string(), "value": pa.float64()})
    numbers: list[float | None] = []
    categories: list[list[dict[str, object]]] = []
    for vector in vectors.tolist():
        for term, columns in zip(layout.terms, layout.slices, strict=True):
            if isinstance(term, NumericTerm):
                numbers.append(number(term, vector[columns.start]))
                categories.append([])
            else:
                numbers.append(None)
                pairs = zip(column_labels(term), vector[columns], strict=True)
                categories.append([{"category": category, "value": value} for category, value in pairs])
    ids = [first_id + index for index in range(len(vectors)) for _ in layout.terms]
    return pa.table(
        {
            id_name: pa.array(ids, pa.int64()),
            "feature": pa.array([term.name for term in layout.terms] * len(vectors), pa.string()),
            "numerical_value": pa.array(numbers, pa.float64()),
            "categorical_value": pa.array(categories, pa.list_(pair)),
        }
    )
