"""The section "attributions": mean absolute attributions of the evaluation rows, for ML.GLOBAL_EXPLAIN.

Learned when the model is trained with enable_global_explain, by the SQL of ML.EXPLAIN_PREDICT. Above 10,000 rows about so many of them are
explained, chosen by their content: Shapley values of a forest take a millisecond a row and more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.features.array_statistics import stable
from sqlml.functions._kept import Kept, TrainedRows
from sqlml.functions._spec import Input, LoadedModel
from sqlml.functions.explain_predict import attributions_sql, predicted_code_sql, scores_sql
from sqlml.models._spec import Task
from sqlml.models._tree_options import approximate_from
from sqlml.state import FloatArray, damaged_state, floats, integers

MAX_ROWS = 10_000
MAX_PER_CLASS = 10
"""Features kept of each class, as many as BigQuery shows."""

_MOST_ROWS = 2**53
"""Up to here a count is exact as a DOUBLE."""


@dataclass(frozen=True)
class GlobalAttributions:
    """Means over the explained rows, and over those of each predicted class; regressors have no classes."""

    n_rows: int
    """Rows that were explained."""
    attributions: FloatArray = floats("n_features")
    """In the order of `Layout.features`."""
    class_rows: NDArray[np.int64] = integers("n_classes", ge=0)
    """Explained rows that the class was predicted for."""
    class_features: NDArray[np.int64] = integers("n_classes", "n_top", ge=0, lt="n_features")
    """The features of largest attribution, largest first."""
    class_attributions: FloatArray = floats("n_classes", "n_top")

    def check(self) -> None:
        if (self.attributions < 0.0).any() or (self.class_attributions < 0.0).any() or not 1 <= self.n_rows <= _MOST_ROWS:
            raise damaged_state("attributions are out of range")
        # Python's integers: the sum of int64 wraps around.
        if len(self.class_rows) and sum(self.class_rows.tolist()) != self.n_rows:
            raise damaged_state("the rows of the classes are not as many as all rows")
        if (np.diff(np.sort(self.class_features, axis=1), axis=1) == 0).any():
            raise damaged_state("a class has an attribution twice")


def _learn(model: LoadedModel, rows: TrainedRows) -> GlobalAttributions | None:
    explained = rows.answers.explanations(model, _sample(rows), approximate=_is_approximate(model))
    n_features, n_classes = len(explained.features), len(model.classes)
    score = scores_sql(model, "explained")
    code = predicted_code_sql(model, score, 0.5) if model.spec.task is Task.CLASSIFICATION else "0"
    places = f"{sql.call('unnest', sql.call('range', str(n_features)))} AS place"
    each = f"{sql.call('unnest', attributions_sql(model, 'explained'))} AS attribution"
    of_rows = f"SELECT {explained.sql} AS explained FROM {explained.data.relation}"
    query = f"SELECT {code} AS code, {places}, {each} FROM ({of_rows})"
    # Kahan's sums, rounded: the order of rows must not show.
    total = sql.call("fsum", sql.call("abs", "attribution"))
    found = rows.rows(f"SELECT code, place, {sql.call('count', '*')}, {total} FROM ({query}) GROUP BY code, place")
    if not found:
        return None
    counts, sums = np.zeros(max(1, n_classes), np.int64), np.zeros((max(1, n_classes), n_features))
    for group, place, count, value in found:
        counts[int(str(group))] = int(str(count))
        sums[int(str(group)), int(str(place))] = float(str(value))
    n_rows = int(counts.sum())
    top = _largest(sums[:n_classes], MAX_PER_CLASS)
    means = sums[:n_classes] / np.maximum(counts[:n_classes, None], 1)
    return GlobalAttributions(
        n_rows=n_rows,
        attributions=_stable(sums.sum(axis=0) / n_rows),
        class_rows=counts[:n_classes],
        class_features=top,
        class_attributions=_stable(np.take_along_axis(means, top, axis=1)),
    )


def _sample(rows: TrainedRows) -> Input:
    """The rows that are explained."""
    data = rows.evaluation
    if rows.n_evaluation <= MAX_ROWS:
        return data
    # The split chose by the hash of a row as well, so this one is another function of the row.
    digest = sql.call("hash", sql.literal("attributions"), *(sql.quote(name) for name in sorted(data.schema.names)))
    chosen = f"{digest} < CAST({int(MAX_ROWS / rows.n_evaluation * 2**64)} AS UBIGINT)"
    return Input(f"SELECT * FROM ({data.sql}) WHERE {chosen}", data.schema, data.span)


def _is_approximate(model: LoadedModel) -> bool:
    options = model.version.record.options
    if "approx_global_feature_contrib" not in options:
        return False
    given = options["approx_global_feature_contrib"]
    if given is not None:
        return bool(given)
    return int(str(options["num_parallel_tree"])) >= approximate_from(model.spec.model_type)


def _largest(values: FloatArray, n_top: int) -> NDArray[np.int64]:
    """The places of the largest values of each row in descending order, the first of equals first: `[n_rows, n_top]`."""
    return np.argsort(-values, axis=1, kind="stable")[:, :n_top].astype(np.int64)


def _stable(values: FloatArray) -> FloatArray:
    return np.array([stable(value) for value in values.ravel().tolist()]).reshape(values.shape)


KEPT = Kept(
    section="attributions",
    state=GlobalAttributions,
    applies=lambda spec, options: spec.explainer is not None and bool(options.get("enable_global_explain")),
    learn=_learn,
)
