"""What each feature adds to a linear function: exact Shapley values against the row that has every number at its mean and no category.

The function has no interactions, so a feature's Shapley value is what it changes alone: weight times (number - mean), the weight of the
category (0 for one without a weight), weight times number at every position of an array. Against that row because BigQuery's baseline is
the intercept of the standardised model, which is the function's value there.
Source: reference, functions 4 and 4.1; ML.WEIGHTS with `standardize` has the same intercept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._linear_sql import MAX_TERMS, MAX_WEIGHTS
from sqlml.models._spec import TooLargeForSql
from sqlml.models._terms_sql import by_code, check_single_valued, let
from sqlml.state import FloatArray


def baselines(weights: FloatArray, intercepts: FloatArray, layout: Layout) -> FloatArray:
    """The functions of the row that attributions are measured against, `[n_outputs]`."""
    return np.asarray(intercepts + weights @ _reference(layout))


def explanation_sql(weights: FloatArray, intercepts: FloatArray, layout: Layout, scores: str) -> str:
    """One explanation as DOUBLE[], see `models._spec.Explainer`.

    Args: scores, SQL of them: DOUBLE for one function, DOUBLE[] for several.
    Shapes: `weights[n_outputs, n_columns]`, `intercepts[n_outputs]`.
    Raises: TooLargeForSql, also for layouts with arrays.
    """
    check_single_valued(layout)
    if len(layout.terms) > MAX_TERMS or weights.size > MAX_WEIGHTS:
        raise TooLargeForSql
    starts = baselines(weights, intercepts, layout)
    if len(weights) == 1:
        return sql.call("list_value", scores, sql.literal(float(starts[0])), *_attributions(weights[0], layout, {}))

    def outputs(row: str) -> str:
        names = {index: f"{row}.value_{index}" for index in range(len(layout.terms))}
        of_class = [
            sql.call("list_value", sql.literal(float(start)), *_attributions(of_output, layout, names))
            for start, of_output in zip(starts, weights, strict=True)
        ]
        best = sql.call("list_position", f"{row}.scores", sql.call("list_max", f"{row}.scores"))
        return sql.call("list_concat", f"{row}.scores", sql.call("list_extract", sql.call("list_value", *of_class), best))

    # Terms are worked out once, not once per class.
    values = {f"value_{index}": _value(term) for index, term in enumerate(layout.terms)}
    return let("__sqlml_explained", {"scores": scores, **values}, outputs)


def explanations(
    weights: FloatArray, intercepts: FloatArray, layout: Layout, scores: Callable[[Any], NDArray[np.floating]]
) -> Callable[[Any], NDArray[np.float64]]:
    """The same from the learner's matrix, dense or sparse: features[n_rows, n_columns] -> explanations.

    Args: scores, of such a matrix: `[n_rows]` for one function, `[n_rows, n_outputs]` for several.
    """
    from scipy.sparse import csr_array

    n_columns, n_features = layout.n_columns, len(layout.features)
    places = (np.arange(n_columns), layout.feature_of_column)
    reference = _reference(layout)
    starts = baselines(weights, intercepts, layout)
    # Sparse matrices [n_columns, n_features], which sum the products of each feature's columns.
    sums = [csr_array((of_output, places), shape=(n_columns, n_features)) for of_output in weights]
    offsets = [reference @ of_feature for of_feature in sums]

    def explain(features: Any) -> NDArray[np.float64]:
        found = np.asarray(scores(features), np.float64).reshape(features.shape[0], -1)
        best = found.argmax(axis=1)
        result = np.empty((len(found), 1 + n_features))
        for output, (of_feature, offset) in enumerate(zip(sums, offsets, strict=True)):
            rows = np.flatnonzero(best == output)
            if len(rows):
                products = (features if len(rows) == len(found) else features[rows]) @ of_feature
                result[rows, 0] = starts[output]
                result[rows, 1:] = (products if isinstance(products, np.ndarray) else products.toarray()) - offset
        return np.hstack([found, result])

    return explain


def _reference(layout: Layout) -> FloatArray:
    """The learner's numbers of the row of means without categories, `[n_columns]`."""
    row = np.zeros(layout.n_columns)
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        if isinstance(term, NumericTerm):
            row[columns.start] = (term.mean - term.centre) / term.scale
    return row


def _value(term: NumericTerm | CategoryTerm | Any) -> str:
    """A number's distance from its mean, a category's code."""
    if isinstance(term, NumericTerm):
        return f"(coalesce({term.expression}, {sql.literal(term.mean)}) - {sql.literal(term.mean)})"
    return str(term.expression)


def _attributions(weights: FloatArray, layout: Layout, values: Mapping[int, str] = MappingProxyType({})) -> list[str]:
    """SQL of the attribution of each feature.

    Args: values, SQL of a term's `_value`, by its index, where that is not the term's own. Shapes: `weights[n_columns]`.
    """
    addends: dict[str, list[str]] = {name: [] for name in layout.features}
    for index, (term, columns) in enumerate(zip(layout.terms, layout.slices, strict=True)):
        of_term = weights[columns]
        if not of_term.any():
            continue
        value = values.get(index) or _value(term)
        if isinstance(term, NumericTerm):
            addends[term.column].append(f"{sql.literal(float(of_term[0] / term.scale))} * {value}")
            continue
        assert isinstance(term, CategoryTerm)
        numbers = of_term.tolist()
        if term.dropped is not None:
            numbers.insert(term.dropped, 0.0)
        addends[term.column].append(by_code(value, numbers, 0.0))
    return [sql.total(of_feature) if of_feature else sql.literal(0.0) for of_feature in addends.values()]
