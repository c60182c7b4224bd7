"""ML.EVALUATE: how good the model is, on its evaluation rows or on data that the caller gives.

    SELECT * FROM ML.EVALUATE(MODEL churn, (SELECT * FROM customers WHERE year = 2026), STRUCT(0.7 AS threshold))

Without data it gives the metrics stored with the version, which training computed with the same SQL over the rows held out, or the training
rows where none are. Rows whose label is NULL, or no class that the model knows, cannot be judged and do not count. Without any row left
there is one row of NULLs.

Of two classes precision, recall and f1_score are those of the positive one (the higher: TRUE, 1), whatever the label's type; roc_auc is
NULL where the data have one class only, and precision is NaN where nothing is predicted positive. Of more classes they are macro averages
over the classes that occur. All equal scikit-learn's (zero_division: NaN for two classes, 0 for more).
PCA takes no data: what its components explain is of the rows that it was trained on.
Source: reference, functions 2.1.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from sqlml.errors import NotSupportedError
from sqlml.functions._scored import ACTUAL, BEST_CODE, SCORE, scored_rows
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

    Raises: DataError `missing_label`, `label_type`, `missing_feature`, `feature_type`; NotSupportedError `data_not_supported`.
    """
    if model.spec.task is Task.DIMENSION_REDUCTION:
        raise NotSupportedError(
            "ML.EVALUATE of a PCA model takes no data: its metric belongs to the rows that it was trained on", code="data_not_supported",
            hint="write ML.EVALUATE(MODEL m)",
        ).at(data.span)  # fmt: skip
    if model.spec.task is Task.CLUSTERING:
        scores = context.scores(model, data)
        distances = f"SELECT {scores.sql} AS distances FROM {scores.data.relation}"
        return clustering.clustering_metrics(distances, "distances", model.state.centroids), scores.form
    rows = scored_rows(model, data, context)
    if model.spec.task is Task.REGRESSION:
        return regression_metrics(rows.sql, ACTUAL, SCORE), rows.form
    if len(model.classes) == 2:
        return binary_metrics(rows.sql, f"({ACTUAL} = 1)", SCORE, threshold), rows.form
    return multiclass_metrics(rows.sql, ACTUAL, SCORE, BEST_CODE, len(model.classes)), rows.form


SPEC = FunctionSpec(
    name="EVALUATE",
    doc="The model's metrics, on its evaluation rows or on the data given.",
    data="optional",
    settings=(threshold_setting(), TRIAL_ID),
    applies_to=lambda spec: spec.task.predicts,
    bind=bind,
)
