"""ML.FEATURE_IMPORTANCE: how often, how well and over how many rows the trees of a model split by each input column.

    SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL churn) ORDER BY importance_gain DESC

One row per input column, in the order of the training query. A column that no tree splits by has zeros: XGBoost leaves it out, and whoever
joins this with ML.FEATURE_INFO would lose it. The categories of one column (one-hot encoding) count as that column. Under TRANSFORM the
columns are those of the training query, as in the reference; a split by what the clause makes of several columns counts for each of them.
Weights of DART's trees are not counted in, as in XGBoost.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, LoadedModel, Relation
from sqlml.models._xgboost.trees import TreeState
from sqlml.state import FloatArray
from sqlml.types import DOUBLE, VARCHAR, Column, Schema

_SCHEMA = Schema(
    (
        Column("feature", VARCHAR),
        Column("importance_weight", DOUBLE),
        Column("importance_gain", DOUBLE),
        Column("importance_cover", DOUBLE),
    )
)


def importances(state: TreeState, groups: NDArray[np.int64], n_groups: int) -> tuple[NDArray[np.float64], ...]:
    """Number of splits, mean gain per split and mean cover per split of each group of matrix columns.

    Shapes: `groups[n_features]`, the group of each matrix column; results `[n_groups]`.
    Source: XGBoost's Booster.get_score, `weight`, `gain` and `cover`; equal to 1e-5, since it sums in float32.
    """
    group_of_split = groups[state.features[state.is_split]]
    weights = np.bincount(group_of_split, minlength=n_groups).astype(np.float64)
    gains, covers = (
        np.bincount(group_of_split, weights=values[state.is_split].astype(np.float64), minlength=n_groups) / np.maximum(weights, 1.0)
        for values in (state.gains, state.covers)
    )
    return weights, gains, covers


def bind(call: BoundCall, context: CallContext) -> Relation:
    layout = call.model.layout
    names = list(dict.fromkeys(term.column for term in layout.terms))
    group_of_name = {name: index for index, name in enumerate(names)}
    groups = np.empty(layout.n_columns, np.int64)
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        groups[columns] = group_of_name[term.column]
    weights, gains, covers = importances(call.model.state, groups, len(names))
    if call.model.transform is not None:
        names, weights, gains, covers = _of_inputs(call.model, names, weights, gains, covers)
    rows = pa.table(
        {"feature": pa.array(names, pa.string()), "importance_weight": weights, "importance_gain": gains, "importance_cover": covers}
    )
    return Relation(context.table(rows), _SCHEMA, "rows", "read from the trees of the model")


def _of_inputs(
    model: LoadedModel, names: list[str], weights: FloatArray, gains: FloatArray, covers: FloatArray
) -> tuple[list[str], FloatArray, FloatArray, FloatArray]:
    """The importances of a TRANSFORM clause's outputs as those of the columns that it reads."""
    assert model.transform is not None
    inputs = [feature.name for feature in model.version.record.features]
    column_of = {term.column: column for term, column in zip(model.layout.terms, model.encoding.columns, strict=True)}
    reads = np.array([[name in model.transform.reads(column_of[output]) for output in names] for name in inputs], np.float64)
    splits = reads @ weights
    counted = np.maximum(splits, 1.0)
    return inputs, splits, reads @ (weights * gains) / counted, reads @ (weights * covers) / counted


SPEC = FunctionSpec(
    name="FEATURE_IMPORTANCE",
    doc="How often, how well and over how many rows the trees split by each feature.",
    data="none",
    settings=(),
    applies_to=lambda spec: spec.state is TreeState,
    bind=bind,
)
