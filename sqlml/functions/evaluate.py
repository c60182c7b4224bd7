"""ML.EVALUATE: how good the model is, on its evaluation rows or on data that the caller gives.

    SELECT * FROM ML.EVALUATE(MODEL churn, (SELECT * FROM customers WHERE year = 2026), STRUCT(0.7 AS threshold))

Without data it gives the metrics stored with the version, which training computed with the same SQL. Rows whose label is NULL, or no
class that the model
knows, cannot be judged and do not count.
Source: reference, functions 2.1.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from sqlml import sql
from sqlml.errors import DataError, NotSupportedError
from sqlml.functions._labels import code_sql, label_type
from sqlml.functions._settings import TRIAL_ID, check_threshold, threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Input, LoadedModel, Relation
from sqlml.metrics import clustering
from sqlml.metrics.classification import binary_metrics, multiclass_metrics
from sqlml.metrics.regression import regression_metrics
from sqlml.models._options import OptionError
from sqlml.models._spec import Task
from sqlml.types import DOUBLE, Column, Schema

METRICS = {
    Task.REGRESSION: (
        "mean_absolute_error", "mean_squared_error", "mean_squared_log_error", "median_absolute_error", "r2_score", "explained_variance",
    ),
    Task.CLASSIFICATION: ("precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc"),
    Task.CLUSTERING: ("davies_bouldin_index", "mean_squared_distance"),
    Task.DIMENSION_REDUCTION: ("total_explained_variance_ratio",),
    Task.PREPROCESSING: (),
}  # fmt: skip


def bind(call: BoundCall, context: CallContext) -> Relation:
    model = call.model
    names = METRICS[model.spec.task]
    schema = Schema(tuple(Column(name, DOUBLE) for name in names))
    check_threshold(model, call.settings)
    if call.data is None:
        if "threshold" in call.settings.given:
            raise OptionError(
                "threshold", "threshold needs data to evaluate on", code="option_not_applicable",
                hint="give TABLE t or (SELECT …) as the second argument",
            )  # fmt: skip
        stored = model.version.record.metrics
        row = {name: pa.array([stored.get(name)], pa.float64()) for name in names}
        return Relation(context.table(pa.table(row)), schema, "rows", "the metrics were computed when the model was trained")
    query, form = metrics_query(model, call.data, context, call.settings["threshold"])
    return Relation(query, schema, form)


def metrics_query(model: LoadedModel, data: Input, context: CallContext, threshold: float = 0.5) -> tuple[str, Literal["sql", "arrow"]]:
    """One row of metrics over `data` as SQL, and the form of the scores in it.

    Raises: DataError `missing_label`, `missing_feature`, `feature_type`; NotSupportedError `data_not_supported`.
    """
    if model.spec.task is Task.DIMENSION_REDUCTION:
        raise NotSupportedError(
            "ML.EVALUATE of a PCA model takes no data: its metric belongs to the rows that it was trained on", code="data_not_supported",
            hint="write ML.EVALUATE(MODEL m)",
        ).at(data.span)  # fmt: skip
    scores = context.scores(model, data)
    form, relation = scores.form, scores.data.relation
    if model.spec.task is Task.CLUSTERING:
        return clustering.clustering_metrics(f"SELECT {scores.sql} AS distances FROM {relation}", "distances", model.state.centroids), form
    label = data.schema.find(str(model.label))
    if label is None:
        raise DataError(
            f"the data to evaluate on lack the label {model.label}", code="missing_label",
            hint=f"they have {', '.join(data.schema.names[:8])}{', …' if len(data.schema) > 8 else ''}",
        ).at(data.span)  # fmt: skip
    name = scores.data.own(label.name)
    if model.spec.task is Task.REGRESSION:
        judged = f"SELECT {sql.cast(name, 'DOUBLE')} AS actual, {scores.sql} AS predicted FROM {relation} WHERE {name} IS NOT NULL"
        return regression_metrics(judged, "actual", "predicted"), form
    actual = code_sql(model.classes, label_type(model), name)
    judged = f"SELECT * FROM (SELECT {actual} AS actual, {scores.sql} AS score FROM {relation}) WHERE actual IS NOT NULL"
    if len(model.classes) == 2:
        return binary_metrics(judged, "(actual = 1)", "score", threshold), form
    best = f"CAST({sql.call('list_position', 'score', sql.call('list_aggregate', 'score', chr(39) + 'max' + chr(39)))} - 1 AS INTEGER)"
    return multiclass_metrics(judged, "actual", "score", best, len(model.classes)), form


SPEC = FunctionSpec(
    name="EVALUATE",
    doc="The model's metrics, on its evaluation rows or on the data given.",
    data="optional",
    settings=(threshold_setting(), TRIAL_ID),
    applies_to=lambda spec: spec.task.predicts,
    bind=bind,
)
