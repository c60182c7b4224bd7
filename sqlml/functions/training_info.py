"""ML.TRAINING_INFO: how the loss went down while the model was trained, one row per iteration, the newest first.

    SELECT * FROM ML.TRAINING_INFO(MODEL churn)

`training_run` is 0: a version is trained once. k-means has no evaluation rows, hence no `eval_loss`, and shows its clusters after each
iteration.
Source: reference, functions 2.6.
"""

from __future__ import annotations

import pyarrow as pa

from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.models._spec import Task
from sqlml.training.data import Iteration
from sqlml.types import BIGINT, DOUBLE, Column, Schema, SqlType

_CLUSTER_INFO = SqlType("STRUCT(centroid_id BIGINT, cluster_radius DOUBLE, cluster_size BIGINT)[]")
_ARROW_CLUSTER_INFO = pa.list_(pa.struct({"centroid_id": pa.int64(), "cluster_radius": pa.float64(), "cluster_size": pa.int64()}))


def bind(call: BoundCall, context: CallContext) -> Relation:
    iterations = sorted(call.model.version.record.iterations, key=lambda iteration: -iteration.iteration)
    columns: dict[str, tuple[SqlType, pa.Array]] = {
        "training_run": (BIGINT, pa.array([0] * len(iterations), pa.int64())),
        "iteration": (BIGINT, pa.array([iteration.iteration for iteration in iterations], pa.int64())),
        "loss": (DOUBLE, pa.array([iteration.loss for iteration in iterations], pa.float64())),
        "eval_loss": (DOUBLE, pa.array([iteration.eval_loss for iteration in iterations], pa.float64())),
        "learning_rate": (DOUBLE, pa.array([iteration.learning_rate for iteration in iterations], pa.float64())),
        "duration_ms": (BIGINT, pa.array([iteration.duration_ms for iteration in iterations], pa.int64())),
    }
    if call.model.spec.task is Task.CLUSTERING:
        del columns["eval_loss"]
        columns["cluster_info"] = (_CLUSTER_INFO, pa.array(map(_clusters, iterations), _ARROW_CLUSTER_INFO))
    schema = Schema(tuple(Column(name, type_) for name, (type_, _) in columns.items()))
    rows = pa.table({name: values for name, (_, values) in columns.items()})
    return Relation(context.table(rows), schema, "rows", "recorded when the model was trained")


def _clusters(iteration: Iteration) -> list[dict[str, object]]:
    return [
        {"centroid_id": centroid_id, "cluster_radius": radius, "cluster_size": size}
        for centroid_id, radius, size in iteration.cluster_info or ()
    ]


SPEC = FunctionSpec(
    name="TRAINING_INFO",
    doc="The loss of every iteration, the newest first.",
    data="none",
    settings=(),
    applies_to=lambda spec: spec.task.predicts,
    bind=bind,
)
